"""Roots of all of a task's tensors: leaves as they are computed, then every level of all their trees together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.engine import Engine
from stun.models.exact.native.sha256_lanes import DIGEST, hash_rows, hash_trees
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Shape, leaf_count, row_bytes, rows_a_leaf, tensor_root
from stun.protocol.trees.tags import LEAF, NODE, ROWS

Array = NDArray[Any]
MAX_PLANS = 64


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where every tensor's leaves stand, for inputs of n rows: (first, after the last, bytes of one)."""

    shapes: tuple[Shape, ...]
    counts: NDArray[np.int64]
    places: tuple[tuple[int, int, int], ...]


class NativeHasher:
    """Output roots of a graph's tasks, sixteen hashes at a time."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._plans: dict[int, _Plan] = {}

    def roots(self, outputs: Sequence[Array], task: int) -> tuple[bytes, ...]:
        """The output root of every operator, for one task of a pack: outputs [tasks, rows, cols], the input first."""
        plan, nodes = self._start(outputs[0].shape[1])
        for index, output in enumerate(outputs):
            _take(nodes, plan.places[index], output[task])
        return _finish(plan, nodes)

    def trace(self, engine: Engine, task_input: Array) -> tuple[bytes, ...]:
        """Run one task [1, n, cols] again and hash each output while it is at hand, keeping none."""
        plan, nodes = self._start(task_input.shape[1])
        engine.visit(task_input, lambda index, output: _take(nodes, plan.places[index], output[0]))
        return _finish(plan, nodes)

    def _start(self, n: int) -> tuple[_Plan, NDArray[np.uint8]]:
        if n not in self._plans:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            self._plans[n] = _plan(self._graph, n)
        plan = self._plans[n]
        return plan, np.empty((plan.places[-1][1], DIGEST), np.uint8)


def _plan(graph: Graph, n: int) -> _Plan:
    shapes = tuple(operator.shape(n) for operator in graph.operators)
    counts = np.array([leaf_count(shape) for shape in shapes])
    ends = np.cumsum(counts)
    sizes = [rows_a_leaf(shape) * row_bytes(shape) for shape in shapes]
    return _Plan(shapes, counts, tuple(zip((ends - counts).tolist(), ends.tolist(), sizes, strict=True)))


def _take(nodes: NDArray[np.uint8], place: tuple[int, int, int], output: Array) -> None:
    """Hash the leaves of one output [rows, cols]; int32 is turned here, int8 and int16 in the lanes."""
    width = output.dtype.itemsize
    data = np.ascontiguousarray(output if width < 4 else output.astype(">i4"))
    hash_rows(data.ctypes.data, place[2], width if width < 4 else 1, ROWS[0], LEAF[0], nodes, place[0], place[1])


def _finish(plan: _Plan, nodes: NDArray[np.uint8]) -> tuple[bytes, ...]:
    hash_trees(nodes, plan.counts, ROWS[0], NODE[0])
    tops = nodes[: len(plan.shapes)].tobytes()
    return tuple(
        tensor_root(shape, tops[DIGEST * tree : DIGEST * (tree + 1)]) for tree, shape in enumerate(plan.shapes)
    )
