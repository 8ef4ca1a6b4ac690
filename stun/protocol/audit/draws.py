"""What a round's randomness decides about one batch: whether it is audited, which tasks, which seats. Pure functions.

Everything follows from the randomness, the batch and what stood before the round came out, so that nobody gains by
choosing when or by whom the draw is shown.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

from stun.protocol.parameters import PPM
from stun.protocol.trees.tags import DRAW, PICK_SEAT, PICK_TASK, SEAL

MAX_ATTEMPTS = 64  # seats of the list that are looked at


def is_drawn(randomness: bytes, batch_id: bytes, audit_ppm: int) -> bool:
    """Whether the batch is audited: the first 8 bytes of sha256(0x13 | randomness | batch_id), mod 10^6, below it."""
    return _number(DRAW + randomness + batch_id) % PPM < audit_ppm


def drawn_tasks(randomness: bytes, batch_id: bytes, count: int, audit_tasks: int) -> tuple[int, ...]:
    """Return min(count, audit_tasks) different tasks below `count` in rising order, each set of them as likely.

    Floyd's sample: for j from count - K to count - 1, a number up to j from sha256(0x1a | randomness | batch_id | j
    u32), or j itself where that one is taken.
    """
    if count <= audit_tasks:
        return tuple(range(count))
    taken: set[int] = set()
    for last in range(count - audit_tasks, count):
        task = _number(PICK_TASK + randomness + batch_id + last.to_bytes(4, "big")) % (last + 1)
        taken.add(last if task in taken else task)
    return tuple(sorted(taken))


def drawn_seats(
    randomness: bytes, batch_id: bytes, listed: int, auditors: int, is_free: Callable[[int], bool]
) -> tuple[int, ...]:
    """Return up to `auditors` places of the list below `listed`, none twice, that are free to judge this batch."""
    found: list[int] = []
    for place in _candidates(randomness, batch_id, listed):
        if len(found) == auditors:
            break
        if place not in found and is_free(place):
            found.append(place)
    return tuple(found)


def verdict_of(digests: Sequence[bytes]) -> bytes:
    """Return a verdict: sha256 over the output digests of all drawn tasks in rising order."""
    return sha256(b"".join(digests)).digest()


def seal_of(batch_id: bytes, account: bytes, verdict: bytes, salt: bytes) -> bytes:
    """Return what a seat seals: sha256(0x1b | batch_id | account | verdict | salt); no other account can open it."""
    return sha256(SEAL + batch_id + account + verdict + salt).digest()


def _candidates(randomness: bytes, batch_id: bytes, listed: int) -> Iterator[int]:
    for attempt in range(MAX_ATTEMPTS if listed else 0):
        yield _number(PICK_SEAT + randomness + batch_id + attempt.to_bytes(4, "big")) % listed


def _number(data: bytes) -> int:
    return int.from_bytes(sha256(data).digest()[:8], "big")
