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
STRIP_ELEMENTS = 1 << 14  # what is rounded at once stays in the cache

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


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
        reach = self.peak + int(np.abs(self.bias).max(initial=0))
        product = (reach + 1) * int(self.mult.max(initial=0))
        return product < 1 << EXACT_BITS and self.shift <= EXACT_BITS and product >> self.shift < 2**31 - 1

    def prepare(self) -> Callable[[Array], Array]:
        """A function of arrays [..., channels] of integers (in any dtype that holds them)."""
        return self._in_doubles() if self.fits_doubles else self._in_integers

    def _in_doubles(self) -> Callable[[Array], Array]:
        factor = self.mult * 2.0**-self.shift
        offset = self.bias * factor + 0.5
        low, high = np.int32(self.low), np.int32(self.high)

        def strip(x: Array, out: Array, wide: Doubles, narrow: NDArray[np.int32]) -> None:
            np.copyto(wide, x, casting="unsafe")
            np.multiply(wide, factor, out=wide)
            np.add(wide, offset, out=wide)
            np.floor(wide, out=wide)
            np.copyto(narrow, wide, casting="unsafe")
            np.maximum(narrow, low, out=narrow)
            np.minimum(narrow, high, out=narrow)
            np.copyto(out, narrow, casting="unsafe")

        def rounded(x: Array) -> Array:
            out = np.empty(x.shape, self.dtype)
            rows, target = x.reshape(-1, x.shape[-1]), out.reshape(-1, x.shape[-1])
            step = len(factor) if factor.ndim == 2 else min(len(rows), max(1, STRIP_ELEMENTS // x.shape[-1]))
            wide, narrow = np.empty((step, x.shape[-1])), np.empty((step, x.shape[-1]), np.int32)
            for first in range(0, len(rows), step):
                part = rows[first : first + step]
                strip(part, target[first : first + step], wide[: len(part)], narrow[: len(part)])
            return out

        return rounded

    def _in_integers(self, x: Array) -> Array:
        wide = (x.astype(np.int64) + self.bias) * self.mult
        result: Array = np.clip((wide + (1 << (self.shift - 1))) >> self.shift, self.low, self.high).astype(self.dtype)
        return result
