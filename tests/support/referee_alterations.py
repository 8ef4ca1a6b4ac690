"""Every way to spoil evidence about one element: opened bytes, paths, places, shapes, roots, what is claimed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from referee_bench import Question, question

from stun.protocol.graph.elements import element
from stun.protocol.graph.operators import Operator
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import (
    SHAPE_BYTES,
    Shape,
    Tensor,
    decode_shape,
    path_length,
    row_bytes,
    rows_a_leaf,
)
from stun.protocol.trees.merkle import DIGEST_BYTES, path_steps

ELEMENT_BYTES = 9  # kind, row, column
COUNT_BYTES = 2
ROOT = bytes(range(DIGEST_BYTES))


def one_off(tensor: Tensor, row: int, col: int, step: int) -> Tensor:
    """Return a tensor with one element one more or less, the other way round where that does not fit."""
    size = tensor.shape.dtype
    at = row * row_bytes(tensor.shape) + col * size
    value = int.from_bytes(tensor.data[at : at + size], "big", signed=True)
    last = 2 ** (8 * size - 1) - 1
    other = value + step if -last - 1 <= value + step <= last else value - step
    changed = other.to_bytes(size, "big", signed=True)
    return Tensor(tensor.shape, tensor.data[:at] + changed + tensor.data[at + size :])


@dataclass(frozen=True, slots=True)
class Opened:
    """Where one opening's leaf stands in the evidence, and its path, of a weight both paths."""

    leaf: slice
    path: slice


class _Places:
    """Follows the referee through evidence and notes where each opening stands."""

    def __init__(self, graph: Graph, outputs: Sequence[Tensor], operator: Operator, row: int) -> None:
        n = outputs[0].shape.rows
        self.out, self.reads = operator.shape(n), graph.reads(operator, n)
        self.opened: list[Opened] = []
        self._graph, self._outputs, self._operator = graph, outputs, operator
        shapes = len(self.reads.inputs) + len(self.reads.weights)
        self._at = ELEMENT_BYTES + SHAPE_BYTES * shapes + (COUNT_BYTES if self.reads.weights else 0)
        self._note(self.out, row, 0)

    def open_input(self, which: int, row: int) -> bytes:
        """Return one row of an input."""
        tensor = self._outputs[self._operator.predecessors[which]]
        self._note(tensor.shape, row, 0)
        return tensor.row(row)

    def open_weight(self, which: int, row: int) -> bytes:
        """Return one row of a weight tensor."""
        index = self._operator.weights[which]
        tensor = self._graph.weights[index]
        self._note(tensor.shape, row, sum(1 for _ in path_steps(index, len(self._graph.weights))))
        return tensor.row(row)

    def _note(self, shape: Shape, row: int, further: int) -> None:
        packed = rows_a_leaf(shape)
        leaf_end = self._at + packed * row_bytes(shape)
        path_end = leaf_end + DIGEST_BYTES * (path_length(shape, row // packed) + further)
        self.opened.append(Opened(slice(self._at, leaf_end), slice(leaf_end, path_end)))
        self._at = path_end


def openings(graph: Graph, outputs: Sequence[Tensor], index: int, row: int, col: int) -> list[Opened]:
    """Return where each opening of the evidence about one element stands, the output's first."""
    operator = graph.operators[index]
    places = _Places(graph, outputs, operator, row)
    element(operator, places, row, col)
    return places.opened


def spoiled(asked: Question, opened: Sequence[Opened], random: Random) -> Iterator[tuple[str, Question]]:
    """Yield questions none of which shows that the output is wrong, each with what was done to it."""
    evidence = asked.evidence
    for number, opening in enumerate(opened):
        yield f"leaf {number}", _flip(asked, random.randrange(opening.leaf.start, opening.leaf.stop), random)
        if opening.path.start < opening.path.stop:
            at = random.randrange(opening.path.start, opening.path.stop)
            yield f"path {number}", _flip(asked, at, random)
            node = opening.path.start + (at - opening.path.start) // DIGEST_BYTES * DIGEST_BYTES
            yield f"missing node {number}", _given(asked, evidence[:node] + evidence[node + DIGEST_BYTES :])
        end = opening.path.stop
        yield f"spare node {number}", _given(asked, evidence[:end] + ROOT + evidence[end:])
    for at, name in ((1, "row"), (5, "column")):
        place = int.from_bytes(evidence[at : at + 4], "big")
        for other in (place + 1, place - 1, 2**32 - 1):
            moved = (other % 2**32).to_bytes(4, "big")
            yield f"another {name}", _given(asked, evidence[:at] + moved + evidence[at + 4 :])
    yield "spare byte", _given(asked, evidence + b"\0")
    yield "missing byte", _given(asked, evidence[:-1])
    yield "another output root", replace(asked, output=ROOT)
    if len(asked.inputs) == 2 and asked.inputs[0] != asked.inputs[1]:
        yield "swapped inputs", replace(asked, inputs=asked.inputs[::-1])
    yield from _other_shapes(asked, len(opened))


def _other_shapes(asked: Question, openings_: int) -> Iterator[tuple[str, Question]]:
    evidence = asked.evidence
    for number in range(openings_ - 1):
        at = ELEMENT_BYTES + SHAPE_BYTES * number + (COUNT_BYTES if number >= len(asked.inputs) else 0)
        shape = decode_shape(evidence[at : at + SHAPE_BYTES])
        for change in ({"dtype": (shape.dtype + 1) % 5}, {"rows": shape.rows + 1}, {"cols": shape.cols * 2}):
            other = replace(shape, **change).encode()
            changed = evidence[:at] + other + evidence[at + SHAPE_BYTES :]
            yield f"another shape {number}: {change}", _given(asked, changed)


def _flip(asked: Question, at: int, random: Random) -> Question:
    flipped = bytes([asked.evidence[at] ^ 1 << random.randrange(8)])
    return _given(asked, asked.evidence[:at] + flipped + asked.evidence[at + 1 :])


def _given(asked: Question, evidence: bytes) -> Question:
    return replace(asked, evidence=evidence)


def questions_of(
    graph: Graph, outputs: Sequence[Tensor], index: int, row: int, col: int
) -> tuple[Question, list[Question]]:
    """Return the question about a true element, and those about its being one more and one less."""
    true = question(graph, outputs, index, row, col)
    lies = [question(graph, outputs, index, row, col, one_off(outputs[index], row, col, step)) for step in (1, -1)]
    return true, lies
