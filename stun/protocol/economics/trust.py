"""What trust costs a requester: the audit prepayment, and the rent of the bond that its providers price in."""

from dataclasses import replace
from fractions import Fraction
from math import isqrt

from stun.protocol.economics.account import prepaid
from stun.protocol.economics.setting import Setting
from stun.protocol.parameters import BPS, DAY_SECONDS, PPM

YEARLY = Fraction(1, 10)  # what a provider could earn with its money elsewhere
HELD_SECONDS = DAY_SECONDS  # from the match until the bond is back
_YEAR_SECONDS = 365 * DAY_SECONDS


def bond_rent(setting: Setting) -> Fraction:
    """Return what it costs a provider to have its bond in a batch for HELD_SECONDS, at YEARLY interest."""
    return setting.bond * YEARLY * HELD_SECONDS / _YEAR_SECONDS


def cost(setting: Setting) -> Fraction:
    """Return what trust costs in one batch of one replica: the prepayment and the bond's rent."""
    return prepaid(setting) + bond_rent(setting)


def cheapest_rate(setting: Setting) -> int:
    """Return the audit_ppm, not below the floor, at which trust costs least: rare audits need large bonds.

    The prepayment rises as a * p, the rent falls as b / p: least at sqrt(b / a).
    """
    always = prepaid(replace(setting, audit_ppm=PPM))
    rent = setting.locked * Fraction(setting.value("bond_margin"), 100) * YEARLY * HELD_SECONDS / _YEAR_SECONDS
    best = isqrt(int(rent * PPM * PPM / always))
    # From the rate on at which MIN_BOND_BPS holds the bond up, a higher one saves nothing.
    least_bond = Fraction(setting.value("min_bond_bps"), BPS)
    flat = int(Fraction(setting.value("bond_margin"), 100) / (1 + least_bond) * PPM)
    return max(setting.value("floor_ppm_exact"), min(best, flat, PPM))
