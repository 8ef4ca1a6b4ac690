"""Reputation: what it costs to buy by ordering from oneself, and that it buys no right to cheat."""

from dataclasses import replace
from fractions import Fraction

from stun.protocol.economics.account import GAS_OF_A_LIFE, prepaid
from stun.protocol.economics.cheating import profit_of_nothing
from stun.protocol.economics.setting import Setting
from stun.protocol.parameters import DAY_SECONDS, PPM
from stun.protocol.reputation import Reputation, earned, score

TRUSTED = 950_000  # above this the old rule audited nobody
BATCHES_AFTER = 1_000


def orders_to_buy(setting: Setting, wanted: int, each_day: int = 0) -> int:
    """Return how many settled orders of REFERENCE_FEE bring a provider from 0 to a reputation of `wanted`.

    `each_day` settle in a day (0: all in one). Errors: ValueError if decay keeps it from getting there.
    """
    held, orders, now = Reputation(), 0, 0
    fee, alpha = setting.asset.reference_fee, setting.value("alpha_ppm")
    while score(held, now) < wanted:
        before = held
        held = earned(held, fee, fee, alpha, now)
        orders += 1
        now = orders // each_day * DAY_SECONDS if each_day else 0
        if each_day and orders % each_day == 0 and orders > 400 * each_day and score(held, now) <= before.value:
            raise ValueError("decay keeps it from getting there")
    return orders


def cost_of_one(setting: Setting) -> Fraction:
    """Return what one order of REFERENCE_FEE from oneself costs: the treasury's part, the prepayment, the gas."""
    order = self_order(setting)
    return order.locked - order.earned + prepaid(order) + GAS_OF_A_LIFE * setting.gas_cost


def self_order(setting: Setting) -> Setting:
    """Return the cheapest order that earns a full step: of REFERENCE_FEE, at the least audit rate."""
    floor = setting.value("floor_ppm_exact")
    return replace(setting, locked=setting.asset.reference_fee, audit_ppm=floor)


def cost_to_buy(setting: Setting, wanted: int) -> Fraction:
    """Return what it costs to buy a reputation of `wanted` in a day."""
    return orders_to_buy(setting, wanted) * cost_of_one(setting)


def profit_of_farming(setting: Setting) -> Fraction:
    """Return what an account earns that buys its way above TRUSTED and then cheats in BATCHES_AFTER batches.

    With `floor_rule` it is audited like anybody; without, nobody audits the trusted (the rule this design replaces).
    """
    audited = setting if setting.floor_rule else replace(setting, reported=Fraction(0))
    return BATCHES_AFTER * profit_of_nothing(audited) - cost_to_buy(setting, TRUSTED)


def reputation_after(setting: Setting, orders: int) -> float:
    """Return the reputation, in ones, after so many orders in a day."""
    held = Reputation()
    fee, alpha = setting.asset.reference_fee, setting.value("alpha_ppm")
    for _ in range(orders):
        held = earned(held, fee, fee, alpha, 0)
    return held.value / PPM
