# pragma version ~=0.4.3
"""
@title Results trees: root and units from their top node
@custom:contract-name results_tree
@license GNU Affero General Public License v3.0 only
@notice The sum tree of stun/protocol/trees/results.py: tag 0x21, leaf 0x00, node 0x01, crown 0x02, integers big endian.
"""

from ..interfaces import IMarketplace
from . import reasons

U64: constant(uint256) = 2**64 - 1

TAG_LEAF: constant(bytes2) = 0x2100
TAG_NODE: constant(bytes2) = 0x2101
TAG_CROWN: constant(bytes2) = 0x2102
TAG_COMMITMENT: constant(bytes1) = 0x12


@internal
@pure
def derive(count: uint256, top: IMarketplace.Top) -> (bytes32, uint256):
    """
    @notice Returns the crowned root and the total units that a top node stands for.
    @dev Errors: "trees: top" (one task has no right side), "trees: overflow".
    @param count Tasks in the batch.
    @param top Both children of the top node, or the only leaf on the left.
    """
    node: bytes32 = empty(bytes32)
    units: uint256 = convert(top.left_units, uint256) + convert(top.right_units, uint256)
    if count == 1:
        if not (top.right == empty(bytes32) and top.right_units == 0):
            reasons.fail(reasons.TREES_TOP)
        node = sha256(concat(TAG_LEAF, empty(bytes4), top.left, convert(top.left_units, bytes8)))
    else:
        if not (units <= U64):
            reasons.fail(reasons.TREES_OVERFLOW)
        node = sha256(
            concat(TAG_NODE, top.left, convert(top.left_units, bytes8), top.right, convert(top.right_units, bytes8))
        )
    return sha256(concat(TAG_CROWN, convert(convert(count, uint32), bytes4), node)), units


@internal
@pure
def commitment(batch_id: bytes32, provider: address, outputs_root: bytes32, units: uint256, salt: bytes32) -> bytes32:
    """
    @notice Returns the commitment that an answer opens.
    @param batch_id The order's digest.
    @param provider Whose answer; bound, so that a copied commitment cannot be opened.
    @param outputs_root Crowned root.
    @param units Total units, a u64.
    @param salt 32 secret bytes.
    """
    padded: bytes32 = convert(convert(provider, uint256), bytes32)
    return sha256(
        concat(TAG_COMMITMENT, batch_id, padded, outputs_root, convert(convert(units, uint64), bytes8), salt)
    )


@internal
@pure
def result_digest(outputs_root: bytes32, units: uint256) -> bytes32:
    """
    @notice Returns what is stored of a revealed result: sha256(outputs_root | total_units u64).
    @param outputs_root Crowned root.
    @param units Total units, a u64.
    """
    return sha256(concat(outputs_root, convert(convert(units, uint64), bytes8)))
