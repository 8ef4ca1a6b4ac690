"""Runs a graph with a backend's steps over packs of tasks whose inputs are equally long.

Arrays are [tasks, rows, cols] of the operator's own width. No task reads another's rows, so the bits do not depend on
what else is in a pack; there is no padding and no mask.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.operators import Operator
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Tensor

MAX_PACK_ROWS = 1024

Array = NDArray[Any]
Step = Callable[[Sequence[Array], int, int], Array]  # (what the operator reads, tasks, n) -> its output


class Backend(ABC):
    """A way to compute operators. `prepare` lays weights out once; the step it returns only computes."""

    name: ClassVar[str]

    @abstractmethod
    def prepare(self, graph: Graph, operator: Operator) -> Step:
        """The step of one operator of a valid graph (any but the input)."""


class Engine:
    """A graph made ready for one backend. It trusts its inputs: see stun.protocol.graph.executor.require_input."""

    def __init__(self, graph: Graph, backend: Backend) -> None:
        self.graph = graph
        self.backend = backend
        self._steps = [backend.prepare(graph, operator) for operator in graph.operators[1:]]
        self._last = _last_uses(graph)

    def run(self, inputs: Array) -> Array:
        """Outputs [tasks, rows, cols] of inputs [tasks, n, cols], a pack at a time; what is read no more is dropped."""
        most = max(1, MAX_PACK_ROWS // inputs.shape[1])
        packs = [self.visit(inputs[first : first + most], _ignore) for first in range(0, len(inputs), most)]
        return packs[0] if len(packs) == 1 else np.concatenate(packs)

    def run_all(self, inputs: Array) -> list[Array]:
        """Every operator's output [tasks, rows, cols], the input first."""
        outputs: list[Array] = []
        self.visit(inputs, lambda _, output: outputs.append(output))
        return outputs

    def visit(self, inputs: Array, see: Callable[[int, Array], None]) -> Array:
        """Show every operator's index and output as it is computed, the input first; returns the last. One pack."""
        held: dict[int, Array] = {0: self._as_input(inputs)}
        see(0, held[0])
        for operator, step in zip(self.graph.operators[1:], self._steps, strict=True):
            reads = [held[index] for index in operator.predecessors]
            held[operator.index] = step(reads, *inputs.shape[:2])
            see(operator.index, held[operator.index])
            for index in self._last[operator.index]:
                held.pop(index, None)
        return held[len(self.graph.operators) - 1]

    def _as_input(self, inputs: Array) -> Array:
        return np.ascontiguousarray(inputs, dtype=f"i{self.graph.operators[0].dtype}")


def task_outputs(graph: Graph, outputs: Sequence[Array], task: int) -> tuple[Tensor, ...]:
    """One task's outputs of `run_all` as the protocol's tensors, for its trace."""
    return tuple(
        to_tensor(array[task], operator.dtype) for array, operator in zip(outputs, graph.operators, strict=True)
    )


def _ignore(index: int, output: Array) -> None:
    """Nobody looks."""


def _last_uses(graph: Graph) -> list[list[int]]:
    """For each operator, the ones that nobody after it reads."""
    last = {index: operator.index for operator in graph.operators for index in operator.predecessors}
    dropped: list[list[int]] = [[] for _ in graph.operators]
    for index, at in last.items():
        dropped[at].append(index)
    return dropped
