"""True cases of a disagreement, and a second verifier of its evidence, written by recursion over ranges.

The verifier shares no code with `stun.protocol.trees.resolve`: it walks RFC 6962's splits from the top instead of
climbing levels. Tests of the contracts draw their evidence from here too.
"""

from dataclasses import dataclass
from hashlib import sha256
from random import Random

from stun.protocol.trees.resolve import shared_siblings
from stun.protocol.trees.results import Result, ResultsTree

U64 = 2**64 - 1
Node = tuple[bytes, int]
Post = tuple[bytes, int]


class RefusalError(Exception):
    """The second verifier's no."""


@dataclass
class Case:
    """True evidence, or what an alteration made of it."""

    count: int
    results: list[list[Result]]  # results[j][task], what is true
    posts: list[Post]
    tasks: list[int]
    leaves: list[list[Result]]
    siblings: list[Node]
    packed: bytes | None = None

    @property
    def replicas(self) -> int:
        return len(self.results)


def u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def leaf_of(task: int, result: Result) -> Node:
    data = b"\x21\x00" + task.to_bytes(4, "big") + result.output_digest + u64(result.units)
    return sha256(data).digest(), result.units


def parent_of(left: Node, right: Node, modulus: int | None = None) -> Node:
    units = left[1] + right[1]
    if modulus is None and units > U64:
        raise RefusalError("sum")
    data = b"\x21\x01" + left[0] + u64(left[1]) + right[0] + u64(right[1])
    return sha256(data).digest(), units if modulus is None else units % modulus


def crowned(count: int, top: bytes) -> bytes:
    return sha256(b"\x21\x02" + count.to_bytes(4, "big") + top).digest()


def split(width: int) -> int:
    return 1 << ((width - 1).bit_length() - 1)


def ranges_beside(low: int, width: int, tasks: set[int]) -> list[tuple[int, int]]:
    """(height, first leaf) of every maximal range without a task of the set, below [low, low + width)."""
    if width == 1:
        return []
    half = split(width)
    height, found = half.bit_length() - 1, []
    for first, size in ((low, half), (low + half, width - half)):
        if any(first <= task < first + size for task in tasks):
            found += ranges_beside(first, size, tasks)
        else:
            found.append((height, first))
    return found


def rebuild(low: int, width: int, own: dict[int, Node], beside: dict[tuple[int, int], Node]) -> Node:
    if width == 1:
        return own[low]
    half = split(width)
    height = half.bit_length() - 1
    left, right = (
        beside[height, first] if (height, first) in beside else rebuild(first, size, own, beside)
        for first, size in ((low, half), (low + half, width - half))
    )
    return parent_of(left, right)


def second_opinion(case: Case) -> tuple[int, ...]:
    tasks = case.tasks
    if not tasks or len(tasks) > 32 or tasks != sorted(set(tasks)) or not 0 <= tasks[0] <= tasks[-1] < case.count:
        raise RefusalError("tasks")
    if len(case.leaves) != len(tasks) or {len(row) for row in case.leaves} != {case.replicas}:
        raise RefusalError("leaves")
    places = sorted(ranges_beside(0, case.count, set(tasks)))
    if len(places) != len(case.siblings) or (case.packed is not None and len(case.packed) != 40 * len(places)):
        raise RefusalError("siblings")
    beside, due = dict(zip(places, case.siblings, strict=True)), []
    for j, (root, total) in enumerate(case.posts):
        own = {task: leaf_of(task, row[j]) for task, row in zip(tasks, case.leaves, strict=True)}
        top, units = rebuild(0, case.count, own, beside)
        if (crowned(case.count, top), units) != (root, total):
            raise RefusalError("root")
        alone = [row[j].units for row in case.leaves if row[j] not in row[:j] + row[j + 1 :]]
        due.append(total - sum(alone))
    return tuple(due)


def post_of(results: list[Result]) -> Post:
    tree = ResultsTree(results)
    return tree.root, tree.total_units


def show(case: Case, tasks: list[int], siblings_of: int = 0) -> None:
    case.tasks = tasks
    case.leaves = [[results[task] for results in case.results] for task in tasks]
    case.siblings = list(shared_siblings(ResultsTree(case.results[siblings_of]), tasks))


def true_case(random: Random) -> Case:
    count = random.choice(
        [random.randrange(1, 10), random.randrange(2, 70), 2 ** random.randrange(1, 8) + random.randrange(2)]
    )
    base = [Result(random.randbytes(32), random.randrange(1000)) for _ in range(count)]
    lists = [list(base) for _ in range(random.choice([2, 3]))]
    tasks = sorted(random.sample(range(count), min(count, random.choice([1, 2, random.randrange(1, 33)]))))
    for results in lists:
        for task in tasks:
            other = Result(random.randbytes(32), base[task].units)
            more = Result(base[task].output_digest, random.randrange(1000))
            results[task] = random.choice([base[task], other, more, Result(bytes(32), 7)])
    case = Case(count, lists, [post_of(results) for results in lists], [], [], [])
    show(case, tasks)
    return case


def levels_of(nodes: list[Node], modulus: int | None = None) -> list[list[Node]]:
    levels = [nodes]
    while len(nodes) > 1:
        pairs = [parent_of(nodes[i], nodes[i + 1], modulus) for i in range(0, len(nodes) - 1, 2)]
        nodes = pairs + nodes[2 * len(pairs) :]
        levels.append(nodes)
    return levels


def wrapped_post(results: list[Result]) -> Post:
    """What a provider posts whose sums wrap at 2^64."""
    top, units = levels_of([leaf_of(task, result) for task, result in enumerate(results)], U64 + 1)[-1][0]
    return crowned(len(results), top), units
