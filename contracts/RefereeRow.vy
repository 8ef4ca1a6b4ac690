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
from .modules import disputed_operator as operator
from .modules import evidence_numbers as numbers
from .modules import exponentials
from .modules import lookups
from .modules import opened_rows as rows
from .modules import operator_rules as rules
from .modules import packed_rows as sums
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
MAX_NORM_COLS: constant(uint256) = 1_024
INT16_MIN: constant(int256) = -(2**15)
INT16_MAX: constant(int256) = 2**15 - 1
NO_ROW: constant(uint256) = max_value(uint256)


@external
@view
def is_wrong(
    graph_leaf: Bytes[128],
    n: uint256,
    input_roots: bytes32[2],
    output_root: bytes32,
    weight_root: bytes32,
    evidence: Bytes[16384],
) -> bool:
    d: operator.Dispute = evidence_.begin(graph_leaf, n, len(evidence))
    assert d.opcode == GATHER or d.opcode >= REQUANT, operator.ERR_OPCODE
    kind: uint256 = evidence_.kind(d)
    if kind == evidence_.SHOWN_SHAPE:
        return evidence_.judge_shape(d, output_root)
    if kind == evidence_.SHOWN_LEAF:
        shown: rows.Place = evidence_.shown_leaf(d)
        bare: bytes32 = sha256(concat(rows.TAG_LEAF, slice(evidence, shown.at - d.start, shown.size)))
        return evidence_.judge_leaf(d, shown, bare, output_root)
    d = evidence_.read_shapes(d)
    self._require_fitting(d)
    evidence_.require_element(d)
    roots: bytes32[operator.TENSORS] = [output_root, input_roots[0], input_roots[1], weight_root, weight_root]
    for which: uint256 in range(operator.TENSORS):
        if d.shapes[which].rows == 0:
            continue
        row: uint256 = self._wanted(d, which)
        if row == NO_ROW:
            continue
        opened: rows.Place = rows.next_place(d, which, row)
        leaf: Bytes[rows.MAX_LEAF] = convert(
            slice(evidence, opened.at - d.start, opened.size), Bytes[rows.MAX_LEAF]
        )
        d.next = rows.require_opened(d, which, opened, rows.leaf_hash(leaf), roots[which])
        d.at[which] = opened.row_at
    return evidence_.claimed(d) != self._expected(d)


@internal
@pure
def _require_fitting(d: operator.Dispute):
    """
    @notice Checks the shapes of what an operator reads (shapes.py). Errors: "graph: shape", "graph: scalar".
    """
    out: operator.Shape = d.shapes[operator.OUT]
    if d.opcode == GATHER:
        self._require_gather(d)
    elif d.opcode == REQUANT:
        rules.require_tensors(d, 1, 1)
        rules.require_requant(d)
        x: operator.Shape = d.shapes[operator.A]
        assert x.rows == out.rows and x.cols == out.cols, rules.ERR_SHAPE
        rules.require_words(d, 1 if d.shapes[operator.W0].rows == 1 else out.cols, 1)
    elif d.opcode == LUT:
        rules.require_tensors(d, 1, 1)
        rules.require_table(d, operator.W0)
        rules.require_same(d)
    elif d.opcode == ADD_NORM:
        rules.require_tensors(d, 2, 1)
        rules.require_shift(d.shift)
        rules.require_same(d)
        assert out.cols <= MAX_NORM_COLS, rules.ERR_SHAPE
        rules.require_words(d, out.cols, 2)
    else:
        rules.require_tensors(d, 1, 0)
        if d.opcode == SOFTMAX or d.opcode == L2_NORM:
            rules.require_same(d)
        elif d.opcode == WINDOW:
            self._require_window(d)
        else:
            self._require_moved(d)


@internal
@pure
def _require_moved(d: operator.Dispute):
    x: operator.Shape = d.shapes[operator.A]
    out: operator.Shape = d.shapes[operator.OUT]
    if d.opcode == MAX:
        assert d.groups > 0, rules.ERR_SCALAR
    assert x.dtype == out.dtype, rules.ERR_SHAPE
    if d.opcode == MEAN:
        assert out.rows == 1 and out.cols == x.rows, rules.ERR_SHAPE
    elif d.opcode == TRANSPOSE:
        assert out.rows == x.cols and out.cols == x.rows, rules.ERR_SHAPE
    else:
        assert x.rows == out.rows and x.cols == out.cols * d.groups, rules.ERR_SHAPE


@internal
@pure
def _require_gather(d: operator.Dispute):
    rules.require_tensors(d, 0 if d.mode == BY_ROW else 1, 1)
    out: operator.Shape = d.shapes[operator.OUT]
    table: operator.Shape = d.shapes[operator.W0]
    assert table.dtype == out.dtype and table.cols == out.cols, rules.ERR_SHAPE
    if d.mode == BY_ROW:
        assert out.rows <= table.rows, rules.ERR_SHAPE
        return
    assert d.mode == 0, rules.ERR_SCALAR
    assert d.shapes[operator.A].rows == out.rows, rules.ERR_SHAPE
    assert d.column < d.shapes[operator.A].cols, rules.ERR_SCALAR


@internal
@pure
def _require_window(d: operator.Dispute):
    x: operator.Shape = d.shapes[operator.A]
    out: operator.Shape = d.shapes[operator.OUT]
    assert min(min(d.width, d.out_width), min(d.kernel, d.stride)) > 0, rules.ERR_SCALAR
    assert out.dtype == x.dtype and x.rows % d.width == 0, rules.ERR_SHAPE
    assert out.rows % d.out_width == 0 and out.cols % (d.kernel * x.cols) == 0, rules.ERR_SHAPE


@internal
@view
def _wanted(d: operator.Dispute, which: uint256) -> uint256:
    """
    @notice Returns the row to open of a tensor, NO_ROW for none.
    """
    if which == operator.OUT:
        return d.row
    if which == operator.W0:
        return self._wanted_of_weights(d)
    if d.opcode == MEAN or d.opcode == TRANSPOSE:
        return d.col
    if d.opcode == WINDOW:
        return self._pixel(d)
    return d.row


@internal
@view
def _wanted_of_weights(d: operator.Dispute) -> uint256:
    if d.opcode == LUT:
        return lookups.entry(d, operator.W0, self._input(d, d.col)) // d.shapes[operator.W0].cols
    if d.opcode != GATHER:
        return d.col if d.shapes[operator.W0].rows > 1 else 0
    if d.mode == BY_ROW:
        return d.row
    last: int256 = convert(d.shapes[operator.W0].rows, int256) - 1
    return convert(rounding.clamp(self._input(d, d.column), 0, last), uint256)


@internal
@pure
def _pixel(d: operator.Dispute) -> uint256:
    """
    @notice Returns the input row that a Window copies from, NO_ROW outside the image.
    """
    x: operator.Shape = d.shapes[operator.A]
    down: uint256 = d.row // d.out_width * d.stride + d.col // (d.kernel * x.cols)
    across: uint256 = d.row % d.out_width * d.stride + (d.col // x.cols) % d.kernel
    if down < d.pad or across < d.pad or down - d.pad >= x.rows // d.width or across - d.pad >= d.width:
        return NO_ROW
    return (down - d.pad) * d.width + across - d.pad


@internal
@view
def _input(d: operator.Dispute, col: uint256) -> int256:
    """
    @notice Returns an element of the opened row of the first input.
    """
    size: uint256 = d.shapes[operator.A].dtype
    return numbers.signed(d.at[operator.A] + col * size, size)


@internal
@view
def _expected(d: operator.Dispute) -> int256:
    if d.opcode == GATHER:
        size: uint256 = d.shapes[operator.OUT].dtype
        return numbers.signed(d.at[operator.W0] + d.col * size, size)
    if d.opcode == REQUANT:
        scaled: int256 = self._input(d, d.col) * numbers.signed(d.at[operator.W0], 4)
        return rounding.clamp(rounding.rshr(scaled, d.shift), d.lo, d.hi)
    if d.opcode == LUT:
        return lookups.look_up(d, operator.W0, self._input(d, d.col))
    if d.opcode == ADD_NORM:
        return self._add_norm(d)
    if d.opcode == SOFTMAX:
        return exponentials.softmax(d.at[operator.A], d.shapes[operator.A].cols, d.col)
    if d.opcode == MEAN:
        return self._mean(d)
    if d.opcode == TRANSPOSE:
        return self._input(d, d.row)
    if d.opcode == L2_NORM:
        return self._l2_norm(d)
    if d.opcode == WINDOW:
        return 0 if d.at[operator.A] == 0 else self._input(d, d.col % d.shapes[operator.A].cols)
    largest: int256 = min_value(int256)
    for group: uint256 in range(d.groups, bound=4096):
        largest = max(largest, self._input(d, d.col + group * d.shapes[operator.OUT].cols))
    return largest


@internal
@view
def _add_norm(d: operator.Dispute) -> int256:
    a: uint256 = d.at[operator.A]
    b: uint256 = d.at[operator.B]
    count: int256 = convert(d.shapes[operator.OUT].cols, int256)
    total: int256 = 0
    squares: int256 = 0
    total, squares = sums.moments(a, b, d.shapes[operator.OUT].cols)
    scale: int256 = self._reciprocal(count * (count * squares - total * total))
    x: int256 = numbers.signed(a + 2 * d.col, 2) + numbers.signed(b + 2 * d.col, 2)
    z: int256 = rounding.rshr((count * x - total) * scale, 26)
    y: int256 = z * numbers.signed(d.at[operator.W0], 4) + numbers.signed(d.at[operator.W0] + 4, 4)
    return rounding.clamp(rounding.rshr(y, d.shift), INT16_MIN, INT16_MAX)


@internal
@view
def _l2_norm(d: operator.Dispute) -> int256:
    at: uint256 = d.at[operator.A]
    total: int256 = 0
    squares: int256 = 0
    total, squares = sums.moments(at, at, d.shapes[operator.A].cols)  # of twice the row
    y: int256 = rounding.rshr(self._input(d, d.col) * self._reciprocal(squares // 4), 31)
    return rounding.clamp(y, INT16_MIN, INT16_MAX)


@internal
@pure
def _reciprocal(squares: int256) -> int256:
    return convert(2**46 // max(isqrt(convert(squares, uint256)), 1), int256)


@internal
@view
def _mean(d: operator.Dispute) -> int256:
    x: operator.Shape = d.shapes[operator.A]
    count: int256 = convert(x.cols, int256)
    whole: int256 = 2**40  # makes the dividend positive, so that the division rounds down
    total: int256 = sums.total(d.at[operator.A], x.dtype, x.cols)
    return (2 * total + count + 2 * count * whole) // (2 * count) - whole
