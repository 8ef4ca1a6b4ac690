# pragma version ~=0.4.3
"""
@title The referee of Linear and MatMul
@custom:contract-name RefereeLinear
@license GNU Affero General Public License v3.0 only
@notice Documented in IReferee. Products of int8 are taken 32 at a time: bytes become unsigned by an offset of 128, four
        rounds of a multiplication of eight 32-bit limbs by eight limbs in reverse leave the sum in the top limb.
@custom:security No storage, no rights.
@custom:kill Cannot be stopped.
"""

from .interfaces import IReferee
from .modules import opened_rows as rows
from .modules import referee_evidence as evidence_
from .modules import rounding

implements: IReferee

LINEAR: constant(uint256) = 3
MATMUL: constant(uint256) = 4
TRANSPOSED: constant(uint256) = 1
COLUMNS: constant(uint256) = 0
ROWS: constant(uint256) = 1

# @dev One pattern repeated: 0x80 in every byte; 0xff in every 4th and every 2nd; the lower half of 128, 64 bits.
OFFSET: constant(uint256) = max_value(uint256) // (2**8 - 1) * 128
LANES: constant(uint256) = max_value(uint256) // (2**32 - 1) * 255
PAIRS: constant(uint256) = max_value(uint256) // (2**16 - 1) * 255
HALF: constant(uint256) = 2**128 - 1
QUARTERS: constant(uint256) = max_value(uint256) // (2**128 - 1) * (2**64 - 1)
EIGHTHS: constant(uint256) = max_value(uint256) // (2**64 - 1) * (2**32 - 1)


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
    assert d.opcode == LINEAR or d.opcode == MATMUL, evidence_.ERR_OPCODE
    d.size = len(evidence)
    assert d.size > 0, evidence_.ERR_EVIDENCE
    data: Bytes[rows.PADDED] = concat(evidence, empty(bytes32))
    if rows.number(data, 0, 1) != evidence_.SHOWN_ELEMENT:
        return evidence_.judge_form(d, output_root, data)
    d = evidence_.read_shapes(d, data)
    if d.opcode == LINEAR:
        self._require_linear(d)
    else:
        self._require_matmul(d)
    evidence_.require_element(d)
    out_at: uint256 = 0
    at: uint256 = 0
    out_at, at = rows.open(d.out, d.row, output_root, data, d.at, d.size)
    claimed: int256 = rows.signed(data, out_at + d.col * d.out.dtype, d.out.dtype)
    expected: int256 = 0
    if d.opcode == LINEAR:
        expected, at = self._linear(d, input_roots[0], weight_root, data, at)
    else:
        expected, at = self._matmul(d, input_roots, weight_root, data, at)
    assert at == d.size, evidence_.ERR_EVIDENCE
    return expected != claimed


@internal
@pure
def _require_linear(d: evidence_.Dispute):
    weights: uint256 = 2 if d.weights == 2 else 1
    evidence_.require_tensors(d, 1, weights)
    assert d.mode <= TRANSPOSED, evidence_.ERR_SCALAR
    evidence_.require_requant(d)
    x: rows.Shape = d.reads[0]
    records: rows.Shape = d.params[0]
    assert x.dtype == 1 and records.dtype == 0, evidence_.ERR_SHAPE
    assert records.cols == x.cols + 4 + 4 * weights, evidence_.ERR_SHAPE
    if d.mode == TRANSPOSED:
        assert d.out.rows == records.rows and d.out.cols == x.rows, evidence_.ERR_SHAPE
    else:
        assert d.out.rows == x.rows and d.out.cols == records.rows, evidence_.ERR_SHAPE
    if weights == 2:
        evidence_.require_shift(d.shift2)
        evidence_.require_table(d, 1)


@internal
@pure
def _require_matmul(d: evidence_.Dispute):
    evidence_.require_tensors(d, 2, 1)
    a: rows.Shape = d.reads[0]
    b: rows.Shape = d.reads[1]
    groups: uint256 = d.groups
    assert d.mode <= ROWS and groups > 0, evidence_.ERR_SCALAR
    evidence_.require_requant(d)
    assert a.dtype <= 2 and b.dtype == 1 and a.cols == b.cols, evidence_.ERR_SHAPE
    depth: uint256 = a.cols
    channels: uint256 = d.out.cols
    if d.mode == COLUMNS:
        assert a.cols % groups == 0, evidence_.ERR_SHAPE
        assert d.out.rows == groups * a.rows and d.out.cols == b.rows, evidence_.ERR_SHAPE
        depth = a.cols // groups
        channels = groups
    else:
        assert a.rows == groups * d.out.rows and b.rows == d.out.cols, evidence_.ERR_SHAPE
        assert d.out.cols % groups == 0, evidence_.ERR_SHAPE
    assert depth << (8 * a.dtype + 6) <= 2**31, evidence_.ERR_SHAPE
    mult: rows.Shape = d.params[0]
    assert mult.dtype == 4 and mult.rows == channels and mult.cols == 1, evidence_.ERR_SHAPE


@internal
@pure
def _linear(
    d: evidence_.Dispute, input_root: bytes32, weight_root: bytes32, data: Bytes[rows.PADDED], start: uint256
) -> (int256, uint256):
    token: uint256 = d.row
    channel: uint256 = d.col
    if d.mode == TRANSPOSED:
        token = d.col
        channel = d.row
    depth: uint256 = d.reads[0].cols
    x_at: uint256 = 0
    w_at: uint256 = 0
    at: uint256 = 0
    x_at, at = rows.open(d.reads[0], token, input_root, data, start, d.size)
    w_at, at = evidence_.open_weight(d, 0, channel, weight_root, data, at)
    value: int256 = self._dot(data, x_at, w_at, depth) + rows.signed(data, w_at + depth, 4)
    value = rounding.rshr(value * rows.signed(data, w_at + depth + 4, 4), d.shift)
    if d.weights == 2:
        value = rounding.clamp(value, -(2**15), 2**15 - 1)
        value, at = evidence_.look_up(d, 1, value, weight_root, data, at)
        value = rounding.rshr(value * rows.signed(data, w_at + depth + 8, 4), d.shift2)
    return rounding.clamp(value, d.lo, d.hi), at


@internal
@pure
def _matmul(
    d: evidence_.Dispute, input_roots: bytes32[2], weight_root: bytes32, data: Bytes[rows.PADDED], start: uint256
) -> (int256, uint256):
    a: rows.Shape = d.reads[0]
    a_row: uint256 = d.row
    channel: uint256 = d.col
    depth: uint256 = a.cols
    skip: uint256 = 0
    if d.mode == COLUMNS:
        channel = d.row // a.rows
        a_row = d.row % a.rows
        depth = a.cols // d.groups
        skip = channel * depth
    else:
        a_row = (d.col // (d.out.cols // d.groups)) * d.out.rows + d.row
    a_at: uint256 = 0
    b_at: uint256 = 0
    mult_at: uint256 = 0
    at: uint256 = 0
    a_at, at = rows.open(a, a_row, input_roots[0], data, start, d.size)
    b_at, at = rows.open(d.reads[1], d.col, input_roots[1], data, at, d.size)
    mult_at, at = evidence_.open_weight(d, 0, channel, weight_root, data, at)
    value: int256 = 0
    if a.dtype == 1:
        value = self._dot(data, a_at + skip, b_at + skip, depth)
    else:
        value = self._dot_wide(data, a_at + 2 * skip, b_at + skip, depth)
    value = rounding.rshr(value * rows.signed(data, mult_at, 4), d.shift)
    return rounding.clamp(value, d.lo, d.hi), at


@internal
@pure
def _dot(data: Bytes[rows.PADDED], x_at: uint256, y_at: uint256, count: uint256) -> int256:
    """
    @notice Returns the sum of products of two runs of int8.
    """
    products: uint256 = 0
    x_sums: uint256 = 0
    y_sums: uint256 = 0
    left: uint256 = count
    for word: uint256 in range(128):
        if left == 0:
            break
        x: uint256 = extract32(data, unsafe_add(x_at, unsafe_mul(32, word)), output_type=uint256) ^ OFFSET
        y: uint256 = extract32(data, unsafe_add(y_at, unsafe_mul(32, word)), output_type=uint256) ^ OFFSET
        if left < 32:
            spare: uint256 = unsafe_sub(256, unsafe_mul(8, left))
            x = (x >> spare) << spare
            y = (y >> spare) << spare
            left = 0
        else:
            left = unsafe_sub(left, 32)
        x_sums = unsafe_add(x_sums, unsafe_add(x & PAIRS, (x >> 8) & PAIRS))
        y_sums = unsafe_add(y_sums, unsafe_add(y & PAIRS, (y >> 8) & PAIRS))
        y = ((y & HALF) << 128) | (y >> 128)
        y = ((y & QUARTERS) << 64) | ((y >> 64) & QUARTERS)
        y = ((y & EIGHTHS) << 32) | ((y >> 32) & EIGHTHS)
        sum: uint256 = unsafe_mul(x & LANES, y & LANES) >> 224
        sum = unsafe_add(sum, unsafe_mul((x >> 8) & LANES, (y >> 8) & LANES) >> 224)
        sum = unsafe_add(sum, unsafe_mul((x >> 16) & LANES, (y >> 16) & LANES) >> 224)
        sum = unsafe_add(sum, unsafe_mul((x >> 24) & LANES, (y >> 24) & LANES) >> 224)
        products = unsafe_add(products, sum)
    offsets: uint256 = self._sum16(x_sums) + self._sum16(y_sums)
    return convert(products + 16_384 * count, int256) - convert(128 * offsets, int256)


@internal
@pure
def _sum16(lanes: uint256) -> uint256:
    """
    @notice Returns the sum of sixteen 16-bit lanes.
    """
    total: uint256 = 0
    rest: uint256 = lanes
    for _i: uint256 in range(16):
        total = unsafe_add(total, rest & 65_535)
        rest >>= 16
    return total


@internal
@pure
def _dot_wide(data: Bytes[rows.PADDED], x_at: uint256, y_at: uint256, count: uint256) -> int256:
    """
    @notice Returns the sum of products of int16 and int8.
    """
    total: int256 = 0
    for i: uint256 in range(count, bound=4096):
        x: int256 = extract32(data, unsafe_add(x_at, unsafe_mul(2, i)), output_type=int256) >> 240
        y: int256 = extract32(data, unsafe_add(y_at, i), output_type=int256) >> 248
        total = unsafe_add(total, unsafe_mul(x, y))
    return total
