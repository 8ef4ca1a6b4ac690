# pragma version ~=0.4.3
"""
@title EIP-712 hashes of the signed messages
@custom:contract-name messages
@license GNU Affero General Public License v3.0 only
@notice Types are those of stun/protocol/messages.py; shared vectors hold both to each other.
"""

from ..interfaces import IMarketplace

ORDER_TYPEHASH: constant(bytes32) = keccak256(
    "Order(address requester,address asset,bytes32 modelId,bytes32 specsRoot,uint32 count,uint32 maxUnits,uint64 startPrice,uint64 maxPrice,uint64 rampStart,uint32 rampSeconds,uint8 replicas,uint32 auditPpm,uint32 postSeconds,uint32 taskSeconds,uint32 challengeSeconds,uint8 tier,uint8 flags,bytes32 recipientKey,address matcher,bytes32 providersRoot,uint64 tip,uint32 config,uint64 expiresAt,uint64 nonce)"
)
BID_TYPEHASH: constant(bytes32) = keccak256(
    "Bid(address provider,bytes32 orderDigest,uint64 price,address matcher,uint64 expiresAt)"
)
COMMIT_TYPEHASH: constant(bytes32) = keccak256("Commit(bytes32 batchId,address provider,bytes32 commitment)")
POST_TYPEHASH: constant(bytes32) = keccak256(
    "Post(bytes32 batchId,address provider,bytes32 outputsRoot,uint64 totalUnits)"
)
ACCEPT_TYPEHASH: constant(bytes32) = keccak256("Accept(bytes32 batchId,bytes32 outputsRoot,uint64 totalUnits)")
SEAT_SEAL_TYPEHASH: constant(bytes32) = keccak256("SeatSeal(bytes32 batchId,address account,bytes32 seal)")
SEAT_VERDICT_TYPEHASH: constant(bytes32) = keccak256(
    "SeatVerdict(bytes32 batchId,address account,bytes32 verdict,uint8 agrees)"
)
OPERATOR_TYPEHASH: constant(bytes32) = keccak256(
    "Operator(address account,address operator,uint64 nonce,uint64 expiresAt)"
)


@internal
@pure
def order(message: IMarketplace.Order) -> bytes32:
    """
    @notice Returns the struct hash of an order.
    @param message The order.
    """
    return keccak256(abi_encode(ORDER_TYPEHASH, message))


@internal
@pure
def bid(message: IMarketplace.Bid) -> bytes32:
    """
    @notice Returns the struct hash of a bid.
    @param message The bid.
    """
    return keccak256(abi_encode(BID_TYPEHASH, message))


@internal
@pure
def commit(batch_id: bytes32, provider: address, commitment: bytes32) -> bytes32:
    """
    @notice Returns the struct hash of a commitment.
    @param batch_id The order's digest.
    @param provider Whose commitment.
    @param commitment The sealed answer.
    """
    return keccak256(abi_encode(COMMIT_TYPEHASH, batch_id, provider, commitment))


@internal
@pure
def post(batch_id: bytes32, provider: address, outputs_root: bytes32, total_units: uint256) -> bytes32:
    """
    @notice Returns the struct hash of a lone replica's post.
    @param batch_id The order's digest.
    @param provider Whose post.
    @param outputs_root Crowned root of the results tree.
    @param total_units Its units.
    """
    return keccak256(abi_encode(POST_TYPEHASH, batch_id, provider, outputs_root, total_units))


@internal
@pure
def accept(batch_id: bytes32, outputs_root: bytes32, total_units: uint64) -> bytes32:
    """
    @notice Returns the struct hash of an acceptance.
    @param batch_id The order's digest.
    @param outputs_root The accepted root.
    @param total_units Its units.
    """
    return keccak256(abi_encode(ACCEPT_TYPEHASH, batch_id, outputs_root, total_units))


@internal
@pure
def operator(account: address, key: address, nonce: uint64, expires_at: uint64) -> bytes32:
    """
    @notice Returns the struct hash of the naming of an operator key.
    @param account Who names it.
    @param key The key.
    @param nonce The account's running number.
    @param expires_at Seconds.
    """
    return keccak256(abi_encode(OPERATOR_TYPEHASH, account, key, nonce, expires_at))


@internal
@pure
def seat_seal(batch_id: bytes32, account: address, seal: bytes32) -> bytes32:
    """
    @notice Returns the struct hash of a seat's seal.
    @param batch_id The order's digest.
    @param account The seat's.
    @param seal The seal.
    """
    return keccak256(abi_encode(SEAT_SEAL_TYPEHASH, batch_id, account, seal))


@internal
@pure
def seat_verdict(batch_id: bytes32, account: address, verdict: bytes32, agrees: uint256) -> bytes32:
    """
    @notice Returns the struct hash of a seat's word with which replicas it agrees.
    @param batch_id The order's digest.
    @param account The seat's.
    @param verdict Its verdict.
    @param agrees Bit r for replica r; a u8.
    """
    return keccak256(abi_encode(SEAT_VERDICT_TYPEHASH, batch_id, account, verdict, agrees))
