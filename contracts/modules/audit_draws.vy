# pragma version ~=0.4.3
"""
@title What a round's randomness decides about one batch
@custom:contract-name audit_draws
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/audit/draws.py: whether a batch is drawn, which tasks, and which places of the list come next.
"""

PPM: constant(uint256) = 1_000_000
TAG_DRAW: constant(bytes1) = 0x13
TAG_SEAT: constant(bytes1) = 0x19
TAG_TASK: constant(bytes1) = 0x1a
MAX_TASKS: constant(uint256) = 16


@internal
@pure
def _number(digest: bytes32) -> uint256:
    return convert(digest, uint256) >> 192


@internal
@pure
def is_drawn(randomness: bytes32, batch_id: bytes32, audit_ppm: uint256) -> bool:
    """
    @notice Whether a batch is audited.
    @param randomness Of its round.
    @param batch_id The batch.
    @param audit_ppm Of its order.
    """
    return self._number(sha256(concat(TAG_DRAW, randomness, batch_id))) % PPM < audit_ppm


@internal
@pure
def candidate(randomness: bytes32, batch_id: bytes32, attempt: uint256, listed: uint256) -> uint256:
    """
    @notice Returns the place of the list that an attempt looks at.
    @param randomness Of the batch's round.
    @param batch_id The batch.
    @param attempt From 0.
    @param listed Places to choose from, at least 1.
    """
    return self._number(sha256(concat(TAG_SEAT, randomness, batch_id, convert(convert(attempt, uint32), bytes4)))) % listed


@internal
@pure
def tasks(randomness: bytes32, batch_id: bytes32, count: uint256, audit_tasks: uint256) -> DynArray[uint32, 16]:
    """
    @notice Returns different tasks in rising order, each set of them as likely (Floyd's sample).
    @param randomness Of the batch's round.
    @param batch_id The batch.
    @param count Its tasks.
    @param audit_tasks How many at most, up to 16.
    """
    found: DynArray[uint32, 16] = []
    wanted: uint256 = min(count, audit_tasks)
    for i: uint256 in range(wanted, bound=MAX_TASKS):
        last: uint256 = count - wanted + i
        task: uint256 = last
        if wanted < count:
            word: bytes4 = convert(convert(last, uint32), bytes4)
            task = self._number(sha256(concat(TAG_TASK, randomness, batch_id, word))) % (last + 1)
            if convert(task, uint32) in found:
                task = last
        found = self._insert(found, convert(task, uint32))
    return found


@internal
@pure
def _insert(tasks: DynArray[uint32, 16], task: uint32) -> DynArray[uint32, 16]:
    """
    @notice Returns rising tasks with one more in its place.
    """
    longer: DynArray[uint32, 16] = tasks
    longer.append(task)
    for i: uint256 in range(len(tasks), bound=MAX_TASKS):
        at: uint256 = len(tasks) - i
        if longer[at - 1] <= task:
            break
        longer[at] = longer[at - 1]
        longer[at - 1] = task
    return longer
