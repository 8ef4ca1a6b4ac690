"""Real scales as integers: multipliers with a shift, weights of 8 bits, steps that even out a tensor's channels.

Only float64 arithmetic that IEEE 754 fixes, and powers rounded to 16 bits at once, far above where C libraries differ:
the integers come out the same on every machine. Source: SmoothQuant, Xiao et al., 2022, for steps that weights and
activations share.
"""

from collections.abc import Sequence
from math import frexp

import numpy as np
from numpy.typing import NDArray

from stun.models.quantize.activations import Doubles, Floats

MULTIPLIER_BITS = 24  # enough for 8-bit results, and float64 then rounds exactly (stun.models.exact.rounding)
MAX_SHIFT = 62
INT8_PEAK = 127
SHORT_BITS = 16
BIAS_BITS = 24  # of a Linear's bias: with 2^30 a row of tiny weights would leave the others' multipliers no bits
CLIPS = tuple(0.7 + 0.025 * step for step in range(13))

Integers = NDArray[np.int64]


def fixed_point(factors: Doubles) -> tuple[Integers, int]:
    """Positive real factors as integers below 2^24 times 2^-shift, one shift for all; the largest has 24 bits."""
    _, exponent = frexp(float(factors.max()))  # max = m * 2^exponent with 0.5 <= m < 1
    shift = max(1, min(MULTIPLIER_BITS - exponent, MAX_SHIFT))
    integers = np.minimum(np.rint(factors * 2.0**shift), 2**MULTIPLIER_BITS - 1).astype(np.int64)
    return integers, shift


def smooth_step(peaks: Doubles, weights: Sequence[Floats | Doubles], alpha: float) -> Doubles:
    """The step of each input channel: peak^alpha / weight^(1 - alpha), scaled so that no channel passes int8."""
    activation = np.maximum(peaks, 1e-3 * peaks.max())
    weight = np.maximum(np.max([np.abs(each).max(0) for each in weights], axis=0).astype(np.float64), 1e-4)
    step = short(activation**alpha / weight ** (1 - alpha))
    result: Doubles = step * (activation / step).max() / INT8_PEAK
    return result


def quantize_linear(
    weight: Floats | Doubles, bias: Floats | Doubles, step: Doubles
) -> tuple[NDArray[np.int8], NDArray[np.int32], Doubles]:
    """int8 weights [out, in], int32 bias and the real step of each output's sum, for inputs of the given steps.

    Each output's scale is the one of thirteen clips between 0.7 and 1 of its peak with the least squared error; a peak
    counts for at least what keeps the bias within 2^24.
    """
    real = weight.astype(np.float64) * step
    heavy = np.abs(bias.astype(np.float64)) * (INT8_PEAK / (CLIPS[0] * 2.0**BIAS_BITS))
    peak = np.maximum(np.maximum(np.abs(real).max(1), heavy), 1e-30)
    best, chosen = np.full(len(real), np.inf), peak / INT8_PEAK
    for clip in CLIPS:
        candidate = peak * clip / INT8_PEAK
        error = ((_rounded(real, candidate) * candidate[:, None] - real) ** 2).sum(1)
        chosen = np.where(error < best, candidate, chosen)
        best = np.minimum(error, best)
    integers = _rounded(real, chosen).astype(np.int8)
    return integers, np.rint(bias.astype(np.float64) / chosen).astype(np.int32), chosen


def bits_above(value: float) -> int:
    """The least e with value <= 2^e."""
    mantissa, exponent = frexp(value)
    return exponent - 1 if mantissa == 0.5 else exponent


def _rounded(real: Doubles, step: Doubles) -> Doubles:
    result: Doubles = np.clip(np.rint(real / step[:, None]), -INT8_PEAK, INT8_PEAK)
    return result


def short(values: Doubles) -> Doubles:
    """Rounded to 16 significant bits: powers differ in their last bits between C libraries."""
    _, exponents = np.frexp(values)
    scale = np.ldexp(1.0, SHORT_BITS - exponents)
    result: Doubles = np.rint(values * scale) / scale
    return result
