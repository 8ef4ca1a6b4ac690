"""The way down a replica's tree to the first leaf that differs from the challenger's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stun.disputes.seen import Seen, find
from stun.disputes.steps import AskBelow, Wait
from stun.protocol.court.state import Demand, Kind
from stun.protocol.court.unfolding import Unfolded
from stun.protocol.trees.merkle import hash_node, path_steps


@dataclass(frozen=True, slots=True)
class Leaf:
    """The first leaf that differs: its place, what the replica showed of it, and the answer that showed it."""

    index: int
    shown: bytes
    answer: Seen
    item: int


@dataclass
class Descent:
    """A tree seen from outside. `own` are the challenger's levels; answers show nodes of the replica's.

    All before the first node that differs is equal, so the challenger's own nodes stand where none was shown. `leaf`
    makes an answer's node on level 0 the node of the tree.
    """

    tag: bytes
    own: Sequence[Sequence[bytes]]
    leaf: Callable[[int, bytes], bytes] = lambda _, node: node
    shown: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def go(self, start: Seen, seen: Sequence[Seen], deeper: Callable[[Demand], bool]) -> Leaf | AskBelow | Wait | None:
        """Follow answers from `start` down; None if nothing differs. `deeper` says which demands are of this tree."""
        at = start
        while True:
            below, nodes = at.below, at.hashes
            self._learn(below, nodes)
            item = self._difference(below)
            if item is None:
                return None
            position = below.first + item
            if below.level == 0:
                return Leaf(position, nodes[item], at, item)
            following = find((s for s in seen if deeper(s.demand)), _at(below.level, position))
            if following is None:
                return AskBelow(at.parent(item))
            if not following.answered:
                return Wait(following.demand)
            at = following

    def path(self, index: int) -> tuple[bytes, ...]:
        """Return the path of a leaf in the replica's tree."""
        steps = path_steps(index, len(self.own[0]))
        return tuple(self.shown.get((step.level, step.sibling), self.own[step.level][step.sibling]) for step in steps)

    def top(self) -> bytes:
        """Return the replica's top node, shown or the challenger's own."""
        return self.shown.get((len(self.own) - 1, 0), self.own[-1][0])

    def _difference(self, below: Unfolded) -> int | None:
        own = self.own[below.level]
        places = range(below.first, below.first + below.size)
        return next((i for i, place in enumerate(places) if self.shown[below.level, place] != own[place]), None)

    def _learn(self, below: Unfolded, nodes: Sequence[bytes]) -> None:
        """Take the nodes of an answer, and those that they fold up to."""
        level, first = below.level, below.first
        row = [self.leaf(first + i, node) for i, node in enumerate(nodes)] if level == 0 else list(nodes)
        while True:
            for offset, node in enumerate(row):
                self.shown.setdefault((level, first + offset), node)
            if len(row) == 1:
                return
            above = [hash_node(self.tag, row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
            row = above + row[len(row) & ~1 :]
            level, first = level + 1, first >> 1


def _at(level: int, position: int) -> Callable[[Demand], bool]:
    return lambda demand: (demand.level, demand.position) == (level, position)


def of_kind(kind: Kind, operator: int = 0) -> Callable[[Demand], bool]:
    """Return whether a demand is of a kind, and of one operator's output."""
    return lambda demand: (demand.kind, demand.operator) == (kind, operator)
