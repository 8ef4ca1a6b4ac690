"""A graph: header, operators, weight tensors; its two roots, and everything that makes it valid.

Whoever bids on a model has read its whole graph by these rules; the referee relies on the roots alone.
Source: PROTOCOL.md section 9.
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Final

from stun.protocol.errors import require
from stun.protocol.graph.operators import NONE, PER_ROW, Opcode, Operator
from stun.protocol.graph.shapes import MAX_ROWS, Reads, require_fitting
from stun.protocol.graph.tensors import Shape, Tensor, root_of
from stun.protocol.graph.usage import require_canonical
from stun.protocol.graph.weights import require_weights
from stun.protocol.trees.merkle import MerkleTree
from stun.protocol.trees.tags import GRAPH, WEIGHTS

MAGIC: Final = b"STUN"
VERSION: Final = 1
HEADER_BYTES: Final = 18
MAX_OPERATORS: Final = 4_096
MAX_WEIGHTS: Final = 4_096

ERR_HEADER: Final = "graph: header"
ERR_ORDER: Final = "graph: order"
ERR_INPUT: Final = "graph: input"
ERR_COUNT: Final = "graph: count"

_HEADER: Final = struct.Struct(">4sBBHHII")


class UnitRule(IntEnum):
    """What a task is counted as."""

    ONE = 0
    ROWS = 1  # n, the rows of its input


@dataclass(frozen=True, slots=True)
class Header:
    """Leaf 0 of the graph tree: how units are counted, how many operators and weights, how many rows an input has."""

    unit_rule: int
    op_count: int
    weight_count: int
    min_rows: int
    max_rows: int

    def encode(self) -> bytes:
        """Return "STUN" | version u8 = 1 | unit_rule u8 | op_count, weight_count u16 | min_rows, max_rows u32."""
        counts = (self.op_count, self.weight_count, self.min_rows, self.max_rows)
        return _HEADER.pack(MAGIC, VERSION, self.unit_rule, *counts)


def decode_header(leaf: bytes) -> Header:
    """Read a header. Errors: "graph: header" (length, magic, version, unit rule)."""
    require(len(leaf) == HEADER_BYTES, ERR_HEADER)
    magic, version, *fields = _HEADER.unpack(leaf)
    require((magic, version) == (MAGIC, VERSION) and fields[0] in tuple(UnitRule), ERR_HEADER)
    return Header(*fields)


def units_of(header: Header, n: int) -> int:
    """Return what a task with an input of n rows is counted as."""
    return n if header.unit_rule == UnitRule.ROWS else 1


@dataclass(frozen=True)
class Graph:
    """A valid graph.

    Errors when made: "graph: header", "graph: count", "graph: order", "graph: input", "graph: unused", "graph: weight",
    "graph: shape", "graph: scalar".
    """

    header: Header
    operators: tuple[Operator, ...]
    weights: tuple[Tensor, ...] = field(repr=False)

    def __post_init__(self) -> None:
        _require_header(self)
        checked = set()
        for index, operator in enumerate(self.operators):
            _require_order(self, index, operator)
            require_canonical(operator)
            for n in {self.header.min_rows, self.header.max_rows}:
                require_fitting(operator, operator.shape(n), self.reads(operator, n))
            if self.header.min_rows != self.header.max_rows:
                _require_divisible(self, operator)
            read = (operator.opcode, operator.weights)
            if read not in checked:  # else many operators that share a large weight would be slow to check
                require_weights(operator, self.weights)
                checked.add(read)

    def reads(self, operator: Operator, n: int) -> Reads:
        """Return the shapes of what an operator reads when the input has n rows."""
        inputs = tuple(self.operators[index].shape(n) for index in operator.predecessors)
        return Reads(inputs, tuple(self.weights[index].shape for index in operator.weights))

    @property
    def input_shape(self) -> Shape:
        """The shape of an input of one row: dtype and columns hold for every n."""
        return self.operators[0].shape(1)

    @cached_property
    def tree(self) -> MerkleTree:
        """The graph tree: the header, then the operators."""
        return MerkleTree(GRAPH, [self.header.encode(), *(operator.encode() for operator in self.operators)])

    @property
    def graph_root(self) -> bytes:
        """The crowned root of the graph tree."""
        return self.tree.root

    @cached_property
    def weight_tree(self) -> MerkleTree:
        """The weight tree: the root of each weight tensor; of a graph without weights one leaf of 32 zero bytes."""
        return MerkleTree(WEIGHTS, [root_of(tensor) for tensor in self.weights] or [bytes(32)])

    @property
    def weight_root(self) -> bytes:
        """The crowned root of the weight tree."""
        return self.weight_tree.root


def _require_header(graph: Graph) -> None:
    header = graph.header
    require(header.unit_rule in tuple(UnitRule), ERR_HEADER)
    require(0 < header.min_rows <= header.max_rows <= MAX_ROWS, ERR_HEADER)
    require((header.op_count, header.weight_count) == (len(graph.operators), len(graph.weights)), ERR_COUNT)
    require(1 < header.op_count <= MAX_OPERATORS and header.weight_count <= MAX_WEIGHTS, ERR_COUNT)


def _require_order(graph: Graph, index: int, operator: Operator) -> None:
    """Operator 0 and no other is the input, with n rows; every other reads earlier ones and weights that exist."""
    require(operator.index == index, ERR_ORDER)
    require((operator.opcode == Opcode.INPUT) == (index == 0), ERR_INPUT)
    if index == 0:
        require(operator.rows == PER_ROW | 1 and operator.cols < PER_ROW, ERR_INPUT)
    require(operator.opcode in tuple(Opcode), "graph: leaf")
    require(operator.a != NONE or operator.b == NONE, ERR_ORDER)
    require(operator.w0 != NONE or operator.w1 == NONE, ERR_ORDER)
    require(all(predecessor < index for predecessor in operator.predecessors), ERR_ORDER)
    require(all(weight < len(graph.weights) for weight in operator.weights), ERR_ORDER)


def _require_divisible(graph: Graph, operator: Operator) -> None:
    """What has to be divisible is so for every n: rules of shapes.py that are not linear in the dims."""
    factor = PER_ROW - 1
    if operator.opcode == Opcode.MATMUL:
        divided = graph.operators[operator.a].cols if operator.mode == 0 else operator.cols
        require((divided & factor) % operator.groups == 0, "graph: shape")
    if operator.opcode == Opcode.WINDOW:
        source = graph.operators[operator.a]
        require((source.rows & factor) % operator.width == 0, "graph: shape")
        require((operator.rows & factor) % operator.out_width == 0, "graph: shape")
        require(operator.cols < PER_ROW and source.cols < PER_ROW, "graph: shape")
