"""Build a graph operator by operator: what quantisers use. The graph that comes out has been checked as a whole.

Every method appends one operator and returns its index; shapes are derived from what it reads. Weight tensors that are
equal are kept once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stun.protocol.graph import operators as ops
from stun.protocol.graph.arrays import Integers, pack_multipliers, pack_norm, pack_records, pack_table
from stun.protocol.graph.operators import PER_ROW, Opcode, Operator, per_row
from stun.protocol.graph.structure import Graph, Header, UnitRule
from stun.protocol.graph.tensors import Dtype, Tensor


@dataclass(frozen=True, slots=True)
class Requant:
    """Multipliers (one, or one a channel), shift and clamp of a requant step."""

    mult: Integers
    shift: int
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Lut:
    """Entries of a table over [-2^bits, 2^bits) in steps of 2^step, and what lies outside (operators.GATED, FLAT)."""

    entries: Integers
    bits: int
    step: int
    tails: int = ops.GATED


@dataclass
class GraphBuilder:
    """Operators and weights so far; operator 0 is the input."""

    operators: list[Operator] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)

    def input(self, dtype: Dtype, cols: int) -> int:
        """Begin with the input: n rows."""
        return self._add(Opcode.INPUT, dtype, per_row(1), cols)

    def gather(self, ids: int, table: Tensor, column: int = 0) -> int:
        """Look each row's id up in a table."""
        shape = table.shape
        w0 = self._weight(table)
        return self._add(Opcode.GATHER, shape.dtype, self._rows(ids), shape.cols, a=ids, w0=w0, column=column)

    def positions(self, table: Tensor, rows: int = PER_ROW | 1) -> int:
        """Take the table's first rows."""
        w0 = self._weight(table)
        return self._add(Opcode.GATHER, table.shape.dtype, rows, table.shape.cols, w0=w0, mode=ops.BY_ROW)

    def linear(
        self, x: int, w: Integers, bias: Integers, requant: Requant, dtype: Dtype, transposed: bool = False
    ) -> int:
        """Multiply with weights [N, K] int8, add a bias, requant by channels."""
        w0 = self._weight(pack_records(w, bias, requant.mult))
        rows, cols = self._product(x, len(w), transposed)
        return self._add(
            Opcode.LINEAR, dtype, rows, cols, a=x, w0=w0, mode=int(transposed), **_last(requant, requant.shift)
        )

    def linear_lut(
        self, x: int, w: Integers, bias: Integers, first: Requant, lut: Lut, requant: Requant, dtype: Dtype
    ) -> int:
        """Multiply, requant to int16 (whatever clamp `first` has), look up, requant again."""
        w0 = self._weight(pack_records(w, bias, first.mult, requant.mult))
        w1 = self._weight(pack_table(lut.entries))
        rows, cols = self._product(x, len(w), False)
        scalars = {**_last(requant, first.shift), **_table(lut), "shift2": requant.shift}
        return self._add(Opcode.LINEAR, dtype, rows, cols, a=x, w0=w0, w1=w1, **scalars)

    def scores(self, a: int, b: int, groups: int, requant: Requant, dtype: Dtype = Dtype.INT16) -> int:
        """MatMul over groups of columns; one multiplier a group."""
        w0 = self._weight(pack_multipliers(requant.mult))
        rows, cols = _times(self._rows(a), groups), self._rows(b)
        last = _last(requant, requant.shift)
        return self._add(Opcode.MATMUL, dtype, rows, cols, a=a, b=b, w0=w0, mode=ops.COLUMNS, groups=groups, **last)

    def context(self, a: int, b: int, groups: int, requant: Requant, dtype: Dtype = Dtype.INT8) -> int:
        """MatMul over groups of rows; one multiplier a channel."""
        w0 = self._weight(pack_multipliers(requant.mult))
        rows, cols = _over(self._rows(a), groups), self._rows(b)
        last = _last(requant, requant.shift)
        return self._add(Opcode.MATMUL, dtype, rows, cols, a=a, b=b, w0=w0, mode=ops.ROWS, groups=groups, **last)

    def requant(self, x: int, requant: Requant, dtype: Dtype) -> int:
        """Requant by columns, or all alike."""
        w0 = self._weight(pack_multipliers(requant.mult))
        return self._add(
            Opcode.REQUANT, dtype, self._rows(x), self._cols(x), a=x, w0=w0, **_last(requant, requant.shift)
        )

    def lut(self, x: int, lut: Lut) -> int:
        """Look int16 values up."""
        w0 = self._weight(pack_table(lut.entries))
        return self._add(Opcode.LUT, Dtype.INT16, self._rows(x), self._cols(x), a=x, w0=w0, **_table(lut))

    def add_norm(self, a: int, b: int, gain: Integers, bias: Integers, shift: int) -> int:
        """LayerNorm of a sum."""
        w0 = self._weight(pack_norm(gain, bias))
        return self._add(Opcode.ADD_NORM, Dtype.INT16, self._rows(a), self._cols(a), a=a, b=b, w0=w0, shift=shift)

    def softmax(self, x: int) -> int:
        """Softmax by rows."""
        return self._add(Opcode.SOFTMAX, Dtype.INT16, self._rows(x), self._cols(x), a=x)

    def l2_norm(self, x: int) -> int:
        """Length one by rows."""
        return self._add(Opcode.L2_NORM, Dtype.INT16, self._rows(x), self._cols(x), a=x)

    def mean(self, x: int) -> int:
        """Mean of every row, side by side in one row."""
        return self._add(Opcode.MEAN, self.operators[x].dtype, 1, self._rows(x), a=x)

    def transpose(self, x: int) -> int:
        """Swap rows and columns."""
        return self._add(Opcode.TRANSPOSE, self.operators[x].dtype, self._cols(x), self._rows(x), a=x)

    def window(self, x: int, size: Sequence[int], kernel: Sequence[int], stride: int = 1, pad: int = 0) -> int:
        """Windows `kernel` (rows, columns) over an image of `size` (rows, columns), one pixel a row of x."""
        down, across = ((size[i] + 2 * pad - kernel[i]) // stride + 1 for i in (0, 1))
        cols = kernel[0] * kernel[1] * self._cols(x)
        scalars = {"width": size[1], "out_width": across, "kernel": kernel[1], "stride": stride, "pad": pad}
        return self._add(Opcode.WINDOW, self.operators[x].dtype, down * across, cols, a=x, **scalars)

    def maximum(self, x: int, groups: int) -> int:
        """Largest over groups of columns."""
        dtype = self.operators[x].dtype
        return self._add(Opcode.MAX, dtype, self._rows(x), _over(self._cols(x), groups), a=x, groups=groups)

    def build(self, min_rows: int, max_rows: int, unit_rule: UnitRule = UnitRule.ONE) -> Graph:
        """Return the graph. Errors: those of Graph."""
        header = Header(unit_rule, len(self.operators), len(self.weights), min_rows, max_rows)
        return Graph(header, tuple(self.operators), tuple(self.weights))

    def _add(self, opcode: Opcode, dtype: int, rows: int, cols: int, **fields: int) -> int:
        index = len(self.operators)
        self.operators.append(Operator(index, opcode, dtype, rows, cols, **fields))
        return index

    def _weight(self, tensor: Tensor) -> int:
        if tensor not in self.weights:
            self.weights.append(tensor)
        return self.weights.index(tensor)

    def _rows(self, index: int) -> int:
        return self.operators[index].rows

    def _cols(self, index: int) -> int:
        return self.operators[index].cols

    def _product(self, x: int, channels: int, transposed: bool) -> tuple[int, int]:
        return (channels, self._rows(x)) if transposed else (self._rows(x), channels)


def _last(requant: Requant, shift: int) -> dict[str, int]:
    return {"shift": shift, "lo": requant.lo, "hi": requant.hi}


def _table(lut: Lut) -> dict[str, int]:
    return {"tails": lut.tails, "lut_bits": lut.bits, "lut_step": lut.step}


def _times(dim: int, factor: int) -> int:
    return dim & PER_ROW | (dim & ~PER_ROW) * factor


def _over(dim: int, factor: int) -> int:
    return dim & PER_ROW | (dim & ~PER_ROW) // factor
