"""The multi-proof of a disagreement: each replica's leaves of the tasks that differ, and one list of shared siblings.

Every replica's root is rebuilt from its own leaves and the *same* siblings, so equal roots prove all other tasks
equal. The verifier climbs level by level, as the contracts do. Source: PROTOCOL.md section 6.5.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from stun.protocol.errors import require
from stun.protocol.trees.merkle import DIGEST_BYTES, crown
from stun.protocol.trees.results import Node, Result, ResultsTree, is_node, join, leaf_node
from stun.protocol.trees.tags import RESULTS

MAX_DIFFERENCES: Final = 32
SIBLING_BYTES: Final = 40  # hash | units u64

ERR_REPLICAS: Final = "resolve: replicas"
ERR_EMPTY: Final = "resolve: empty"
ERR_SIZE: Final = "resolve: size"
ERR_LEAVES: Final = "resolve: leaves"
ERR_ORDER: Final = "resolve: order"
ERR_INDEX: Final = "resolve: index"
ERR_SIBLINGS: Final = "resolve: siblings"
ERR_OVERFLOW: Final = "resolve: overflow"
ERR_ROOT: Final = "resolve: root"


@dataclass(frozen=True, slots=True)
class Resolution:
    """Evidence of a disagreement, as anyone brings it.

    `tasks`: indices (u32), strictly increasing, 1 to 32. `leaves[k][j]`: result of task `tasks[k]` by replica j.
    `siblings`: nodes in the order of use, level by level from the leaves, left to right.
    """

    tasks: tuple[int, ...]
    leaves: tuple[tuple[Result, ...], ...]
    siblings: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class _Frontier:
    """One position that the climb has reached, with each replica's own node there."""

    position: int
    nodes: tuple[Node, ...]


class _Siblings:
    """The shared siblings, taken once each and in order."""

    __slots__ = ("_nodes", "_taken")

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._taken = 0

    def take(self) -> Node:
        require(self._taken < len(self._nodes) and is_node(self._nodes[self._taken]), ERR_SIBLINGS)
        self._taken += 1
        return self._nodes[self._taken - 1]

    def require_used_up(self) -> None:
        require(self._taken == len(self._nodes), ERR_SIBLINGS)


def verify_resolution(
    count: int, roots: Sequence[bytes], totals: Sequence[int], resolution: Resolution
) -> tuple[int, ...]:
    """Check the evidence against the posted roots and total units of 2 or 3 replicas; return the units due to each.

    A replica is due a shown task iff another replica shows the same leaf, and every task that is not shown. Errors, in
    the order of the checks: "resolve: replicas", "resolve: empty", "resolve: size", "resolve: leaves", "resolve:
    order", "resolve: index"; in the climb, as they come, "resolve: siblings" (one too few, or malformed) and "resolve:
    overflow"; then "resolve: siblings" (one too many), "resolve: root".
    """
    replicas = len(roots)
    require(2 <= replicas <= 3 and len(totals) == replicas, ERR_REPLICAS)
    require(len(resolution.tasks) > 0, ERR_EMPTY)
    require(len(resolution.tasks) <= MAX_DIFFERENCES, ERR_SIZE)
    frontier = _own_leaves(count, replicas, resolution)
    siblings = _Siblings(resolution.siblings)
    width = count
    while width > 1:
        frontier = _climb(frontier, width, siblings)
        width = (width + 1) >> 1
    siblings.require_used_up()
    require(len(frontier) == 1, ERR_SIBLINGS)  # follows from order and index: a second wall against ghost paths
    for (top, units), root, total in zip(frontier[0].nodes, roots, totals, strict=True):
        require(crown(RESULTS, count, top) == root and units == total, ERR_ROOT)
    return tuple(total - lost for total, lost in zip(totals, _lost_units(replicas, resolution), strict=True))


def _own_leaves(count: int, replicas: int, resolution: Resolution) -> list[_Frontier]:
    """Hash each replica's leaves; refuse a set of tasks that would let a ghost path in."""
    tasks, leaves = resolution.tasks, resolution.leaves
    require(len(leaves) == len(tasks) and all(len(row) == replicas for row in leaves), ERR_LEAVES)
    lowest = 0
    for task in tasks:
        require(task >= lowest, ERR_ORDER)
        lowest = task + 1
    require(lowest <= count, ERR_INDEX)
    return [
        _Frontier(task, tuple(leaf_node(task, result) for result in row))
        for task, row in zip(tasks, leaves, strict=True)
    ]


def _climb(frontier: list[_Frontier], width: int, siblings: _Siblings) -> list[_Frontier]:
    """Go up one level of `width` nodes: an odd last node is promoted, neighbours join, others take a sibling."""
    above: list[_Frontier] = []
    i = 0
    while i < len(frontier):
        here = frontier[i]
        i += 1
        nodes = here.nodes
        if here.position & 1:
            sibling = siblings.take()
            nodes = tuple(join(sibling, node, ERR_OVERFLOW) for node in nodes)
        elif here.position + 1 < width:
            if i < len(frontier) and frontier[i].position == here.position + 1:
                others = frontier[i].nodes
                i += 1
            else:
                others = (siblings.take(),) * len(nodes)
            nodes = tuple(join(node, other, ERR_OVERFLOW) for node, other in zip(nodes, others, strict=True))
        above.append(_Frontier(here.position >> 1, nodes))
    return above


def _lost_units(replicas: int, resolution: Resolution) -> list[int]:
    """Sum, per replica, the units of shown tasks for which no other replica shows the same leaf."""
    lost = [0] * replicas
    for row in resolution.leaves:
        for j, result in enumerate(row):
            if row.count(result) < 2:
                lost[j] += result.units
    return lost


def prove_differences(trees: Sequence[ResultsTree]) -> Resolution:
    """Make the evidence from the results trees of all 2 or 3 live replicas, in the order of their roots.

    Errors: "resolve: replicas", "resolve: leaves" (trees of different counts), "resolve: empty" (the trees agree),
    "resolve: size" (more than 32 tasks differ).
    """
    require(2 <= len(trees) <= 3, ERR_REPLICAS)
    require(len({tree.count for tree in trees}) == 1, ERR_LEAVES)
    rows = zip(*(tree.results for tree in trees), strict=True)
    differing = {task: row for task, row in enumerate(rows) if any(result != row[0] for result in row)}
    require(len(differing) > 0, ERR_EMPTY)
    require(len(differing) <= MAX_DIFFERENCES, ERR_SIZE)
    tasks = tuple(differing)
    return Resolution(tasks, tuple(differing.values()), shared_siblings(trees[0], tasks))


def shared_siblings(tree: ResultsTree, tasks: Sequence[int]) -> tuple[Node, ...]:
    """List the nodes beside the paths of `tasks` (strictly increasing, below the count) in the order of their use."""
    siblings: list[Node] = []
    positions = list(tasks)
    for level in tree.levels[:-1]:
        ours = set(positions)
        beside = [position ^ 1 for position in positions]
        siblings += [level[position] for position in beside if position < len(level) and position not in ours]
        positions = sorted({position >> 1 for position in positions})
    return tuple(siblings)


def pack_siblings(siblings: Iterable[Node]) -> bytes:
    """Pack siblings for the wire, 40 bytes each: hash | units u64."""
    return b"".join(digest + units.to_bytes(8, "big") for digest, units in siblings)


def unpack_siblings(packed: bytes) -> tuple[Node, ...]:
    """Read packed siblings. Errors: "resolve: siblings" if a part of one is left over."""
    require(len(packed) % SIBLING_BYTES == 0, ERR_SIBLINGS)
    parts = (packed[at : at + SIBLING_BYTES] for at in range(0, len(packed), SIBLING_BYTES))
    return tuple((part[:DIGEST_BYTES], int.from_bytes(part[DIGEST_BYTES:], "big")) for part in parts)
