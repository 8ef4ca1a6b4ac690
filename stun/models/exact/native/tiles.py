"""The innermost product: six rows times a panel of columns, accumulated in vector registers.

`wide_bytes(totals, initial, rows, row_bytes, last, panel, steps)` and its kin: all are addresses or integers.
`rows` points at unsigned bytes (value + 128) or at int16; `panel` is [steps][columns] words of four bytes or two int16;
`initial` are the columns' first totals; `totals` takes [6][columns] int32. Rows past `last` repeat row `last`.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from stun.models.exact.native import vectors as v

TILE_ROWS = 6
WORD = 4


def _tile(dot: Callable[[Any, Any, Any, Any], Any], panel_vectors: int) -> Any:
    """An intrinsic for numba that accumulates with `dot`, over `panel_vectors` vectors of columns."""

    @intrinsic
    def tile(
        _typing: Any, totals: Any, initial: Any, rows: Any, row_bytes: Any, last: Any, panel: Any, steps: Any
    ) -> Any:
        def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            _emit(builder, dot, panel_vectors, *arguments)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 7), emit

    return tile


def _emit(
    builder: Any, dot: Any, width: int, totals: Any, initial: Any, rows: Any, row_bytes: Any, last: Any, panel: Any,
    steps: Any,
) -> None:  # fmt: skip
    places = [_row_address(builder, rows, row_bytes, last, row) for row in range(TILE_ROWS)]
    first = [v.load(builder, v.at(builder, initial, 64 * each)) for each in range(width)]
    loop = v.Loop(builder, steps, first * TILE_ROWS)
    here = builder.add(panel, builder.mul(loop.index, v.I64(64 * width)))
    weights = [v.load(builder, v.at(builder, here, 64 * each)) for each in range(width)]
    along = builder.mul(loop.index, v.I64(WORD))
    following = []
    for row, place in enumerate(places):
        values = v.splat(builder, v.load(builder, builder.add(place, along), v.I32))
        for each, weight in enumerate(weights):
            following.append(dot(builder, loop.carried[row * width + each], values, weight))
    for index, total in enumerate(loop.leave(following)):
        v.store(builder, total, v.at(builder, totals, 64 * index))


def _row_address(builder: Any, rows: Any, row_bytes: Any, last: Any, row: int) -> Any:
    number = ir.Constant(v.I64, row)
    known = builder.select(builder.icmp_signed("<", number, last), number, last)
    return builder.add(rows, builder.mul(known, row_bytes))


WIDE = 4 if v.HAS_AVX512 else 1  # vectors of columns in a panel of weights: what the registers hold
NARROW = 2 if v.HAS_AVX512 else 1  # and in a panel of activations, which are few columns
wide_bytes, wide_halves = _tile(v.dot_bytes, WIDE), _tile(v.dot_halves, WIDE)
narrow_bytes, narrow_halves = _tile(v.dot_bytes, NARROW), _tile(v.dot_halves, NARROW)
