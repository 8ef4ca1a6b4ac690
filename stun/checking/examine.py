"""What a second run of a batch's tasks says about each replica. Pure: nothing here runs, reads or sends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from stun.protocol.trees.results import Result, ResultsTree


class Finding(StrEnum):
    """What is known about one task of one replica."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # nobody published its result: it must be demanded
    REFUSED = "refused"  # the model refuses the input: nobody honest bid on it, and no second run can judge it


@dataclass(frozen=True)
class Claim:
    """What a replica put on the chain, and its results by task as far as anybody knows them.

    `tree` is its whole results tree where it was published and has this root; `leaves` are single results that answers
    before the court showed.
    """

    replica: int
    provider: bytes
    outputs_root: bytes
    total_units: int
    tree: ResultsTree | None = field(default=None, hash=False)
    leaves: Mapping[int, Result] = field(default_factory=dict, hash=False)

    def result(self, task: int) -> Result | None:
        """A task's result, None where it is not known."""
        if self.tree is not None:
            return self.tree.results[task]
        return self.leaves.get(task)


@dataclass(frozen=True, slots=True)
class Found:
    """One task of one replica: what it should be and what it claims; None where that is not known."""

    replica: int
    task: int
    finding: Finding
    expected: Result | None
    claimed: Result | None


def examine(claims: Sequence[Claim], expected: Mapping[int, Result | None], count: int, private: bool) -> list[Found]:
    """Compare claims with a second run: `expected` by task of `count`, None where the model refuses the input.

    With every task run again, a root that is theirs shows all of a replica's results to be right, published or not. Of
    a private task only the units can be compared: its digest binds a ciphertext too.
    """
    whole = _whole(expected, count)
    found = []
    for claim in claims:
        is_whole = whole is not None and not private and (claim.outputs_root, claim.total_units) == whole
        for task in sorted(expected):
            found.append(_compare(claim, task, expected[task], is_whole, private))
    return found


def judge_root(claim: Claim, expected: Mapping[int, Result | None], count: int, private: bool) -> Finding:
    """Whether a replica's root is the right one; UNKNOWN unless every task of a public batch was run again.

    A root that is wrong over results that nobody published means that one of them is wrong, nobody knows which.
    """
    whole = None if private else _whole(expected, count)
    if whole is None:
        return Finding.UNKNOWN
    return Finding.RIGHT if (claim.outputs_root, claim.total_units) == whole else Finding.WRONG


def _whole(expected: Mapping[int, Result | None], count: int) -> tuple[bytes, int] | None:
    """Root and units of a whole batch, None if a task is missing."""
    results = [expected.get(task) for task in range(count)]
    known = [result for result in results if result is not None]
    if len(known) < count:
        return None
    tree = ResultsTree(known)
    return tree.root, tree.total_units


def _compare(claim: Claim, task: int, expected: Result | None, is_whole: bool, private: bool) -> Found:
    claimed = expected if is_whole else claim.result(task)
    if expected is None:
        finding = Finding.REFUSED
    elif claimed is None or (private and claimed.units == expected.units):
        finding = Finding.UNKNOWN
    else:
        finding = Finding.RIGHT if claimed == expected else Finding.WRONG
    return Found(claim.replica, task, finding, expected, claimed)
