"""The way to withheld results from the top of a replica's tree, answer by answer: a task's, or the first wrong one."""

from collections.abc import Sequence
from dataclasses import dataclass

from stun.disputes.seen import Seen
from stun.disputes.steps import AskBelow, AskTop, Wait
from stun.protocol.court.actions import Parent
from stun.protocol.court.state import Kind
from stun.protocol.court.unfolding import height
from stun.protocol.trees.results import Result, ResultsTree


@dataclass(frozen=True, slots=True)
class Shown:
    """A task's result, and the answer that showed it."""

    result: Result
    parent: Parent


@dataclass(frozen=True, slots=True)
class Wrong:
    """A task whose result is not one's own: what a search looked for."""

    task: int


def find_result(task: int, count: int, seen: Sequence[Seen]) -> Shown | AskTop | AskBelow | Wait:
    """Follow what one replica answered about its results down to a task; `seen` in the order of the demands.

    Newer answers come first: older ones can be followed for a while only.
    """
    about = [item for item in reversed(seen) if item.demand.kind == Kind.RESULTS]
    at = _newest(about, height(count), 0)
    if at is None:
        return AskTop()
    while at.answered:
        below = at.below
        item = (task >> below.level) - below.first
        if below.level == 0:
            return Shown(Result(*at.nodes[item]), at.parent(item))
        following = _newest(about, below.level, task >> below.level)
        if following is None:
            return AskBelow(at.parent(item))
        at = following
    return Wait(at.demand)


def find_wrong(own: ResultsTree, seen: Sequence[Seen]) -> Wrong | AskTop | AskBelow | Wait:
    """Follow one replica's answers to the first task that differs from one's own results of the whole batch.

    Its root is another than one's own, so there is one.
    """
    about = [item for item in reversed(seen) if item.demand.kind == Kind.RESULTS]
    at = _newest(about, len(own.levels) - 1, 0)
    if at is None:
        return AskTop()
    while at.answered:
        below = at.below
        places = slice(below.first, below.first + below.size)
        leaves = [(result.output_digest, result.units) for result in own.results[places]]
        true = leaves if below.level == 0 else own.levels[below.level][places]
        item = next(i for i, (a, b) in enumerate(zip(at.nodes, true, strict=True)) if a != b)
        if below.level == 0:
            return Wrong(below.first + item)
        following = _newest(about, below.level, below.first + item)
        if following is None:
            return AskBelow(at.parent(item))
        at = following
    return Wait(at.demand)


def _newest(about: Sequence[Seen], level: int, position: int) -> Seen | None:
    """The newest answered demand for a node, else one that waits."""
    found = [item for item in about if (item.demand.level, item.demand.position) == (level, position)]
    return next((item for item in found if item.answered), found[0] if found else None)
