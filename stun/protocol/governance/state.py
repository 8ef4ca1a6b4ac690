"""Records of governance. All are immutable; a step returns a new state. Times are in seconds, STUN has 9 decimals."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from stun.protocol.staking import Stake

NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a number was at every past moment: the moments it changed at, rising, and its value from each on."""

    moments: tuple[int, ...] = ()
    values: tuple[int, ...] = ()

    @property
    def latest(self) -> int:
        """Return the value now."""
        return self.values[-1] if self.values else 0

    def at(self, moment: int) -> int:
        """Return the value at the end of a moment."""
        place = bisect_right(self.moments, moment)
        return self.values[place - 1] if place else 0

    def changed(self, value: int, now: int) -> "Trace":
        """Return the trace with a value from now on; changes in one second are one."""
        kept = len(self.moments) - bool(self.moments and self.moments[-1] == now)
        return Trace((*self.moments[:kept], now), (*self.values[:kept], value))


@dataclass(frozen=True, slots=True)
class Votes:
    """Who has STUN and who votes with it.

    `stakes` are what the custodian (staking) holds for its owners. `traces` are the votes of each delegate; `votable`
    is the supply less what the bridge holds.
    """

    custodian: bytes
    supply: int = 0
    bridge: bytes = NOBODY
    balances: Mapping[bytes, int] = field(default_factory=dict)
    delegates: Mapping[bytes, bytes] = field(default_factory=dict)
    stakes: Mapping[bytes, Stake] = field(default_factory=dict)
    traces: Mapping[bytes, Trace] = field(default_factory=dict)
    votable: Trace = field(default_factory=Trace)

    def balance(self, account: bytes) -> int:
        """Return the free balance of an account."""
        return self.balances.get(account, 0)

    def stake(self, account: bytes) -> Stake:
        """Return what an account has staked."""
        return self.stakes.get(account, Stake())

    def held(self, account: bytes) -> int:
        """Return what an account has in custody: active and unbonding stake."""
        return self.stake(account).active + self.stake(account).unbonding

    def delegate(self, account: bytes) -> bytes:
        """Return whom an account has named, NOBODY if none."""
        return self.delegates.get(account, NOBODY)

    def voter(self, account: bytes) -> bytes:
        """Return who votes with what an account has in custody: its delegate, or itself."""
        named = self.delegate(account)
        return account if named == NOBODY else named

    def trace(self, account: bytes) -> Trace:
        """Return the votes of an account, now and at every past moment."""
        return self.traces.get(account, Trace())
