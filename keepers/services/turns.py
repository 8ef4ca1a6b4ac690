"""Whose turn it is among keepers of one duty, so that several do not pay for the same act.

Each keeper has a place for each batch, by hash. The first place acts at once, every further place a slot later: who
comes later finds the work done, or does it itself. Nobody is needed to agree on anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Turns:
    """`keepers`: the known keepers of the duty, which then have a place each; without it a keeper's place is its hash
    modulo `places`. `slot_seconds`: how long each place is let go first (0: everybody acts at once)."""

    slot_seconds: int = 4
    places: int = 4
    keepers: Sequence[bytes] = ()

    def delay(self, batch_id: bytes, keeper: bytes, patience: int) -> int:
        """Return how many seconds this keeper lets others go first, at most `patience`."""
        if keeper in self.keepers:
            order = sorted(set(self.keepers), key=lambda account: sha256(batch_id + account).digest())
            place = order.index(keeper)
        else:
            place = int.from_bytes(sha256(batch_id + keeper).digest()[:8], "big") % max(1, self.places)
        return min(place * self.slot_seconds, max(0, patience))
