"""Single operators with inputs and weights drawn at the edges of their widths, for whatever computes operators.

`Case.output()` is the executor's answer, `Case.elements()` the referee's, element by element from rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from stun.protocol.graph import operators as ops
from stun.protocol.graph.arrays import (
    Array,
    pack_multipliers,
    pack_norm,
    pack_records,
    pack_table,
    to_array,
    to_tensor,
)
from stun.protocol.graph.elements import element
from stun.protocol.graph.executor import apply
from stun.protocol.graph.operators import Opcode, Operator
from stun.protocol.graph.shapes import LIMITS, Reads, require_fitting
from stun.protocol.graph.tensors import Dtype, Shape, Tensor

Draw = Callable[[st.SearchStrategy[Any]], Any]
I32 = 2**31 - 1


@dataclass(frozen=True)
class Case:
    """An operator of index 2 that reads operators 0 and 1 and weights 0 and 1, for an input of n rows."""

    operator: Operator
    inputs: tuple[Tensor, ...]
    weights: tuple[Tensor, ...] = ()
    n: int = 1
    opened: list[tuple[str, int, int]] = field(default_factory=list)

    @cached_property
    def out(self) -> Shape:
        return self.operator.shape(self.n)

    @cached_property
    def reads(self) -> Reads:
        return Reads(tuple(x.shape for x in self.inputs), tuple(w.shape for w in self.weights))

    def open_input(self, which: int, row: int) -> bytes:
        self.opened.append(("input", which, row))
        return self.inputs[which].row(row)

    def open_weight(self, which: int, row: int) -> bytes:
        self.opened.append(("weight", which, row))
        return self.weights[which].row(row)

    def output(self) -> Array:
        """What the executor makes of it; within the output's width."""
        require_fitting(self.operator, self.out, self.reads)
        y = apply(self.operator, [to_array(x) for x in self.inputs], self.weights, self.n)
        assert to_tensor(y, self.operator.dtype).shape == self.out
        return y

    @property
    def columns(self) -> list[int]:
        """The columns that `elements` computes: all, but of a wide row the first and the last few."""
        cols = self.out.cols
        return list(range(cols)) if cols <= 16 else [0, 1, 2, 3, cols // 2, cols - 2, cols - 1]

    def elements(self) -> Array:
        """What the referee makes of those columns; every element from at most one row of each tensor."""
        rows = [[self._element(row, col) for col in self.columns] for row in range(self.out.rows)]
        return np.array(rows, dtype=np.int64)

    def _element(self, row: int, col: int) -> int:
        self.opened.clear()
        value = element(self.operator, self, row, col)
        assert len({(kind, which) for kind, which, _ in self.opened}) == len(self.opened)
        return value


def edges(low: int, high: int) -> st.SearchStrategy[int]:
    """Numbers of a range, most of them at its ends and around 0."""
    near = {low, low + 1, high - 1, high} | {v for v in (-1, 0, 1) if low <= v <= high}
    return st.sampled_from(sorted(near)) | st.integers(low, high)


def array(draw: Draw, rows: int, cols: int, low: int, high: int) -> Array:
    """An array of such numbers: all alike, or each drawn."""
    if draw(st.booleans()) and draw(st.booleans()):
        return np.full((rows, cols), draw(edges(low, high)))
    return np.array(draw(st.lists(edges(low, high), min_size=rows * cols, max_size=rows * cols))).reshape(rows, cols)


def data(draw: Draw, dtype: Dtype, rows: int, cols: int) -> Tensor:
    """Committed integers of a width: anything that its bytes can hold."""
    bits = 8 * dtype - 1
    return to_tensor(array(draw, rows, cols, -(2**bits), 2**bits - 1), dtype)


def _vector(draw: Draw, count: int, low: int = 0, high: int = I32) -> Array:
    return array(draw, 1, count, low, high)[0]


def _size(draw: Draw, most: int = 5) -> int:
    return int(draw(st.integers(1, most)))


def _requant(draw: Draw, dtype: Dtype) -> dict[str, int]:
    low, high = LIMITS[dtype]
    lo, hi = sorted((draw(edges(low, high)), draw(edges(low, high)))) if draw(st.booleans()) else (low, high)
    return {"shift": draw(edges(1, 62)), "lo": lo, "hi": hi}


def _lut(draw: Draw) -> tuple[dict[str, int], Tensor]:
    bits = draw(st.integers(0, 15))
    step = draw(st.integers(max(0, bits - 6), bits))
    entries = _vector(draw, 1 << (bits + 1 - step), *LIMITS[Dtype.INT16])
    return {"lut_bits": bits, "lut_step": step, "tails": draw(st.sampled_from([0, 1]))}, pack_table(entries)


@st.composite
def gathers(draw: Draw) -> Case:
    dtype = draw(st.sampled_from([Dtype.INT8, Dtype.INT16, Dtype.INT32]))
    rows, ids, vocabulary, cols = (_size(draw) for _ in range(4))
    table = to_tensor(array(draw, vocabulary, cols, *LIMITS[dtype]), dtype)
    if draw(st.booleans()):
        rows = min(rows, vocabulary)
        operator = Operator(2, Opcode.GATHER, dtype, ops.per_row(1), cols, w0=0, mode=ops.BY_ROW)
        return Case(operator, (), (table,), rows)
    column = draw(st.integers(0, ids - 1))
    operator = Operator(2, Opcode.GATHER, dtype, ops.per_row(1), cols, a=0, w0=0, column=column)
    near = st.integers(-2, vocabulary + 1) | edges(-(2**31), I32)
    chosen = np.array(draw(st.lists(near, min_size=rows * ids, max_size=rows * ids))).reshape(rows, ids)
    return Case(operator, (to_tensor(chosen, Dtype.INT32),), (table,), rows)


@st.composite
def linears(draw: Draw) -> Case:
    dtype = draw(st.sampled_from([Dtype.INT8, Dtype.INT16, Dtype.INT32]))
    rows, depth, channels, transposed = _size(draw), _size(draw, 9), _size(draw), draw(st.integers(0, 1))
    w = array(draw, channels, depth, -127, 127)
    bias, mult = _vector(draw, channels, -(2**30), 2**30), _vector(draw, channels)
    size = (channels, ops.per_row(1)) if transposed else (ops.per_row(1), channels)
    scalars = {"a": 0, "w0": 0, "mode": transposed, **_requant(draw, dtype)}
    x = data(draw, Dtype.INT8, rows, depth)
    if not draw(st.booleans()):
        operator = Operator(2, Opcode.LINEAR, dtype, *size, **scalars)
        return Case(operator, (x,), (pack_records(w, bias, mult),), rows)
    looked, table = _lut(draw)
    operator = Operator(2, Opcode.LINEAR, dtype, *size, w1=1, shift2=draw(edges(1, 62)), **looked, **scalars)
    return Case(operator, (x,), (pack_records(w, bias, mult, _vector(draw, channels)), table), rows)


@st.composite
def matmuls(draw: Draw) -> Case:
    dtype, width = draw(st.sampled_from([Dtype.INT8, Dtype.INT16])), draw(st.sampled_from([Dtype.INT8, Dtype.INT16]))
    groups, rows, depth, others = (_size(draw, 4) for _ in range(4))
    scalars = {"groups": groups, "a": 0, "b": 1, "w0": 0, **_requant(draw, dtype)}
    if draw(st.booleans()):
        a, b = data(draw, width, rows, groups * depth), data(draw, Dtype.INT8, others, groups * depth)
        operator = Operator(2, Opcode.MATMUL, dtype, ops.per_row(groups), others, mode=ops.COLUMNS, **scalars)
        return Case(operator, (a, b), (pack_multipliers(_vector(draw, groups)),), rows)
    a, b = data(draw, width, groups * rows, others), data(draw, Dtype.INT8, groups * depth, others)
    operator = Operator(2, Opcode.MATMUL, dtype, ops.per_row(1), groups * depth, mode=ops.ROWS, **scalars)
    return Case(operator, (a, b), (pack_multipliers(_vector(draw, groups * depth)),), rows)


@st.composite
def requants(draw: Draw) -> Case:
    dtype, source = (draw(st.sampled_from([Dtype.INT8, Dtype.INT16, Dtype.INT32])) for _ in range(2))
    rows, cols = _size(draw), _size(draw)
    mult = pack_multipliers(_vector(draw, draw(st.sampled_from([1, cols]))))
    operator = Operator(2, Opcode.REQUANT, dtype, ops.per_row(1), cols, a=0, w0=0, **_requant(draw, dtype))
    return Case(operator, (data(draw, source, rows, cols),), (mult,), rows)


@st.composite
def luts(draw: Draw) -> Case:
    looked, table = _lut(draw)
    rows, cols = _size(draw), _size(draw, 9)
    operator = Operator(2, Opcode.LUT, Dtype.INT16, ops.per_row(1), cols, a=0, w0=0, **looked)
    return Case(operator, (data(draw, Dtype.INT16, rows, cols),), (table,), rows)


@st.composite
def add_norms(draw: Draw) -> Case:
    rows, cols = _size(draw, 3), draw(st.integers(1, 9) | st.sampled_from([384, 1024]))
    a, b = (_wide(draw, rows, cols) for _ in range(2))
    norm = pack_norm(_wide_vector(draw, cols), _wide_vector(draw, cols))
    scalars = {"a": 0, "b": 1, "w0": 0, "shift": draw(edges(1, 62))}
    return Case(Operator(2, Opcode.ADD_NORM, Dtype.INT16, ops.per_row(1), cols, **scalars), (a, b), (norm,), rows)


def _wide(draw: Draw, rows: int, cols: int) -> Tensor:
    """Int16 rows of any number of columns: a few drawn values, repeated."""
    return to_tensor(np.resize(array(draw, rows, min(cols, 7), *LIMITS[Dtype.INT16]), (rows, cols)), Dtype.INT16)


def _wide_vector(draw: Draw, cols: int) -> Array:
    return np.resize(_vector(draw, min(cols, 7), -(2**31)), cols)


@st.composite
def by_rows(draw: Draw) -> Case:
    opcode = draw(st.sampled_from([Opcode.SOFTMAX, Opcode.L2_NORM]))
    rows, cols = _size(draw, 3), draw(st.integers(1, 9) | st.sampled_from([127, 2048]))
    if cols > 9:
        rows = 1
    return Case(Operator(2, opcode, Dtype.INT16, ops.per_row(1), cols, a=0), (_wide(draw, rows, cols),), (), rows)


@st.composite
def turns(draw: Draw) -> Case:
    opcode, dtype = draw(st.sampled_from([Opcode.MEAN, Opcode.TRANSPOSE])), draw(st.sampled_from(list(Dtype)[1:]))
    rows, cols = _size(draw), _size(draw, 9)
    size = (1, ops.per_row(1)) if opcode == Opcode.MEAN else (cols, ops.per_row(1))
    return Case(Operator(2, opcode, dtype, *size, a=0), (data(draw, dtype, rows, cols),), (), rows)


@st.composite
def windows(draw: Draw) -> Case:
    dtype = draw(st.sampled_from(list(Dtype)[1:]))
    height, width, channels, across, down, kernel, kernel_rows = (_size(draw, 4) for _ in range(7))
    scalars = {"width": width, "out_width": across, "kernel": kernel, "stride": _size(draw, 3)}
    size = (across * down, kernel_rows * kernel * channels)
    operator = Operator(2, Opcode.WINDOW, dtype, *size, a=0, pad=draw(st.integers(0, 3)), **scalars)
    return Case(operator, (data(draw, dtype, height * width, channels),), (), height * width)


@st.composite
def maxima(draw: Draw) -> Case:
    dtype = draw(st.sampled_from(list(Dtype)[1:]))
    rows, cols, groups = _size(draw), _size(draw), _size(draw, 4)
    operator = Operator(2, Opcode.MAX, dtype, ops.per_row(1), cols, a=0, groups=groups)
    return Case(operator, (data(draw, dtype, rows, cols * groups),), (), rows)


CASES: dict[str, st.SearchStrategy[Case]] = {
    "gather": gathers(), "linear": linears(), "matmul": matmuls(), "requant": requants(), "lut": luts(),
    "add_norm": add_norms(), "softmax_l2_norm": by_rows(), "mean_transpose": turns(), "window": windows(),
    "max": maxima(),
}  # fmt: skip
