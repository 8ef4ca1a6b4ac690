"""Opening a node of a tree: which descendants an answer shows, and how they fold up to the node again.

Trees have the shape of RFC 6962: level 0 are the leaves, an odd last node is promoted. Source: PROTOCOL.md section 6.6.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from stun.protocol.trees.merkle import hash_leaf, hash_node
from stun.protocol.trees.results import Node, Result, join, leaf_node
from stun.protocol.trees.tags import OPS, ROWS

DEPTH: Final = 4  # levels that one answer goes down in results and traces: 16 descendants
TENSOR_DEPTH: Final = 5  # in tensors: 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unfolded:
    """The `size` nodes from position `first` on level `level` of a tree."""

    level: int
    first: int
    size: int


def width(count: int, level: int) -> int:
    """Return how many nodes a level of a tree with `count` leaves has."""
    return (count + (1 << level) - 1) >> level


def height(count: int) -> int:
    """Return the level of the top node of a tree with `count` leaves (at least 1)."""
    return (count - 1).bit_length()


def unfold(count: int, level: int, position: int, most: int = DEPTH) -> Unfolded:
    """Return which descendants open a node: those `most` levels down, or the leaves if they are nearer."""
    depth = min(most, level)
    first = position << depth
    end = min((position + 1) << depth, width(count, level - depth))
    return Unfolded(level - depth, first, end - first)


def fold(nodes: Sequence[T], merge: Callable[[T, T], T]) -> T:
    """Return the node above consecutive nodes (at least one); an odd last one is promoted."""
    level = list(nodes)
    while len(level) > 1:
        above = [merge(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = above + level[len(level) & ~1 :]
    return level[0]


def fold_results(nodes: Sequence[Node], below: Unfolded) -> Node:
    """Fold nodes of a results tree; on level 0 they are (output digest, units). Errors: "trees: overflow"."""
    if below.level == 0:
        nodes = [leaf_node(below.first + i, Result(*node)) for i, node in enumerate(nodes)]
    return fold(nodes, join)


def fold_operators(roots: Sequence[bytes], below: Unfolded, account: bytes) -> bytes:
    """Fold nodes of a trace; on level 0 they are output roots of the account's operators."""
    if below.level == 0:
        roots = [operator_leaf(account, below.first + i, root) for i, root in enumerate(roots)]
    return fold(roots, lambda left, right: hash_node(OPS, left, right))


def fold_rows(nodes: Sequence[bytes]) -> bytes:
    """Fold nodes of a tensor; on level 0 they are hashes of its leaves."""
    return fold(nodes, lambda left, right: hash_node(ROWS, left, right))


def operator_leaf(account: bytes, op_index: int, output_root: bytes) -> bytes:
    """Hash one operator's leaf of a trace: account 32 | op_index u32 | output_root."""
    return hash_leaf(OPS, account + op_index.to_bytes(4, "big") + output_root)
