# pragma version ~=0.4.3
"""
@title Prices, split, bonds and the audit prepayment
@custom:contract-name prices
@license GNU Affero General Public License v3.0 only
@notice The formulas of stun/protocol/money.py with their rounding. Inputs are at most u64, so products fit 256 bits.
"""

from . import fields
from . import reasons


BPS: constant(uint256) = 10_000
PPM: constant(uint256) = 1_000_000
MILLION: constant(uint256) = 1_000_000
PROVIDER_BPS: constant(uint256) = 8_000
CREATOR_BPS: constant(uint256) = 500
CLASS_OPAQUE: constant(uint256) = 3


# @dev Who receives what of one replica's payment.
struct Split:
    provider: uint256
    creator: uint256
    matcher: uint256
    settler: uint256
    treasury: uint256


@internal
@pure
def _ceil_div(numerator: uint256, denominator: uint256) -> uint256:
    return (numerator + denominator - 1) // denominator


@internal
@pure
def amount(number: uint256) -> uint256:
    """
    @notice Returns the value if it is an amount (u64). Errors: "money: range".
    @param number The value.
    """
    if not (number <= fields.U64):
        reasons.fail(reasons.MONEY_RANGE)
    return number


@internal
@pure
def price_locked(count: uint256, max_units: uint256, price: uint256) -> uint256:
    """
    @notice Returns what one replica can cost at most, rounded up. Errors: "money: range".
    @param count Tasks.
    @param max_units Units a task may use.
    @param price Per 10^6 units.
    """
    return self.amount(self._ceil_div(count * max_units * price, MILLION))


@internal
@pure
def split(paid: uint256, has_creator: bool, rules: uint256) -> Split:
    """
    @notice Splits a payment 80 / 15 / 5; keepers are paid out of the 15, which keeps the dust.
    @param paid The payment.
    @param has_creator Whether the model has a creator to pay.
    @param rules The rules word of the batch.
    """
    parts: Split = Split(
        provider=paid * PROVIDER_BPS // BPS,
        creator=0,
        matcher=paid * ((rules >> fields.MATCH_FEE_BPS) & fields.U16) // BPS,
        settler=paid * ((rules >> fields.SETTLE_FEE_BPS) & fields.U16) // BPS,
        treasury=0,
    )
    if has_creator:
        parts.creator = paid * CREATOR_BPS // BPS
    parts.treasury = paid - parts.provider - parts.creator - parts.matcher - parts.settler
    return parts


@internal
@pure
def bond(locked: uint256, numeric_class: uint256, audit_ppm: uint256, limits: uint256, min_bond: uint256) -> uint256:
    """
    @notice Returns the bond of one replica. Errors: "money: range".
    @param locked Its price_locked.
    @param numeric_class Of the model.
    @param audit_ppm Of the order; not zero unless the class is opaque.
    @param limits The config's limits word.
    @param min_bond Of the asset.
    """
    if numeric_class == CLASS_OPAQUE:
        opaque: uint256 = self._ceil_div(locked * ((limits >> fields.OPAQUE_BOND_BPS) & fields.U16), BPS)
        return self.amount(max(min_bond, opaque))
    by_price: uint256 = self._ceil_div(locked * ((limits >> fields.MIN_BOND_BPS) & fields.U24), BPS)
    margin: uint256 = ((limits >> fields.BOND_MARGIN) & fields.U16) * (PPM // 100)
    by_audit: uint256 = 0
    if margin > audit_ppm:
        by_audit = self._ceil_div(locked * (margin - audit_ppm), audit_ppm)
    return self.amount(max(min_bond, max(by_price, by_audit)))


@internal
@pure
def audit_prepaid(
    dearest: uint256, count: uint256, audit_ppm: uint256, limits: uint256, audit_word: uint256
) -> uint256:
    """
    @notice Returns what an order pays into the audit account, rounded up. Errors: "money: range", "orders: cover" (the
            audit of the batch would cost more than the asset covers).
    @param dearest price_locked of the dearest replica.
    @param count Tasks.
    @param audit_ppm Of the order.
    @param limits The config's limits word.
    @param audit_word Of the asset.
    """
    auditors: uint256 = (limits >> fields.AUDITORS) & fields.U8
    if auditors == 0:
        return 0
    tasks: uint256 = min(count, (limits >> fields.AUDIT_TASKS) & fields.U8)
    cost: uint256 = auditors * (self._ceil_div(dearest * tasks, count) + ((audit_word >> fields.AUDIT_FEE) & fields.U64))
    cost += (audit_word >> fields.REPORT_FEE) & fields.U64
    if audit_ppm > 0 and cost > audit_word >> fields.AUDIT_COVER:
        reasons.fail(reasons.ORDERS_COVER)
    return self.amount(self._ceil_div(cost * audit_ppm * ((limits >> fields.AUDIT_LOAD_BPS) & fields.U16), PPM * BPS))
