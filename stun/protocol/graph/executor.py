"""The reference executor: one task, operator by operator, as arithmetic.py defines it. Faster ones must equal it."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from stun.protocol.errors import require
from stun.protocol.graph import arithmetic
from stun.protocol.graph.arrays import Array, stored_array, to_array, to_tensor, unpack_records
from stun.protocol.graph.operators import BY_ROW, COLUMNS, NONE, TRANSPOSED, Opcode, Operator
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Dtype, Tensor

ERR_INPUT: Final = "graph: input"


def require_input(graph: Graph, task_input: Tensor) -> None:
    """Check a task's input: the graph's dtype and columns, min_rows to max_rows rows, no -128 in an int8.

    A provider checks it before it bids. Errors: "graph: input".
    """
    shape, expected = task_input.shape, graph.input_shape
    require((shape.dtype, shape.cols) == (expected.dtype, expected.cols), ERR_INPUT)
    require(graph.header.min_rows <= shape.rows <= graph.header.max_rows, ERR_INPUT)
    require(shape.dtype != Dtype.INT8 or b"\x80" not in task_input.data, ERR_INPUT)


def execute(graph: Graph, task_input: Tensor) -> tuple[Tensor, ...]:
    """Return every operator's output, the input first and the model's output last. Errors: "graph: input"."""
    require_input(graph, task_input)
    outputs: list[Array] = [to_array(task_input)]
    for operator in graph.operators[1:]:
        reads = [outputs[index] for index in operator.predecessors]
        outputs.append(apply(operator, reads, [graph.weights[index] for index in operator.weights], len(outputs[0])))
    return tuple(to_tensor(x, operator.dtype) for x, operator in zip(outputs, graph.operators, strict=True))


def apply(operator: Operator, inputs: Sequence[Array], weights: Sequence[Tensor], n: int) -> Array:
    """Compute one operator from its inputs and weights, for a task with an input of n rows."""
    return _APPLY[Opcode(operator.opcode)](operator, inputs, weights, n)


def _gather(operator: Operator, inputs: Sequence[Array], weights: Sequence[Tensor], n: int) -> Array:
    table = stored_array(weights[0])
    rows = np.arange(operator.shape(n).rows)
    return arithmetic.gather(table, rows if operator.mode == BY_ROW else inputs[0][:, operator.column])


def _linear(operator: Operator, inputs: Sequence[Array], weights: Sequence[Tensor], n: int) -> Array:
    records = unpack_records(weights[0], operator.w1 != NONE)
    y = arithmetic.accumulate(inputs[0], records.w, records.bias)
    if records.mult2 is None:
        y = arithmetic.requant(y, records.mult, operator.shift, operator.lo, operator.hi)
    else:
        y = arithmetic.requant(y, records.mult, operator.shift, arithmetic.INT16_MIN, arithmetic.INT16_MAX)
        y = _look_up(operator, y, weights[1])
        y = arithmetic.requant(y, records.mult2, operator.shift2, operator.lo, operator.hi)
    return y.T if operator.mode == TRANSPOSED else y


def _look_up(operator: Operator, x: Array, table: Tensor) -> Array:
    return arithmetic.lut(x, to_array(table).ravel(), operator.lut_bits, operator.lut_step, operator.tails)


def _matmul(operator: Operator, inputs: Sequence[Array], weights: Sequence[Tensor], n: int) -> Array:
    a, b = inputs
    mult = to_array(weights[0])[:, 0]
    if operator.mode == COLUMNS:
        y = arithmetic.matmul_columns(a, b, operator.groups)
        factors = np.repeat(mult, len(a))[:, None]
    else:
        y = arithmetic.matmul_rows(a, b, operator.groups)
        factors = mult
    return arithmetic.requant(y, factors, operator.shift, operator.lo, operator.hi)


def _requant(operator: Operator, inputs: Sequence[Array], weights: Sequence[Tensor], n: int) -> Array:
    mult = to_array(weights[0])[:, 0]
    return arithmetic.requant(inputs[0], mult, operator.shift, operator.lo, operator.hi)


def _lut(operator: Operator, inputs: Sequence[Array], weights: Sequence[Tensor], n: int) -> Array:
    return _look_up(operator, inputs[0], weights[0])


def _add_norm(operator: Operator, inputs: Sequence[Array], weights: Sequence[Tensor], n: int) -> Array:
    gain, bias = to_array(weights[0]).T
    return arithmetic.add_norm(inputs[0], inputs[1], gain, bias, operator.shift)


def _window(operator: Operator, inputs: Sequence[Array], weights: Sequence[Tensor], n: int) -> Array:
    shape = operator.shape(n)
    return arithmetic.window(inputs[0], operator, shape.rows, shape.cols)


_Apply = Callable[[Operator, Sequence[Array], Sequence[Tensor], int], Array]
_APPLY: Final[dict[Opcode, _Apply]] = {
    Opcode.GATHER: _gather,
    Opcode.LINEAR: _linear,
    Opcode.MATMUL: _matmul,
    Opcode.REQUANT: _requant,
    Opcode.LUT: _lut,
    Opcode.ADD_NORM: _add_norm,
    Opcode.SOFTMAX: lambda operator, inputs, weights, n: arithmetic.softmax(inputs[0]),
    Opcode.MEAN: lambda operator, inputs, weights, n: arithmetic.mean(inputs[0]),
    Opcode.TRANSPOSE: lambda operator, inputs, weights, n: inputs[0].T,
    Opcode.L2_NORM: lambda operator, inputs, weights, n: arithmetic.l2_norm(inputs[0]),
    Opcode.WINDOW: _window,
    Opcode.MAX: lambda operator, inputs, weights, n: arithmetic.max_groups(inputs[0], operator.groups),
}
