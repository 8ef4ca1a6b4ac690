"""Reputation: a number per provider and chain, for ranking only; it never lowers a bond or an audit rate.

Fixed point in [0, 1e6], integers alone, so that every chain agrees on every bit. Who may record is the contract's
business. Source: docs/PROTOCOL.md, section 8.
"""

from dataclasses import dataclass, replace

from stun.protocol.errors import require
from stun.protocol.parameters import DAY_SECONDS, PPM

HALF_LIFE_DAYS = 30
FACTOR_BITS = 32
# floor(2^32 * 2^(-k / 30)) for k = 0..29: what is left of 2^32 after k days. Part of the protocol; a test derives it.
# fmt: off
DECAY = (
    4294967296, 4196870107, 4101013461, 4007346184, 3915818271,
    3826380858, 3738986198, 3653587636, 3570139579, 3488597478,
    3408917801, 3331058011, 3254976541, 3180632774, 3107987021,
    3037000499, 2967635312, 2899854428, 2833621661, 2768901653,
    2705659852, 2643862495, 2583476593, 2524469906, 2466810933,
    2410468894, 2355413708, 2301615985, 2249047003, 2197678698,
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Reputation:
    """A provider's value in [0, 1e6] as it stood on a day (unix time // 86,400)."""

    value: int = 0
    day: int = 0


def score(reputation: Reputation, now: int) -> int:
    """Return the value decayed to this day: halved every 30 whole days, rounded down.

    The clock never runs back: `now` is on `reputation.day` or later.
    """
    days = now // DAY_SECONDS - reputation.day
    return ((reputation.value * DECAY[days % HALF_LIFE_DAYS]) >> FACTOR_BITS) >> (days // HALF_LIFE_DAYS)


def earned(reputation: Reputation, paid: int, reference_fee: int, alpha_ppm: int, now: int) -> Reputation:
    """Raise a reputation for a settled batch by alpha * min(1, paid / reference_fee) of what is missing to 1e6.

    `paid` and `reference_fee` are u64 in the asset's smallest unit. Errors: "reputation: reference" (no reference
    fee), "reputation: rate" (alpha above one).
    """
    require(reference_fee > 0, "reputation: reference")
    require(0 <= alpha_ppm <= PPM, "reputation: rate")
    value = score(reputation, now)
    gain = alpha_ppm * min(paid, reference_fee) * (PPM - value) // (PPM * reference_fee)
    return Reputation(value + gain, now // DAY_SECONDS)


def silent(reputation: Reputation, beta_ppm: int, now: int) -> Reputation:
    """Lower a reputation by the share beta for silence of any kind.

    Errors: "reputation: rate" (beta above one).
    """
    require(0 <= beta_ppm <= PPM, "reputation: rate")
    value = score(reputation, now)
    return Reputation(value - beta_ppm * value // PPM, now // DAY_SECONDS)


def convicted(reputation: Reputation, now: int) -> Reputation:
    """Take all reputation for a wrong result, whatever it was."""
    return replace(reputation, value=0, day=now // DAY_SECONDS)
