# pragma version ~=0.4.3
"""
@title Opening a node of a tree by its descendants
@custom:contract-name unfolding
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/court/unfolding.py: an answer shows the descendants four levels down, or the leaves if they are
        nearer; folded up they are the node again.
"""

from . import accounts

DEPTH: constant(uint256) = 4
TENSOR_DEPTH: constant(uint256) = 5
WIDTH: constant(uint256) = 32
U64: constant(uint256) = 2**64 - 1

TAG_RESULT_LEAF: constant(bytes2) = 0x2100
TAG_RESULT_NODE: constant(bytes2) = 0x2101
TAG_OPERATOR_LEAF: constant(bytes2) = 0x2300
TAG_OPERATOR_NODE: constant(bytes2) = 0x2301
TAG_ROW_NODE: constant(bytes2) = 0x2401

ERR_OVERFLOW: constant(String[32]) = "trees: overflow"


# @dev The `size` nodes from position `first` on level `level`.
struct Below:
    level: uint256
    first: uint256
    size: uint256


@internal
@pure
def height(count: uint256) -> uint256:
    """
    @notice Returns the level of the top node of a tree.
    @param count Its leaves, at least one.
    """
    level: uint256 = 0
    for _i: uint256 in range(32):
        if (1 << level) >= count:
            break
        level += 1
    return level


@internal
@pure
def unfold(count: uint256, level: uint256, position: uint256, most: uint256) -> Below:
    """
    @notice Returns which descendants open a node.
    @param count Leaves of the tree.
    @param level Of the node; level 0 are the leaves.
    @param position Of the node on its level.
    @param most Levels that an answer goes down.
    """
    depth: uint256 = min(most, level)
    below: uint256 = level - depth
    width: uint256 = (count + (1 << below) - 1) >> below
    first: uint256 = position << depth
    return Below(level=below, first=first, size=min((position + 1) << depth, width) - first)


@internal
@pure
def fold_results(below: Below, nodes: DynArray[bytes32, WIDTH], units: DynArray[uint64, 16]) -> (bytes32, uint256):
    """
    @notice Returns the node above nodes of a results tree and its units. Errors: "trees: overflow".
    @param below Where they stand; on level 0 they are output digests.
    @param nodes The nodes, as many as `below` says.
    @param units Their units.
    """
    hashes: bytes32[16] = empty(bytes32[16])
    sums: uint256[16] = empty(uint256[16])
    size: uint256 = below.size
    for i: uint256 in range(size, bound=16):
        hashes[i] = nodes[i]
        sums[i] = convert(units[i], uint256)
        if below.level == 0:
            index: bytes4 = convert(convert(below.first + i, uint32), bytes4)
            hashes[i] = sha256(concat(TAG_RESULT_LEAF, index, nodes[i], convert(units[i], bytes8)))
    for _level: uint256 in range(DEPTH):
        if size == 1:
            break
        half: uint256 = size >> 1
        for i: uint256 in range(half, bound=8):
            left: uint256 = sums[2 * i]
            right: uint256 = sums[2 * i + 1]
            assert left + right <= U64, ERR_OVERFLOW
            hashes[i] = sha256(
                concat(
                    TAG_RESULT_NODE,
                    hashes[2 * i],
                    convert(convert(left, uint64), bytes8),
                    hashes[2 * i + 1],
                    convert(convert(right, uint64), bytes8),
                )
            )
            sums[i] = left + right
        if size & 1 == 1:
            hashes[half] = hashes[size - 1]
            sums[half] = sums[size - 1]
        size = (size + 1) >> 1
    return hashes[0], sums[0]


@internal
@pure
def fold_operators(below: Below, nodes: DynArray[bytes32, WIDTH], account: address) -> bytes32:
    """
    @notice Returns the node above nodes of a trace.
    @param below Where they stand; on level 0 they are output roots of the account's operators.
    @param nodes The nodes, as many as `below` says.
    @param account Whose trace.
    """
    hashes: bytes32[WIDTH] = empty(bytes32[WIDTH])
    for i: uint256 in range(below.size, bound=WIDTH):
        hashes[i] = nodes[i]
        if below.level == 0:
            hashes[i] = self.operator_leaf(account, below.first + i, nodes[i])
    return self._fold(TAG_OPERATOR_NODE, hashes, below.size)


@internal
@pure
def fold_rows(nodes: DynArray[bytes32, WIDTH]) -> bytes32:
    """
    @notice Returns the node above nodes of a tensor; leaves are shown by their hashes.
    @param nodes The nodes, at least one.
    """
    hashes: bytes32[WIDTH] = empty(bytes32[WIDTH])
    for i: uint256 in range(len(nodes), bound=WIDTH):
        hashes[i] = nodes[i]
    return self._fold(TAG_ROW_NODE, hashes, len(nodes))


@internal
@pure
def _fold(tag: bytes2, nodes: bytes32[WIDTH], count: uint256) -> bytes32:
    hashes: bytes32[WIDTH] = nodes
    size: uint256 = count
    for _level: uint256 in range(TENSOR_DEPTH):
        if size == 1:
            break
        half: uint256 = size >> 1
        for i: uint256 in range(half, bound=16):
            hashes[i] = sha256(concat(tag, hashes[2 * i], hashes[2 * i + 1]))
        if size & 1 == 1:
            hashes[half] = hashes[size - 1]
        size = (size + 1) >> 1
    return hashes[0]


@internal
@pure
def operator_leaf(account: address, index: uint256, output_root: bytes32) -> bytes32:
    """
    @notice Returns the hash of one operator's leaf of a trace.
    @param account Whose trace.
    @param index Of the operator.
    @param output_root Root of the tensor it made.
    """
    owner: bytes32 = accounts.widen(account)
    return sha256(concat(TAG_OPERATOR_LEAF, owner, convert(convert(index, uint32), bytes4), output_root))
