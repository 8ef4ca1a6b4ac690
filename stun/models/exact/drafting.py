"""A graph as it is written: operators one after the other, each named, weights packed beside them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stun.protocol.graph.arrays import pack_multipliers, pack_norm, pack_records, pack_table, to_tensor
from stun.protocol.graph.operators import BY_ID, BY_ROW, COLUMNS, GATED, TRANSPOSED, Opcode, Operator, per_row
from stun.protocol.graph.structure import Graph, Header, UnitRule
from stun.protocol.graph.tensors import Dtype, Tensor

INT8_LIMITS, INT16_LIMITS = (-127, 127), (-(2**15), 2**15 - 1)
EACH_ROW = per_row(1)

Weights = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True, slots=True)
class Rounded:
    """How a sum becomes an output: multipliers with their shift, the output's width in bytes and its limits."""

    mult: Weights
    shift: int
    dtype: Dtype
    limits: tuple[int, int]

    @property
    def fields(self) -> dict[str, int]:
        """The operator's fields."""
        return {"shift": self.shift, "lo": self.limits[0], "hi": self.limits[1]}


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table of 2^(bits + 1 - step) int16 entries over [-2^bits, 2^bits), and in a Linear what is rounded after it."""

    table: Weights
    bits: int
    step: int
    then: Rounded
    tails: int = GATED

    @property
    def fields(self) -> dict[str, int]:
        """The operator's fields."""
        return {"lut_bits": self.bits, "lut_step": self.step, "tails": self.tails}


@dataclass(slots=True)
class Draft:
    """Operators and weights so far; every method returns the index of the operator it adds."""

    names: list[str] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)

    def add(self, name: str, opcode: Opcode, dtype: Dtype, shape: tuple[int, int], **fields: int) -> int:
        """Any operator, by its fields; `shape` in dims."""
        self.names.append(name)
        self.operators.append(Operator(len(self.operators), opcode, dtype, *shape, **fields))
        return len(self.operators) - 1

    def weight(self, tensor: Tensor) -> int:
        """Add a weight tensor; returns its index."""
        self.weights.append(tensor)
        return len(self.weights) - 1

    def input(self, dtype: Dtype, cols: int) -> int:
        """The task's input, n rows."""
        return self.add("input", Opcode.INPUT, dtype, (EACH_ROW, cols))

    def gather(self, name: str, table: Weights, ids: int | None) -> int:
        """Rows of an int8 or int16 table: those that the first column of `ids` names, or the first n."""
        dtype = Dtype(table.dtype.itemsize)
        chosen: dict[str, int] = {"mode": BY_ROW} if ids is None else {"mode": BY_ID, "a": ids}
        shape = (EACH_ROW, table.shape[1])
        return self.add(name, Opcode.GATHER, dtype, shape, w0=self.weight(to_tensor(table, dtype)), **chosen)

    def linear(
        self, name: str, source: int, weights: Weights, bias: Weights, out: Rounded,
        lookup: Lookup | None = None, transposed: bool = False,
    ) -> int:  # fmt: skip
        """weights [out, in] int8, bias [out] int32; rows as the source's, or a row a channel."""
        fields = {"a": source, "mode": TRANSPOSED * transposed, **out.fields}
        mult2 = None if lookup is None else np.broadcast_to(lookup.then.mult, bias.shape)
        fields["w0"] = self.weight(pack_records(weights, bias, np.broadcast_to(out.mult, bias.shape), mult2))
        if lookup is not None:
            fields |= lookup.fields | lookup.then.fields | {"shift": out.shift, "shift2": lookup.then.shift}
            fields["w1"] = self.weight(pack_table(lookup.table))
        rows, count = self.operators[source].rows, len(weights)
        dtype = out.dtype if lookup is None else lookup.then.dtype
        return self.add(name, Opcode.LINEAR, dtype, (count, rows) if transposed else (rows, count), **fields)

    def matmul(self, name: str, sources: tuple[int, int], mode: int, groups: int, out: Rounded) -> int:
        """Attention scores (COLUMNS: groups * n rows) or context (ROWS: n rows), for inputs with a row a token."""
        rows = per_row(groups) if mode == COLUMNS else EACH_ROW
        reads = {"a": sources[0], "b": sources[1], "w0": self.weight(pack_multipliers(out.mult))}
        shape = (rows, self.operators[sources[1]].rows)
        return self.add(name, Opcode.MATMUL, out.dtype, shape, mode=mode, groups=groups, **reads, **out.fields)

    def requant(self, name: str, source: int, out: Rounded) -> int:
        """Another width, and a step for each channel or one for all."""
        weight = self.weight(pack_multipliers(out.mult))
        return self.add(name, Opcode.REQUANT, out.dtype, self._shape(source), a=source, w0=weight, **out.fields)

    def look_up(self, name: str, source: int, lookup: Lookup) -> int:
        """A table alone, int16 to int16."""
        weight = self.weight(pack_table(lookup.table))
        return self.add(name, Opcode.LUT, Dtype.INT16, self._shape(source), a=source, w0=weight, **lookup.fields)

    def add_norm(self, name: str, sources: tuple[int, int], gain: Weights, bias: Weights, shift: int) -> int:
        """LayerNorm of a sum, int16."""
        reads = {"a": sources[0], "b": sources[1], "w0": self.weight(pack_norm(gain, bias))}
        return self.add(name, Opcode.ADD_NORM, Dtype.INT16, self._shape(sources[0]), shift=shift, **reads)

    def plain(self, name: str, opcode: Opcode, source: int, shape: tuple[int, int]) -> int:
        """An operator without weights and scalars: Softmax, Mean, Transpose, L2Norm; `shape` in dims."""
        return self.add(name, opcode, Dtype(self.operators[source].dtype), shape, a=source)

    def finish(self, max_rows: int, min_rows: int = 1, unit_rule: UnitRule = UnitRule.ONE) -> Graph:
        """The graph, for inputs of `min_rows` to `max_rows` rows, checked to be valid. Errors: Rejected."""
        header = Header(unit_rule, len(self.operators), len(self.weights), min_rows, max_rows)
        return Graph(header, tuple(self.operators), tuple(self.weights))

    def _shape(self, source: int) -> tuple[int, int]:
        return self.operators[source].rows, self.operators[source].cols
