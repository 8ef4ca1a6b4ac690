# pragma version ~=0.4.3
"""
@title Shapes of tensors and what they make of a root
@custom:contract-name tensor_shapes
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/graph/tensors.py: a leaf is as many whole rows, a power of two that divides their number, as 512
        bytes hold, at least one. dtype 1, 2, 4: integers of so many bytes; 0: records of `cols` bytes.
"""

MAX_ROW_BYTES: constant(uint256) = 4_096
PACKED_BYTES: constant(uint256) = 512
TAG_CROWN: constant(bytes2) = 0x2402


@internal
@pure
def row_bytes(dtype: uint256, rows: uint256, cols: uint256) -> uint256:
    """
    @notice Returns the bytes of a row, 0 for a shape that no tensor has.
    @param dtype Kind of its elements.
    @param rows Their number.
    @param cols Elements of a row.
    """
    if dtype > 4 or dtype == 3 or rows == 0 or rows >= 2**32 or cols == 0 or cols > MAX_ROW_BYTES:
        return 0
    size: uint256 = max(dtype, 1) * cols
    return size if size <= MAX_ROW_BYTES else 0


@internal
@pure
def rows_a_leaf(rows: uint256, size: uint256) -> uint256:
    """
    @notice Returns how many rows a leaf holds.
    @param rows Of the tensor, at least one.
    @param size Bytes of a row, at least one.
    """
    fitting: uint256 = unsafe_div(PACKED_BYTES, size) | 1
    for bits: uint256 in [1, 2, 4, 8]:
        fitting |= fitting >> bits
    return min(unsafe_sub(fitting, fitting >> 1), rows & unsafe_sub(0, rows))


@internal
@pure
def leaf_count(dtype: uint256, rows: uint256, cols: uint256) -> uint256:
    """
    @notice Returns how many leaves a tensor's tree has, 0 for a shape that no tensor has.
    @param dtype Kind of its elements.
    @param rows Their number.
    @param cols Elements of a row.
    """
    size: uint256 = self.row_bytes(dtype, rows, cols)
    if size == 0:
        return 0
    return rows // self.rows_a_leaf(rows, size)


@internal
@pure
def root(dtype: uint256, rows: uint256, cols: uint256, top: bytes32) -> bytes32:
    """
    @notice Returns a tensor's root.
    @param dtype Kind of its elements, u8.
    @param rows Their number, u32.
    @param cols Elements of a row, u32.
    @param top The top node of its tree.
    """
    return sha256(
        concat(
            TAG_CROWN,
            convert(convert(dtype, uint8), bytes1),
            convert(convert(rows, uint32), bytes4),
            convert(convert(cols, uint32), bytes4),
            top,
        )
    )
