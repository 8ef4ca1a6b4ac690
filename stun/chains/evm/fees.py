"""What a transaction may cost: EIP-1559 fees, their bumps and their caps. Pure; amounts in wei per gas."""

from dataclasses import dataclass

GWEI = 10**9
REPLACE_PERCENT = 110  # nodes refuse a replacement below it


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """The owner's limits.

    `max_fee`: never signed above. `bump_percent` of the last fees at each bump, after `bump_blocks` blocks without
    inclusion, up to `bump_multiple` times what a first signature would bid. `gas_percent` of the estimate is the gas
    limit, at most `max_gas` (EIP-7825 allows 2**24).
    """

    max_fee: int = 500 * GWEI
    min_priority: int = GWEI // 100
    max_priority: int = 10 * GWEI
    bump_percent: int = 115
    bump_multiple: int = 3
    bump_blocks: int = 3
    gas_percent: int = 130
    max_gas: int = 2**24

    def __post_init__(self) -> None:
        if self.bump_percent < REPLACE_PERCENT:
            raise ValueError(f"a bump below {REPLACE_PERCENT} % is refused by nodes")
        if not 0 <= self.min_priority <= self.max_priority <= self.max_fee or self.bump_multiple < 1:
            raise ValueError("fees must satisfy min_priority <= max_priority <= max_fee and bump_multiple >= 1")


@dataclass(frozen=True, slots=True)
class Fees:
    """maxFeePerGas and maxPriorityFeePerGas."""

    max_fee: int
    priority: int


def _percent(amount: int, percent: int) -> int:
    return -(-amount * percent // 100)


def first_fees(policy: FeePolicy, base_fee: int, tip: int) -> Fees | None:
    """Fees that survive six full blocks (twice the base fee), or None while the base fee itself is above the cap."""
    priority = min(max(tip, policy.min_priority), policy.max_priority)
    if base_fee + policy.min_priority > policy.max_fee:
        return None
    max_fee = min(2 * base_fee + priority, policy.max_fee)
    return Fees(max_fee, min(priority, max_fee))


def bumped_fees(policy: FeePolicy, first: Fees, last: Fees, base_fee: int, tip: int) -> Fees | None:
    """Fees of a replacement, at least 110 % of the last in both parts; None when the caps leave no room."""
    fresh = first_fees(policy, base_fee, tip) or Fees(policy.max_fee, policy.max_priority)
    ceiling = min(policy.max_fee, policy.bump_multiple * max(first.max_fee, fresh.max_fee))
    max_fee = max(_percent(last.max_fee, policy.bump_percent), fresh.max_fee)
    priority = max(_percent(last.priority, policy.bump_percent), fresh.priority)
    max_fee = min(max_fee, ceiling)
    priority = min(priority, policy.bump_multiple * policy.max_priority, max_fee)
    if max_fee < _percent(last.max_fee, REPLACE_PERCENT) or priority < _percent(last.priority, REPLACE_PERCENT):
        return None
    return Fees(max_fee, priority)


def gas_limit(policy: FeePolicy, estimate: int) -> int | None:
    """The gas limit for an estimate, None when the estimate itself is above the cap."""
    return None if estimate > policy.max_gas else min(_percent(estimate, policy.gas_percent), policy.max_gas)
