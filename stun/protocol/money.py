"""Prices, the split of a payment, bonds and the audit prepayment: integer formulas with their rounding.

Amounts are u64 in the asset's smallest unit; a result that does not fit is Rejected("money: range").
"""

from dataclasses import dataclass

from stun.protocol.errors import require
from stun.protocol.parameters import BPS, CREATOR_BPS, PPM, PROVIDER_BPS, U64

MILLION = 1_000_000


def amount(value: int) -> int:
    """Return the value if it is an amount (u64). Errors: "money: range"."""
    require(0 <= value <= U64, "money: range")
    return value


def ceil_div(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded up, for numerator >= 0."""
    return -(-numerator // denominator)


def price_locked(count: int, max_units: int, price: int) -> int:
    """Return what one replica can cost at most: ceil(count * max_units * price / 10^6)."""
    return amount(ceil_div(count * max_units * price, MILLION))


def price_of(units: int, price: int) -> int:
    """Return what a replica earns for `units` at `price` per 10^6 units, rounded down."""
    return amount(units * price // MILLION)


@dataclass(frozen=True, slots=True)
class Split:
    """Who receives what of one replica's payment; the five parts sum to the payment."""

    provider: int
    creator: int
    matcher: int
    settler: int
    treasury: int

    @property
    def platform(self) -> int:
        """The platform's share: what is neither the provider's nor the creator's (15 % and the dust)."""
        return self.matcher + self.settler + self.treasury


def split(paid: int, has_creator: bool, match_fee_bps: int, settle_fee_bps: int) -> Split:
    """Split a payment: provider 80 %, creator 5 %, keepers by their bps, the rest (with all dust) the treasury's."""
    provider = paid * PROVIDER_BPS // BPS
    creator = paid * CREATOR_BPS // BPS if has_creator else 0
    matcher = paid * match_fee_bps // BPS
    settler = paid * settle_fee_bps // BPS
    return Split(provider, creator, matcher, settler, paid - provider - creator - matcher - settler)


def bond(locked: int, audit_ppm: int, min_bond: int, min_bond_bps: int, bond_margin: int) -> int:
    """Return the bond of one replica in a class that is audited (PROTOCOL.md section 3).

    max(min_bond, locked * max(min_bond_bps / 10^4, bond_margin / 100 * 10^6 / audit_ppm - 1)), each rounded up.
    """
    margin = bond_margin * (PPM // 100)
    by_audit = ceil_div(locked * (margin - audit_ppm), audit_ppm) if margin > audit_ppm else 0
    return amount(max(min_bond, ceil_div(locked * min_bond_bps, BPS), by_audit))


def opaque_bond(locked: int, min_bond: int, opaque_bond_bps: int) -> int:
    """Return the bond of one replica in class `opaque`, which is never audited."""
    return amount(max(min_bond, ceil_div(locked * opaque_bond_bps, BPS)))


def seat_share(dearest_locked: int, count: int, audit_tasks: int, audit_fee: int) -> int:
    """Return what one seat earns: ceil(dearest_locked * K / count) + audit_fee, with K = min(count, audit_tasks).

    `dearest_locked` is that of the dearest replica.
    """
    return ceil_div(dearest_locked * min(count, audit_tasks), count) + audit_fee


def audit_cost(
    dearest_locked: int, count: int, auditors: int, audit_tasks: int, audit_fee: int, report_fee: int
) -> int:
    """Return what the audit of a batch costs: a share for each seat, and the report; nothing without auditors."""
    if auditors == 0:
        return 0
    return auditors * seat_share(dearest_locked, count, audit_tasks, audit_fee) + report_fee


def audit_prepaid(
    dearest_locked: int,
    count: int,
    audit_ppm: int,
    auditors: int,
    audit_tasks: int,
    audit_fee: int,
    report_fee: int,
    audit_load_bps: int,
) -> int:
    """Return what an order pays into the audit account: audit_cost * audit_ppm / 10^6 * AUDIT_LOAD, rounded up."""
    cost = audit_cost(dearest_locked, count, auditors, audit_tasks, audit_fee, report_fee)
    return amount(ceil_div(cost * audit_ppm * audit_load_bps, PPM * BPS))
