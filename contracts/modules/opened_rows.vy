# pragma version ~=0.4.3
"""
@title Rows out of evidence
@custom:contract-name opened_rows
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/graph/tensors.py: an opening is the leaf that holds a row and its path; of a weight, also the path of
        the tensor's root. Contracts hash leaves out of the one copy of the evidence in memory; all else is read where
        it lies in the calldata.
"""

from . import disputed_operator as operator
from . import tensor_shapes

MAX_LEAF: constant(uint256) = 4_096
MAX_DEPTH: constant(uint256) = 20

TAG_LEAF: constant(bytes2) = 0x2400
TAG_NODE: constant(bytes2) = 0x2401
TAG_WEIGHT_LEAF: constant(bytes2) = 0x2700
TAG_WEIGHT_NODE: constant(bytes2) = 0x2701
TAG_WEIGHT_CROWN: constant(bytes2) = 0x2702

ERR_EVIDENCE: constant(String[32]) = "referee: evidence"
ERR_PATH: constant(String[32]) = "referee: path"


# @dev A leaf in the evidence: where it and the row begin in the calldata, its bytes, its index among how many.
struct Place:
    at: uint256
    row_at: uint256
    size: uint256
    index: uint256
    count: uint256


@internal
@pure
def place(shape: operator.Shape, row: uint256, at: uint256) -> Place:
    """
    @notice Returns the leaf that holds a row.
    @param shape Of the tensor.
    @param row Which row; within the shape.
    @param at Where the leaf begins.
    """
    width: uint256 = tensor_shapes.row_bytes(shape.dtype, shape.rows, shape.cols)
    packed: uint256 = tensor_shapes.rows_a_leaf(shape.rows, width)
    row_at: uint256 = at + (row % packed) * width
    return Place(at=at, row_at=row_at, size=packed * width, index=row // packed, count=shape.rows // packed)


@internal
@pure
def next_place(d: operator.Dispute, which: uint256, row: uint256) -> Place:
    """
    @notice Returns the leaf that comes next in the evidence. Errors: "referee: evidence" (too short).
    @param d The operator and its shapes.
    @param which The tensor's place.
    @param row The row that the leaf has to hold; within the shape.
    """
    found: Place = self.place(d.shapes[which], row, d.next)
    assert found.at + found.size <= d.end, ERR_EVIDENCE
    return found


@internal
@pure
def leaf_hash(leaf: Bytes[MAX_LEAF]) -> bytes32:
    """
    @notice Returns the hash of a tensor's leaf.
    @param leaf Its rows.
    """
    return sha256(concat(TAG_LEAF, leaf))


@internal
@view
def require_opened(d: operator.Dispute, which: uint256, opened: Place, leaf: bytes32, root: bytes32) -> uint256:
    """
    @notice Returns where an opening ends. Errors: "referee: evidence" (too short), "referee: path" (another root).
    @param d The operator and its shapes.
    @param which The tensor's place.
    @param opened The leaf.
    @param leaf Its hash.
    @param root What is committed: the tensor's root, or of weights the weight root.
    """
    shape: operator.Shape = d.shapes[which]
    node: bytes32 = empty(bytes32)
    at: uint256 = 0
    node, at = self.climb(TAG_NODE, opened.count, opened.index, leaf, opened.at + opened.size, d.end)
    node = tensor_shapes.root(shape.dtype, shape.rows, shape.cols, node)
    if which >= operator.W0:
        index: uint256 = d.weight_index[which - operator.W0]
        assert index < d.weight_count, ERR_PATH
        node = sha256(concat(TAG_WEIGHT_LEAF, node))
        node, at = self.climb(TAG_WEIGHT_NODE, d.weight_count, index, node, at, d.end)
        node = sha256(concat(TAG_WEIGHT_CROWN, convert(convert(d.weight_count, uint32), bytes4), node))
    assert node == root, ERR_PATH
    return at


@internal
@view
def climb(
    tag: bytes2, count: uint256, index: uint256, leaf: bytes32, start: uint256, end: uint256
) -> (bytes32, uint256):
    """
    @notice Returns the top that a leaf and its path lead to, and where the path ends. Errors: "referee: evidence".
    @param tag Of the tree's nodes.
    @param count Leaves of the tree.
    @param index Of the leaf, below count.
    @param leaf Its hash.
    @param start Where the path begins.
    @param end What it must not pass.
    """
    node: bytes32 = leaf
    at: uint256 = start
    position: uint256 = index
    last: uint256 = unsafe_sub(count, 1)
    for _level: uint256 in range(MAX_DEPTH):
        if last == 0:
            break
        if position & 1 == 1:
            assert unsafe_add(at, 32) <= end, ERR_EVIDENCE
            node = sha256(concat(tag, slice(msg.data, at, 32), node))
            at = unsafe_add(at, 32)
        elif position < last:
            assert unsafe_add(at, 32) <= end, ERR_EVIDENCE
            node = sha256(concat(tag, node, slice(msg.data, at, 32)))
            at = unsafe_add(at, 32)
        position >>= 1
        last >>= 1
    return node, at


@internal
@pure
def path_length(count: uint256, index: uint256) -> uint256:
    """
    @notice Returns how many siblings a leaf's path has.
    @param count Leaves of the tree.
    @param index Of the leaf, below count.
    """
    steps: uint256 = 0
    position: uint256 = index
    last: uint256 = count - 1
    for _level: uint256 in range(MAX_DEPTH):
        if last == 0:
            break
        if position & 1 == 1 or position < last:
            steps += 1
        position >>= 1
        last >>= 1
    return steps
