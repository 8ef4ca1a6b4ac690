"""Tensors: two-dimensional arrays of integers or records, and the Merkle root over their rows.

A leaf holds G whole consecutive rows, G the largest power of two that divides `rows` with G * row_bytes <= 512, at
least 1. Leaf `sha256(0x24 00 | rows)`, node `sha256(0x24 01 | left | right)`, root `sha256(0x24 02 | dtype u8 | rows
u32 | cols u32 | top)`: the root binds the shape, so a path follows from (shape, row) and is consumed exactly. Elements
are big endian, two's complement. Source: PROTOCOL.md section 9.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final

from stun.protocol.errors import require
from stun.protocol.trees.merkle import hash_leaf, hash_node, path_steps
from stun.protocol.trees.tags import CROWN, LEAF, NODE, ROWS

MAX_ROW_BYTES: Final = 4_096
PACKED_BYTES: Final = 512
MAX_U32: Final = 2**32 - 1
SHAPE_BYTES: Final = 9

ERR_SHAPE: Final = "tensors: shape"
ERR_LENGTH: Final = "tensors: length"
ERR_ROW: Final = "tensors: row"

_SHAPE: Final = struct.Struct(">BII")
_CODES: Final = {1: "b", 2: "h", 4: "i"}


class Dtype(IntEnum):
    """What a row is made of: integers of so many bytes, or (weights only) one record of `cols` bytes."""

    RECORDS = 0
    INT8 = 1
    INT16 = 2
    INT32 = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """Kind of the elements (u8), number of rows (u32), elements of a row (u32); as they are claimed, maybe absurd."""

    dtype: int
    rows: int
    cols: int

    def encode(self) -> bytes:
        """Return dtype u8 | rows u32 | cols u32."""
        return _SHAPE.pack(self.dtype, self.rows, self.cols)


def decode_shape(data: bytes) -> Shape:
    """Read nine bytes as a shape. Errors: "tensors: length"."""
    require(len(data) == SHAPE_BYTES, ERR_LENGTH)
    return Shape(*_SHAPE.unpack(data))


def row_bytes(shape: Shape) -> int:
    """Return the bytes of a row, 0 for a shape that no tensor has: other dtype, no row, no or too many bytes a row."""
    if shape.dtype not in (0, 1, 2, 4) or not 0 < shape.rows <= MAX_U32 or not 0 < shape.cols <= MAX_ROW_BYTES:
        return 0
    size = max(shape.dtype, 1) * shape.cols
    return size if size <= MAX_ROW_BYTES else 0


def rows_a_leaf(shape: Shape) -> int:
    """Return how many rows a leaf holds (a power of two); 0 for a shape that no tensor has."""
    size = row_bytes(shape)
    if size == 0:
        return 0
    packed = 1
    while shape.rows % (2 * packed) == 0 and 2 * packed * size <= PACKED_BYTES:
        packed *= 2
    return packed


def leaf_count(shape: Shape) -> int:
    """Return how many leaves a tensor's tree has; 0 for a shape that no tensor has."""
    packed = rows_a_leaf(shape)
    return shape.rows // packed if packed else 0


def tensor_root(shape: Shape, top: bytes) -> bytes:
    """Crown the top node of a tensor's tree with its shape."""
    return sha256(ROWS + CROWN + shape.encode() + top).digest()


def path_length(shape: Shape, leaf_index: int) -> int:
    """Return the number of siblings of a leaf's path; the shape is a tensor's and the leaf within it."""
    return sum(1 for _ in path_steps(leaf_index, leaf_count(shape)))


def climb(shape: Shape, leaf_index: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Return the tensor root that a leaf and its path lead to.

    `leaf` may have any length: what was committed may be no leaf of this shape. Errors: "tensors: row" if the shape has
    no such leaf, "tensors: length" if the path has another length than follows from the shape.
    """
    count = leaf_count(shape)
    require(0 <= leaf_index < count, ERR_ROW)
    steps = tuple(path_steps(leaf_index, count))
    require(len(path) == len(steps), ERR_LENGTH)
    node = hash_leaf(ROWS, leaf)
    for step, sibling in zip(steps, path, strict=True):
        node = hash_node(ROWS, sibling, node) if step.is_right else hash_node(ROWS, node, sibling)
    return tensor_root(shape, node)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A shape and its rows' bytes one after another. Errors: "tensors: shape", "tensors: length"."""

    shape: Shape
    data: bytes

    def __post_init__(self) -> None:
        size = row_bytes(self.shape)
        require(size > 0, ERR_SHAPE)
        require(len(self.data) == self.shape.rows * size, ERR_LENGTH)

    def encode(self) -> bytes:
        """Return the shape's nine bytes and the rows: an `exact` task's input and output as they are delivered."""
        return self.shape.encode() + self.data

    def row(self, index: int) -> bytes:
        """Return the bytes of one row. Errors: "tensors: row"."""
        require(0 <= index < self.shape.rows, ERR_ROW)
        size = row_bytes(self.shape)
        return self.data[index * size : (index + 1) * size]


def decode_tensor(data: bytes) -> Tensor:
    """Read a delivered tensor. Errors: "tensors: length", "tensors: shape"."""
    return Tensor(decode_shape(data[:SHAPE_BYTES]), bytes(data[SHAPE_BYTES:]))


def unpack_row(dtype: int, row: bytes) -> tuple[int, ...]:
    """Read a row of integers (dtype 1, 2 or 4)."""
    return struct.unpack(f">{len(row) // dtype}{_CODES[dtype]}", row)


@dataclass(frozen=True, slots=True)
class Opening:
    """One leaf of a tensor and its path, from the leaf up."""

    leaf: bytes
    path: tuple[bytes, ...]


class TensorTree:
    """The tree over a tensor's leaves; keeps every level, so that a path costs no hashing."""

    __slots__ = ("levels", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.levels = [_leaves(tensor)]
        while len(self.levels[-1]) > 1:
            self.levels.append(_above(self.levels[-1]))

    @property
    def top(self) -> bytes:
        """The top node, as a crown takes it."""
        return self.levels[-1][0]

    @property
    def root(self) -> bytes:
        """The tensor's root."""
        return tensor_root(self.tensor.shape, self.top)

    def open(self, row: int) -> Opening:
        """Open the leaf that holds a row. Errors: "tensors: row"."""
        shape = self.tensor.shape
        require(0 <= row < shape.rows, ERR_ROW)
        packed = rows_a_leaf(shape)
        index, size = row // packed, packed * row_bytes(shape)
        path = tuple(self.levels[step.level][step.sibling] for step in path_steps(index, leaf_count(shape)))
        return Opening(self.tensor.data[index * size : (index + 1) * size], path)


def root_of(tensor: Tensor) -> bytes:
    """Compute a tensor's root, keeping nothing."""
    level = _leaves(tensor)
    while len(level) > 1:
        level = _above(level)
    return tensor_root(tensor.shape, level[0])


def _leaves(tensor: Tensor) -> list[bytes]:
    size = rows_a_leaf(tensor.shape) * row_bytes(tensor.shape)
    prefix, data = ROWS + LEAF, tensor.data
    return [sha256(prefix + data[at : at + size]).digest() for at in range(0, len(data), size)]


def _above(level: list[bytes]) -> list[bytes]:
    prefix = ROWS + NODE
    above = [sha256(prefix + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
    return above + level[-1:] if len(level) & 1 else above
