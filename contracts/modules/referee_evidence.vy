# pragma version ~=0.4.3
"""
@title Evidence about one operator
@custom:contract-name referee_evidence
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/graph/referee.py: what evidence shows and about which element, and evidence that needs no arithmetic.
"""

from . import disputed_operator as operator
from . import evidence_numbers as numbers
from . import opened_rows as rows
from . import tensor_shapes

SHAPE_BYTES: constant(uint256) = 9
HEAD: constant(uint256) = 4 + 6 * 32  # where the calldata of `is_wrong` says where its evidence begins

SHOWN_SHAPE: constant(uint256) = 0
SHOWN_LEAF: constant(uint256) = 1
SHOWN_ELEMENT: constant(uint256) = 2

ERR_EVIDENCE: constant(String[32]) = "referee: evidence"
ERR_ELEMENT: constant(String[32]) = "referee: element"
ERR_PATH: constant(String[32]) = "referee: path"


@internal
@view
def begin(leaf: Bytes[128], n: uint256, size: uint256) -> operator.Dispute:
    """
    @notice Returns an operator and where its evidence lies. Errors: those of `operator.parse`.
    @param leaf The graph's leaf.
    @param n Rows of the task's input.
    @param size Length of the evidence.
    """
    d: operator.Dispute = operator.parse(leaf, n)
    d.start = 4 + numbers.number(HEAD, 32) + 32
    d.end = d.start + size
    return d


@internal
@view
def kind(d: operator.Dispute) -> uint256:
    """
    @notice Returns what evidence shows: another shape, a leaf of another length, an element. Errors: "referee: evidence".
    @param d The operator.
    """
    assert d.start < d.end, ERR_EVIDENCE
    shown: uint256 = numbers.number(d.start, 1)
    assert shown <= SHOWN_ELEMENT, ERR_EVIDENCE
    return shown


@internal
@view
def judge_shape(d: operator.Dispute, output_root: bytes32) -> bool:
    """
    @notice Whether an output root crowns another shape. Errors: "referee: evidence", "referee: path".
    @param d The operator.
    @param output_root What is committed.
    """
    assert d.end - d.start == 1 + SHAPE_BYTES + 32, ERR_EVIDENCE
    shape: operator.Shape = self._shape(d.start + 1)
    top: bytes32 = convert(numbers.number(d.start + 1 + SHAPE_BYTES, 32), bytes32)
    assert tensor_shapes.root(shape.dtype, shape.rows, shape.cols, top) == output_root, ERR_PATH
    out: operator.Shape = d.shapes[operator.OUT]
    return shape.dtype != out.dtype or shape.rows != out.rows or shape.cols != out.cols


@internal
@view
def shown_leaf(d: operator.Dispute) -> rows.Place:
    """
    @notice Returns the leaf, of whatever length, that stands behind its path. Errors: "referee: evidence", "referee: element".
    @param d The operator.
    """
    assert d.end - d.start >= 5, ERR_EVIDENCE
    index: uint256 = numbers.number(d.start + 1, 4)
    out: operator.Shape = d.shapes[operator.OUT]
    count: uint256 = tensor_shapes.leaf_count(out.dtype, out.rows, out.cols)
    assert index < count, ERR_ELEMENT
    at: uint256 = d.start + 5 + 32 * rows.path_length(count, index)
    assert at <= d.end, ERR_EVIDENCE
    return rows.Place(at=at, row_at=at, size=d.end - at, index=index, count=count)


@internal
@view
def judge_leaf(d: operator.Dispute, shown: rows.Place, leaf: bytes32, output_root: bytes32) -> bool:
    """
    @notice Whether a leaf under an output root has not the shape's length. Errors: "referee: path".
    @param d The operator.
    @param shown The leaf.
    @param leaf Its hash.
    @param output_root What is committed.
    """
    out: operator.Shape = d.shapes[operator.OUT]
    top: bytes32 = empty(bytes32)
    end: uint256 = 0
    top, end = rows.climb(rows.TAG_NODE, shown.count, shown.index, leaf, d.start + 5, shown.at)
    assert tensor_shapes.root(out.dtype, out.rows, out.cols, top) == output_root, ERR_PATH
    return shown.size != rows.place(out, 0, shown.at).size


@internal
@view
def read_shapes(dispute: operator.Dispute) -> operator.Dispute:
    """
    @notice Returns the operator with the element that is judged and the shapes it reads. Errors: "referee: evidence".
    @param dispute The operator.
    """
    d: operator.Dispute = dispute
    counted: uint256 = 0
    if d.weights > 0:
        counted = 2
    d.next = d.start + 9 + SHAPE_BYTES * (d.inputs + d.weights) + counted
    assert d.next <= d.end, ERR_EVIDENCE
    d.row = numbers.number(d.start + 1, 4)
    d.col = numbers.number(d.start + 5, 4)
    at: uint256 = d.start + 9
    for i: uint256 in range(d.inputs, bound=2):
        d.shapes[operator.A + i] = self._shape(at)
        at += SHAPE_BYTES
    if counted > 0:
        d.weight_count = numbers.number(at, counted)
        at += counted
    for i: uint256 in range(d.weights, bound=2):
        d.shapes[operator.W0 + i] = self._shape(at)
        at += SHAPE_BYTES
    return d


@internal
@pure
def require_element(d: operator.Dispute):
    """
    @notice Checks that the output has the element that is judged. Errors: "referee: element".
    @param d The operator and the element.
    """
    assert d.row < d.shapes[operator.OUT].rows and d.col < d.shapes[operator.OUT].cols, ERR_ELEMENT


@internal
@view
def claimed(d: operator.Dispute) -> int256:
    """
    @notice Returns the element that is committed. Errors: "referee: evidence" (bytes to spare).
    @param d The operator, all its rows opened.
    """
    assert d.next == d.end, ERR_EVIDENCE
    size: uint256 = d.shapes[operator.OUT].dtype
    return numbers.signed(d.at[operator.OUT] + d.col * size, size)


@internal
@view
def _shape(at: uint256) -> operator.Shape:
    packed: uint256 = numbers.number(at, SHAPE_BYTES)
    return operator.Shape(dtype=packed >> 64, rows=(packed >> 32) & (2**32 - 1), cols=packed & (2**32 - 1))
