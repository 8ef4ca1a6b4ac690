"""Replicas of one owner: beside each other, and beside an honest provider."""

from fractions import Fraction

from stun.protocol.economics.cheating import profit_of_nothing
from stun.protocol.economics.setting import Setting


def profit_of_two_of_two(setting: Setting) -> Fraction:
    """Return what two replicas of one owner earn with one wrong root: they agree, and one audit convicts both."""
    return 2 * profit_of_nothing(setting)


def profit_of_one_against_one(setting: Setting) -> Fraction:
    """Return what a requester earns whose own second replica posts garbage, so that the honest one is not paid.

    The honest replica delivered, the price comes back. Where it demands and nobody can open the garbage, the sybil's
    bond is lost, its asker's part to a stranger, and the honest replica is paid.
    """
    return (1 - setting.defended) * setting.locked - setting.defended * setting.bond


def profit_of_two_against_one(setting: Setting) -> Fraction:
    """Return what two sybils earn that outvote an honest replica with a wrong root.

    The minority convicts both and takes the rewards; where it does not, an audit still does so with its own chance.
    """
    left_alone = profit_of_nothing(setting)
    challenged = setting.saved - (setting.bond + setting.earned)
    return 2 * (setting.defended * challenged + (1 - setting.defended) * left_alone)


def profit_of_requester_and_two(setting: Setting) -> Fraction:
    """Return what a requester earns that outvotes the honest replica, whose delivered work it has, with two of its own.

    It pays its own replicas, of which the platform keeps its share, and not the honest one.
    """
    alone = setting.locked - 2 * (setting.locked - setting.earned)
    audited = setting.draw_rate * 2 * setting.lost
    return (1 - setting.defended) * (alone - audited) - setting.defended * 2 * setting.bond


def least_defence(setting: Setting) -> Fraction:
    """Return how likely an honest replica must go to court to be safe beside one sybil: price / (price + bond)."""
    return Fraction(setting.locked, setting.locked + setting.bond)
