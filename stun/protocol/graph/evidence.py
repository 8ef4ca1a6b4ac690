"""Evidence for the referee, made by whoever holds the true inputs and the opened output. Format: referee.py."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from stun.protocol.errors import require
from stun.protocol.graph.elements import element
from stun.protocol.graph.operators import Operator
from stun.protocol.graph.referee import ERR_ELEMENT, Kind
from stun.protocol.graph.shapes import Reads
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Opening, Shape, Tensor, TensorTree

_WEIGHT_COUNT_BYTES: Final = 2


def shape_evidence(shape: Shape, top: bytes) -> bytes:
    """Show the shape that an output root crowns."""
    return bytes([Kind.SHAPE.value]) + shape.encode() + top


def leaf_evidence(leaf_index: int, path: Sequence[bytes], leaf: bytes) -> bytes:
    """Show a leaf whose length is not the shape's."""
    return bytes([Kind.LEAF.value]) + leaf_index.to_bytes(4, "big") + b"".join(path) + leaf


def element_evidence(
    graph: Graph, outputs: Sequence[Tensor], index: int, row: int, col: int, claimed: Opening | None = None
) -> bytes:
    """Show one element of operator `index`, whose inputs are among `outputs`.

    `claimed` opens the row under the disputed root; without it `outputs[index]` is what is disputed. Errors: "referee:
    element" if the output has no such place.
    """
    operator = graph.operators[index]
    n = outputs[0].shape.rows
    recorder = _Recorder(graph, operator, outputs, operator.shape(n), graph.reads(operator, n))
    require(0 <= row < recorder.out.rows and 0 <= col < recorder.out.cols, ERR_ELEMENT)
    opened = claimed if claimed is not None else TensorTree(outputs[index]).open(row)
    element(operator, recorder, row, col)
    parts = [bytes([Kind.ELEMENT.value]), row.to_bytes(4, "big"), col.to_bytes(4, "big")]
    parts += [shape.encode() for shape in recorder.reads.inputs]
    if operator.weights:
        parts.append(graph.weight_tree.count.to_bytes(_WEIGHT_COUNT_BYTES, "big"))
    parts += [shape.encode() for shape in recorder.reads.weights]
    return b"".join([*parts, opened.leaf, *opened.path, *recorder.openings])


def expected_element(graph: Graph, outputs: Sequence[Tensor], index: int, row: int, col: int) -> int:
    """Compute one element of operator `index` from its inputs among `outputs`, as the referee does."""
    operator = graph.operators[index]
    n = outputs[0].shape.rows
    recorder = _Recorder(graph, operator, outputs, operator.shape(n), graph.reads(operator, n), lambda tensor, row: b"")
    return element(operator, recorder, row, col)


def _opening(tensor: Tensor, row: int) -> bytes:
    opened = TensorTree(tensor).open(row)
    return b"".join([opened.leaf, *opened.path])


@dataclass(slots=True)
class _Recorder:
    """Rows out of whole tensors; keeps the opening of each that was asked for."""

    graph: Graph
    operator: Operator
    outputs: Sequence[Tensor]
    out: Shape
    reads: Reads
    opening: Callable[[Tensor, int], bytes] = _opening
    openings: list[bytes] = field(default_factory=list)

    def open_input(self, which: int, row: int) -> bytes:
        tensor = self.outputs[self.operator.predecessors[which]]
        self.openings.append(self.opening(tensor, row))
        return tensor.row(row)

    def open_weight(self, which: int, row: int) -> bytes:
        index = self.operator.weights[which]
        tensor = self.graph.weights[index]
        self.openings.append(self.opening(tensor, row) + b"".join(self.graph.weight_tree.prove(index)))
        return tensor.row(row)
