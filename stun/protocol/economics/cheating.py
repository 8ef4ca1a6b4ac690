"""Wrong results: when a provider that does not compute is better off than one that does (PROTOCOL.md section 8)."""

from fractions import Fraction
from math import comb

from stun.protocol.economics.setting import Setting
from stun.protocol.parameters import PPM


def caught(count: int, wrong: int, sampled: int) -> Fraction:
    """Return the chance that a sample of min(count, sampled) different tasks holds one of `wrong` wrong ones."""
    sampled = min(count, sampled)
    return 1 - Fraction(comb(count - wrong, sampled), comb(count, sampled))


def all_collude(seats: int, colluding: int, drawn: int) -> Fraction:
    """Return the chance that all drawn seats are of the coalition; at most (colluding / seats) ** drawn, 1 if none."""
    return Fraction(comb(colluding, drawn), comb(seats, drawn)) if drawn <= seats else Fraction(1)


def detection(setting: Setting) -> Fraction:
    """Return d: the chance that a drawn batch has an honest seat, which is all that a conviction needs."""
    return 1 - all_collude(setting.seats, setting.colluding_seats, setting.auditors)


def conviction_rate(setting: Setting, wrong: int) -> Fraction:
    """Return the chance that a batch with `wrong` wrong tasks is drawn, sampled and convicted."""
    return setting.draw_rate * detection(setting) * caught(setting.count, wrong, setting.value("audit_tasks"))


def profit_of_share(setting: Setting, wrong: int) -> Fraction:
    """Return what computing nothing for `wrong` of the tasks earns above honest work.

    Saved work, less what a conviction costs (bond really lost and the whole payment), plus the work that the
    coalition's own seats save when they alone are drawn.
    """
    saved = Fraction(setting.saved * wrong, setting.count)
    alone = setting.draw_rate * (1 - detection(setting)) if wrong else Fraction(0)
    spared = alone * setting.auditors * setting.seat_work
    return saved + spared - conviction_rate(setting, wrong) * (setting.lost + setting.earned)


def profit_of_nothing(setting: Setting) -> Fraction:
    """Return what computing nothing at all earns above honest work."""
    return profit_of_share(setting, setting.count)


def worst_share(setting: Setting) -> tuple[int, Fraction]:
    """Return how many wrong tasks, at least one, pay best, and what: one or all, as being caught is concave."""
    shares = range(1, setting.count + 1)
    best = max(shares, key=lambda wrong: profit_of_share(setting, wrong))
    return best, profit_of_share(setting, best)


def deterred(setting: Setting, wrong: int) -> Fraction:
    """Return the largest benefit from outside for which making `wrong` of the tasks wrong does not pay.

    What one wrong answer is worth to somebody, in money; a lower bound, since a requester or anybody else may look too.
    """
    return -profit_of_share(setting, wrong)


def least_margin(setting: Setting, honest_chance: Fraction) -> Fraction:
    """Return the least BOND_MARGIN (in ones) for which p * d * (S + R) >= C, where the margin sets the bond.

    From S = (1 - reward share) * price * (margin / p - 1); with R = C = price and no R in the sum it is 4 / (3 d).
    """
    rate = Fraction(setting.audit_ppm, PPM)
    loss = setting.saved / (rate * honest_chance) - setting.earned
    return rate * (1 + loss / (setting.locked * (1 - setting.reward_share)))


def profit_of_bribing_seats(setting: Setting) -> Fraction:
    """Return what a provider earns that computes nothing and, if drawn, buys every seat at the reward it gives up.

    Beyond the model of a colluding share: here every seat is for sale, keeps its word to the cheat although it could
    take the bribe and challenge from another account, and nobody but the seats looks.
    """
    return Fraction(setting.saved) - setting.draw_rate * setting.auditors * setting.reward


def profit_of_self_slashing(setting: Setting) -> Fraction:
    """Return what a cheat earns that its own accomplice convicts; its own requester has the price back."""
    return Fraction(-setting.lost)
