# pragma version ~=0.4.3
"""
@title Whether a provider is in an order's list
@custom:contract-name memberships
@license GNU Affero General Public License v3.0 only
@notice The providers tree of stun/protocol/trees: tag 0x28, RFC 6962 shape, crowned with its count.
"""

TAG_LEAF: constant(bytes2) = 0x2800
TAG_NODE: constant(bytes2) = 0x2801
TAG_CROWN: constant(bytes2) = 0x2802
MAX_DEPTH: constant(uint256) = 16
MAX_PROVIDERS: constant(uint256) = 65_536


@internal
@pure
def climb(root: bytes32, provider: address, proofs: DynArray[bytes32, 51], start: uint256) -> uint256:
    """
    @notice Returns where the next proof begins, or 0 if this one does not lead from the provider to the root.
    @param root Of the order.
    @param provider Who bids.
    @param proofs Words count << 128 | index, each with its path behind it.
    @param start Where this provider's proof begins.
    """
    if start >= len(proofs):
        return 0
    count: uint256 = convert(proofs[start], uint256) >> 128
    width: uint256 = count
    position: uint256 = convert(proofs[start], uint256) & (2**128 - 1)
    if position >= width or width > MAX_PROVIDERS:
        return 0
    node: bytes32 = sha256(concat(TAG_LEAF, convert(convert(provider, uint256), bytes32)))
    next: uint256 = start + 1
    for level: uint256 in range(MAX_DEPTH):
        if width == 1:
            break
        if position & 1 == 1 or position + 1 < width:
            if next == len(proofs):
                return 0
            if position & 1 == 1:
                node = sha256(concat(TAG_NODE, proofs[next], node))
            else:
                node = sha256(concat(TAG_NODE, node, proofs[next]))
            next += 1
        position >>= 1
        width = (width + 1) >> 1
    if sha256(concat(TAG_CROWN, convert(convert(count, uint32), bytes4), node)) != root:
        return 0
    return next
