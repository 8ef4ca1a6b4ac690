# pragma version ~=0.4.3
"""
@title The referee of Linear and MatMul
@custom:contract-name RefereeLinear
@license GNU Affero General Public License v3.0 only
@notice Documented in IReferee.
@custom:security No storage, no rights.
@custom:kill Cannot be stopped.
"""

from .interfaces import IReferee
from .modules import disputed_operator as operator
from .modules import evidence_numbers as numbers
from .modules import lookups
from .modules import opened_rows as rows
from .modules import operator_rules as rules
from .modules import packed_rows as sums
from .modules import referee_evidence as evidence_
from .modules import rounding

implements: IReferee

LINEAR: constant(uint256) = 3
MATMUL: constant(uint256) = 4
TRANSPOSED: constant(uint256) = 1
COLUMNS: constant(uint256) = 0
ROWS: constant(uint256) = 1
BIAS: constant(uint256) = 0
MULT: constant(uint256) = 4
MULT2: constant(uint256) = 8


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
    assert d.opcode == LINEAR or d.opcode == MATMUL, operator.ERR_OPCODE
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
        row: uint256 = 0
        row, d.value = self._wanted(d, which)
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
    if d.opcode == LINEAR:
        self._require_linear(d)
    else:
        self._require_matmul(d)


@internal
@pure
def _require_linear(d: operator.Dispute):
    weights: uint256 = 2 if d.has_lut else 1
    rules.require_tensors(d, 1, weights)
    assert d.mode <= TRANSPOSED, rules.ERR_SCALAR
    rules.require_requant(d)
    x: operator.Shape = d.shapes[operator.A]
    records: operator.Shape = d.shapes[operator.W0]
    out: operator.Shape = d.shapes[operator.OUT]
    assert x.dtype == rules.INT8 and records.dtype == 0, rules.ERR_SHAPE
    assert records.cols == x.cols + 4 + 4 * weights, rules.ERR_SHAPE
    if d.mode == TRANSPOSED:
        assert out.rows == records.rows and out.cols == x.rows, rules.ERR_SHAPE
    else:
        assert out.rows == x.rows and out.cols == records.rows, rules.ERR_SHAPE
    if d.has_lut:
        rules.require_shift(d.shift2)
        rules.require_table(d, operator.W1)


@internal
@pure
def _require_matmul(d: operator.Dispute):
    rules.require_tensors(d, 2, 1)
    a: operator.Shape = d.shapes[operator.A]
    b: operator.Shape = d.shapes[operator.B]
    out: operator.Shape = d.shapes[operator.OUT]
    assert d.mode <= ROWS and d.groups > 0, rules.ERR_SCALAR
    rules.require_requant(d)
    assert a.dtype <= rules.INT16 and b.dtype == rules.INT8 and a.cols == b.cols, rules.ERR_SHAPE
    depth: uint256 = a.cols
    channels: uint256 = out.cols
    if d.mode == COLUMNS:
        assert a.cols % d.groups == 0, rules.ERR_SHAPE
        assert out.rows == d.groups * a.rows and out.cols == b.rows, rules.ERR_SHAPE
        depth = a.cols // d.groups
        channels = d.groups
    else:
        assert a.rows == d.groups * out.rows and b.rows == out.cols, rules.ERR_SHAPE
        assert out.cols % d.groups == 0, rules.ERR_SHAPE
    assert depth << (8 * a.dtype + 6) <= 2**31, rules.ERR_SHAPE
    rules.require_words(d, channels, 1)


@internal
@view
def _wanted(d: operator.Dispute, which: uint256) -> (uint256, int256):
    """
    @notice Returns the row to open of a tensor, and what had to be computed to know it.
    """
    if which == operator.OUT:
        return d.row, 0
    if d.opcode == MATMUL:
        return self._wanted_of_matmul(d, which), 0
    if which == operator.W1:
        value: int256 = self._activated(d)
        return lookups.entry(d, which, value) // d.shapes[which].cols, value
    if (which == operator.A) == (d.mode == TRANSPOSED):
        return d.col, 0
    return d.row, 0


@internal
@pure
def _wanted_of_matmul(d: operator.Dispute, which: uint256) -> uint256:
    if which == operator.B:
        return d.col
    if d.mode == COLUMNS:
        queries: uint256 = d.shapes[operator.A].rows
        return d.row % queries if which == operator.A else d.row // queries
    if which == operator.W0:
        return d.col
    out: operator.Shape = d.shapes[operator.OUT]
    return (d.col // (out.cols // d.groups)) * out.rows + d.row


@internal
@view
def _expected(d: operator.Dispute) -> int256:
    if d.opcode == MATMUL:
        return self._matmul(d)
    if not d.has_lut:
        return rounding.clamp(self._scaled(d), d.lo, d.hi)
    looked_up: int256 = lookups.look_up(d, operator.W1, d.value)
    mult: int256 = numbers.signed(self._tail(d) + MULT2, 4)
    return rounding.clamp(rounding.rshr(looked_up * mult, d.shift2), d.lo, d.hi)


@internal
@view
def _activated(d: operator.Dispute) -> int256:
    """
    @notice Returns the int16 that a Linear looks up.
    """
    return rounding.clamp(self._scaled(d), -(2**15), 2**15 - 1)


@internal
@view
def _scaled(d: operator.Dispute) -> int256:
    """
    @notice Returns a Linear's sum of products and bias after its first multiplier.
    """
    tail: uint256 = self._tail(d)
    value: int256 = sums.dot(d.at[operator.A], d.at[operator.W0], d.shapes[operator.A].cols)
    value += numbers.signed(tail + BIAS, 4)
    return rounding.rshr(value * numbers.signed(tail + MULT, 4), d.shift)


@internal
@pure
def _tail(d: operator.Dispute) -> uint256:
    """
    @notice Returns where a record's words begin, behind its weights.
    """
    return d.at[operator.W0] + d.shapes[operator.A].cols


@internal
@view
def _matmul(d: operator.Dispute) -> int256:
    a: operator.Shape = d.shapes[operator.A]
    depth: uint256 = a.cols
    skip: uint256 = 0
    if d.mode == COLUMNS:
        depth = a.cols // d.groups
        skip = d.row // a.rows * depth
    value: int256 = 0
    if a.dtype == rules.INT8:
        value = sums.dot(d.at[operator.A] + skip, d.at[operator.B] + skip, depth)
    else:
        value = sums.dot_wide(d.at[operator.A] + 2 * skip, d.at[operator.B] + skip, depth)
    value = rounding.rshr(value * numbers.signed(d.at[operator.W0], 4), d.shift)
    return rounding.clamp(value, d.lo, d.hi)
