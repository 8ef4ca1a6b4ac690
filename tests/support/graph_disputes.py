"""An honest trace of each small model, lies about it, and what the referee is given."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from graph_models import image, image_model, sentence, sentence_model

from stun.protocol.graph.arrays import to_array, to_tensor
from stun.protocol.graph.evidence import element_evidence
from stun.protocol.graph.executor import execute
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Opening, Tensor
from stun.protocol.graph.trace import Trace

ACCOUNT = bytes(12) + b"\x11" * 20


@dataclass(frozen=True)
class Case:
    """What the referee judges; the fields are its arguments."""

    graph_leaf: bytes
    n: int
    input_roots: tuple[bytes, ...]
    output_root: bytes
    weight_root: bytes
    evidence: bytes

    @property
    def arguments(self) -> tuple[bytes, int, tuple[bytes, ...], bytes, bytes, bytes]:
        return self.graph_leaf, self.n, self.input_roots, self.output_root, self.weight_root, self.evidence


@dataclass(frozen=True)
class Dispute:
    """A model and one task's trace as it is claimed."""

    graph: Graph
    trace: Trace

    def case(self, index: int, evidence: bytes) -> Case:
        """Evidence about operator `index`, bound to what the trace commits."""
        operator, roots = self.graph.operators[index], self.trace.output_roots
        read = tuple(roots[predecessor] for predecessor in operator.predecessors)
        n = self.trace.outputs[0].shape.rows
        return Case(operator.encode(), n, read, roots[index], self.graph.weight_root, evidence)

    def element(self, index: int, row: int, col: int, claimed: Opening | None = None) -> Case:
        """The case of one element."""
        return self.case(index, element_evidence(self.graph, self.trace.outputs, index, row, col, claimed))

    def places(self, each: int) -> Iterator[tuple[int, int, int]]:
        """Some elements of every operator but the input."""
        random = np.random.default_rng(7)
        for index, tensor in enumerate(self.trace.outputs[1:], 1):
            for _ in range(each):
                yield index, int(random.integers(tensor.shape.rows)), int(random.integers(tensor.shape.cols))

    def lie(self, index: int, row: int, col: int, by: int = 1) -> "Dispute":
        """The same trace with one element of one output changed."""
        outputs = list(self.trace.outputs)
        array = to_array(outputs[index])
        limit = 2 ** (8 * outputs[index].shape.dtype - 1) - 1
        array[row, col] += by if array[row, col] + by <= limit else -by
        outputs[index] = to_tensor(array, outputs[index].shape.dtype)
        return self.claiming(tuple(outputs))

    def claiming(self, outputs: tuple[Tensor, ...]) -> "Dispute":
        """The same task with other outputs."""
        return replace(self, trace=Trace(ACCOUNT, outputs))


@cache
def sentence_dispute(tokens: int = 7) -> Dispute:
    """An honest trace of the sentence model."""
    graph = sentence_model()
    return Dispute(graph, Trace(ACCOUNT, execute(graph, sentence(tokens))))


@cache
def image_dispute() -> Dispute:
    """An honest trace of the image model."""
    graph = image_model()
    return Dispute(graph, Trace(ACCOUNT, execute(graph, image())))
