# pragma version ~=0.4.3
"""
@title Which shapes and scalars fit together
@custom:contract-name operator_rules
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/graph/shapes.py: the rules that several operators share.
"""

from . import disputed_operator as operator

MAX_SHIFT: constant(uint256) = 62
MAX_TABLE_COLS: constant(uint256) = 256
INT8: constant(uint256) = 1
INT16: constant(uint256) = 2
INT32: constant(uint256) = 4

ERR_SHAPE: constant(String[32]) = "graph: shape"
ERR_SCALAR: constant(String[32]) = "graph: scalar"


@internal
@pure
def require_tensors(d: operator.Dispute, inputs: uint256, weights: uint256):
    """
    @notice Checks how many tensors an operator reads, and that each is one. Errors: "graph: shape".
    @param d The operator and its shapes.
    @param inputs How many predecessors it has to have.
    @param weights How many weight tensors.
    """
    assert d.inputs == inputs and d.weights == weights, ERR_SHAPE
    for i: uint256 in range(inputs, bound=2):
        assert operator.is_integers(d.shapes[operator.A + i]), ERR_SHAPE
    for i: uint256 in range(weights, bound=2):
        assert operator.is_tensor(d.shapes[operator.W0 + i]), ERR_SHAPE


@internal
@pure
def require_requant(d: operator.Dispute):
    """
    @notice Checks shift and clamp of a requant step. Errors: "graph: scalar".
    @param d The operator.
    """
    self.require_shift(d.shift)
    low: int256 = -(2**31)
    high: int256 = 2**31 - 1
    if d.shapes[operator.OUT].dtype == INT8:
        low = -127
        high = 127
    elif d.shapes[operator.OUT].dtype == INT16:
        low = -(2**15)
        high = 2**15 - 1
    assert low <= d.lo and d.lo <= d.hi and d.hi <= high, ERR_SCALAR


@internal
@pure
def require_shift(bits: uint256):
    """
    @notice Checks a shift. Errors: "graph: scalar".
    @param bits The shift.
    """
    assert bits > 0 and bits <= MAX_SHIFT, ERR_SCALAR


@internal
@pure
def require_table(d: operator.Dispute, which: uint256):
    """
    @notice Checks the table of a Lut. Errors: "graph: scalar", "graph: shape".
    @param d The operator and its shapes.
    @param which The table's place.
    """
    assert d.tails <= 1 and d.lut_bits <= 15 and d.lut_step <= d.lut_bits, ERR_SCALAR
    table: operator.Shape = d.shapes[which]
    assert table.dtype == INT16 and table.cols <= MAX_TABLE_COLS, ERR_SHAPE
    assert table.rows * table.cols == 1 << (d.lut_bits + 1 - d.lut_step), ERR_SHAPE


@internal
@pure
def require_same(d: operator.Dispute):
    """
    @notice Checks that output and inputs are int16 of one shape. Errors: "graph: shape".
    @param d The operator and its shapes.
    """
    out: operator.Shape = d.shapes[operator.OUT]
    assert out.dtype == INT16, ERR_SHAPE
    for i: uint256 in range(d.inputs, bound=2):
        x: operator.Shape = d.shapes[operator.A + i]
        assert x.dtype == INT16 and x.rows == out.rows and x.cols == out.cols, ERR_SHAPE


@internal
@pure
def require_words(d: operator.Dispute, rows: uint256, cols: uint256):
    """
    @notice Checks that the first weight tensor is int32 of a shape. Errors: "graph: shape".
    @param d The operator and its shapes.
    @param rows Its rows.
    @param cols Its columns.
    """
    words: operator.Shape = d.shapes[operator.W0]
    assert words.dtype == INT32 and words.rows == rows and words.cols == cols, ERR_SHAPE
