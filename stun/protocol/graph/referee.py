"""The referee: whether one operator's committed output is wrong, from evidence that opens single rows.

Pure, as the contracts are that must answer the same. The caller has bound the graph leaf, n, the predecessors' roots
(in the leaf's order) and the output root to what is committed. Evidence, where every length follows from what stands
before it:

- `00 | shape 9 | top 32`: the output root crowns another shape than the operator's. BAD_SHAPE.
- `01 | leaf_index u32 | path | leaf`: a leaf under the output root has not the shape's length. BAD_SHAPE.
- `02 | row u32 | col u32 | shape of each input | (weight_count u16 | shape of each weight, if there is one) | opening
  of the output's row | openings in the order in which elements.py asks for them`: the element differs. BAD_OP.

An opening is the whole leaf that holds the row and its path from the leaf up; of a weight, also the path of the
tensor's root under the weight root. No byte is to spare. Source: PROTOCOL.md section 9.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from stun.protocol.errors import Rejected, require
from stun.protocol.graph.elements import element
from stun.protocol.graph.operators import Opcode, Operator, decode_operator
from stun.protocol.graph.shapes import INTEGERS, MAX_ROWS, Reads, require_fitting
from stun.protocol.graph.structure import decode_header, units_of
from stun.protocol.graph.tensors import (
    SHAPE_BYTES,
    Shape,
    climb,
    decode_shape,
    leaf_count,
    path_length,
    row_bytes,
    rows_a_leaf,
    tensor_root,
    unpack_row,
)
from stun.protocol.trees.merkle import DIGEST_BYTES, path_steps, verify
from stun.protocol.trees.tags import WEIGHTS

ERR_EVIDENCE: Final = "referee: evidence"
ERR_ELEMENT: Final = "referee: element"
ERR_OPCODE: Final = "referee: opcode"
ERR_ROOTS: Final = "referee: roots"
ERR_PATH: Final = "referee: path"
ERR_SHAPE: Final = "graph: shape"

MAX_EVIDENCE_BYTES: Final = 16_384


class Kind(Enum):
    """First byte of evidence."""

    SHAPE = 0
    LEAF = 1
    ELEMENT = 2


class Verdict(StrEnum):
    """What is wrong with an output."""

    BAD_OP = "BAD_OP"
    BAD_SHAPE = "BAD_SHAPE"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, or None if the evidence shows nothing wrong; of an element its place and both values."""

    verdict: Verdict | None
    row: int = 0
    col: int = 0
    expected: int = 0
    claimed: int = 0


def units(header_leaf: bytes, rows: int) -> int:
    """Return what a task with an input of `rows` rows is counted as. Errors: "graph: header"."""
    return units_of(decode_header(header_leaf), rows)


def predecessors(graph_leaf: bytes) -> tuple[int, ...]:
    """Return the operators that a graph leaf names, in its order. Errors: "graph: leaf"."""
    return decode_operator(graph_leaf).predecessors


def is_wrong(
    graph_leaf: bytes, n: int, input_roots: tuple[bytes, ...], output_root: bytes, weight_root: bytes, evidence: bytes
) -> bool:
    """Return whether the evidence shows the output to be wrong. Errors as `judge`."""
    return judge(graph_leaf, n, input_roots, output_root, weight_root, evidence).verdict is not None


def judge(
    graph_leaf: bytes, n: int, input_roots: tuple[bytes, ...], output_root: bytes, weight_root: bytes, evidence: bytes
) -> Judgement:
    """Judge evidence about one operator of a task with an input of n rows.

    Errors, in the order of the checks: "graph: leaf", "referee: opcode" (an input has no referee), "referee: roots"
    (not one for each predecessor), "graph: shape" (the output's is none, or shapes do not fit), "graph: scalar",
    "referee: element" (no such place), "referee: path" (an opening leads to another root), "referee: evidence" (too
    short, bytes to spare, no such kind).
    """
    operator = decode_operator(graph_leaf)
    require(operator.opcode != Opcode.INPUT, ERR_OPCODE)
    require(len(input_roots) == len(operator.predecessors), ERR_ROOTS)
    out = operator.shape(n)
    require(row_bytes(out) > 0 and out.rows <= MAX_ROWS and out.dtype in INTEGERS, ERR_SHAPE)
    reader = Reader(evidence)
    kind = reader.number(1)
    if kind == Kind.SHAPE.value:
        return _judge_shape(out, output_root, reader)
    if kind == Kind.LEAF.value:
        return _judge_leaf(out, output_root, reader)
    require(kind == Kind.ELEMENT.value, ERR_EVIDENCE)
    return _judge_element(operator, out, Roots(input_roots, output_root, weight_root), reader)


@dataclass(frozen=True, slots=True)
class Roots:
    """What is committed."""

    inputs: tuple[bytes, ...]
    output: bytes
    weights: bytes


class Reader:
    """Evidence, read from its front. Errors: "referee: evidence"."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        require(len(data) <= MAX_EVIDENCE_BYTES, ERR_EVIDENCE)
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        require(self._at + size <= len(self._data), ERR_EVIDENCE)
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        """Return the next bytes as an unsigned number."""
        return int.from_bytes(self.take(size), "big")

    def shape(self) -> Shape:
        """Return the next nine bytes as a shape."""
        return decode_shape(self.take(SHAPE_BYTES))

    def path(self, length: int) -> tuple[bytes, ...]:
        """Return the next hashes."""
        return tuple(self.take(DIGEST_BYTES) for _ in range(length))

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._data) - self._at)

    def require_used_up(self) -> None:
        """Refuse bytes to spare."""
        require(self._at == len(self._data), ERR_EVIDENCE)


def _judge_shape(out: Shape, output_root: bytes, reader: Reader) -> Judgement:
    shape, top = reader.shape(), reader.take(DIGEST_BYTES)
    reader.require_used_up()
    require(tensor_root(shape, top) == output_root, ERR_PATH)
    return Judgement(Verdict.BAD_SHAPE if shape != out else None)


def _judge_leaf(out: Shape, output_root: bytes, reader: Reader) -> Judgement:
    index = reader.number(4)
    require(index < leaf_count(out), ERR_ELEMENT)
    path = reader.path(path_length(out, index))
    leaf = reader.rest()
    require(climb(out, index, leaf, path) == output_root, ERR_PATH)
    return Judgement(Verdict.BAD_SHAPE if len(leaf) != rows_a_leaf(out) * row_bytes(out) else None)


def _judge_element(operator: Operator, out: Shape, roots: Roots, reader: Reader) -> Judgement:
    row, col = reader.number(4), reader.number(4)
    inputs = tuple(reader.shape() for _ in operator.predecessors)
    weight_count = reader.number(2) if operator.weights else 0
    weights = tuple(reader.shape() for _ in operator.weights)
    opened = _Opened(operator, out, Reads(inputs, weights), roots, weight_count, reader)
    require_fitting(operator, out, opened.reads)
    require(row < out.rows and col < out.cols, ERR_ELEMENT)
    claimed = unpack_row(out.dtype, opened.open_output(row))[col]
    expected = element(operator, opened, row, col)
    reader.require_used_up()
    return Judgement(Verdict.BAD_OP if expected != claimed else None, row, col, expected, claimed)


@dataclass(frozen=True, slots=True)
class _Opened:
    """Rows out of evidence, each checked against a committed root."""

    operator: Operator
    out: Shape
    reads: Reads
    roots: Roots
    weight_count: int
    reader: Reader

    def open_output(self, row: int) -> bytes:
        opened, root = self._open(self.out, row)
        require(root == self.roots.output, ERR_PATH)
        return opened

    def open_input(self, which: int, row: int) -> bytes:
        opened, root = self._open(self.reads.inputs[which], row)
        require(root == self.roots.inputs[which], ERR_PATH)
        return opened

    def open_weight(self, which: int, row: int) -> bytes:
        opened, root = self._open(self.reads.weights[which], row)
        index, count = self.operator.weights[which], self.weight_count
        require(index < count, ERR_PATH)
        path = self.reader.path(sum(1 for _ in path_steps(index, count)))
        try:
            verify(WEIGHTS, self.roots.weights, count, index, root, path)
        except Rejected as refusal:
            raise Rejected(ERR_PATH) from refusal
        return opened

    def _open(self, shape: Shape, row: int) -> tuple[bytes, bytes]:
        """Return a row and the tensor root that its opening leads to."""
        packed, size = rows_a_leaf(shape), row_bytes(shape)
        index, within = divmod(row, packed)
        leaf = self.reader.take(packed * size)
        path = self.reader.path(path_length(shape, index))
        return leaf[within * size : (within + 1) * size], climb(shape, index, leaf, path)
