"""When a beacon's round is due, which round decides about what happens now, and the record of rounds that were brought.

Round n >= 1 comes out at `genesis + (n - 1) * period_seconds`. Only every `stride`-th round counts, so that batches
that end close to each other share one. Times are in seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stun.protocol.beacon.bls import check_key, verify
from stun.protocol.errors import require
from stun.protocol.parameters import U64

MAX_GENESIS = 2**40
MAX_STEP = 86_400  # of period, delay and stride
AHEAD_SECONDS = 86_400  # how far a chain's clock may be behind the beacon's


@dataclass(frozen=True, slots=True)
class Schedule:
    """A beacon's clock: its rounds, the stride in rounds, and by how much a round that decides lies in the future."""

    genesis: int
    period_seconds: int
    delay_seconds: int
    stride: int

    def check(self) -> None:
        """Refuse what no beacon may have; a delay of 0 would let a known round decide. Errors: "beacon: schedule"."""
        require(1 < self.genesis <= MAX_GENESIS, "beacon: schedule")
        steps = (self.period_seconds, self.delay_seconds, self.stride)
        require(all(0 < step <= MAX_STEP for step in steps), "beacon: schedule")

    def due_at(self, number: int) -> int:
        """When a round, from 1, comes out."""
        return self.genesis + (number - 1) * self.period_seconds

    def first_due(self, moment: int) -> int:
        """The first round that comes out at a moment or later."""
        return 1 + max(0, -((self.genesis - moment) // self.period_seconds))

    def due_round(self, now: int, newest: int = 0) -> int:
        """The round that decides about what happens now: the first of the stride that nobody can know yet.

        It comes out at least `delay_seconds` after now, and as much after the newest round that is known on the chain
        (0: none): where that one is ahead of the chain's clock, the clock is behind.
        """
        known_until = max(now, self.due_at(newest)) if newest else now
        first = self.first_due(known_until + self.delay_seconds)
        return -(-first // self.stride) * self.stride


@dataclass(frozen=True, slots=True)
class RoundStored:
    """A round was brought: its number and its randomness."""

    round: int
    randomness: bytes


@dataclass(frozen=True, slots=True)
class Beacon:
    """What the beacon's contract knows: key and schedule, which never change, and the randomness by round.

    `newest` is the highest round stored, 0 before the first.
    """

    key: bytes
    schedule: Schedule
    stored: Mapping[int, bytes] = field(default_factory=dict)
    newest: int = 0

    def due_round(self, now: int) -> int:
        """The round that decides about what happens now."""
        return self.schedule.due_round(now, self.newest)

    def randomness(self, number: int) -> bytes:
        """The randomness of a round; 32 zero bytes if it is not stored."""
        return self.stored.get(number, bytes(32))


def create(key: bytes, schedule: Schedule) -> Beacon:
    """Return a beacon without rounds. Errors: "beacon: schedule", "beacon: key"."""
    schedule.check()
    check_key(key)
    return Beacon(key, schedule)


def submit(beacon: Beacon, number: int, signature: bytes, now: int) -> tuple[Beacon, RoundStored]:
    """Store a round's randomness; anybody may.

    A round ahead of the chain's clock is taken, since its signature proves that it came out and the clock is late: not
    to take it would let those who know it choose what it decides. More than a day ahead no honest clock is.

    Errors: "beacon: round" (0, more than 64 bits, or not of the stride), "beacon: future" (more than AHEAD_SECONDS),
    "beacon: stored" (already), and those of `verify`.
    """
    require(0 < number <= U64 and number % beacon.schedule.stride == 0, "beacon: round")
    require(beacon.schedule.due_at(number) <= now + AHEAD_SECONDS, "beacon: future")
    require(number not in beacon.stored, "beacon: stored")
    randomness = verify(beacon.key, number, signature)
    stored = {**beacon.stored, number: randomness}
    return replace(beacon, stored=stored, newest=max(beacon.newest, number)), RoundStored(number, randomness)
