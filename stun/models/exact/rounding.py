"""Requant in float64, exact wherever its bounds can be proven, else in int64.

x * mult is an integer below 2^52, scaling by 2^-shift is exact, and adding a half is too while shift <= 52: floor of
the sum then is `rshr`. That needs |x| * mult < 2^52; multipliers of 24 bits give it for every accumulator of a model.
The clamp is done on int32, which the rounded value must fit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT_BITS = 52
STRIP_ELEMENTS = 1 << 15  # what is rounded at once stays in the cache

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


_LIFTS = {1: 2**8, 2: 2**16}  # by width: multiples of what the width can tell apart


@dataclass(frozen=True, slots=True)
class Room:
    """Where one strip is worked on."""

    wide: Doubles
    narrow: NDArray[np.int32]
    places: Integers
    found: NDArray[np.int16]

    def part(self, rows: int) -> "Room":
        """The room of a shorter strip."""
        return Room(self.wide[:rows], self.narrow[:rows], self.places[:rows], self.found[:rows])


@dataclass(frozen=True, slots=True)
class Rounding:
    """clamp(rshr((x + bias) * mult, shift), low, high) into `dtype`, for x [tasks, rows, cols] or [rows, cols].

    `mult` and `bias` have an element a column; or `mult` is [rows, 1]. `peak` bounds |x| before the bias.
    """

    mult: Integers
    bias: Integers
    shift: int
    low: int
    high: int
    dtype: np.dtype[Any]
    peak: int

    @property
    def fits_doubles(self) -> bool:
        """Whether float64 holds every intermediate."""
        product = self.peak_product
        return product < 1 << EXACT_BITS and self.shift <= EXACT_BITS and product >> self.shift < 2**31 - 2**17

    @property
    def lift(self) -> int:
        """What is added so that cutting off rounds down; 0 where it does not fit, or where the output would keep it."""
        lift = _LIFTS.get(self.dtype.itemsize, 0)
        fits = (lift << self.shift) + (
            1 << EXACT_BITS - 1
        ) < 1 << EXACT_BITS and self.peak_product < 1 << EXACT_BITS - 1
        return lift if fits else 0

    @property
    def peak_product(self) -> int:
        """No product is larger in magnitude."""
        return (self.peak + int(np.abs(self.bias).max(initial=0)) + 1) * int(self.mult.max(initial=0))

    def prepare(self) -> Callable[[Array], Array]:
        """A function of arrays [..., channels] of integers (in any dtype that holds them)."""
        return self._in_doubles() if self.fits_doubles else self._in_integers

    def _in_doubles(self) -> Callable[[Array], Array]:
        factor = self.mult * 2.0**-self.shift
        rows = len(factor) if factor.ndim == 2 else 0
        finish = self.strip()

        def strip(x: Array, out: Array, room: Room) -> None:
            np.copyto(room.wide, x, casting="unsafe")
            finish(out, room)

        return lambda x: _by_strips(x, self.dtype, strip, rows)

    def strip(self) -> Callable[[Array, Room], None]:
        """A function that rounds what stands in a strip's `wide` into an output."""
        factor, lift = self.mult * 2.0**-self.shift, self.lift
        offset = self.bias * factor + (lift + 0.5)
        low, high = np.int32(self.low + lift), np.int32(self.high + lift)

        def finish(out: Array, room: Room) -> None:
            np.multiply(room.wide, factor, out=room.wide)
            np.add(room.wide, offset, out=room.wide)
            if not lift:
                np.floor(room.wide, out=room.wide)
            np.copyto(room.narrow, room.wide, casting="unsafe")
            np.maximum(room.narrow, low, out=room.narrow)
            np.minimum(room.narrow, high, out=room.narrow)
            np.copyto(out, room.narrow, casting="unsafe")  # the lift is nothing in the output's width

        return finish

    def _in_integers(self, x: Array) -> Array:
        wide = (x.astype(np.int64) + self.bias) * self.mult
        result: Array = np.clip((wide + (1 << (self.shift - 1))) >> self.shift, self.low, self.high).astype(self.dtype)
        return result


def prepare_lookup(first: Rounding, table: NDArray[np.int16], second: Rounding) -> Callable[[Array], Array]:
    """Round to int16, look up in a table of all int16 values from -32768 up, round again."""
    if not (first.fits_doubles and first.lift and second.fits_doubles):
        return lambda x: second.prepare()(table[first.prepare()(x).astype(np.int64) + 2**15])
    factor = first.mult * 2.0**-first.shift
    offset = first.bias * factor + (2**15 + 0.5)
    finish = second.strip()

    def strip(x: Array, out: Array, room: Room) -> None:
        np.copyto(room.wide, x, casting="unsafe")
        np.multiply(room.wide, factor, out=room.wide)
        np.add(room.wide, offset, out=room.wide)
        np.copyto(room.places, room.wide, casting="unsafe")  # cut off: below the table it is clipped all the same
        np.take(table, room.places, mode="clip", out=room.found)
        np.copyto(room.wide, room.found)
        finish(out, room)

    return lambda x: _by_strips(x, second.dtype, strip)


def _by_strips(
    x: Array, dtype: np.dtype[Any], strip: Callable[[Array, Array, Room], None], strip_rows: int = 0
) -> Array:
    """Work on some rows after the others, in room that stays in the cache."""
    out = np.empty(x.shape, dtype)
    cols = x.shape[-1]
    rows, target = x.reshape(-1, cols), out.reshape(-1, cols)
    step = strip_rows or min(len(rows), max(1, STRIP_ELEMENTS // cols))
    size = (step, cols)
    room = Room(np.empty(size), np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size, np.int16))
    for first in range(0, len(rows), step):
        part = rows[first : first + step]
        strip(part, target[first : first + step], room.part(len(part)))
    return out
