# pragma version ~=0.4.3
"""
@title Evidence about one operator
@custom:contract-name referee_evidence
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/graph/referee.py up to the arithmetic: the graph leaf, the shapes, the openings, and evidence that needs
        no arithmetic.
"""

from . import opened_rows as rows
from . import rounding
from . import tensor_shapes

NOTHING: constant(uint256) = 2**16 - 1
PER_ROW: constant(uint256) = 1 << 31
MAX_SHIFT: constant(uint256) = 62
SHAPE_BYTES: constant(uint256) = 9
OPERATOR_BYTES: constant(uint256) = 48
OPCODES: constant(uint256) = 13
INPUT: constant(uint256) = 1

SHOWN_SHAPE: constant(uint256) = 0
SHOWN_LEAF: constant(uint256) = 1
SHOWN_ELEMENT: constant(uint256) = 2

ERR_LEAF: constant(String[32]) = "graph: leaf"
ERR_SHAPE: constant(String[32]) = "graph: shape"
ERR_SCALAR: constant(String[32]) = "graph: scalar"
ERR_OPCODE: constant(String[32]) = "referee: opcode"
ERR_EVIDENCE: constant(String[32]) = "referee: evidence"
ERR_ELEMENT: constant(String[32]) = "referee: element"
ERR_PATH: constant(String[32]) = "referee: path"


# @dev An operator with its shapes, the element that is judged, and where reading has come.
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
    weight_index: uint256[2]
    weights: uint256
    out: rows.Shape
    reads: rows.Shape[2]
    params: rows.Shape[2]
    weight_count: uint256
    row: uint256
    col: uint256
    at: uint256
    size: uint256


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
    d: Dispute = empty(Dispute)
    d.opcode = (head >> 232) & 255
    assert d.opcode > 0 and d.opcode <= OPCODES, ERR_LEAF
    assert d.opcode != INPUT, ERR_OPCODE
    d.out = rows.Shape(dtype=(head >> 224) & 255, rows=self._dim(head >> 192, n), cols=self._dim(head >> 160, n))
    if (head >> 144) & NOTHING != NOTHING:
        d.inputs += 1
    if (head >> 128) & NOTHING != NOTHING:
        d.inputs += 1
    for i: uint256 in range(2):
        index: uint256 = (tail >> (240 - 16 * i)) & NOTHING
        if index != NOTHING:
            d.weight_index[d.weights] = index
            d.weights += 1
    d.mode = (tail >> 216) & 255
    d.shift = (tail >> 208) & 255
    d.shift2 = (tail >> 200) & 255
    d.tails = (tail >> 192) & 255
    d.lut_bits = (tail >> 184) & 255
    d.lut_step = (tail >> 176) & 255
    d.groups = (tail >> 160) & NOTHING
    limits: int256 = extract32(leaf, 16, output_type=int256)
    d.lo = (limits << 96) >> 224
    d.hi = (limits << 128) >> 224
    d.column = (tail >> 80) & NOTHING
    d.width = (tail >> 64) & NOTHING
    d.out_width = (tail >> 48) & NOTHING
    d.kernel = (tail >> 40) & 255
    d.stride = (tail >> 32) & 255
    d.pad = (tail >> 24) & 255
    assert rows.is_integers(d.out), ERR_SHAPE
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
def judge_form(d: Dispute, output_root: bytes32, data: Bytes[rows.PADDED]) -> bool:
    """
    @notice Judges evidence that needs no arithmetic: another shape, or a leaf of another length.
    @dev Errors: "referee: evidence", "referee: element", "referee: path".
    @param d The operator; `size` is the evidence's length.
    @param output_root What is committed.
    @param data The padded evidence; its first byte says which.
    """
    kind: uint256 = rows.number(data, 0, 1)
    assert kind <= SHOWN_LEAF, ERR_EVIDENCE
    if kind == SHOWN_SHAPE:
        assert d.size == 1 + SHAPE_BYTES + 32, ERR_EVIDENCE
        shape: rows.Shape = rows.shape_at(data, 1)
        top: bytes32 = extract32(data, 1 + SHAPE_BYTES)
        assert tensor_shapes.root(shape.dtype, shape.rows, shape.cols, top) == output_root, ERR_PATH
        return shape.dtype != d.out.dtype or shape.rows != d.out.rows or shape.cols != d.out.cols
    assert d.size >= 5, ERR_EVIDENCE
    index: uint256 = rows.number(data, 1, 4)
    assert index < tensor_shapes.leaf_count(d.out.dtype, d.out.rows, d.out.cols), ERR_ELEMENT
    leaf_at: uint256 = 5 + 32 * rows.steps(d.out, index)
    assert leaf_at <= d.size, ERR_EVIDENCE
    leaf: bytes32 = sha256(concat(0x2400, slice(data, leaf_at, d.size - leaf_at)))
    root: bytes32 = empty(bytes32)
    end: uint256 = 0
    root, end = rows.climb(d.out, index, leaf, data, 5, d.size)
    assert root == output_root, ERR_PATH
    return d.size - leaf_at != rows.leaf_bytes(d.out)


@internal
@pure
def read_shapes(dispute: Dispute, data: Bytes[rows.PADDED]) -> Dispute:
    """
    @notice Returns the operator with the element that is judged and the shapes it reads.
    @dev Errors: "referee: evidence", "graph: shape" (one that no tensor has).
    @param dispute The operator; `size` is the evidence's length.
    @param data The padded evidence.
    """
    d: Dispute = dispute
    counted: uint256 = 0
    if d.weights > 0:
        counted = 2
    d.at = 9 + SHAPE_BYTES * (d.inputs + d.weights) + counted
    assert rows.number(data, 0, 1) == SHOWN_ELEMENT and d.at <= d.size, ERR_EVIDENCE
    d.row = rows.number(data, 1, 4)
    d.col = rows.number(data, 5, 4)
    for i: uint256 in range(d.inputs, bound=2):
        d.reads[i] = rows.shape_at(data, 9 + SHAPE_BYTES * i)
    if counted > 0:
        d.weight_count = rows.number(data, 9 + SHAPE_BYTES * d.inputs, 2)
    for i: uint256 in range(d.weights, bound=2):
        d.params[i] = rows.shape_at(data, 11 + SHAPE_BYTES * (d.inputs + i))
    return d


@internal
@pure
def require_tensors(d: Dispute, inputs: uint256, weights: uint256):
    """
    @notice Checks how many tensors an operator reads, and that each is one. Errors: "graph: shape".
    @param d The operator and its shapes.
    @param inputs How many predecessors it has to have.
    @param weights How many weight tensors.
    """
    assert d.inputs == inputs and d.weights == weights, ERR_SHAPE
    for i: uint256 in range(inputs, bound=2):
        assert rows.is_integers(d.reads[i]), ERR_SHAPE
    for i: uint256 in range(weights, bound=2):
        assert rows.is_tensor(d.params[i]), ERR_SHAPE


@internal
@pure
def require_requant(d: Dispute):
    """
    @notice Checks shift and clamp of a requant step. Errors: "graph: scalar".
    @param d The operator.
    """
    self.require_shift(d.shift)
    low: int256 = -(2**31)
    high: int256 = 2**31 - 1
    if d.out.dtype == 1:
        low = -127
        high = 127
    elif d.out.dtype == 2:
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
def require_table(d: Dispute, which: uint256):
    """
    @notice Checks the table of a Lut. Errors: "graph: scalar", "graph: shape".
    @param d The operator and its shapes.
    @param which Which weight tensor it is.
    """
    assert d.tails <= 1 and d.lut_bits <= 15 and d.lut_step <= d.lut_bits, ERR_SCALAR
    table: rows.Shape = d.params[which]
    assert table.dtype == 2 and table.cols <= 256, ERR_SHAPE
    assert table.rows * table.cols == 1 << (d.lut_bits + 1 - d.lut_step), ERR_SHAPE


@internal
@pure
def require_element(d: Dispute):
    """
    @notice Checks that the output has the element that is judged. Errors: "referee: element".
    @param d The operator and the element.
    """
    assert d.row < d.out.rows and d.col < d.out.cols, ERR_ELEMENT


@internal
@pure
def open_weight(d: Dispute, which: uint256, row: uint256, root: bytes32, data: Bytes[rows.PADDED], at: uint256) -> (uint256, uint256):
    """
    @notice Opens a row of a weight tensor, and the tensor under the weight root.
    @dev Errors: "referee: evidence" (too short), "referee: path" (another root).
    @param d The operator and its shapes.
    @param which Which weight tensor.
    @param row Which row.
    @param root The weight root.
    @param data The padded evidence.
    @param at Where the opening begins.
    @return Where the row begins, and where the next opening does.
    """
    node: bytes32 = empty(bytes32)
    row_at: uint256 = 0
    end: uint256 = 0
    node, row_at, end = rows.open_any(d.params[which], row, data, at, d.size)
    position: uint256 = d.weight_index[which]
    width: uint256 = d.weight_count
    assert position < width, ERR_PATH
    node = sha256(concat(0x2700, node))
    for _level: uint256 in range(16):
        if width == 1:
            break
        if position & 1 == 1 or position + 1 < width:
            assert end + 32 <= d.size, ERR_EVIDENCE
            sibling: bytes32 = extract32(data, end)
            if position & 1 == 1:
                node = sha256(concat(0x2701, sibling, node))
            else:
                node = sha256(concat(0x2701, node, sibling))
            end += 32
        position >>= 1
        width = (width + 1) >> 1
    assert sha256(concat(0x2702, convert(convert(d.weight_count, uint32), bytes4), node)) == root, ERR_PATH
    return row_at, end


@internal
@pure
def look_up(
    d: Dispute, which: uint256, x: int256, root: bytes32, data: Bytes[rows.PADDED], at: uint256
) -> (int256, uint256):
    """
    @notice Looks a value up in the table of a Lut; the entry's row is opened also where x is outside.
    @param d The operator and its shapes.
    @param which Which weight tensor is the table.
    @param x The value.
    @param root The weight root.
    @param data The padded evidence.
    @param at Where the opening begins.
    @return The entry, and where the next opening begins.
    """
    half: int256 = 1 << d.lut_bits
    table: rows.Shape = d.params[which]
    last: int256 = convert(table.rows * table.cols, int256) - 1
    index: uint256 = convert(rounding.clamp((x + half) >> d.lut_step, 0, last), uint256)
    row_at: uint256 = 0
    end: uint256 = 0
    row_at, end = self.open_weight(d, which, index // table.cols, root, data, at)
    entry: int256 = rows.signed(data, row_at + 2 * (index % table.cols), 2)
    if d.tails == 1 or (x >= -half and x < half):
        return entry, end
    return x if x >= half else 0, end
