"""Products on torch: int8 with int32 sums where `torch._int_mm` has it, float64 for the rest; the torch extra.

Whether `_int_mm` is exact depends on processor and library (on x86 without VNNI it may saturate 16-bit pairs), so this
path stands or falls with the known answers. What is no product is computed by the portable path.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.engine import Array
from stun.models.exact.errors import PathMissing
from stun.models.exact.portable import Portable

_MULTIPLE = 8  # `_int_mm` wants depth and columns in eights
_FEWEST_ROWS = 17  # and on CUDA more than 16 rows


class TorchPath(Portable):
    """Products on a GPU where there is one, else on torch's CPU kernels. PathMissing without torch."""

    name: ClassVar[str] = "torch"

    def __init__(self, device: str | None = None) -> None:
        try:
            import torch
        except ImportError as error:
            raise PathMissing(self.name, f"torch cannot be imported ({error})") from error
        self._torch: Any = torch
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")

    def products(self, weights: NDArray[np.int8]) -> Callable[[Array], Array]:
        count, depth = weights.shape
        padded = np.zeros((-depth % _MULTIPLE + depth, -count % _MULTIPLE + count), np.int8)
        padded[:depth, :count] = weights.T
        right = self._torch.from_numpy(padded).to(self.device)

        def multiply(x: Array) -> Array:
            left = np.zeros((max(len(x), _FEWEST_ROWS), len(padded)), np.int8)
            left[: len(x), :depth] = x
            sums = self._torch._int_mm(self._torch.from_numpy(left).to(self.device), right)
            result: Array = sums[: len(x), :count].cpu().numpy()
            return result

        return multiply

    def pairs(self, a: Array, b: Array, peak: int) -> Array:
        """In float64: every sum is below 2^31."""
        left, right = (self._torch.from_numpy(np.ascontiguousarray(x)).to(self.device).double() for x in (a, b))
        result: Array = (left @ right.transpose(-1, -2)).cpu().numpy()
        return result
