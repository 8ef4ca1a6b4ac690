# pragma version ~=0.4.3
"""
@title Whether a provider is in an order's list
@custom:contract-name memberships
@license GNU Affero General Public License v3.0 only
@notice The providers tree of stun/protocol/trees: tag 0x28, RFC 6962 shape, crowned with its count.
"""

from ..interfaces import IMarketplace

TAG_LEAF: constant(bytes2) = 0x2800
TAG_NODE: constant(bytes2) = 0x2801
TAG_CROWN: constant(bytes2) = 0x2802
MAX_DEPTH: constant(uint256) = 16


@internal
@pure
def is_member(root: bytes32, provider: address, proof: IMarketplace.Membership) -> bool:
    """
    @notice Whether the path leads from the provider to the root and is used up exactly.
    @param root Of the order.
    @param provider Who bids.
    @param proof Count, index and path.
    """
    width: uint256 = proof.count
    position: uint256 = proof.index
    if position >= width or width > 65_536:
        return False
    node: bytes32 = sha256(concat(TAG_LEAF, convert(convert(provider, uint256), bytes32)))
    used: uint256 = 0
    for level: uint256 in range(MAX_DEPTH + 1):
        if width == 1:
            break
        if position & 1 == 1 or position + 1 < width:
            if used == len(proof.path):
                return False
            if position & 1 == 1:
                node = sha256(concat(TAG_NODE, proof.path[used], node))
            else:
                node = sha256(concat(TAG_NODE, node, proof.path[used]))
            used += 1
        position >>= 1
        width = (width + 1) >> 1
    crown: bytes32 = sha256(concat(TAG_CROWN, convert(convert(proof.count, uint32), bytes4), node))
    return used == len(proof.path) and crown == root
