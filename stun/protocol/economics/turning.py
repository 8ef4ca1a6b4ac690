"""Where a profit turns: the value of one parameter at which a strategy begins to pay, everything else as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from stun.protocol.economics.setting import Setting, change, read

Profit = Callable[[Setting], Fraction]


@dataclass(frozen=True, slots=True)
class Guard:
    """A parameter that keeps a strategy from paying, and the value `without` it: as if the guard were not there.

    `step` is the grain in which it is looked for: 1 for governed values, a part of one for assumptions. `enough` is a
    value at which the guard holds by itself, for strategies that pay already.
    """

    name: str
    without: Fraction
    step: Fraction = Fraction(1)
    enough: Fraction | None = None


def turning_point(profit: Profit, setting: Setting, guard: Guard) -> Fraction | None:
    """Return the value nearest to the setting's own at which the profit is above 0, on the way to `without`.

    If it is above 0 already, the last value on the way to `enough` at which it still is. None if it is not above 0 even
    without the guard, or above 0 even with enough of it. The profit must rise, or fall, all the way.
    """
    own = read(setting, guard.name)
    if profit(setting) > 0:
        if guard.enough is None or profit(change(setting, guard.name, guard.enough)) > 0:
            return None
        found = _first(lambda value: profit(change(setting, guard.name, value)) <= 0, own, guard.enough, guard.step)
        return found + (guard.step if own > found else -guard.step)
    if profit(change(setting, guard.name, guard.without)) <= 0:
        return None
    return _first(lambda value: profit(change(setting, guard.name, value)) > 0, own, guard.without, guard.step)


def _first(holds: Callable[[Fraction], bool], own: Fraction, end: Fraction, step: Fraction) -> Fraction:
    """Return the first value from `own` to `end` in steps at which it holds; it holds at `end` and not at `own`."""
    direction = step if end > own else -step
    before, there = 0, int(abs(end - own) / step)
    if not holds(own + there * direction):
        return end
    while there - before > 1:
        middle = (before + there) // 2
        before, there = (before, middle) if holds(own + middle * direction) else (middle, there)
    return own + there * direction
