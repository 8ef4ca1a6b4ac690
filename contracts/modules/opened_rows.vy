# pragma version ~=0.4.3
"""
@title Rows out of evidence
@custom:contract-name opened_rows
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/graph/tensors.py: numbers, shapes and openings of rows. Evidence is read through a copy with 32 zero
        bytes behind it, so that a word can be taken anywhere; lengths are checked against what was given.
"""

from . import tensor_shapes

PADDED: constant(uint256) = 12_320
MAX_ROWS: constant(uint256) = 2**20
MAX_DEPTH: constant(uint256) = 20

ERR_EVIDENCE: constant(String[32]) = "referee: evidence"
ERR_PATH: constant(String[32]) = "referee: path"


# @dev A tensor's shape; all zero for none.
struct Shape:
    dtype: uint256
    rows: uint256
    cols: uint256


@internal
@pure
def number(data: Bytes[PADDED], at: uint256, size: uint256) -> uint256:
    """
    @notice Returns an unsigned number.
    @param data The padded evidence.
    @param at Where it begins.
    @param size Its bytes.
    """
    return extract32(data, at, output_type=uint256) >> unsafe_sub(256, unsafe_mul(8, size))


@internal
@pure
def signed(data: Bytes[PADDED], at: uint256, size: uint256) -> int256:
    """
    @notice Returns a number in two's complement.
    @param data The padded evidence.
    @param at Where it begins.
    @param size Its bytes.
    """
    return extract32(data, at, output_type=int256) >> unsafe_sub(256, unsafe_mul(8, size))


@internal
@pure
def shape_at(data: Bytes[PADDED], at: uint256) -> Shape:
    """
    @notice Returns the nine bytes of a shape.
    @param data The padded evidence.
    @param at Where they begin.
    """
    return Shape(dtype=self.number(data, at, 1), rows=self.number(data, at + 1, 4), cols=self.number(data, at + 5, 4))


@internal
@pure
def is_tensor(shape: Shape) -> bool:
    """
    @notice Whether a tensor may have a shape.
    @param shape The shape.
    """
    return shape.rows <= MAX_ROWS and tensor_shapes.row_bytes(shape.dtype, shape.rows, shape.cols) > 0


@internal
@pure
def is_integers(shape: Shape) -> bool:
    """
    @notice Whether a tensor of integers may have a shape.
    @param shape The shape.
    """
    return shape.dtype != 0 and self.is_tensor(shape)


@internal
@pure
def open(shape: Shape, row: uint256, root: bytes32, data: Bytes[PADDED], at: uint256, size: uint256) -> (uint256, uint256):
    """
    @notice Opens the leaf that holds a row. Errors: "referee: evidence" (too short), "referee: path" (another root).
    @param shape Of the tensor.
    @param row Which row; within the shape.
    @param root What is committed.
    @param data The padded evidence.
    @param at Where the opening begins.
    @param size Length of the evidence.
    @return Where the row begins, and where the next opening does.
    """
    found: bytes32 = empty(bytes32)
    row_at: uint256 = 0
    end: uint256 = 0
    found, row_at, end = self.open_any(shape, row, data, at, size)
    assert found == root, ERR_PATH
    return row_at, end


@internal
@pure
def open_any(shape: Shape, row: uint256, data: Bytes[PADDED], at: uint256, size: uint256) -> (bytes32, uint256, uint256):
    """
    @notice Opens the leaf that holds a row, whatever root it leads to. Errors: "referee: evidence" (too short).
    @param shape Of the tensor.
    @param row Which row; within the shape.
    @param data The padded evidence.
    @param at Where the opening begins.
    @param size Length of the evidence.
    @return The root, where the row begins, and where the next opening does.
    """
    width: uint256 = tensor_shapes.row_bytes(shape.dtype, shape.rows, shape.cols)
    packed: uint256 = tensor_shapes.rows_a_leaf(shape.rows, width)
    assert at + packed * width <= size, ERR_EVIDENCE
    leaf: bytes32 = sha256(concat(0x2400, slice(data, at, packed * width)))
    root: bytes32 = empty(bytes32)
    end: uint256 = 0
    root, end = self.climb(shape, row // packed, leaf, data, at + packed * width, size)
    return root, at + (row % packed) * width, end


@internal
@pure
def climb(
    shape: Shape, index: uint256, leaf: bytes32, data: Bytes[PADDED], at: uint256, size: uint256
) -> (bytes32, uint256):
    """
    @notice Returns the root that a leaf's path leads to, and where the path ends. Errors: "referee: evidence".
    @param shape Of the tensor.
    @param index Of the leaf.
    @param leaf Its hash.
    @param data The padded evidence.
    @param at Where the path begins.
    @param size Length of the evidence.
    """
    node: bytes32 = leaf
    end: uint256 = at
    position: uint256 = index
    width: uint256 = tensor_shapes.leaf_count(shape.dtype, shape.rows, shape.cols)
    for _level: uint256 in range(MAX_DEPTH):
        if width == 1:
            break
        if position & 1 == 1 or position + 1 < width:
            assert end + 32 <= size, ERR_EVIDENCE
            sibling: bytes32 = extract32(data, end)
            if position & 1 == 1:
                node = sha256(concat(0x2401, sibling, node))
            else:
                node = sha256(concat(0x2401, node, sibling))
            end += 32
        position >>= 1
        width = (width + 1) >> 1
    return tensor_shapes.root(shape.dtype, shape.rows, shape.cols, node), end


@internal
@pure
def steps(shape: Shape, index: uint256) -> uint256:
    """
    @notice Returns how many siblings a leaf's path has.
    @param shape Of the tensor.
    @param index Of the leaf.
    """
    found: uint256 = 0
    position: uint256 = index
    width: uint256 = tensor_shapes.leaf_count(shape.dtype, shape.rows, shape.cols)
    for _level: uint256 in range(MAX_DEPTH):
        if width == 1:
            break
        if position & 1 == 1 or position + 1 < width:
            found += 1
        position >>= 1
        width = (width + 1) >> 1
    return found


@internal
@pure
def leaf_bytes(shape: Shape) -> uint256:
    """
    @notice Returns the bytes of a leaf.
    @param shape Of the tensor.
    """
    width: uint256 = tensor_shapes.row_bytes(shape.dtype, shape.rows, shape.cols)
    return tensor_shapes.rows_a_leaf(shape.rows, width) * width
