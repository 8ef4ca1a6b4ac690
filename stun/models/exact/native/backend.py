"""The backend of compiled kernels. Gather, Window, Max and odd sizes are left to the portable path."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.engine import Array, Backend, Step
from stun.models.exact.native import products, rows, vectors
from stun.models.exact.parameters import WIDTHS, full_table, linear_parameters, vector
from stun.models.exact.portable import Portable
from stun.protocol.graph.arithmetic import MAX_EXPONENT, rshr
from stun.protocol.graph.arrays import to_array
from stun.protocol.graph.operators import COLUMNS, Opcode, Operator
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tables import EXP_COARSE, EXP_FINE

_EXPONENTS = np.arange(MAX_EXPONENT + 1)
_POWERS = rshr(np.array(EXP_COARSE)[_EXPONENTS >> 6] * np.array(EXP_FINE)[_EXPONENTS & 63], 15).astype(np.uint16)
_NO_TABLE, _NO_MULT = np.empty(0, np.int16), np.empty(0, np.int32)


class Native(Backend):
    """Compiled kernels: bytes with AVX-512 VNNI where the processor has it, int16 pairs elsewhere."""

    name: ClassVar[str] = "native"

    def __init__(self, use_vnni: bool = vectors.HAS_VNNI) -> None:
        self.use_vnni = use_vnni
        self.portable = Portable()

    def prepare(self, graph: Graph, operator: Operator) -> Step:
        step = _STEPS.get(Opcode(operator.opcode))
        return self.portable.prepare(graph, operator) if step is None else step(self, graph, operator)


def _linear(self: Native, graph: Graph, operator: Operator) -> Step:
    found = linear_parameters(graph, operator)
    count, depth = found.weights.shape
    values, lane = (4, np.uint8) if self.use_vnni else (2, np.int16)
    weights = found.weights if self.use_vnni else found.weights.astype(np.int16)
    offset = 128 * found.weights.astype(np.int64).sum(1) if self.use_vnni else 0
    panels, initial = products.pack_panels(weights, values), products.padded(found.bias - offset, count)
    has_table = found.table is not None and found.mult2 is not None
    table = found.table if found.table is not None else _NO_TABLE
    mult2 = products.padded(found.mult2, count) if found.mult2 is not None else _NO_MULT
    limits = (operator.shift, operator.lo, operator.hi)
    finish = (products.padded(found.mult, count), *limits, table, mult2, operator.shift2 if has_table else 1)
    lay: Callable[..., None] = rows.lay_bytes if self.use_vnni else rows.lay_halves
    padded_depth = -depth % values + depth

    def step(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        x = inputs[0].reshape(-1, depth)
        laid: NDArray[Any] = np.zeros((len(x), padded_depth), lane) if padded_depth > depth else np.empty(x.shape, lane)
        lay(x, laid)
        out = np.empty((len(x), count), WIDTHS[operator.dtype])
        products.linear(laid, self.use_vnni, panels, initial, *finish, out)
        y = out.reshape(tasks, -1, count)
        return _turned(y) if found.is_transposed else y

    return step


def _matmul(self: Native, graph: Graph, operator: Operator) -> Step:
    mult, groups = vector(graph, operator.w0).astype(np.int32), operator.groups
    limits = (operator.shift, operator.lo, operator.hi)
    is_wide = graph.operators[operator.a].dtype == 2
    portable = self.portable.prepare(graph, operator)

    def columns(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        a, b = inputs
        values = 4 if self.use_vnni and not is_wide else 2
        if a.shape[2] // groups % values:
            return portable(inputs, tasks, n)
        left, right = (_as_bytes(a), b) if values == 4 else (a.astype(np.int16), b.astype(np.int16))
        out = np.empty((tasks, groups * a.shape[1], b.shape[1]), WIDTHS[operator.dtype])
        for task in range(tasks):
            products.scores(left[task], values == 4, right[task], groups, mult, *limits, out[task])
        return out

    def by_rows(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        a, b = inputs
        out = np.empty((tasks, a.shape[1] // groups, b.shape[1]), WIDTHS[operator.dtype])
        left = a.astype(np.int16, copy=False)
        if a.shape[2] & 1:
            left = np.concatenate([left, np.zeros((*a.shape[:2], 1), np.int16)], 2)
        for task in range(tasks):
            products.context(left[task], b[task], groups, mult, *limits, out[task])
        return out

    return columns if operator.mode == COLUMNS else by_rows


def _requant(self: Native, graph: Graph, operator: Operator) -> Step:
    mult = vector(graph, operator.w0)
    limits = (operator.shift, operator.lo, operator.hi)

    def step(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        x = inputs[0]
        out = np.empty(x.shape, WIDTHS[operator.dtype])
        each = np.broadcast_to(mult, x.shape[2:]).copy()
        rows.requant(_flat(x), each, *limits, _flat(out))
        return out

    return step


def _lut(self: Native, graph: Graph, operator: Operator) -> Step:
    table = full_table(graph, operator, operator.w0)

    def step(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        out = np.empty(inputs[0].shape, np.int16)
        rows.look_up(_flat(inputs[0]), table, _flat(out))
        return out

    return step


def _add_norm(self: Native, graph: Graph, operator: Operator) -> Step:
    gain, bias = to_array(graph.weights[operator.w0]).T.copy()

    def step(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        a, b = inputs
        out = np.empty(a.shape, np.int16)
        rows.add_norm(_flat(a), _flat(b), gain, bias, operator.shift, _flat(out))
        return out

    return step


def _softmax(self: Native, graph: Graph, operator: Operator) -> Step:
    def step(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        out = np.empty(inputs[0].shape, np.int16)
        rows.softmax(_flat(inputs[0]), _POWERS, _flat(out))
        return out

    return step


def _mean(self: Native, graph: Graph, operator: Operator) -> Step:
    def step(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        x = inputs[0]
        out = np.empty(tasks * x.shape[1], x.dtype)
        rows.mean(_flat(x), out)
        return out.reshape(tasks, 1, x.shape[1])

    return step


def _l2_norm(self: Native, graph: Graph, operator: Operator) -> Step:
    def step(inputs: Sequence[Array], tasks: int, n: int) -> Array:
        out = np.empty(inputs[0].shape, np.int16)
        rows.l2_norm(_flat(inputs[0]), _flat(out))
        return out

    return step


def _turned(x: Array) -> Array:
    out = np.empty((x.shape[0], x.shape[2], x.shape[1]), x.dtype)
    rows.transpose(x, out)
    return out


def _as_bytes(x: Array) -> Array:
    return (x.view(np.uint8) ^ np.uint8(128)).reshape(x.shape)


def _flat(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


_STEPS: dict[Opcode, Callable[[Native, Graph, Operator], Step]] = {
    Opcode.LINEAR: _linear,
    Opcode.MATMUL: _matmul,
    Opcode.REQUANT: _requant,
    Opcode.LUT: _lut,
    Opcode.ADD_NORM: _add_norm,
    Opcode.SOFTMAX: _softmax,
    Opcode.MEAN: _mean,
    Opcode.TRANSPOSE: lambda self, graph, operator: lambda inputs, tasks, n: _turned(inputs[0]),
    Opcode.L2_NORM: _l2_norm,
}
