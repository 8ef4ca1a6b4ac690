"""resolve: what each replica is due when their roots differ."""

import pytest
from market_stage import DEPOSIT, PREPAID, RESOLVE_SECONDS, Opened, Stage, honest_tree, tree_of

from stun.protocol.parameters import NumericClass
from stun.protocol.trees.resolve import Resolution, prove_differences
from stun.protocol.trees.results import ResultsTree

pytestmark = pytest.mark.unit

TREES = [honest_tree(), tree_of((70, 80, 90, 60), {1: "wrong"}), tree_of((70, 80, 10, 60), {1: "false"})]


def disputed(stage: Stage, *trees: ResultsTree) -> tuple[Opened, Resolution]:
    """A delivered batch whose replicas have these results, and the evidence."""
    opened = stage.open(stage.order(len(trees)))
    stage.deliver(opened, *trees)
    return opened, prove_differences(trees)


def resolve(stage: Stage, opened: Opened, evidence: Resolution) -> str | None:
    return stage.refusal(stage.settler, "resolve", *opened.about, *stage.resolution(evidence))


def test_everybody_is_due_what_others_show_as_well(stage: Stage) -> None:
    opened, evidence = disputed(stage, *TREES)
    events = stage.must(stage.settler, "resolve", *opened.about, *stage.resolution(evidence))
    dues = (70 + 90 + 60, 70 + 90 + 60, 70 + 60)
    assert events == [("Resolved", {"batch_id": opened.batch_id, "seq": 7, "dues": dues})]
    batch = stage.batch(opened)
    assert (batch.resolved, batch.dues) == (True, dues)
    stage.travel(300)
    events = stage.must(stage.settler, "settle", *opened.about, bytes(32), 0)
    assert events[-1][1]["paid"] == tuple(due * 10_000 for due in dues)
    assert stage.balance(stage.requester) == DEPOSIT - sum(dues) * 10_000 - PREPAID


def test_one_against_one_is_paid_where_they_agree(stage: Stage) -> None:
    opened, evidence = disputed(stage, *TREES[:2])
    stage.must(stage.settler, "resolve", *opened.about, *stage.resolution(evidence))
    assert stage.batch(opened).dues == (220, 220, 0)


def test_class_token_resolves_even_two_against_one(stage: Stage) -> None:
    trees = [TREES[0], TREES[1], TREES[0]]
    opened = stage.open(stage.order(3, NumericClass.TOKEN))
    stage.deliver(opened, *trees)
    stage.must(stage.settler, "resolve", *opened.about, *stage.resolution(prove_differences(trees)))
    assert stage.batch(opened).dues == (300, 220, 300)


def test_an_agreement_needs_no_resolution(stage: Stage) -> None:
    opened, evidence = disputed(stage, TREES[0], TREES[1], TREES[0])
    assert resolve(stage, opened, evidence) == "resolve: agreed"


def test_a_lone_result_needs_no_resolution(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.post(opened, TREES[0])
    assert resolve(stage, opened, prove_differences(TREES[:2])) == "resolve: agreed"


def test_a_resolution_stands(stage: Stage) -> None:
    opened, evidence = disputed(stage, *TREES)
    assert resolve(stage, opened, evidence) is None
    assert resolve(stage, opened, evidence) == "resolve: standing"


def test_from_resolve_by_it_is_too_late(stage: Stage) -> None:
    opened, evidence = disputed(stage, *TREES)
    stage.travel(300 + RESOLVE_SECONDS)
    assert resolve(stage, opened, evidence) == "batches: late"
    opened, evidence = disputed(stage, *TREES)
    stage.travel(300 + RESOLVE_SECONDS - 1)
    assert resolve(stage, opened, evidence) is None


def test_it_waits_for_all_openings(stage: Stage) -> None:
    opened = stage.open(stage.order(3))
    stage.must(stage.settler, "deliver", *stage.delivery(opened, dict(enumerate(TREES)), reveal=False))
    reveals = stage.delivery(opened, {0: TREES[0], 1: TREES[1]})[4]
    stage.must(stage.settler, "deliver", *opened.about, [], b"", reveals)
    assert resolve(stage, opened, prove_differences(TREES[:2])) == "batches: phase"


def test_it_falls_when_a_replica_in_it_goes_out(stage: Stage) -> None:
    opened, evidence = disputed(stage, *TREES)
    assert resolve(stage, opened, evidence) is None
    convict = (*opened.about, 1, True, stage.people.challenger[12:])
    events = stage.must(stage.people.court, "convict", *convict)
    assert [name for name, _ in events] == ["Convicted", "ResolveVoided"]
    assert (stage.batch(opened).resolved, stage.batch(opened).dues) == (False, (0, 0, 0))
    assert resolve(stage, opened, prove_differences([TREES[0], TREES[2]])) is None


def test_a_spare_task_that_all_show_alike_costs_nobody_anything(stage: Stage) -> None:
    opened, _ = disputed(stage, *TREES[:2])
    trees = TREES[:2]
    rows = tuple(tuple(tree.results[task] for tree in trees) for task in (0, 1))
    spare = Resolution((0, 1), rows, (trees[0].levels[1][1],))
    assert resolve(stage, opened, spare) is None
    assert stage.batch(opened).dues == (220, 220, 0)
