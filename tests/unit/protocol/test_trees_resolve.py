"""The multi-proof of a disagreement: what is due, which evidence is made, and the exact error of each flaw."""

from dataclasses import replace
from hashlib import sha256
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stun.protocol.errors import Rejected
from stun.protocol.trees.resolve import (
    Resolution,
    pack_siblings,
    prove_differences,
    shared_siblings,
    unpack_siblings,
    verify_resolution,
)
from stun.protocol.trees.results import Result, ResultsTree

pytestmark = pytest.mark.unit

U64 = 2**64 - 1
SIZES = st.integers(1, 70) | st.sampled_from([127, 128, 129, 500])


def result(name: str, units: int) -> Result:
    return Result(sha256(name.encode()).digest(), units)


def honest(count: int) -> list[Result]:
    return [result(f"output {task}", task + 1) for task in range(count)]


def changed(results: list[Result], changes: dict[int, Result]) -> ResultsTree:
    return ResultsTree([changes.get(task, known) for task, known in enumerate(results)])


def check(trees: list[ResultsTree], evidence: Resolution) -> tuple[int, ...]:
    roots, totals = [tree.root for tree in trees], [tree.total_units for tree in trees]
    return verify_resolution(trees[0].count, roots, totals, evidence)


def refused(trees: list[ResultsTree], evidence: Resolution) -> str:
    with pytest.raises(Rejected) as error:
        check(trees, evidence)
    return str(error.value)


def disagreement(count: int = 11, tasks: tuple[int, ...] = (2, 3, 7)) -> tuple[list[ResultsTree], Resolution]:
    """Three replicas, of which the last differs in `tasks`."""
    base = honest(count)
    trees = [ResultsTree(base), ResultsTree(base), changed(base, {task: result("wrong", 5) for task in tasks})]
    return trees, prove_differences(trees)


@st.composite
def replicas(draw: st.DrawFn) -> list[list[Result]]:
    """Results of 2 or 3 replicas that differ in 1 to 32 tasks."""
    count, random = draw(SIZES), Random(draw(st.integers(0, 2**32)))
    base = [result(f"{task}", random.randrange(1000)) for task in range(count)]
    lists = [list(base) for _ in range(draw(st.sampled_from([2, 3])))]
    for task in random.sample(range(count), min(count, draw(st.integers(1, 32)))):
        for results in lists:
            results[task] = random.choice([base[task], result("x", 3), result("y", 3), result("x", 4)])
    task = random.randrange(count)
    lists[0][task] = result("certainly different", 9)
    if sum(len(set(row)) > 1 for row in zip(*lists, strict=True)) > 32:
        lists[0][task] = base[task]
    return lists


@given(replicas())
def test_due_is_what_the_plain_lists_say(lists: list[list[Result]]) -> None:
    trees = [ResultsTree(results) for results in lists]
    rows = list(zip(*lists, strict=True))
    assume(len({tree.root for tree in trees}) > 1)
    evidence = prove_differences(trees)
    assert list(evidence.tasks) == [task for task, row in enumerate(rows) if len(set(row)) > 1]
    expected = tuple(sum(row[j].units for row in rows if row.count(row[j]) > 1) for j in range(len(lists)))
    assert check(trees, evidence) == expected
    packed = replace(evidence, siblings=unpack_siblings(pack_siblings(evidence.siblings)))
    assert check(trees, packed) == expected


def test_a_sybil_that_differs_in_few_tasks_costs_the_honest_provider_those_alone() -> None:
    base = honest(1024)
    trees = [ResultsTree(base), changed(base, {500: result("garbage", 10**6)})]
    evidence = prove_differences(trees)
    assert (evidence.tasks, len(evidence.siblings)) == ((500,), 10)
    assert check(trees, evidence) == (trees[0].total_units - 501,) * 2


def test_of_three_the_majority_is_due_and_the_minority_is_not() -> None:
    trees, evidence = disagreement()
    total = sum(range(1, 12))
    assert check(trees, evidence) == (total, total, total - 3 - 4 - 8)


def test_three_different_leaves_are_due_to_nobody() -> None:
    base = honest(4)
    trees = [ResultsTree(base), changed(base, {1: result("b", 2)}), changed(base, {1: result("c", 2)})]
    assert check(trees, prove_differences(trees)) == (8, 8, 8)


def test_equal_digests_with_other_units_are_different_leaves() -> None:
    base = honest(4)
    trees = [ResultsTree(base), changed(base, {3: replace(base[3], units=400)})]
    assert check(trees, prove_differences(trees)) == (6, 6)


def test_an_equal_task_among_those_shown_is_harmless() -> None:
    trees, evidence = disagreement()
    tasks = (2, 3, 5, 7)
    shown = tuple(tuple(tree.results[task] for tree in trees) for task in tasks)
    wider = Resolution(tasks, shown, shared_siblings(trees[1], tasks))
    assert check(trees, wider) == check(trees, evidence)


def test_a_batch_of_one_resolves_without_siblings() -> None:
    trees = [ResultsTree([result("a", 5)]), ResultsTree([result("b", U64)]), ResultsTree([result("a", 5)])]
    evidence = prove_differences(trees)
    assert evidence.siblings == ()
    assert check(trees, evidence) == (5, 0, 5)


def test_all_tasks_of_a_small_batch_may_differ() -> None:
    trees = [ResultsTree(honest(31)), ResultsTree([result("other", 1)] * 31)]
    evidence = prove_differences(trees)
    assert (len(evidence.tasks), evidence.siblings) == (31, ())
    assert check(trees, evidence) == (0, 0)


def test_known_siblings_of_five_tasks_come_level_by_level() -> None:
    tree = ResultsTree(honest(5))
    leaves, pairs, halves = tree.levels[0], tree.levels[1], tree.levels[2]
    assert shared_siblings(tree, (0,)) == (leaves[1], pairs[1], halves[1])
    assert shared_siblings(tree, (1, 2)) == (leaves[0], leaves[3], halves[1])
    assert shared_siblings(tree, (3, 4)) == (leaves[2], pairs[0])
    assert shared_siblings(tree, (4,)) == (halves[0],)


def test_thirty_two_differences_resolve_and_one_more_does_not() -> None:
    base = honest(100)
    most = [ResultsTree(base), changed(base, {task: result("w", 1) for task in range(0, 96, 3)})]
    assert len(prove_differences(most).tasks) == 32
    assert check(most, prove_differences(most))[1] == sum(task + 1 for task in range(100) if task % 3 or task >= 96)
    more = [ResultsTree(base), changed(base, {task: result("w", 1) for task in range(33)})]
    with pytest.raises(Rejected, match=r"^resolve: size$"):
        prove_differences(more)
    tasks = tuple(range(33))
    shown = tuple(tuple(tree.results[task] for tree in more) for task in tasks)
    assert refused(more, Resolution(tasks, shown, shared_siblings(more[0], tasks))) == "resolve: size"


def test_no_task_is_refused() -> None:
    trees, evidence = disagreement()
    assert refused(trees, Resolution((), (), ())) == "resolve: empty"
    assert refused(trees, Resolution((), evidence.leaves, (trees[0].levels[-1][0],))) == "resolve: empty"


def test_missing_and_spare_leaves_are_refused() -> None:
    trees, evidence = disagreement()
    rows = evidence.leaves
    for leaves in (rows[:-1], (*rows, rows[0]), (rows[0][:2], *rows[1:]), ((*rows[0], rows[0][0]), *rows[1:]), ()):
        assert refused(trees, replace(evidence, leaves=leaves)) == "resolve: leaves"


@pytest.mark.parametrize("tasks", [(3, 2, 7), (2, 2, 7), (2, 7, 7), (7, 3, 2), (-1, 3, 7), (2, 20, 19)])
def test_tasks_that_do_not_increase_are_refused(tasks: tuple[int, ...]) -> None:
    trees, evidence = disagreement()
    assert refused(trees, replace(evidence, tasks=tasks)) == "resolve: order"


@pytest.mark.parametrize("last", [11, 12, 2**32 - 1, 2**32, 2**300])
def test_a_task_that_is_not_there_is_refused(last: int) -> None:
    trees, evidence = disagreement()
    assert refused(trees, replace(evidence, tasks=(2, 3, last))) == "resolve: index"


def test_missing_spare_and_malformed_siblings_are_refused() -> None:
    trees, evidence = disagreement()
    siblings = evidence.siblings
    digest, units = siblings[0]
    lists = [(), siblings[:-1], siblings[1:], (*siblings, siblings[-1]), (siblings[0], *siblings)]
    malformed = [(digest[:31], units), (digest + b"\x00", units), (digest, -1), (digest, U64 + 1), (b"", units)]
    for altered in lists + [(wrong, *siblings[1:]) for wrong in malformed]:
        assert refused(trees, replace(evidence, siblings=altered)) == "resolve: siblings"


def test_a_sum_beyond_u64_is_refused_for_every_replica() -> None:
    base = [Result(bytes(32), 0)] * 4
    for j in range(3):
        lists = [list(base) for _ in range(3)]
        lists[j][1] = Result(bytes(32), U64)
        trees = [ResultsTree(results) for results in lists]
        evidence = prove_differences(trees)
        assert check(trees, evidence)[j] == 0
        forged = ((evidence.siblings[0][0], 1), *evidence.siblings[1:])
        assert refused(trees, replace(evidence, siblings=forged)) == "resolve: overflow"


def test_a_sum_beyond_u64_between_own_leaves_is_refused() -> None:
    trees, _ = disagreement(2, (0, 1))
    big = Result(bytes(32), U64)
    for side in ((big, result("a", 1)), (result("a", 1), big)):
        rows = tuple((known, known, own) for known, own in zip(trees[0].results, side, strict=True))
        assert refused(trees, Resolution((0, 1), rows, ())) == "resolve: overflow"


def test_every_root_and_every_total_counts() -> None:
    trees, evidence = disagreement()
    roots, totals = [tree.root for tree in trees], [tree.total_units for tree in trees]
    for j in range(3):
        for altered in (
            [*roots[:j], bytes(32), *roots[j + 1 :]],
            [*roots[:j], trees[0].levels[-1][0][0], *roots[j + 1 :]],
        ):
            with pytest.raises(Rejected, match=r"^resolve: root$"):
                verify_resolution(11, altered, totals, evidence)
        for off in (-1, 1):
            altered_totals = [total + off * (i == j) for i, total in enumerate(totals)]
            with pytest.raises(Rejected, match=r"^resolve: root$"):
                verify_resolution(11, roots, altered_totals, evidence)


def test_a_hidden_difference_has_no_evidence() -> None:
    trees, evidence = disagreement(11, (2, 3, 7))
    for drop in range(3):
        tasks = tuple(task for k, task in enumerate(evidence.tasks) if k != drop)
        shown = tuple(row for k, row in enumerate(evidence.leaves) if k != drop)
        for tree in trees:
            assert refused(trees, Resolution(tasks, shown, shared_siblings(tree, tasks))) == "resolve: root"


@pytest.mark.parametrize("number", [0, 1, 4])
def test_only_two_or_three_replicas_can_disagree(number: int) -> None:
    tree = ResultsTree(honest(3))
    with pytest.raises(Rejected, match=r"^resolve: replicas$"):
        prove_differences([tree] * number)
    with pytest.raises(Rejected, match=r"^resolve: replicas$"):
        verify_resolution(3, [tree.root] * number, [tree.total_units] * number, Resolution((), (), ()))
    with pytest.raises(Rejected, match=r"^resolve: replicas$"):
        verify_resolution(3, [tree.root] * 2, [tree.total_units], Resolution((), (), ()))


@pytest.mark.parametrize("number", [2, 3])
def test_trees_that_agree_leave_nothing_to_resolve(number: int) -> None:
    with pytest.raises(Rejected, match=r"^resolve: empty$"):
        prove_differences([ResultsTree(honest(3)) for _ in range(number)])


def test_trees_of_different_counts_are_refused() -> None:
    with pytest.raises(Rejected, match=r"^resolve: leaves$"):
        prove_differences([ResultsTree(honest(3)), ResultsTree(honest(4))])


def test_checks_come_in_the_contracts_order() -> None:
    """Each step adds an earlier flaw to all the later ones; the earliest is what is reported."""
    trees, evidence = disagreement()
    trees[2] = changed(honest(11), {0: result("another root", 1)})
    assert refused(trees, evidence) == "resolve: root"
    flawed = replace(evidence, siblings=(*evidence.siblings, evidence.siblings[0]))
    assert refused(trees, flawed) == "resolve: siblings"
    flawed = replace(flawed, siblings=((bytes(32), U64), *flawed.siblings[1:]))
    assert refused(trees, flawed) == "resolve: overflow"
    flawed = replace(flawed, tasks=(2, 3, 11))
    assert refused(trees, flawed) == "resolve: index"
    flawed = replace(flawed, tasks=(2, 11, 3))
    assert refused(trees, flawed) == "resolve: order"
    flawed = replace(flawed, leaves=flawed.leaves[1:])
    assert refused(trees, flawed) == "resolve: leaves"
    flawed = replace(flawed, tasks=tuple(range(33)))
    assert refused(trees, flawed) == "resolve: size"
    assert refused(trees, replace(flawed, tasks=())) == "resolve: empty"


def test_siblings_are_packed_forty_bytes_each() -> None:
    packed = pack_siblings([(b"\x01" * 32, 2), (b"\x03" * 32, U64)])
    assert packed == b"\x01" * 32 + bytes(7) + b"\x02" + b"\x03" * 32 + b"\xff" * 8
    assert unpack_siblings(b"") == ()
    for cut in (1, 32, 39, 41, 79):
        with pytest.raises(Rejected, match=r"^resolve: siblings$"):
            unpack_siblings(packed[:cut])
