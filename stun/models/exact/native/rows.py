"""What works on single rows. The definitions are those of stun/protocol/graph/arithmetic.py.

Arrays are [rows, cols], the rows of all tasks of a pack one after another, unless told otherwise.
"""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.native.compiling import clamp, compiled

Array = NDArray[Any]


@compiled
def lay_bytes(x: Array, out: Array) -> None:
    """int8 values + 128, as unsigned bytes; what `out` has more columns is left alone."""
    for row in range(len(x)):
        source, target = x[row], out[row]
        for col in range(x.shape[1]):
            target[col] = np.uint8(source[col]) ^ np.uint8(128)


@compiled
def lay_halves(x: Array, out: Array) -> None:
    """Values as int16; what `out` has more columns is left alone."""
    for row in range(len(x)):
        source, target = x[row], out[row]
        for col in range(x.shape[1]):
            target[col] = source[col]


@compiled
def requant(x: Array, mult: NDArray[np.int64], shift: int, low: int, high: int, out: Array) -> None:
    """`mult` has an element a column."""
    half = np.int64(1) << (shift - 1)
    for row in range(len(x)):
        source, target = x[row], out[row]
        for col in range(x.shape[1]):
            target[col] = clamp((np.int64(source[col]) * mult[col] + half) >> shift, low, high)


@compiled
def look_up(x: Array, table: NDArray[np.int16], out: Array) -> None:
    """`table` has an entry for each int16, from -32768 up."""
    for row in range(len(x)):
        source, target = x[row], out[row]
        for col in range(x.shape[1]):
            target[col] = table[np.uint16(np.int64(source[col]) + 32768)]


@compiled
def add_norm(a: Array, b: Array, gain: NDArray[np.int64], bias: NDArray[np.int64], shift: int, out: Array) -> None:
    """`d` fits int32; z within 2^20."""
    cols, half = a.shape[1], np.int64(1) << (shift - 1)
    d = np.empty(cols, np.int64)
    for row in range(len(a)):
        left, right, target = a[row], b[row], out[row]
        total, squares = np.int64(0), np.int64(0)
        for col in range(cols):
            d[col] = np.int64(left[col]) + np.int64(right[col])
            total += d[col]
        for col in range(cols):
            d[col] = cols * d[col] - total
            squares += d[col] * d[col]
        factor = (np.int64(1) << 46) // _root(squares)
        for col in range(cols):
            z = (d[col] * factor + (np.int64(1) << 25)) >> 26
            target[col] = clamp((z * gain[col] + bias[col] + half) >> shift, -32768, 32767)


@compiled
def l2_norm(x: Array, out: Array) -> None:
    """Rows to length 2^15."""
    for row in range(len(x)):
        source, target, squares = x[row], out[row], np.int64(0)
        for col in range(x.shape[1]):
            squares += np.int64(source[col]) * np.int64(source[col])
        factor = (np.int64(1) << 46) // _root(squares)
        for col in range(x.shape[1]):
            target[col] = clamp((np.int64(source[col]) * factor + (np.int64(1) << 30)) >> 31, -32768, 32767)


@compiled
def softmax(scores: Array, powers: NDArray[np.uint16], out: Array) -> None:
    """`powers[t]` is e of a score t below the largest, t <= 4,095."""
    cols = scores.shape[1]
    e = np.empty(cols, np.int32)
    for row in range(len(scores)):
        source, target = scores[row], out[row]
        top, total = np.int32(-32768), np.int32(0)
        for col in range(cols):
            top = max(top, np.int32(source[col]))
        for col in range(cols):
            e[col] = powers[np.uint32(clamp(top - np.int32(source[col]), 0, 4095))]
            total += np.int32(e[col])
        factor = (np.int64(1) << 39) // np.int64(total)
        for col in range(cols):
            target[col] = min((np.int64(e[col]) * factor + (np.int64(1) << 24)) >> 25, 16383)


@compiled
def mean(x: Array, out: Array) -> None:
    """out[r]: the mean of row r, halves up, floor also below zero."""
    cols = x.shape[1]
    for row in range(len(x)):
        total = np.int64(0)
        for col in range(cols):
            total += np.int64(x[row, col])
        out[row] = (2 * total + cols) // (2 * cols)


@compiled
def transpose(x: Array, out: Array) -> None:
    """Every task's [rows, cols] to [cols, rows]; arrays of three axes."""
    for task in range(len(x)):
        for row in range(x.shape[1]):
            for col in range(x.shape[2]):
                out[task, col, row] = x[task, row, col]


@compiled
def _root(squares: Any) -> Any:
    """max(isqrt v, 1) for 0 <= v <= 2^62: the float's root, put right."""
    root = np.int64(sqrt(np.float64(squares)))
    while root * root > squares:
        root -= 1
    while (root + 1) * (root + 1) <= squares:
        root += 1
    return max(root, np.int64(1))
