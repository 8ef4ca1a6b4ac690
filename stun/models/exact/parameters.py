"""An operator's weights as arrays, read once from its graph; shared by all paths."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stun.protocol.graph.arithmetic import lut
from stun.protocol.graph.arrays import to_array, unpack_records
from stun.protocol.graph.operators import NONE, TRANSPOSED, Operator
from stun.protocol.graph.structure import Graph

Integers = NDArray[np.int64]
INT16_PEAK = 2**15
WIDTHS: dict[int, np.dtype[Any]] = {size: np.dtype(f"i{size}") for size in (1, 2, 4)}  # by dtype code


@dataclass(frozen=True, slots=True)
class LinearParameters:
    """A Linear: weights int8 [N, K]; bias, multipliers and, after a table, second multipliers int64 [N].

    `table` has an entry for every int16 value, from -32768 up: the Lut with its tails.
    """

    weights: NDArray[np.int8]
    bias: Integers
    mult: Integers
    mult2: Integers | None
    table: NDArray[np.int16] | None
    is_transposed: bool

    @property
    def peak(self) -> int:
        """No sum before the bias, nor any part of one, is larger in magnitude."""
        return peak_of(self.weights)


def peak_of(weights: NDArray[np.int8]) -> int:
    """What no sum of products of int8 values with these weights [N, K], in whatever order, can pass."""
    return 128 * int(np.abs(weights.astype(np.int32)).sum(1).max())


def linear_parameters(graph: Graph, operator: Operator) -> LinearParameters:
    """Read a Linear's weights."""
    has_table = operator.w1 != NONE
    records = unpack_records(graph.weights[operator.w0], has_table)
    table = full_table(graph, operator, operator.w1) if has_table else None
    weights = records.w.astype(np.int8)
    return LinearParameters(weights, records.bias, records.mult, records.mult2, table, operator.mode == TRANSPOSED)


def full_table(graph: Graph, operator: Operator, weight: int) -> NDArray[np.int16]:
    """What a table gives for every int16 value, tails included."""
    every = np.arange(-INT16_PEAK, INT16_PEAK)
    entries = to_array(graph.weights[weight]).ravel()
    return lut(every, entries, operator.lut_bits, operator.lut_step, operator.tails).astype(np.int16)


def vector(graph: Graph, weight: int) -> Integers:
    """A weight tensor of one column."""
    return np.ascontiguousarray(to_array(graph.weights[weight])[:, 0])
