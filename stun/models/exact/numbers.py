"""Real numbers as a tensor of integers and back, by the format that a manifest names.

`tensor-int16-chw-3x32x32-q9`: int16 in units of 2^-9; a sample of three channels of 32 x 32, one pixel a row of the
tensor, one channel a column. `tensor-int32-r1-10-q20`: ten numbers in C order in one row (r2: cut into two rows).
Negative exponents are written q-3: units of 2^3.
"""

import re
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stun.models.errors import UnfitNumbers
from stun.protocol.graph.arrays import stored_array, to_tensor
from stun.protocol.graph.shapes import LIMITS
from stun.protocol.graph.tensors import Dtype, Tensor

Doubles = NDArray[np.float64]

MAX_EXPONENT: Final = 99
_NAMES: Final = {Dtype.INT8: "int8", Dtype.INT16: "int16", Dtype.INT32: "int32"}
_FORMAT: Final = re.compile(
    r"tensor-(int8|int16|int32)-(chw|r[1-9]\d{0,6})-([1-9]\d{0,6}(?:x[1-9]\d{0,6}){0,7})-q(-?\d\d?)"
)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A sample's shape, how it lies in the tensor (`rows` rows in C order; 0: a pixel a row), units of 2^-exponent."""

    dtype: Dtype
    shape: tuple[int, ...]
    rows: int
    exponent: int

    @property
    def word(self) -> str:
        """As a manifest has it."""
        layout = f"r{self.rows}" if self.rows else "chw"
        return f"tensor-{_NAMES[self.dtype]}-{layout}-{'x'.join(map(str, self.shape))}-q{self.exponent}"

    @property
    def most(self) -> float:
        """The largest magnitude that it holds."""
        return float(LIMITS[self.dtype][1] * 2.0**-self.exponent)

    def tensor_of(self, values: NDArray[Any]) -> Tensor:
        """Write one sample; axes of one may be there or not. UnfitNumbers: another shape, or a number past `most`."""
        if _without_ones(values.shape) != _without_ones(self.shape):
            raise UnfitNumbers(f"shape {list(values.shape)} where the model reads {list(self.shape)}")
        scaled = np.rint(values.astype(np.float64).reshape(self.shape) * 2.0**self.exponent)
        if not bool((np.abs(scaled) <= LIMITS[self.dtype][1]).all()):
            raise UnfitNumbers(f"a number is not finite or past {self.most:g}, the largest that this model reads")
        return to_tensor(self._lay(scaled.astype(np.int64)), self.dtype)

    def values_of(self, tensor: Tensor) -> Doubles:
        """Read one sample, in its shape. UnfitNumbers: a tensor of another shape."""
        found = stored_array(tensor)
        channels = self.shape[0]
        expected = (self.rows, prod(self.shape) // self.rows) if self.rows else (prod(self.shape[1:]), channels)
        if tensor.shape.dtype != self.dtype or found.shape != expected:
            raise UnfitNumbers(f"a tensor of {list(found.shape)}, not of format {self.word}")
        values: Doubles = (found if self.rows else found.T) * 2.0**-self.exponent
        return values.reshape(self.shape)

    def _lay(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        return values.reshape(self.rows, -1) if self.rows else values.reshape(self.shape[0], -1).T


def number_format(form: str) -> NumberFormat | None:
    """Read a manifest's word; None for formats of another kind."""
    found = _FORMAT.fullmatch(form)
    if found is None:
        return None
    kind, layout, sizes, exponent = found.groups()
    shape = tuple(map(int, sizes.split("x")))
    rows = 0 if layout == "chw" else int(layout[1:])
    if (rows == 0 and len(shape) != 3) or (rows and prod(shape) % rows):
        return None
    dtype = next(dtype for dtype, name in _NAMES.items() if name == kind)
    return NumberFormat(dtype, shape, rows, int(exponent))


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
