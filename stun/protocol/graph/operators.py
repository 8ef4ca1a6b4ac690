"""Operators as leaves of the graph tree: 48 bytes each, easy to read on a chain.

What an operator computes stands in arithmetic.py, which shapes fit together in shapes.py. Source: PROTOCOL.md
section 9.
"""

import struct
from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Final

from stun.protocol.errors import require
from stun.protocol.graph.tensors import Shape

NONE: Final = 0xFFFF  # no predecessor, no weight
PER_ROW: Final = 1 << 31  # high bit of a dim: a multiple of n, the rows of the task's input
OPERATOR_BYTES: Final = 48

ERR_LEAF: Final = "graph: leaf"

_LEAF: Final = struct.Struct(">HBBIIHHHHBBBBBBHiiHHHBBB3x")


class Opcode(IntEnum):
    """The operators; 0 is none."""

    INPUT = 1
    GATHER = 2
    LINEAR = 3
    MATMUL = 4
    REQUANT = 5
    LUT = 6
    ADD_NORM = 7
    SOFTMAX = 8
    MEAN = 9
    TRANSPOSE = 10
    L2_NORM = 11
    WINDOW = 12
    MAX = 13


# Modes of single operators.
BY_ID: Final = 0  # GATHER: the table's row is named by an element of `a`
BY_ROW: Final = 1  # GATHER: the table's row is the output's
TRANSPOSED: Final = 1  # LINEAR: one output row a channel
COLUMNS: Final = 0  # MATMUL: groups of columns of both inputs (attention scores)
ROWS: Final = 1  # MATMUL: groups of rows of both inputs (attention context)

# What a Lut returns outside its table.
GATED: Final = 0  # the value itself above, 0 below (GELU, SiLU)
FLAT: Final = 1  # the table's last and first entry (tanh, sigmoid)


def per_row(factor: int) -> int:
    """Return the dim `factor * n`."""
    return PER_ROW | factor


def resolve_dim(dim: int, n: int) -> int:
    """Return a dim's size for an input of n rows."""
    return (dim & (PER_ROW - 1)) * n if dim & PER_ROW else dim


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator, field by field in the order of its leaf; what an opcode does not use is 0, or NONE for an index.

    `index` u16; `opcode` u8; `dtype` u8, `rows`, `cols` u32: the output's shape in dims; `a`, `b` u16: predecessors,
    each < index; `w0`, `w1` u16: weight tensors; `mode` u8; `shift`, `shift2` u8: of the first and second requant;
    `tails`, `lut_bits`, `lut_step` u8: of a Lut; `groups` u16; `lo`, `hi` i32: clamp of the last requant; `column` u16:
    of ids; `width`, `out_width` u16, `kernel`, `stride`, `pad` u8: of a Window; then three zero bytes.
    """

    index: int
    opcode: int
    dtype: int
    rows: int
    cols: int
    a: int = NONE
    b: int = NONE
    w0: int = NONE
    w1: int = NONE
    mode: int = 0
    shift: int = 0
    shift2: int = 0
    tails: int = 0
    lut_bits: int = 0
    lut_step: int = 0
    groups: int = 0
    lo: int = 0
    hi: int = 0
    column: int = 0
    width: int = 0
    out_width: int = 0
    kernel: int = 0
    stride: int = 0
    pad: int = 0

    @property
    def predecessors(self) -> tuple[int, ...]:
        """Indices of the operators it reads, `a` before `b`."""
        return tuple(index for index in (self.a, self.b) if index != NONE)

    @property
    def weights(self) -> tuple[int, ...]:
        """Indices of the weight tensors it reads, `w0` before `w1`."""
        return tuple(index for index in (self.w0, self.w1) if index != NONE)

    @property
    def is_linear(self) -> bool:
        """Whether the referee for Linear and MatMul judges it; the other one judges the rest."""
        return self.opcode in (Opcode.LINEAR, Opcode.MATMUL)

    def shape(self, n: int) -> Shape:
        """Return the output's shape for an input of n rows; it may be one that no tensor has."""
        return Shape(self.dtype, resolve_dim(self.rows, n), resolve_dim(self.cols, n))

    def encode(self) -> bytes:
        """Return the leaf. Errors: "graph: leaf" if a field does not fit its place."""
        try:
            return _LEAF.pack(*astuple(self))
        except struct.error:
            require(False, ERR_LEAF)
            raise


def decode_operator(leaf: bytes) -> Operator:
    """Read a leaf; fields that the opcode does not use may hold anything, and so may the last three bytes.

    Errors: "graph: leaf" if it has another length or an unknown opcode.
    """
    require(len(leaf) == OPERATOR_BYTES, ERR_LEAF)
    operator = Operator(*_LEAF.unpack(leaf))
    require(operator.opcode in Opcode.__members__.values(), ERR_LEAF)
    return operator
