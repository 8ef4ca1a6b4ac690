"""The audit account: what flows in and out, how large a seed keeps it from running dry, and who could drain it."""

import math
from dataclasses import replace
from fractions import Fraction

from stun.protocol import money
from stun.protocol.economics.setting import Setting
from stun.protocol.parameters import BPS, PPM

GAS_OF_A_LIFE = 295_000  # match, post, settle
GAS_OF_A_DRAW = 380_000  # a round and a draw


def audit_cost(setting: Setting) -> int:
    """Return what one drawn audit pays out at most: every seat, and who showed the draw."""
    return setting.auditors * setting.share + setting.asset.report_fee


def prepaid(setting: Setting, load_bps: int | None = None) -> int:
    """Return what the order pays in: its part of all that a drawn audit pays out, REPORT_FEE too."""
    load = setting.value("audit_load_bps") if load_bps is None else load_bps
    cost = audit_cost(setting) - (0 if setting.counts_report_fee else setting.asset.report_fee)
    return money.ceil_div(cost * setting.audit_ppm * load, PPM * BPS)


def drift(setting: Setting) -> Fraction:
    """Return what the account gains by one order on average; below zero it runs dry however large its seed."""
    return prepaid(setting) - setting.draw_rate * audit_cost(setting)


def least_load(setting: Setting) -> int:
    """Return the least AUDIT_LOAD in bps for which the account does not lose by orders of this kind."""
    counted = audit_cost(setting) - (0 if setting.counts_report_fee else setting.asset.report_fee)
    return money.ceil_div(audit_cost(setting) * BPS, counted)


def adjustment(load: float, rate: float) -> float:
    """Return r > 0 with E[exp(r * (out - in))] = 1 for audits of one size; 0 if the load does not exceed 1.

    In units of one audit's cost: every order pays `load * rate` in, and with chance `rate` takes 1 out. The chance that
    an account with a seed of u audits ever runs dry is at most exp(-r u) (Lundberg).
    """
    if load <= 1.0:
        return 0.0

    def excess(r: float) -> float:
        return math.log1p(rate * math.expm1(r)) - r * load * rate

    low, high = 0.0, 1.0
    while excess(high) < 0:
        low, high = high, 2 * high
        if high > 500.0:  # the account can hardly ever lose
            return high
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return low


def effective_load(setting: Setting) -> float:
    """Return what is paid in for each unit that flows out on average."""
    return float(prepaid(setting) / (setting.draw_rate * audit_cost(setting)))


def ruin_bound(setting: Setting, seed_in_covers: float) -> float:
    """Return a bound of the chance that the account ever runs dry, seeded with so many audits of this kind."""
    return math.exp(-adjustment(effective_load(setting), float(setting.draw_rate)) * seed_in_covers)


def seed_for(setting: Setting, chance: float) -> float:
    """Return how many audits of this kind the seed must hold for ruin to be less likely than `chance`; or inf."""
    r = adjustment(effective_load(setting), float(setting.draw_rate))
    return -math.log(chance) / r if r > 0 else math.inf


def profit_of_draining(setting: Setting) -> Fraction:
    """Return what a coalition earns by ordering from itself, without work, to be audited by itself and to report it.

    Its results have no units, so no price is paid; it pays the prepayment and gas, and takes the shares of its own
    seats and the fee for showing the draw.
    """
    taken = (
        setting.auditors * setting.share * Fraction(setting.colluding_seats, setting.seats) + setting.asset.report_fee
    )
    gas = (GAS_OF_A_LIFE + setting.draw_rate * GAS_OF_A_DRAW) * setting.gas_cost
    return setting.draw_rate * taken - prepaid(setting) - gas


def worst_to_drain(setting: Setting) -> Setting:
    """Return the order that drains best: drawn for certain, of the least price and of many tasks."""
    return replace(setting, audit_ppm=PPM, locked=setting.asset.min_locked, count=65_536)
