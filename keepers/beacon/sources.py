"""Sources of signed rounds, and the one that signs them itself."""

from collections.abc import Callable
from typing import Protocol

from stun.protocol.beacon.bls import sign
from stun.protocol.beacon.rounds import Schedule
from stun.protocol.errors import StunError
from stun.protocol.parameters import U64


class SourceError(StunError):
    """A source did not give a round. `number` is the round's."""

    code = "beacon: source"

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(number, reason)
        self.number = number
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: round {self.number}: {self.reason}"


class RoundNotOut(SourceError):
    """The round comes out later, or there is no such round; ask again."""

    code = "beacon: not out"


class SourceUnavailable(SourceError):
    """No server gave an answer that could be checked."""

    code = "beacon: unavailable"


class SourceLied(SourceError):
    """A server answered with something else than the round's one signature."""

    code = "beacon: lied"


class BeaconSource(Protocol):
    """Gives the signature of a round."""

    def signature(self, number: int) -> bytes:
        """The 64 bytes that the beacon's contract verifies. Errors: RoundNotOut, SourceUnavailable, SourceLied."""


class SigningSource:
    """Signs rounds with a secret as soon as they are due by a clock: a development network's beacon."""

    def __init__(self, secret: int, schedule: Schedule, now: Callable[[], int]) -> None:
        self._secret = secret
        self.schedule = schedule
        self._now = now

    def latest(self) -> int:
        """The last round that is out; 0 before the first."""
        now = self._now()
        if now < self.schedule.genesis:
            return 0
        return 1 + (now - self.schedule.genesis) // self.schedule.period_seconds

    def signature(self, number: int) -> bytes:
        """Sign a round. Errors: RoundNotOut."""
        if not 0 < number <= min(self.latest(), U64):
            raise RoundNotOut(number, f"the last one is {self.latest()}")
        return sign(self._secret, number)
