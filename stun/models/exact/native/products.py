"""Linear and MatMul: panels of columns, six rows at a time, rounded while the sums are still in the cache.

Rows are bytes (unsigned, value + 128, for VNNI) or halves (int16, for any processor); panels are laid out by
`pack_panels`. A panel of bytes starts from -128 * its sums, which takes the 128 out again. No sum passes 2^31: the
graph's rules bound it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.native import tiles, vectors
from stun.models.exact.native.compiling import clamp, compiled

WIDE_COLUMNS = tiles.WIDE * vectors.LANES
NARROW_COLUMNS = tiles.NARROW * vectors.LANES
STRIP_ROWS = 96  # rows that stay in the cache while every panel passes over them
_ROWS = tiles.TILE_ROWS
_wide_bytes = tiles.wide_bytes if vectors.HAS_VNNI else tiles.wide_halves  # never called without VNNI
_wide_halves, _narrow_halves = tiles.wide_halves, tiles.narrow_halves

Array = NDArray[Any]
Words = NDArray[np.int32]


def pack_panels(weights: Array, values: int) -> Words:
    """Weights [N, K] as [panels, steps * columns] words of `values` elements (4 int8 or 2 int16), padded with zeros."""
    columns, depth = -len(weights) % WIDE_COLUMNS + len(weights), -weights.shape[1] % values + weights.shape[1]
    full = np.zeros((columns, depth), weights.dtype)
    full[: len(weights), : weights.shape[1]] = weights
    panels = full.reshape(-1, WIDE_COLUMNS, depth // values, values).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(panels).view(np.int32).reshape(len(panels), -1)


def padded(values: Array, count: int) -> Words:
    """A vector a column, as int32, with zeros for the columns that only fill a panel."""
    result = np.zeros(-count % WIDE_COLUMNS + count, np.int32)
    result[:count] = values
    return result


@compiled
def linear(
    rows: Array, has_bytes: bool, panels: Words, initial: Words, mult: Words, shift: int, low: int, high: int,
    table: Array, mult2: Words, shift2: int, out: Array,
) -> None:  # fmt: skip
    """out [M, N] from rows [M, K]; with a table of 65,536 int16 the first rounding is to int16, then comes mult2."""
    totals, looked = np.empty(_ROWS * WIDE_COLUMNS, np.int32), np.empty(WIDE_COLUMNS, np.int32)
    for strip in range(0, len(rows), STRIP_ROWS):
        for panel in range(len(panels)):
            first, last = panel * WIDE_COLUMNS, min((panel + 1) * WIDE_COLUMNS, out.shape[1])
            for row in range(strip, min(strip + STRIP_ROWS, len(rows)), _ROWS):
                end = min(row + _ROWS, len(rows))
                _multiply(rows[row:end], has_bytes, initial[first:], panels[panel], totals)
                columns = slice(first, last)
                if len(table) == 0:
                    _round(totals, WIDE_COLUMNS, mult[columns], shift, low, high, out[row:end], columns)
                else:
                    _look_up(totals, mult[columns], shift, table, looked)
                    _round(totals, WIDE_COLUMNS, mult2[columns], shift2, low, high, out[row:end], columns)


@compiled
def _multiply(rows: Array, has_bytes: bool, initial: Words, panel: Words, totals: Words) -> None:
    """Six rows or fewer by one wide panel."""
    size, steps = rows.strides[0], len(panel) // WIDE_COLUMNS
    places = (totals.ctypes.data, initial.ctypes.data, rows.ctypes.data)
    if has_bytes:
        _wide_bytes(places[0], places[1], places[2], size, len(rows) - 1, panel.ctypes.data, steps)
    else:
        _wide_halves(places[0], places[1], places[2], size, len(rows) - 1, panel.ctypes.data, steps)


@compiled
def _round(totals: Words, width: int, mult: Words, shift: int, low: int, high: int, out: Array, columns: slice) -> None:
    """The sums of `len(out)` rows into their columns."""
    half = np.int64(1) << (shift - 1)
    for row in range(len(out)):
        sums, target = totals[row * width : (row + 1) * width], out[row][columns]
        for col in range(len(target)):
            value = (np.int64(sums[col]) * np.int64(mult[col]) + half) >> shift
            target[col] = clamp(value, low, high)


@compiled
def _look_up(totals: Words, mult: Words, shift: int, table: Array, places: Words) -> None:
    """Sums to what the table holds for them, in place; loops that become vectors apart from the one that cannot."""
    half = np.int64(1) << (shift - 1)
    for row in range(_ROWS):
        sums = totals[row * WIDE_COLUMNS : (row + 1) * WIDE_COLUMNS]
        for col in range(len(mult)):
            value = (np.int64(sums[col]) * np.int64(mult[col]) + half) >> shift
            places[col] = clamp(value, -32768, 32767) + 32768
        for col in range(len(mult)):
            sums[col] = table[np.uint32(places[col])]


@compiled
def scores(
    a: Array, has_bytes: bool, b: Array, groups: int, mult: Words, shift: int, low: int, high: int, out: Array
) -> None:
    """MatMul by columns of one task: a [M, G * D], b [N, G * D] int8 or int16 -> out [G * M, N]; D of whole words."""
    depth = a.shape[1] // groups
    words = b.view(np.int32)
    steps = words.shape[1] // groups
    panel, totals = np.zeros(steps * WIDE_COLUMNS, np.int32), np.empty(_ROWS * WIDE_COLUMNS, np.int32)
    initial, factors = np.empty(WIDE_COLUMNS, np.int32), np.empty(WIDE_COLUMNS, np.int32)
    zeros = np.full((1, depth), 128 if has_bytes else 0, np.uint8).view(a.dtype) if has_bytes else a[:1, :depth]
    for group in range(groups):
        factors[:] = mult[group]
        columns = slice(group * depth, (group + 1) * depth)
        for first in range(0, len(b), WIDE_COLUMNS):
            last = min(first + WIDE_COLUMNS, len(b))
            _pack(words[first:last, group * steps : (group + 1) * steps], panel)
            initial[:] = 0
            if has_bytes:
                _multiply(zeros, True, initial, panel, totals)
                initial[:] = -totals[:WIDE_COLUMNS]
            for row in range(0, len(a), _ROWS):
                end = min(row + _ROWS, len(a))
                _multiply(a[row:end, columns], has_bytes, initial, panel, totals)
                part = out[group * len(a) + row : group * len(a) + end]
                _round(totals, WIDE_COLUMNS, factors, shift, low, high, part, slice(first, last))


@compiled
def _pack(words: Words, panel: Words) -> None:
    """One panel from words [columns, steps]; columns past the end keep what they had."""
    for col in range(words.shape[0]):
        source = words[col]
        for step in range(words.shape[1]):
            panel[step * WIDE_COLUMNS + col] = source[step]


@compiled
def context(a: Array, b: Array, groups: int, mult: Words, shift: int, low: int, high: int, out: Array) -> None:
    """MatMul by rows of one task: a [G * M, K] int16, K even, b [G * D, K or one less] int8 -> out [M, G * D]."""
    rows, depth, steps = len(a) // groups, len(b) // groups, a.shape[1] // 2
    panel, totals = np.zeros(steps * NARROW_COLUMNS, np.int32), np.empty(_ROWS * NARROW_COLUMNS, np.int32)
    initial = np.zeros(NARROW_COLUMNS, np.int32)
    for group in range(groups):
        for first in range(group * depth, (group + 1) * depth, NARROW_COLUMNS):
            last = min(first + NARROW_COLUMNS, (group + 1) * depth)
            _pack_halves(b[first:last], panel.view(np.int16))
            for row in range(0, rows, _ROWS):
                end = min(row + _ROWS, rows)
                part = a[group * rows + row : group * rows + end]
                places = (totals.ctypes.data, initial.ctypes.data, part.ctypes.data)
                _narrow_halves(
                    places[0], places[1], places[2], part.strides[0], len(part) - 1, panel.ctypes.data, steps
                )
                columns = slice(first, last)
                _round(totals, NARROW_COLUMNS, mult[columns], shift, low, high, out[row:end], columns)


@compiled
def _pack_halves(values: Array, halves: NDArray[np.int16]) -> None:
    """One narrow panel of int16 pairs from int8 [columns, K]."""
    for col in range(values.shape[0]):
        line = values[col]
        for place in range(values.shape[1]):
            halves[2 * ((place >> 1) * NARROW_COLUMNS + col) + (place & 1)] = line[place]
