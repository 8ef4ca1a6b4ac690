# pragma version ~=0.4.3
"""
@title The operator that is judged
@custom:contract-name disputed_operator
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/graph/operators.py: the 48 bytes of a graph's leaf, and what evidence adds to them.
"""

from . import tensor_shapes

OPERATOR_BYTES: constant(uint256) = 48
OPCODES: constant(uint256) = 13
INPUT: constant(uint256) = 1
NOTHING: constant(uint256) = 2**16 - 1
PER_ROW: constant(uint256) = 1 << 31
MAX_ROWS: constant(uint256) = 2**20

# @dev Places of the tensors, in the order in which evidence opens them.
OUT: constant(uint256) = 0
A: constant(uint256) = 1
B: constant(uint256) = 2
W0: constant(uint256) = 3
W1: constant(uint256) = 4
TENSORS: constant(uint256) = 5

ERR_LEAF: constant(String[32]) = "graph: leaf"
ERR_SHAPE: constant(String[32]) = "graph: shape"
ERR_OPCODE: constant(String[32]) = "referee: opcode"


# @dev A tensor's shape; all zero for none.
struct Shape:
    dtype: uint256
    rows: uint256
    cols: uint256


# @dev An operator; the shapes of its tensors; the element; where its rows begin in the calldata, where reading has come
#      and where the evidence begins and ends there; a value that was needed to know which row to open.
struct Dispute:
    opcode: uint256
    mode: uint256
    shift: uint256
    shift2: uint256
    tails: uint256
    lut_bits: uint256
    lut_step: uint256
    groups: uint256
    lo: int256
    hi: int256
    column: uint256
    width: uint256
    out_width: uint256
    kernel: uint256
    stride: uint256
    pad: uint256
    inputs: uint256
    weights: uint256
    weight_index: uint256[2]
    has_lut: bool
    shapes: Shape[TENSORS]
    weight_count: uint256
    row: uint256
    col: uint256
    at: uint256[TENSORS]
    start: uint256
    next: uint256
    end: uint256
    value: int256


@internal
@pure
def parse(leaf: Bytes[128], n: uint256) -> Dispute:
    """
    @notice Returns an operator for an input of n rows. Errors: "graph: leaf", "referee: opcode", "graph: shape".
    @param leaf Its 48 bytes.
    @param n Rows of the task's input.
    """
    assert len(leaf) == OPERATOR_BYTES, ERR_LEAF
    head: uint256 = extract32(leaf, 0, output_type=uint256)
    tail: uint256 = extract32(leaf, 16, output_type=uint256)
    limits: int256 = extract32(leaf, 16, output_type=int256)
    d: Dispute = empty(Dispute)
    d.opcode = (head >> 232) & 255
    assert d.opcode > 0 and d.opcode <= OPCODES, ERR_LEAF
    assert d.opcode != INPUT, ERR_OPCODE
    d.shapes[OUT] = Shape(dtype=(head >> 224) & 255, rows=self._dim(head >> 192, n), cols=self._dim(head >> 160, n))
    assert self.is_integers(d.shapes[OUT]), ERR_SHAPE
    if (head >> 144) & NOTHING != NOTHING:
        d.inputs += 1
    if (head >> 128) & NOTHING != NOTHING:
        d.inputs += 1
    d.has_lut = (tail >> 224) & NOTHING != NOTHING
    if tail >> 240 != NOTHING:
        d.weight_index[0] = tail >> 240
        d.weights = 1
    if d.has_lut:
        d.weight_index[d.weights] = (tail >> 224) & NOTHING
        d.weights += 1
    d.mode = (tail >> 216) & 255
    d.shift = (tail >> 208) & 255
    d.shift2 = (tail >> 200) & 255
    d.tails = (tail >> 192) & 255
    d.lut_bits = (tail >> 184) & 255
    d.lut_step = (tail >> 176) & 255
    d.groups = (tail >> 160) & NOTHING
    d.lo = (limits << 96) >> 224
    d.hi = (limits << 128) >> 224
    d.column = (tail >> 80) & NOTHING
    d.width = (tail >> 64) & NOTHING
    d.out_width = (tail >> 48) & NOTHING
    d.kernel = (tail >> 40) & 255
    d.stride = (tail >> 32) & 255
    d.pad = (tail >> 24) & 255
    return d


@internal
@pure
def _dim(raw: uint256, n: uint256) -> uint256:
    value: uint256 = raw & (2**32 - 1)
    if value >= PER_ROW:
        return (value - PER_ROW) * n
    return value


@internal
@pure
def is_tensor(shape: Shape) -> bool:
    """
    @notice Whether a tensor of a graph may have a shape.
    @param shape The shape.
    """
    return shape.rows <= MAX_ROWS and tensor_shapes.row_bytes(shape.dtype, shape.rows, shape.cols) > 0


@internal
@pure
def is_integers(shape: Shape) -> bool:
    """
    @notice Whether an operator's output may have a shape.
    @param shape The shape.
    """
    return shape.dtype != 0 and self.is_tensor(shape)
