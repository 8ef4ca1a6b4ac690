"""The path that runs everywhere: NumPy alone, products on float32 units that stay exact.

A float32 product is exact while no partial sum passes 2^24, whatever the order of the additions: all of it where the
weights are small enough, else at most 1,024 products of int8 at a time (128 * 127 * 1,024 < 2^24). TF32 and bfloat16
"fast math" would break it; the known answers see that.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.engine import Array, Backend, Step
from stun.models.exact.normalizing import add_norm, l2_norm, mean, softmax
from stun.models.exact.parameters import WIDTHS, LinearParameters, full_table, linear_parameters, peak_of, vector
from stun.models.exact.rounding import Rounding, prepare_lookup
from stun.protocol.graph.arrays import stored_array, to_array
from stun.protocol.graph.operators import BY_ROW, COLUMNS, Opcode, Operator
from stun.protocol.graph.structure import Graph

EXACT_DEPTH, EXACT_PEAK = 1024, 2**24
FEW_ROWS = 32
BLOCK_ROWS = 256  # rows whose sums are made and rounded at once
_SOFTMAX_PEAK = (2**14 + 2**10) * 128  # probabilities add up to 2^14, each rounded by at most a half


class Portable(Backend):
    """Float32 products in exact chunks, float64 rounding where it is provably exact."""

    name: ClassVar[str] = "portable"

    def prepare(self, graph: Graph, operator: Operator) -> Step:
        return _STEPS[Opcode(operator.opcode)](self, graph, operator)

    def products(self, weights: NDArray[np.int8]) -> Callable[[Array], Array]:
        """x int8 [rows, K] -> integers [rows, N] in any dtype, for weights [N, K]."""
        left, depth = weights.astype(np.float32), EXACT_DEPTH if peak_of(weights) >= EXACT_PEAK else weights.shape[1]

        def multiply(x: Array) -> Array:
            parts = [slice(first, first + depth) for first in range(0, x.shape[1], depth)]
            sums = [_product(x[:, part].astype(np.float32), left[:, part]) for part in parts]
            return sums[0] if len(sums) == 1 else np.sum(sums, axis=0, dtype=np.float64)

        return multiply

    def pairs(self, a: Array, b: Array, peak: int) -> Array:
        """a [..., M, K] times b [..., N, K] transposed, where no sum of magnitudes passes `peak`."""
        unit: Any = np.float32 if peak < EXACT_PEAK else np.float64
        result: Array = np.matmul(a.astype(unit), b.astype(unit).swapaxes(-1, -2))
        return result


def _product(x: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """x times weights transposed; few rows go the other way round, which spares the library laying the weights out."""
    result: NDArray[np.float32] = (weights @ x.T).T if len(x) <= FEW_ROWS else x @ weights.T
    return result


def _linear(self: Portable, graph: Graph, operator: Operator) -> Step:
    found = linear_parameters(graph, operator)
    multiply, finish = self.products(found.weights), _finish(operator, found)

    def step(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        x = inputs[0].reshape(-1, inputs[0].shape[2])
        out = np.empty((len(x), len(found.weights)), WIDTHS[operator.dtype])
        for first in range(0, len(x), BLOCK_ROWS):
            out[first : first + BLOCK_ROWS] = finish(multiply(x[first : first + BLOCK_ROWS]))
        y = out.reshape(tasks, -1, out.shape[1])
        return np.ascontiguousarray(y.swapaxes(1, 2)) if found.is_transposed else y

    return step


def _finish(operator: Operator, found: LinearParameters) -> Callable[[Array], Array]:
    last = (operator.lo, operator.hi, WIDTHS[operator.dtype])
    if found.mult2 is None or found.table is None:
        return Rounding(found.mult, found.bias, operator.shift, *last, found.peak).prepare()
    wide = np.dtype(np.int16)
    first = Rounding(found.mult, found.bias, operator.shift, -(2**15), 2**15 - 1, wide, found.peak)
    second = Rounding(found.mult2, np.zeros(1, np.int64), operator.shift2, *last, 2**15)
    return prepare_lookup(first, found.table, second)


def _matmul(self: Portable, graph: Graph, operator: Operator) -> Step:
    mult, groups = vector(graph, operator.w0), operator.groups
    a_type, softmaxed = graph.operators[operator.a].dtype, graph.operators[operator.a].opcode == Opcode.SOFTMAX

    clamp = (operator.shift, operator.lo, operator.hi, WIDTHS[operator.dtype])
    none = np.zeros(1, np.int64)

    def columns(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        a, b = (x.reshape(*x.shape[:2], groups, -1).swapaxes(1, 2) for x in inputs)
        peak = a.shape[3] << (8 * a_type + 6)
        sums = self.pairs(a, b, peak).reshape(tasks, -1, b.shape[2])
        return Rounding(np.repeat(mult, a.shape[2])[:, None], none, *clamp, peak).prepare()(sums)

    def rows(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        a, b = (x.reshape(tasks, groups, -1, x.shape[2]) for x in inputs)
        peak = _SOFTMAX_PEAK if softmaxed else a.shape[3] << (8 * a_type + 6)
        sums = self.pairs(a, b, peak).swapaxes(1, 2).reshape(tasks, a.shape[2], -1)
        return Rounding(mult, none, *clamp, peak).prepare()(sums)

    return columns if operator.mode == COLUMNS else rows


def _gather(self: Portable, graph: Graph, operator: Operator) -> Step:
    table = stored_array(graph.weights[operator.w0])  # as it lies in the file: a large table is not copied

    def step(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        rows: Array = table[np.clip(inputs[0][:, :, operator.column], 0, len(table) - 1)]
        return rows.astype(WIDTHS[operator.dtype])

    return step


def _places(self: Portable, graph: Graph, operator: Operator) -> Step:
    table = stored_array(graph.weights[operator.w0]).astype(WIDTHS[operator.dtype])
    return lambda inputs, tasks, n: np.tile(table[: operator.shape(n).rows], (tasks, 1, 1))


def _requant(self: Portable, graph: Graph, operator: Operator) -> Step:
    peak = 2 ** (8 * graph.operators[operator.a].dtype - 1)
    clamp = (operator.shift, operator.lo, operator.hi, WIDTHS[operator.dtype])
    finish = Rounding(vector(graph, operator.w0), np.zeros(1, np.int64), *clamp, peak).prepare()
    return lambda inputs, tasks, n: finish(inputs[0])


def _lut(self: Portable, graph: Graph, operator: Operator) -> Step:
    table = np.roll(full_table(graph, operator, operator.w0), 2**15)
    return lambda inputs, tasks, n: table[inputs[0].astype(np.int16).view(np.uint16)]


def _add_norm(self: Portable, graph: Graph, operator: Operator) -> Step:
    gain, bias = to_array(graph.weights[operator.w0]).T.copy()
    return lambda inputs, tasks, n: add_norm(inputs[0], inputs[1], gain, bias, operator.shift)


def _window(self: Portable, graph: Graph, operator: Operator) -> Step:
    """Pixels are copied whole, by places that are found once while n stays the same."""
    found: dict[int, NDArray[np.intp]] = {}

    def step(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        x = inputs[0]
        if n not in found:
            found.clear()
            found[n] = _seen_pixels(operator, n, *x.shape[1:])
        outside = np.zeros((tasks, 1, x.shape[2]), x.dtype)
        seen: Array = np.concatenate([x, outside], axis=1).take(found[n], axis=1)
        return seen.reshape(tasks, len(found[n]), -1)

    return step


def _seen_pixels(operator: Operator, n: int, pixels: int, channels: int) -> NDArray[np.intp]:
    """The pixel at each place and tap of a window [places, taps]; `pixels`, one past the last, stands for outside."""
    shape = operator.shape(n)
    place, tap = np.arange(shape.rows)[:, None], np.arange(shape.cols // channels)[None, :]
    y = place // operator.out_width * operator.stride + tap // operator.kernel - operator.pad
    x = place % operator.out_width * operator.stride + tap % operator.kernel - operator.pad
    inside = (y >= 0) & (y < pixels // operator.width) & (x >= 0) & (x < operator.width)
    return np.where(inside, y * operator.width + x, pixels)


def _max(self: Portable, graph: Graph, operator: Operator) -> Step:
    return lambda inputs, tasks, n: inputs[0].reshape(*inputs[0].shape[:2], operator.groups, -1).max(2)


def _gathering(self: Portable, graph: Graph, operator: Operator) -> Step:
    return (_places if operator.mode == BY_ROW else _gather)(self, graph, operator)


_STEPS: dict[Opcode, Callable[[Portable, Graph, Operator], Step]] = {
    Opcode.GATHER: _gathering,
    Opcode.LINEAR: _linear,
    Opcode.MATMUL: _matmul,
    Opcode.REQUANT: _requant,
    Opcode.LUT: _lut,
    Opcode.ADD_NORM: _add_norm,
    Opcode.SOFTMAX: lambda self, graph, operator: lambda inputs, tasks, n: softmax(inputs[0]),
    Opcode.MEAN: lambda self, graph, operator: lambda inputs, tasks, n: mean(inputs[0]),
    Opcode.TRANSPOSE: lambda self, graph, operator: (
        lambda inputs, tasks, n: np.ascontiguousarray(inputs[0].swapaxes(1, 2))
    ),
    Opcode.L2_NORM: lambda self, graph, operator: lambda inputs, tasks, n: l2_norm(inputs[0]),
    Opcode.WINDOW: _window,
    Opcode.MAX: _max,
}
