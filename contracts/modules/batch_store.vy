# pragma version ~=0.4.3
"""
@title What is stored of a batch
@custom:contract-name batch_store
@license GNU Affero General Public License v3.0 only
@notice One packed word (the head), the digest of the terms, up to three result digests and, after a resolution, one
        word of dues. All are deleted when the batch is final; replay safety comes from nonces alone.
"""

from ..interfaces import IMarketplace
from . import reasons


OPEN: constant(uint256) = 1
REVEALING: constant(uint256) = 2
RESULTS: constant(uint256) = 3

PENDING: constant(uint256) = 0
COMMITTED: constant(uint256) = 1
REVEALED: constant(uint256) = 2
ACCEPTED: constant(uint256) = 3
WITHDRAWN: constant(uint256) = 4
SILENT: constant(uint256) = 5
CONVICTED: constant(uint256) = 6

# @dev No cell of `_digests` belongs to a replica.
NO_CELL: constant(uint256) = 3

# head: phase u2 | posted u1 | tip_paid u1 | resolved u1 | 3 spare | state u4 x3 | cell u2 x3 | phase_at u40 |
#       hold_until u40 | seq u24 | round u32; the rest is left for a court's open demands.
U40: constant(uint256) = 2**40 - 1
U32: constant(uint256) = 2**32 - 1
U24: constant(uint256) = 2**24 - 1
U64: constant(uint256) = 2**64 - 1


# @dev The head, unpacked. `cell[k]`: which cell of the digests holds replica k's commitment or result; replicas that
#      revealed the same result share one. `round`: the beacon's round that decides about the audit, 0 if none.
struct Head:
    phase: uint256
    posted: bool
    tip_paid: bool
    resolved: bool
    phase_at: uint256
    hold_until: uint256
    seq: uint256
    round: uint256
    state: uint256[3]
    cell: uint256[3]


_heads: HashMap[bytes32, uint256]
_terms: HashMap[bytes32, bytes32]
_digests: HashMap[bytes32, bytes32[3]]
_dues: HashMap[bytes32, uint256]


@internal
@view
def load(batch_id: bytes32, terms: IMarketplace.Terms) -> Head:
    """
    @notice Returns the head of an unfinished batch whose terms these are. Errors: "batches: unknown".
    @param batch_id The order's digest.
    @param terms As published by BatchOpened.
    """
    if not (self._terms[batch_id] == keccak256(abi_encode(terms))):
        reasons.fail(reasons.BATCHES_UNKNOWN)
    return self.unpack(self._heads[batch_id])


@internal
def create(batch_id: bytes32, terms: IMarketplace.Terms, head: Head):
    """
    @notice Stores a new batch.
    @param batch_id The order's digest.
    @param terms Its terms.
    @param head Its head.
    """
    self._terms[batch_id] = keccak256(abi_encode(terms))
    self.save(batch_id, head)


@internal
def save(batch_id: bytes32, head: Head):
    """
    @notice Stores the head; one of phase 0 belongs to a batch that is already deleted and is not stored.
    @param batch_id The order's digest.
    @param head The head.
    """
    if head.phase != 0:
        self._heads[batch_id] = self.pack(head)


@internal
def delete(batch_id: bytes32, head: Head):
    """
    @notice Deletes everything stored of a batch.
    @param batch_id The order's digest.
    @param head Its head, which says what is stored.
    """
    self._heads[batch_id] = 0
    self._terms[batch_id] = empty(bytes32)
    for k: uint256 in range(3):
        if k == head.cell[0] or k == head.cell[1] or k == head.cell[2]:
            self._digests[batch_id][k] = empty(bytes32)
    if head.resolved:
        self._dues[batch_id] = 0


@internal
def set_commitment(batch_id: bytes32, index: uint256, commitment: bytes32):
    """
    @notice Stores a commitment in the replica's own cell.
    @param batch_id The order's digest.
    @param index The replica.
    @param commitment The commitment.
    """
    self._digests[batch_id][index] = commitment


@internal
def forget(batch_id: bytes32, head: Head, index: uint256) -> Head:
    """
    @notice Deletes the commitment of a replica that goes out; a revealed result stays until the batch is final, since
            others may share its cell.
    @param batch_id The order's digest.
    @param head The head.
    @param index The replica.
    """
    if head.state[index] == COMMITTED:
        if head.cell[index] != NO_CELL:
            self._digests[batch_id][index] = empty(bytes32)
        head.cell[index] = NO_CELL
    return head


@internal
@view
def digest_of(batch_id: bytes32, head: Head, index: uint256) -> bytes32:
    """
    @notice Returns a replica's commitment or result digest; zero if it has none.
    @param batch_id The order's digest.
    @param head The head.
    @param index The replica.
    """
    if head.cell[index] == NO_CELL:
        return empty(bytes32)
    return self._digests[batch_id][head.cell[index]]


@internal
@view
def dues(batch_id: bytes32) -> uint256[3]:
    """
    @notice Returns what a resolution found due, in units by replica.
    @param batch_id The order's digest.
    """
    packed: uint256 = self._dues[batch_id]
    return [packed & U64, (packed >> 64) & U64, (packed >> 128) & U64]


@internal
def set_dues(batch_id: bytes32, dues: uint256[3]):
    """
    @notice Stores what a resolution found due (each a u64); bit 192 keeps the word from being zero.
    @param batch_id The order's digest.
    @param dues Units by replica.
    """
    self._dues[batch_id] = dues[0] | (dues[1] << 64) | (dues[2] << 128) | (1 << 192)


@internal
def clear_dues(batch_id: bytes32):
    """
    @notice Deletes what a resolution found due.
    @param batch_id The order's digest.
    """
    self._dues[batch_id] = 0


@internal
@pure
def pack(head: Head) -> uint256:
    """
    @notice Returns the stored word of a head.
    @param head The head.
    """
    word: uint256 = head.phase | (convert(head.posted, uint256) << 2) | (convert(head.tip_paid, uint256) << 3)
    word |= convert(head.resolved, uint256) << 4
    word |= (head.state[0] << 8) | (head.state[1] << 12) | (head.state[2] << 16)
    word |= (head.cell[0] << 20) | (head.cell[1] << 22) | (head.cell[2] << 24)
    return word | (head.phase_at << 32) | (head.hold_until << 72) | (head.seq << 112) | (head.round << 136)


@internal
@pure
def unpack(word: uint256) -> Head:
    """
    @notice Returns the head of a stored word.
    @param word The word.
    """
    return Head(
        phase=word & 3,
        posted=(word >> 2) & 1 == 1,
        tip_paid=(word >> 3) & 1 == 1,
        resolved=(word >> 4) & 1 == 1,
        phase_at=(word >> 32) & U40,
        hold_until=(word >> 72) & U40,
        seq=(word >> 112) & U24,
        round=(word >> 136) & U32,
        state=[(word >> 8) & 15, (word >> 12) & 15, (word >> 16) & 15],
        cell=[(word >> 20) & 3, (word >> 22) & 3, (word >> 24) & 3],
    )
