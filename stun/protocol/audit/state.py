"""Records of the audit. All are immutable; a step returns new ones.

Seats' bonds are STUN in its smallest unit, shares and fees the batch's asset in its smallest unit, times seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Protocol

MAX_RESULTS = 3


class Stage(IntEnum):
    """How far a drawn seat has come."""

    DRAWN = 0
    SEALED = 1
    REVEALED = 2


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in the list: whose it is, its bond, and the epochs in which it joined and left (0: it has not)."""

    account: bytes
    bond: int
    joined: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Sitting:
    """One seat's part in one audit. `word` is its seal, and once opened the verdict (draws.verdict_of).

    `agrees` has bit r for each replica r whose results the seat says are its own.
    """

    place: int
    account: bytes
    stage: Stage = Stage.DRAWN
    word: bytes = bytes(32)
    agrees: int = 0


@dataclass(frozen=True, slots=True)
class Audit:
    """A batch that was drawn, as its last event tells it; later calls carry it.

    `share` is what each seat earns, `tasks` how many are run again. `results[r]` is replica r's result digest, zero if
    it had none; `shown[r]` the verdict that replica r's own leaves come to, and `shower[r]` who proved it (both zero
    while nobody did). Deadlines are exclusive.
    """

    batch_id: bytes
    asset: bytes
    version: int
    count: int
    tasks: int
    randomness: bytes
    share: int
    report_fee: int
    reporter: bytes
    seal_by: int
    reveal_by: int
    close_at: int
    results: tuple[bytes, ...]
    sittings: tuple[Sitting, ...]
    shown: tuple[bytes, ...] = (bytes(32),) * MAX_RESULTS
    shower: tuple[bytes, ...] = (bytes(32),) * MAX_RESULTS

    def with_sitting(self, seat: int, sitting: Sitting) -> "Audit":
        """Return the audit with one seat's part changed."""
        return replace(self, sittings=(*self.sittings[:seat], sitting, *self.sittings[seat + 1 :]))


class Verdicts(Protocol):
    """What the court of a batch's config tells."""

    def was_convicted(self, batch_id: bytes, replica: int) -> bool:
        """Whether it convicted a replica, for whatever reason."""

    def was_wrong(self, batch_id: bytes, replica: int) -> bool:
        """Whether it convicted it of a wrong result."""


@dataclass(frozen=True, slots=True)
class AuditState:
    """Everything that the audit's contract holds.

    `genesis` and `epoch_seconds` never change. `listed_before[e]` is the length of the list when epoch e's first seat
    joined. `place_of`: the newest seat of an account. `owed` by (asset, account): what the audit account could not pay
    yet. STUN: `held` inside, `burned`, and `paid` out in tokens by account.
    """

    account: bytes
    genesis: int
    epoch_seconds: int
    seats: tuple[Seat, ...] = ()
    listed_before: Mapping[int, int] = field(default_factory=dict)
    place_of: Mapping[bytes, int] = field(default_factory=dict)
    audits: Mapping[bytes, Audit] = field(default_factory=dict)
    owed: Mapping[tuple[bytes, bytes], int] = field(default_factory=dict)
    held: int = 0
    burned: int = 0
    paid: Mapping[bytes, int] = field(default_factory=dict)

    def epoch(self, moment: int) -> int:
        """Return the epoch of a moment, from 1."""
        return (moment - self.genesis) // self.epoch_seconds + 1

    def begins(self, epoch: int) -> int:
        """Return when an epoch begins."""
        return self.genesis + (epoch - 1) * self.epoch_seconds

    def listed(self, epoch: int, now: int) -> int:
        """Return how many seats had joined before an epoch began."""
        moments = range(epoch, self.epoch(now) + 1)
        return next((self.listed_before[e] for e in moments if e in self.listed_before), len(self.seats))
