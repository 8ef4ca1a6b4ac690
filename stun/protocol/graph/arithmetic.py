"""The integer operators, bit for bit. This file is their definition; NumPy int64 and no float anywhere.

`x >> s` is the arithmetic shift (floor) and `rshr(x, s) = (x + 2^(s-1)) >> s`, 1 <= s <= 62. `clamp(x, lo, hi)` is `lo`
below lo, else `hi` above hi, else x. Arrays are int64, [rows, cols] as in PROTOCOL.md section 9, of one task. Bounds:
each docstring says why no intermediate leaves int64 for any input of the declared widths, -128 of an int8 included;
what a graph declares beyond the bounds is refused when it is read (shapes.py, weights.py). Referees use plain integers.
"""

from math import isqrt
from typing import Final

import numpy as np

from stun.protocol.graph.arrays import Array, Integers
from stun.protocol.graph.operators import GATED, Operator
from stun.protocol.graph.tables import EXP_COARSE, EXP_FINE

INT16_MIN: Final = -32_768
INT16_MAX: Final = 32_767
MAX_PROBABILITY: Final = 16_383  # of Softmax, in units of 2^-14
MAX_EXPONENT: Final = 4_095  # of Softmax, in units of 2^-8 nat below the largest

_COARSE: Final[Array] = np.array(EXP_COARSE, np.int64)
_FINE: Final[Array] = np.array(EXP_FINE, np.int64)


def rshr(x: Array, shift: int) -> Array:
    """Divide by 2^shift, halves up: (x + 2^(shift-1)) >> shift."""
    return (x + (1 << (shift - 1))) >> shift


def gather(table: Integers, ids: Array) -> Array:
    """Row r is the table's row clamp(ids[r], 0, last). ids [M], table [V, C] of any width -> [M, C]."""
    return table[np.clip(ids, 0, len(table) - 1)].astype(np.int64)


def requant(x: Array, mult: Array, shift: int, lo: int, hi: int) -> Array:
    """clamp(rshr(x * mult, shift), lo, hi) by elements; `mult` broadcasts against x.

    |x| <= 2^31 and 0 <= mult < 2^31: |x * mult| <= 2^62, and the half that is added is at most 2^61.
    """
    return np.clip(rshr(x * mult, shift), lo, hi)


def lut(x: Array, table: Array, bits: int, step: int, tails: int) -> Array:
    """Look int16 values up in a table that covers [-2^bits, 2^bits) in steps of 2^step.

    Inside: table[(x + 2^bits) >> step]. Above and below: x and 0 (GATED), or the table's last and first entry (FLAT).
    """
    half = 1 << bits
    inner = table[np.clip((x + half) >> step, 0, len(table) - 1)]
    if tails == GATED:
        return np.where(x >= half, x, np.where(x < -half, 0, inner))
    return inner


def accumulate(x: Array, w: Array, bias: Array) -> Array:
    """acc[m, n] = sum over k of x[m, k] * w[n, k], plus bias[n].

    Linear requants it; with a Lut it requants it to int16, looks that up and requants again.
    x int8 [M, K], w in [-127, 127] [N, K], |bias| <= 2^30, K <= 4,096: |acc| <= 2^26 + 2^30, so an int32 holds it.
    """
    return x @ w.T + bias


def matmul_columns(a: Array, b: Array, groups: int) -> Array:
    """acc[h * M + q, c] = sum over d of a[q, h * D + d] * b[c, h * D + d]. a [M, G * D], b [N, G * D] -> [G * M, N].

    Attention scores. D * 2^(bits of a - 1) * 128 <= 2^31 is required, so |acc| <= 2^31; multiplied by less than 2^31.
    """
    depth = a.shape[1] // groups
    parts = [slice(h * depth, (h + 1) * depth) for h in range(groups)]
    return np.concatenate([a[:, part] @ b[:, part].T for part in parts])


def matmul_rows(a: Array, b: Array, groups: int) -> Array:
    """acc[r, c] = sum over t of a[h * M + r, t] * b[c, t], h = c // D. a [G * M, K], b [G * D, K] -> [M, G * D].

    Attention context, `b` stored with a row a channel. K * 2^(bits of a - 1) * 128 <= 2^31 is required.
    """
    rows, depth = len(a) // groups, len(b) // groups
    return np.concatenate(
        [a[h * rows : (h + 1) * rows] @ b[h * depth : (h + 1) * depth].T for h in range(groups)], axis=1
    )


def add_norm(a: Array, b: Array, gain: Array, bias: Array, shift: int) -> Array:
    """LayerNorm(a + b) by rows, int16 [M, N] -> int16; `gain`, `bias` int32 [N].

    x = a + b; d_i = N * x_i - sum x; V = sum d^2; R = max(isqrt V, 1); rec = floor(2^46 / R); z = rshr(d * rec, 26):
    d / sqrt V in units of 2^-20; y = clamp(rshr(z * gain_i + bias_i, shift), -32768, 32767). V also is
    N * (N * sum x^2 - (sum x)^2). N <= 1,024: V <= N^3 * 2^32 <= 2^62; |d| <= R, so |d * rec| <= 2^46 and |z| <= 2^20.
    """
    x = a + b
    d = x.shape[1] * x - x.sum(1, keepdims=True)
    z = rshr(d * _reciprocals((d * d).sum(1)), 26)
    return np.clip(rshr(z * gain + bias, shift), INT16_MIN, INT16_MAX)


def l2_norm(x: Array) -> Array:
    """x / |x| by rows in units of 2^-15, int16 [M, N] -> int16.

    R = max(isqrt(sum x^2), 1); rec = floor(2^46 / R); y = clamp(rshr(x * rec, 31), -32768, 32767). |x| <= R.
    """
    return np.clip(rshr(x * _reciprocals((x * x).sum(1)), 31), INT16_MIN, INT16_MAX)


def softmax(s: Array) -> Array:
    """Softmax by rows: scores int16 in units of 2^-8 nat -> probabilities int16 in units of 2^-14, at most 16,383.

    t = min(max s - s_i, 4095); e_i = rshr(EXP_COARSE[t >> 6] * EXP_FINE[t & 63], 15); rec = floor(2^39 / sum e); p_i =
    min(rshr(e_i * rec, 25), 16383). 2^15 <= sum e <= 2^26, since the largest has e = 2^15 and a row 2,048 elements.
    """
    t = np.minimum(s.max(1, keepdims=True) - s, MAX_EXPONENT)
    e = rshr(_COARSE[t >> 6] * _FINE[t & 63], 15)
    rec = (1 << 39) // e.sum(1, keepdims=True)
    return np.minimum(rshr(e * rec, 25), MAX_PROBABILITY)


def mean(x: Array) -> Array:
    """Mean of every row, halves up: floor((2 * sum + N) / (2 * N)), floor also below zero. [M, N] -> [1, M]."""
    n = x.shape[1]
    means: Array = (2 * x.sum(1) + n) // (2 * n)
    return means.reshape(1, -1)


def window(x: Array, operator: Operator, rows: int, cols: int) -> Array:
    """Copy the pixels under a sliding window into one row each (im2col). x [H * width, C] -> [rows, cols].

    Element (r, c): oy = r // out_width, ox = r mod out_width; ky = c // (kernel * C), kx = (c // C) mod kernel, ch =
    c mod C; py = oy * stride + ky - pad, px = ox * stride + kx - pad; it is x[py * width + px, ch] if 0 <= py < H and
    0 <= px < width, else 0.
    """
    channels, width = x.shape[1], operator.width
    r, c = np.arange(rows)[:, None], np.arange(cols)[None, :]
    py = r // operator.out_width * operator.stride + c // (operator.kernel * channels) - operator.pad
    px = r % operator.out_width * operator.stride + c // channels % operator.kernel - operator.pad
    inside = (py >= 0) & (py < len(x) // width) & (px >= 0) & (px < width)
    return np.where(inside, x[np.where(inside, py * width + px, 0), c % channels], 0)


def max_groups(x: Array, groups: int) -> Array:
    """y[r, c] = the largest of x[r, g * C + c] over the groups g. [M, G * C] -> [M, C]."""
    largest: Array = x.reshape(len(x), groups, -1).max(1)
    return largest


def _reciprocals(squares: Array) -> Array:
    """floor(2^46 / max(isqrt v, 1)) of each, as a column."""
    return np.array([(1 << 46) // max(isqrt(int(v)), 1) for v in squares], np.int64)[:, None]
