# pragma version ~=0.4.3
"""
@title Paths in trees of RFC 6962 shape
@custom:contract-name merkle_paths
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/trees/merkle.py: an odd last node is promoted, a root is crowned with its count, a path follows from
        (index, count) and must be consumed exactly. Tags are the tree's byte with 0x00 for a leaf, 0x01 for a node and
        0x02 for a crown behind it.
"""

MAX_DEPTH: constant(uint256) = 17
ERR_PATH: constant(String[32]) = "trees: path"


@internal
@pure
def climb(
    tag_node: bytes2,
    tag_crown: bytes2,
    count: uint256,
    index: uint256,
    leaf: bytes32,
    path: DynArray[bytes32, MAX_DEPTH],
) -> bytes32:
    """
    @notice Returns the crowned root that a leaf's path leads to. Errors: "trees: path".
    @param tag_node Of the tree's nodes.
    @param tag_crown Of its crown.
    @param count Leaves of the tree.
    @param index Of the leaf.
    @param leaf Its hash.
    @param path One sibling a step, from the leaf up.
    """
    assert index < count and count <= 2**17, ERR_PATH
    node: bytes32 = leaf
    position: uint256 = index
    last: uint256 = unsafe_sub(count, 1)
    used: uint256 = 0
    for _level: uint256 in range(MAX_DEPTH):
        if last == 0:
            break
        if position & 1 == 1:
            assert used < len(path), ERR_PATH
            node = sha256(concat(tag_node, path[used], node))
            used = unsafe_add(used, 1)
        elif position < last:
            assert used < len(path), ERR_PATH
            node = sha256(concat(tag_node, node, path[used]))
            used = unsafe_add(used, 1)
        position >>= 1
        last >>= 1
    assert used == len(path), ERR_PATH
    return sha256(concat(tag_crown, convert(convert(count, uint32), bytes4), node))
