"""The results tree: a Merkle sum tree over the results of a batch, so that root and units are one claim.

Leaf `sha256(0x21 | 0x00 | index u32 | output_digest | units u64)`, node `sha256(0x21 | 0x01 | left | left_units u64 |
right | right_units u64)`, crown as in every tree. Sums are checked at u64. Source: PROTOCOL.md sections 5 and 6.3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Final, TypeAlias

from stun.protocol.errors import require
from stun.protocol.parameters import MAX_COUNT, U64
from stun.protocol.trees.merkle import (
    DIGEST_BYTES,
    ERR_COUNT,
    ERR_EMPTY,
    ERR_INDEX,
    ERR_PATH,
    crown,
    path_steps,
)
from stun.protocol.trees.tags import LEAF, NODE, RESULTS

NO_DIGEST: Final = bytes(DIGEST_BYTES)

ERR_OVERFLOW: Final = "trees: overflow"
ERR_RESULT: Final = "trees: result"
ERR_TOP: Final = "trees: top"

Node: TypeAlias = tuple[bytes, int]  # 32-byte hash, units below it (u64)

_LEAF_DATA = Struct(">2sI32sQ")
_NODE_DATA = Struct(">2s32sQ32sQ")


def is_node(node: Node) -> bool:
    """Whether a node from outside has a 32-byte hash and units that fit u64."""
    return len(node[0]) == DIGEST_BYTES and 0 <= node[1] <= U64


@dataclass(frozen=True, slots=True)
class Result:
    """What one task came to: the 32-byte digest of its output and the units used (u64). Errors: "trees: result"."""

    output_digest: bytes
    units: int

    def __post_init__(self) -> None:
        require(is_node((self.output_digest, self.units)), ERR_RESULT)


@dataclass(frozen=True, slots=True)
class Top:
    """What a post shows: the top node's two children, or of a batch of one its output digest and units on the left,
    32 zero bytes and 0 units on the right. From outside: `derive` checks it.
    """

    left: bytes
    left_units: int
    right: bytes
    right_units: int


def leaf_node(index: int, result: Result) -> Node:
    """Make the leaf of task `index` (u32)."""
    data = _LEAF_DATA.pack(RESULTS + LEAF, index, result.output_digest, result.units)
    return sha256(data).digest(), result.units


def join(left: Node, right: Node, overflow: str = ERR_OVERFLOW) -> Node:
    """Make the parent of two nodes. Errors: the code `overflow` if the sum of their units exceeds u64."""
    units = left[1] + right[1]
    require(units <= U64, overflow)
    return sha256(_NODE_DATA.pack(RESULTS + NODE, left[0], left[1], right[0], right[1])).digest(), units


class ResultsTree:
    """The sum tree over a batch's results, in the order of its tasks.

    1 to 65,536 results. Errors: "trees: empty", "trees: count", "trees: overflow".
    """

    __slots__ = ("levels", "results")

    def __init__(self, results: Iterable[Result]) -> None:
        self.results = tuple(results)
        _require_count(len(self.results))
        level = [leaf_node(index, result) for index, result in enumerate(self.results)]
        levels = [level]
        while len(level) > 1:
            above = [join(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            if len(level) & 1:
                above.append(level[-1])
            levels.append(above)
            level = above
        self.levels: tuple[tuple[Node, ...], ...] = tuple(map(tuple, levels))

    @property
    def count(self) -> int:
        """Number of tasks."""
        return len(self.results)

    @property
    def total_units(self) -> int:
        """Units of all results (u64)."""
        return self.levels[-1][0][1]

    @property
    def root(self) -> bytes:
        """The crowned root: the outputs root of a batch."""
        return crown(RESULTS, self.count, self.levels[-1][0][0])

    @property
    def top(self) -> Top:
        """What a post of this tree shows."""
        if self.count == 1:
            return Top(self.results[0].output_digest, self.results[0].units, NO_DIGEST, 0)
        left, right = self.levels[-2]
        return Top(*left, *right)

    def prove(self, index: int) -> tuple[Node, ...]:
        """Return the sibling nodes of task `index` from the leaves up. Errors: "trees: index"."""
        require(0 <= index < self.count, ERR_INDEX)
        return tuple(self.levels[step.level][step.sibling] for step in path_steps(index, self.count))


def derive(count: int, top: Top) -> tuple[bytes, int]:
    """Compute (outputs root, total units) of a batch of `count` tasks from what a post shows.

    Errors: "trees: empty", "trees: count", "trees: top" (a malformed half, or a right half in a batch of one),
    "trees: overflow".
    """
    _require_count(count)
    left, right = (top.left, top.left_units), (top.right, top.right_units)
    require(is_node(left) and is_node(right), ERR_TOP)
    if count == 1:
        require(right == (NO_DIGEST, 0), ERR_TOP)
        node = leaf_node(0, Result(*left))
    else:
        node = join(left, right)
    return crown(RESULTS, count, node[0]), node[1]


def verify_result(root: bytes, count: int, index: int, result: Result, path: Sequence[Node]) -> int:
    """Check that task `index` of the `count` under `root` has this result; return the total units the root commits.

    `path` holds one node per step and must be consumed exactly. Errors: "trees: path", "trees: overflow".
    """
    require(0 < count <= MAX_COUNT and 0 <= index < count, ERR_PATH)
    steps = tuple(path_steps(index, count))
    require(len(path) == len(steps), ERR_PATH)
    node = leaf_node(index, result)
    for step, sibling in zip(steps, path, strict=True):
        require(is_node(sibling), ERR_PATH)
        node = join(sibling, node) if step.is_right else join(node, sibling)
    require(crown(RESULTS, count, node[0]) == root, ERR_PATH)
    return node[1]


def _require_count(count: int) -> None:
    require(count > 0, ERR_EMPTY)
    require(count <= MAX_COUNT, ERR_COUNT)
