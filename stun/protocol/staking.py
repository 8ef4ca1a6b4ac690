"""Stake: STUN of one account at risk for all that it does, and its way out.

Pure functions on one account's record; the amounts are STUN with 9 decimals and fit 64 bits, times are in seconds. Who
may slash is the contract's business. Source: docs/PROTOCOL.md, section 3.
"""

from dataclasses import dataclass, replace

from stun.protocol.errors import require
from stun.protocol.parameters import BPS, U64


@dataclass(frozen=True, slots=True)
class Stake:
    """What one account has staked.

    `active` counts for matching; `unbonding` is on its way out and can still be slashed; `unlock_at` is when it may be
    collected, 0 if nothing is unbonding.
    """

    active: int = 0
    unbonding: int = 0
    unlock_at: int = 0


def stake(position: Stake, amount: int) -> Stake:
    """Add to the active stake.

    Errors: "staking: amount" (nothing), "staking: overflow" (more than 64 bits).
    """
    require(amount > 0, "staking: amount")
    require(position.active + amount <= U64, "staking: overflow")
    return replace(position, active=position.active + amount)


def unstake(position: Stake, amount: int, now: int, unbonding_seconds: int) -> Stake:
    """Move active stake into the one unbonding position and restart its clock.

    A config with a shorter period never brings the clock of what is unbonding forward. Errors: "staking: amount",
    "staking: balance" (more than is active), "staking: overflow".
    """
    require(amount > 0, "staking: amount")
    require(amount <= position.active, "staking: balance")
    require(position.unbonding + amount <= U64, "staking: overflow")
    unlock_at = max(position.unlock_at, now + unbonding_seconds)
    return Stake(position.active - amount, position.unbonding + amount, unlock_at)


def collect(position: Stake, now: int) -> tuple[Stake, int]:
    """Take the whole unbonding position out and return its amount.

    Errors: "staking: nothing" (no position), "staking: locked" (before `unlock_at`).
    """
    require(position.unbonding > 0, "staking: nothing")
    require(now >= position.unlock_at, "staking: locked")
    return Stake(active=position.active), position.unbonding


def slash(position: Stake, bps: int) -> tuple[Stake, int]:
    """Take a share of active and unbonding stake, rounded down, of the active stake first; return what is burned.

    Errors: "staking: bps" (more than everything).
    """
    require(0 <= bps <= BPS, "staking: bps")
    amount = (position.active + position.unbonding) * bps // BPS
    from_active = min(amount, position.active)
    unbonding = position.unbonding - (amount - from_active)
    return Stake(position.active - from_active, unbonding, position.unlock_at if unbonding else 0), amount
