# pragma version ~=0.4.3
"""
@title The referee of every operator but Linear and MatMul
@custom:contract-name RefereeRow
@license GNU Affero General Public License v3.0 only
@notice Documented in IReferee. Each element depends on at most one row of each input.
@custom:security No storage, no rights.
@custom:kill Cannot be stopped.
"""

from .interfaces import IReferee
from .modules import exp_tables
from .modules import opened_rows as rows
from .modules import referee_evidence as evidence_
from .modules import rounding

implements: IReferee

GATHER: constant(uint256) = 2
REQUANT: constant(uint256) = 5
LUT: constant(uint256) = 6
ADD_NORM: constant(uint256) = 7
SOFTMAX: constant(uint256) = 8
MEAN: constant(uint256) = 9
TRANSPOSE: constant(uint256) = 10
L2_NORM: constant(uint256) = 11
WINDOW: constant(uint256) = 12
MAX: constant(uint256) = 13

BY_ROW: constant(uint256) = 1
INT16: constant(uint256) = 2
INT32: constant(uint256) = 4
MAX_NORM_COLS: constant(uint256) = 1_024
INT16_MIN: constant(int256) = -(2**15)
INT16_MAX: constant(int256) = 2**15 - 1
LANE: constant(uint256) = 65_535
SIGNS: constant(uint256) = max_value(uint256) // (2**16 - 1) * 2**15
LAST_STEP: constant(uint256) = 4_095


@external
@view
def is_wrong(
    graph_leaf: Bytes[128],
    n: uint256,
    input_roots: bytes32[2],
    output_root: bytes32,
    weight_root: bytes32,
    evidence: Bytes[12288],
) -> bool:
    d: evidence_.Dispute = evidence_.parse(graph_leaf, n)
    assert d.opcode == GATHER or d.opcode >= REQUANT, evidence_.ERR_OPCODE
    d.size = len(evidence)
    assert d.size > 0, evidence_.ERR_EVIDENCE
    data: Bytes[rows.PADDED] = concat(evidence, empty(bytes32))
    if rows.number(data, 0, 1) != evidence_.SHOWN_ELEMENT:
        return evidence_.judge_form(d, output_root, data)
    d = evidence_.read_shapes(d, data)
    self._require_fitting(d)
    evidence_.require_element(d)
    out_at: uint256 = 0
    at: uint256 = 0
    out_at, at = rows.open(d.out, d.row, output_root, data, d.at, d.size)
    claimed: int256 = rows.signed(data, out_at + d.col * d.out.dtype, d.out.dtype)
    expected: int256 = 0
    if d.opcode == GATHER:
        expected, at = self._gather(d, input_roots[0], weight_root, data, at)
    elif d.opcode == REQUANT or d.opcode == LUT:
        expected, at = self._pointwise(d, input_roots[0], weight_root, data, at)
    elif d.opcode == ADD_NORM:
        expected, at = self._add_norm(d, input_roots, weight_root, data, at)
    elif d.opcode == WINDOW:
        expected, at = self._window(d, input_roots[0], data, at)
    else:
        expected, at = self._row(d, input_roots[0], data, at)
    assert at == d.size, evidence_.ERR_EVIDENCE
    return expected != claimed


@internal
@pure
def _require_fitting(d: evidence_.Dispute):
    """
    @notice Checks the shapes of what an operator reads (shapes.py). Errors: "graph: shape", "graph: scalar".
    """
    if d.opcode == GATHER:
        self._require_gather(d)
    elif d.opcode == REQUANT:
        evidence_.require_tensors(d, 1, 1)
        evidence_.require_requant(d)
        assert d.reads[0].rows == d.out.rows and d.reads[0].cols == d.out.cols, evidence_.ERR_SHAPE
        mult: rows.Shape = d.params[0]
        assert mult.dtype == INT32 and mult.cols == 1, evidence_.ERR_SHAPE
        assert mult.rows == d.out.cols or mult.rows == 1, evidence_.ERR_SHAPE
    elif d.opcode == LUT:
        evidence_.require_tensors(d, 1, 1)
        evidence_.require_table(d, 0)
        self._require_same(d)
    elif d.opcode == ADD_NORM:
        evidence_.require_tensors(d, 2, 1)
        evidence_.require_shift(d.shift)
        self._require_same(d)
        assert d.out.cols <= MAX_NORM_COLS, evidence_.ERR_SHAPE
        norm: rows.Shape = d.params[0]
        assert norm.dtype == INT32 and norm.rows == d.out.cols and norm.cols == 2, evidence_.ERR_SHAPE
    else:
        evidence_.require_tensors(d, 1, 0)
        x: rows.Shape = d.reads[0]
        if d.opcode == SOFTMAX or d.opcode == L2_NORM:
            self._require_same(d)
        elif d.opcode == WINDOW:
            self._require_window(d)
        else:
            assert x.dtype == d.out.dtype, evidence_.ERR_SHAPE
            if d.opcode == MEAN:
                assert d.out.rows == 1 and d.out.cols == x.rows, evidence_.ERR_SHAPE
            elif d.opcode == TRANSPOSE:
                assert d.out.rows == x.cols and d.out.cols == x.rows, evidence_.ERR_SHAPE
            else:
                assert d.groups > 0, evidence_.ERR_SCALAR
                assert x.rows == d.out.rows and x.cols == d.out.cols * d.groups, evidence_.ERR_SHAPE


@internal
@pure
def _require_gather(d: evidence_.Dispute):
    inputs: uint256 = 1
    if d.mode == BY_ROW:
        inputs = 0
    evidence_.require_tensors(d, inputs, 1)
    table: rows.Shape = d.params[0]
    assert table.dtype == d.out.dtype and table.cols == d.out.cols, evidence_.ERR_SHAPE
    if d.mode == BY_ROW:
        assert d.out.rows <= table.rows, evidence_.ERR_SHAPE
        return
    assert d.mode == 0, evidence_.ERR_SCALAR
    assert d.reads[0].rows == d.out.rows, evidence_.ERR_SHAPE
    assert d.column < d.reads[0].cols, evidence_.ERR_SCALAR


@internal
@pure
def _require_window(d: evidence_.Dispute):
    x: rows.Shape = d.reads[0]
    assert min(min(d.width, d.out_width), min(d.kernel, d.stride)) > 0, evidence_.ERR_SCALAR
    assert d.out.dtype == x.dtype and x.rows % d.width == 0, evidence_.ERR_SHAPE
    assert d.out.rows % d.out_width == 0 and d.out.cols % (d.kernel * x.cols) == 0, evidence_.ERR_SHAPE


@internal
@pure
def _require_same(d: evidence_.Dispute):
    assert d.out.dtype == INT16, evidence_.ERR_SHAPE
    for i: uint256 in range(d.inputs, bound=2):
        x: rows.Shape = d.reads[i]
        assert x.dtype == INT16 and x.rows == d.out.rows and x.cols == d.out.cols, evidence_.ERR_SHAPE


@internal
@pure
def _gather(
    d: evidence_.Dispute, input_root: bytes32, weight_root: bytes32, data: Bytes[rows.PADDED], start: uint256
) -> (int256, uint256):
    row: uint256 = d.row
    at: uint256 = start
    row_at: uint256 = 0
    if d.mode != BY_ROW:
        x: rows.Shape = d.reads[0]
        row_at, at = rows.open(x, d.row, input_root, data, at, d.size)
        id: int256 = rows.signed(data, row_at + d.column * x.dtype, x.dtype)
        row = convert(rounding.clamp(id, 0, convert(d.params[0].rows, int256) - 1), uint256)
    row_at, at = evidence_.open_weight(d, 0, row, weight_root, data, at)
    return rows.signed(data, row_at + d.col * d.out.dtype, d.out.dtype), at


@internal
@pure
def _pointwise(
    d: evidence_.Dispute, input_root: bytes32, weight_root: bytes32, data: Bytes[rows.PADDED], start: uint256
) -> (int256, uint256):
    row_at: uint256 = 0
    at: uint256 = 0
    row_at, at = rows.open(d.reads[0], d.row, input_root, data, start, d.size)
    kind: uint256 = d.reads[0].dtype
    x: int256 = rows.signed(data, row_at + d.col * kind, kind)
    if d.opcode == LUT:
        return evidence_.look_up(d, 0, x, weight_root, data, at)
    channel: uint256 = d.col
    if d.params[0].rows == 1:
        channel = 0
    row_at, at = evidence_.open_weight(d, 0, channel, weight_root, data, at)
    y: int256 = rounding.rshr(x * rows.signed(data, row_at, 4), d.shift)
    return rounding.clamp(y, d.lo, d.hi), at


@internal
@pure
def _add_norm(
    d: evidence_.Dispute,
    input_roots: bytes32[2],
    weight_root: bytes32,
    data: Bytes[rows.PADDED],
    start: uint256,
) -> (int256, uint256):
    a_at: uint256 = 0
    b_at: uint256 = 0
    w_at: uint256 = 0
    at: uint256 = 0
    a_at, at = rows.open(d.reads[0], d.row, input_roots[0], data, start, d.size)
    b_at, at = rows.open(d.reads[1], d.row, input_roots[1], data, at, d.size)
    total: int256 = 0
    squares: int256 = 0
    total, squares = self._moments(data, a_at, b_at, d.out.cols)
    count: int256 = convert(d.out.cols, int256)
    root: uint256 = max(isqrt(convert(count * (count * squares - total * total), uint256)), 1)
    x: int256 = rows.signed(data, a_at + 2 * d.col, 2) + rows.signed(data, b_at + 2 * d.col, 2)
    z: int256 = rounding.rshr((count * x - total) * convert(2**46 // root, int256), 26)
    w_at, at = evidence_.open_weight(d, 0, d.col, weight_root, data, at)
    y: int256 = z * rows.signed(data, w_at, 4) + rows.signed(data, w_at + 4, 4)
    return rounding.clamp(rounding.rshr(y, d.shift), INT16_MIN, INT16_MAX), at


@internal
@pure
def _moments(data: Bytes[rows.PADDED], a_at: uint256, b_at: uint256, count: uint256) -> (int256, int256):
    """
    @notice Returns the sum and the sum of squares of the sums of two rows of int16.
    @dev Elements become unsigned by an offset of 2^15, so that a sum of two has one of 2^16.
    """
    total: uint256 = 0
    squares: uint256 = 0
    left: uint256 = count
    for word: uint256 in range(128):
        if left == 0:
            break
        a: uint256 = extract32(data, unsafe_add(a_at, unsafe_mul(32, word)), output_type=uint256) ^ SIGNS
        b: uint256 = extract32(data, unsafe_add(b_at, unsafe_mul(32, word)), output_type=uint256) ^ SIGNS
        lanes: uint256 = min(left, 16)
        spare: uint256 = unsafe_sub(256, unsafe_mul(16, lanes))
        a >>= spare
        b >>= spare
        for _i: uint256 in range(lanes, bound=16):
            x: uint256 = unsafe_add(a & LANE, b & LANE)
            total = unsafe_add(total, x)
            squares = unsafe_add(squares, unsafe_mul(x, x))
            a >>= 16
            b >>= 16
        left = unsafe_sub(left, lanes)
    sum: int256 = convert(total, int256) - convert(65_536 * count, int256)
    squared: int256 = convert(squares, int256) - convert(131_072 * total, int256)
    return sum, squared + convert(2**32 * count, int256)


@internal
@pure
def _row(
    d: evidence_.Dispute, input_root: bytes32, data: Bytes[rows.PADDED], start: uint256
) -> (int256, uint256):
    """
    @notice Computes an element of an operator that reads one row and no weights.
    """
    x: rows.Shape = d.reads[0]
    row: uint256 = d.row
    if d.opcode == MEAN or d.opcode == TRANSPOSE:
        row = d.col
    row_at: uint256 = 0
    at: uint256 = 0
    row_at, at = rows.open(x, row, input_root, data, start, d.size)
    if d.opcode == SOFTMAX:
        return self._softmax(data, row_at, x.cols, d.col), at
    if d.opcode == L2_NORM:
        return self._l2_norm(data, row_at, x.cols, d.col), at
    if d.opcode == TRANSPOSE:
        return rows.signed(data, row_at + d.row * x.dtype, x.dtype), at
    if d.opcode == MEAN:
        return self._mean(data, row_at, x), at
    largest: int256 = min_value(int256)
    for i: uint256 in range(d.groups, bound=4096):
        column: uint256 = d.col + i * d.out.cols
        largest = max(largest, rows.signed(data, row_at + column * x.dtype, x.dtype))
    return largest, at


@internal
@pure
def _mean(data: Bytes[rows.PADDED], row_at: uint256, x: rows.Shape) -> int256:
    total: int256 = 0
    for i: uint256 in range(x.cols, bound=4096):
        total = unsafe_add(total, rows.signed(data, row_at + i * x.dtype, x.dtype))
    count: int256 = convert(x.cols, int256)
    whole: int256 = 2**40  # makes the dividend positive, so that the division rounds down
    return (2 * total + count + 2 * count * whole) // (2 * count) - whole


@internal
@pure
def _l2_norm(data: Bytes[rows.PADDED], row_at: uint256, count: uint256, col: uint256) -> int256:
    squares: uint256 = 0
    for i: uint256 in range(count, bound=2048):
        v: int256 = extract32(data, unsafe_add(row_at, unsafe_mul(2, i)), output_type=int256) >> 240
        squares = unsafe_add(squares, convert(unsafe_mul(v, v), uint256))
    scale: int256 = convert(2**46 // max(isqrt(squares), 1), int256)
    y: int256 = rounding.rshr(rows.signed(data, row_at + 2 * col, 2) * scale, 31)
    return rounding.clamp(y, INT16_MIN, INT16_MAX)


@internal
@pure
def _softmax(data: Bytes[rows.PADDED], row_at: uint256, count: uint256, col: uint256) -> int256:
    coarse: uint256[64] = exp_tables.COARSE
    fine: uint256[64] = exp_tables.FINE
    largest: uint256 = 0
    for i: uint256 in range(count, bound=2048):
        v: uint256 = (extract32(data, unsafe_add(row_at, unsafe_mul(2, i)), output_type=uint256) >> 240) ^ 32_768
        largest = max(largest, v)
    total: uint256 = 0
    own: uint256 = 0
    for i: uint256 in range(count, bound=2048):
        v: uint256 = (extract32(data, unsafe_add(row_at, unsafe_mul(2, i)), output_type=uint256) >> 240) ^ 32_768
        step: uint256 = min(unsafe_sub(largest, v), LAST_STEP)
        e: uint256 = unsafe_add(unsafe_mul(coarse[step >> 6], fine[step & 63]), 16_384) >> 15
        total = unsafe_add(total, e)
        if i == col:
            own = e
    y: int256 = rounding.rshr(convert(own * (2**39 // total), int256), 25)
    return min(y, 16_383)


@internal
@pure
def _window(
    d: evidence_.Dispute, input_root: bytes32, data: Bytes[rows.PADDED], start: uint256
) -> (int256, uint256):
    x: rows.Shape = d.reads[0]
    pad: int256 = convert(d.pad, int256)
    down: int256 = convert(d.row // d.out_width * d.stride + d.col // (d.kernel * x.cols), int256) - pad
    across: int256 = convert(d.row % d.out_width * d.stride + (d.col // x.cols) % d.kernel, int256) - pad
    width: int256 = convert(d.width, int256)
    if down < 0 or down >= convert(x.rows // d.width, int256) or across < 0 or across >= width:
        return 0, start
    row_at: uint256 = 0
    at: uint256 = 0
    row_at, at = rows.open(x, convert(down * width + across, uint256), input_root, data, start, d.size)
    return rows.signed(data, row_at + (d.col % x.cols) * x.dtype, x.dtype), at
