"""Roots of all of a task's tensors at once: every tensor's leaves, then every level of all their trees together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.native.sha256_lanes import DIGEST, hash_messages
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Shape, leaf_count, row_bytes, rows_a_leaf, tensor_root
from stun.protocol.trees.tags import LEAF, NODE, ROWS

Array = NDArray[Any]
_NODE_BYTES = 2 * DIGEST


@dataclass(frozen=True, slots=True)
class _Leaves:
    shape: Shape
    data: Array
    width: int

    @property
    def count(self) -> int:
        return leaf_count(self.shape)

    @property
    def size(self) -> int:
        return rows_a_leaf(self.shape) * row_bytes(self.shape)


def output_roots(graph: Graph, outputs: Sequence[Array], task: int) -> tuple[bytes, ...]:
    """The output root of every operator, for one task of a pack: outputs [tasks, rows, cols], the input first."""
    tensors = [_leaves(array[task]) for array in outputs]
    counts = np.array([each.count for each in tensors])
    ends = np.cumsum(counts)
    level = np.empty((ends[-1], DIGEST), np.uint8)
    for each, end in zip(tensors, ends.tolist(), strict=True):
        addresses = each.data.ctypes.data + np.arange(each.count) * each.size
        hash_messages(addresses, each.size, each.width, ROWS[0], LEAF[0], level[end - each.count : end])
    tops = _tops(level, counts)
    return tuple(tensor_root(each.shape, top.tobytes()) for each, top in zip(tensors, tops, strict=True))


def _leaves(array: Array) -> _Leaves:
    """int32 is turned here; int8 and int16 as they are hashed."""
    width = array.dtype.itemsize
    data = np.ascontiguousarray(array if width < 4 else array.astype(">i4"))
    return _Leaves(Shape(width, *array.shape), data, width if width < 4 else 1)


def _tops(level: NDArray[np.uint8], counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The top of each tree; `level` holds the trees' nodes one tree after the other."""
    while counts.max() > 1:
        pairs, starts = counts // 2, np.cumsum(counts) - counts
        above = counts - pairs
        above_starts = np.cumsum(above) - above
        within = np.arange(pairs.sum()) - np.repeat(np.cumsum(pairs) - pairs, pairs)
        hashed = np.empty((pairs.sum(), DIGEST), np.uint8)
        addresses = level.ctypes.data + (np.repeat(starts, pairs) + 2 * within) * DIGEST
        hash_messages(addresses, _NODE_BYTES, 1, ROWS[0], NODE[0], hashed)
        following = np.empty((above.sum(), DIGEST), np.uint8)
        following[np.repeat(above_starts, pairs) + within] = hashed
        odd = counts & 1 == 1
        following[(above_starts + pairs)[odd]] = level[(starts + counts - 1)[odd]]
        level, counts = following, above
    return level
