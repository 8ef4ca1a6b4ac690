"""Merkle trees of RFC 6962 shape: an odd last node is promoted, nothing is padded.

Leaf `sha256(tag | 0x00 | data)`, node `sha256(tag | 0x01 | left | right)`, crown `sha256(tag | 0x02 | count u32 |
top)`. The crown is the root that is stored or embedded anywhere; it binds the count, and a path follows from (index,
count) alone. Integers are big endian. Source: RFC 6962 section 2.1, PROTOCOL.md section 5.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from stun.protocol.errors import require
from stun.protocol.trees.tags import CROWN, LEAF, NODE

MAX_LEAVES: Final = 2**32 - 1  # a count is a u32
DIGEST_BYTES: Final = 32

ERR_EMPTY: Final = "trees: empty"
ERR_COUNT: Final = "trees: count"
ERR_INDEX: Final = "trees: index"
ERR_PATH: Final = "trees: path"


def hash_leaf(tag: bytes, data: bytes) -> bytes:
    """Hash one leaf; `data` may have any length."""
    return sha256(tag + LEAF + data).digest()


def hash_node(tag: bytes, left: bytes, right: bytes) -> bytes:
    """Hash an inner node from its two children's 32-byte hashes."""
    return sha256(tag + NODE + left + right).digest()


def crown(tag: bytes, count: int, top: bytes) -> bytes:
    """Bind the top node to the number of leaves (u32): the root as it is stored."""
    return sha256(tag + CROWN + count.to_bytes(4, "big") + top).digest()


@dataclass(frozen=True, slots=True)
class Step:
    """One place where a path takes a sibling: `level` 0 are the leaves, `position` counts within the level."""

    level: int
    position: int

    @property
    def sibling(self) -> int:
        """Position of the sibling on the same level."""
        return self.position ^ 1

    @property
    def is_right(self) -> bool:
        """Whether the climbing node is the right child, so that its sibling is the left one."""
        return self.position & 1 == 1


def path_steps(index: int, count: int) -> Iterator[Step]:
    """Walk from leaf `index` of `count` (index < count) to the top; an odd last node takes no sibling."""
    level, position, width = 0, index, count
    while width > 1:
        if position & 1 or position + 1 < width:
            yield Step(level, position)
        level, position, width = level + 1, position >> 1, (width + 1) >> 1


class MerkleTree:
    """A tree built from the data of its leaves, in order.

    Keeps every level, so a proof costs no hashing. 1 to 2^32 - 1 leaves. Errors: "trees: empty", "trees: count".
    """

    __slots__ = ("levels", "tag")

    def __init__(self, tag: bytes, data: Iterable[bytes]) -> None:
        level = [hash_leaf(tag, item) for item in data]
        require(len(level) > 0, ERR_EMPTY)
        require(len(level) <= MAX_LEAVES, ERR_COUNT)
        levels = [level]
        while len(level) > 1:
            above = [hash_node(tag, level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            if len(level) & 1:
                above.append(level[-1])
            levels.append(above)
            level = above
        self.tag = tag
        self.levels: tuple[tuple[bytes, ...], ...] = tuple(map(tuple, levels))

    @property
    def count(self) -> int:
        """Number of leaves."""
        return len(self.levels[0])

    @property
    def top(self) -> bytes:
        """The top node before it is crowned: RFC 6962's tree head but for the tag."""
        return self.levels[-1][0]

    @property
    def root(self) -> bytes:
        """The crowned root."""
        return crown(self.tag, self.count, self.top)

    def prove(self, index: int) -> tuple[bytes, ...]:
        """Return the sibling hashes of leaf `index` from the leaves up. Errors: "trees: index"."""
        require(0 <= index < self.count, ERR_INDEX)
        return tuple(self.levels[step.level][step.sibling] for step in path_steps(index, self.count))


def verify(tag: bytes, root: bytes, count: int, index: int, data: bytes, path: Sequence[bytes]) -> None:
    """Check that leaf `index` of the `count` leaves under the crowned `root` holds `data`.

    `path` holds one 32-byte sibling per step and must be consumed exactly. Errors: "trees: path" for whatever is wrong.
    """
    require(0 < count <= MAX_LEAVES and 0 <= index < count, ERR_PATH)
    steps = tuple(path_steps(index, count))
    require(len(path) == len(steps), ERR_PATH)
    node = hash_leaf(tag, data)
    for step, sibling in zip(steps, path, strict=True):
        require(len(sibling) == DIGEST_BYTES, ERR_PATH)
        node = hash_node(tag, sibling, node) if step.is_right else hash_node(tag, node, sibling)
    require(crown(tag, count, node) == root, ERR_PATH)
