"""AddNorm, Softmax, Mean and L2Norm over packs, in float64 where every intermediate is an integer below 2^53.

What each of them is stands in stun/protocol/graph/arithmetic.py; the comments here say why float64 has the same bits.
"""

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.engine import Array
from stun.protocol.graph.arithmetic import INT16_MAX, INT16_MIN, MAX_EXPONENT, MAX_PROBABILITY, rshr
from stun.protocol.graph.tables import EXP_COARSE, EXP_FINE

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

_STEPS = np.arange(MAX_EXPONENT + 1)
_POWERS = rshr(np.array(EXP_COARSE)[_STEPS >> 6] * np.array(EXP_FINE)[_STEPS & 63], 15).astype(np.float64)
_FLOAT_NORM_SHIFT = 52
_NORM_ROWS = 64  # rows that stay in the cache


def add_norm(a: Array, b: Array, gain: Integers, bias: Integers, shift: int) -> Array:
    """Int16 [tasks, rows, N], N <= 1,024: |d| < 2^27, d * rec <= 2^46, z * gain < 2^51."""
    if shift > _FLOAT_NORM_SHIFT:
        return _norm_in_integers(a, b, gain, bias, shift)
    out = np.empty(a.shape, np.int16)
    cols = a.shape[2]
    left, right, target = (x.reshape(-1, cols) for x in (a, b, out))
    factor, offset = gain * 2.0**-shift, bias * 2.0**-shift + 0.5
    for first in range(0, len(left), _NORM_ROWS):
        part = slice(first, first + _NORM_ROWS)
        _norm_strip(left[part], right[part], factor, offset, target[part])
    return out


def _norm_strip(a: Array, b: Array, factor: Doubles, offset: Doubles, out: Array) -> None:
    """V = N * (N * sum x^2 - (sum x)^2): both products are at most 2^52 before the last one, which is in int64."""
    x: Doubles = np.add(a, b, dtype=np.int32).astype(np.float64)
    cols, totals = x.shape[1], x.sum(1)
    spread = (cols * np.einsum("ij,ij->i", x, x) - totals * totals).astype(np.int64) * cols
    x *= cols
    x -= totals[:, None]
    x *= _reciprocals(spread) * 2.0**-26
    x += 0.5
    np.floor(x, out=x)
    x *= factor
    x += offset
    np.floor(x, out=x)
    _clamp(x, out)


def l2_norm(x: Array) -> Array:
    """Int16 [tasks, rows, N]: x * rec <= 2^46."""
    squares = np.square(x, dtype=np.int64).sum(2)
    out = np.empty(x.shape, np.int16)
    _clamp(_rounded(x * (_reciprocals(squares) * 2.0**-31)), out)
    return out


def softmax(scores: Array) -> Array:
    """Int16 [tasks, rows, N]: sum e <= 2^26 and e * rec <= 2^39."""
    below = scores.max(2, keepdims=True).astype(np.int32) - scores
    np.minimum(below, MAX_EXPONENT, out=below)
    powers = _POWERS[below]
    total = powers.sum(2, keepdims=True).astype(np.int64)
    powers *= ((1 << 39) // total) * 2.0**-25
    result = _rounded(powers)
    np.minimum(result, MAX_PROBABILITY, out=result)
    return result.astype(np.int16)


def mean(x: Array) -> Array:
    """[tasks, rows, N] -> [tasks, 1, rows], of the same width."""
    n = x.shape[2]
    total = x.sum(2, dtype=np.int64)
    result: Array = ((2 * total + n) // (2 * n)).astype(x.dtype)[:, None, :]
    return result


def _reciprocals(squares: Integers) -> Doubles:
    """floor(2^46 / max(isqrt v, 1)) as a last axis of one."""
    flat = [(1 << 46) // max(isqrt(value), 1) for value in squares.ravel().tolist()]
    return np.array(flat, np.float64).reshape(*squares.shape, 1)


def _rounded(values: Doubles) -> Doubles:
    """Halves up, in place."""
    values += 0.5
    result: Doubles = np.floor(values, out=values)
    return result


def _clamp(values: Doubles, out: Array) -> None:
    """To int16, by way of int64, which holds whatever comes."""
    wide = values.astype(np.int64)
    np.maximum(wide, INT16_MIN, out=wide)
    np.minimum(wide, INT16_MAX, out=wide)
    np.copyto(out, wide, casting="unsafe")


def _norm_in_integers(a: Array, b: Array, gain: Integers, bias: Integers, shift: int) -> Array:
    x = a.astype(np.int64) + b
    d = x * x.shape[2] - x.sum(2, keepdims=True)
    z = rshr(d * _reciprocals((d * d).sum(2)).astype(np.int64), 26)
    return np.clip(rshr(z * gain + bias, shift), INT16_MIN, INT16_MAX).astype(np.int16)
