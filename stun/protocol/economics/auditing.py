"""Seats: what an auditor earns that does not look, and how many canaries make looking the better choice."""

from fractions import Fraction

from stun.protocol.economics.setting import Setting
from stun.protocol.parameters import BPS


def profit_of_copying(setting: Setting) -> Fraction:
    """Return what a seat earns, an audit, that confirms without running the tasks, above one that runs them.

    It knows the provider's leaves (else see `profit_of_agreeing_blindly`). It saves the work; at a canary it loses
    share and bond, and the reward that it would have had as often as the other drawn seats.
    """
    bounty = Fraction(setting.reward, max(1, setting.auditors))
    return setting.seat_work - setting.canaries * (setting.share + setting.seat_bond + bounty)


def least_canaries(setting: Setting) -> Fraction:
    """Return the share of canaries among drawn batches from which looking pays: work / (reward + share + bond)."""
    bounty = Fraction(setting.reward, max(1, setting.auditors))
    return Fraction(setting.seat_work) / (bounty + setting.share + setting.seat_bond)


def canary_cost(setting: Setting) -> Fraction:
    """Return what a canary programme costs the treasury, as a share of the price of all orders of this kind.

    Each is convicted: the reward leaves; the rest of the bond is the insurance's, or burned for STUN.
    """
    return setting.draw_rate * setting.canaries * setting.reward / setting.locked


def profit_of_agreeing_blindly(setting: Setting) -> Fraction:
    """Return what a seat earns, an audit, that says it agrees with results it has not seen, above one that works.

    Whoever shows the drawn results takes a quarter of its bond, and the seat loses all of it and its share.
    """
    return setting.seat_work - setting.shown * (setting.share + setting.seat_bond)


def profit_of_silence(setting: Setting) -> Fraction:
    """Return what a drawn seat earns by silence, above one that works: no work, no share, a part of the bond lost."""
    lost = setting.seat_bond * setting.value("seat_silence_bps") // BPS
    return Fraction(setting.seat_work - setting.share - lost)


def profit_of_tipping_off(setting: Setting) -> Fraction:
    """Return what a canary's provider earns by telling an accomplice, who takes the reward before a seat does.

    Where nobody drawn convicted, the programme gives back what was really lost: bond less reward. The provider's pay is
    the same with or without the accomplice.
    """
    given_back = setting.bond - (0 if setting.refunds_whole_bond else setting.reward)
    return Fraction(given_back + setting.reward - setting.bond)
