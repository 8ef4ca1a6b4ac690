"""deliver: commitments, openings, or both in one call, of a batch of several replicas."""

from hashlib import sha256
from typing import Any

import pytest
from market_stage import BOND, DEPOSIT, REVEAL_SECONDS, Opened, Stage, honest_tree, salt_of, tree_of

from stun.chains.evm.addresses import narrow
from stun.chains.evm.market_encoding import top_tuple

pytestmark = pytest.mark.unit


@pytest.fixture
def opened(stage: Stage) -> Opened:
    return stage.open(stage.order(2))


def refused(stage: Stage, *arguments: object) -> str | None:
    return stage.refusal(stage.settler, "deliver", *arguments)


def test_the_cheap_lane_commits_and_opens_everything_at_once(stage: Stage, opened: Opened) -> None:
    tree = honest_tree()
    arguments = stage.delivery(opened, {0: tree, 1: tree})
    events = stage.must(stage.settler, "deliver", *arguments)
    assert [name for name, _ in events] == ["Committed", "Committed", "Revealed", "Revealed"]
    assert [fields["seq"] for _, fields in events] == [1, 2, 3, 4]
    assert events[0][1]["commitment"] == arguments[2][0][1]
    expected = {
        "batch_id": opened.batch_id, "provider": narrow(stage.providers[1]), "seq": 4, "outputs_root": tree.root,
        "total_units": 300,
    }  # fmt: skip
    assert events[3][1] == expected
    batch = stage.batch(opened)
    digest = sha256(tree.root + (300).to_bytes(8, "big")).digest()
    assert (batch.phase, batch.phase_at, batch.states) == (3, stage.now, (2, 2, 0))
    assert batch.digests == (digest, digest, bytes(32))


def test_commitments_first_and_openings_when_all_are_in(stage: Stage, opened: Opened) -> None:
    tree, other = honest_tree(), tree_of((1, 2, 3, 4))
    first, second = stage.delivery(opened, {0: tree}, reveal=False), stage.delivery(opened, {1: other}, reveal=False)
    stage.must(stage.providers[0], "deliver", *first[:3], bytes(65), [])
    batch = stage.batch(opened)
    assert (batch.phase, batch.states, batch.digests[0]) == (1, (1, 0, 0), first[2][0][1])
    opening = [(0, top_tuple(tree.top), salt_of(0))]
    assert refused(stage, *opened.about, [], b"", opening) == "batches: early"
    stage.travel(5)
    stage.must(stage.settler, "deliver", *second)
    assert (stage.batch(opened).phase, stage.batch(opened).phase_at) == (2, stage.now)
    stage.must(stage.settler, "deliver", *opened.about, [], b"", opening)
    assert stage.batch(opened).states == (2, 1, 0)
    stage.travel(7)
    stage.must(stage.settler, "deliver", *opened.about, [], b"", [(1, top_tuple(other.top), salt_of(1))])
    assert (stage.batch(opened).phase, stage.batch(opened).phase_at) == (3, stage.now)


def test_a_lone_replica_posts_instead(stage: Stage) -> None:
    lone = stage.open(stage.order())
    assert refused(stage, *stage.delivery(lone, {0: honest_tree()})) == "batches: lone"


def test_a_call_without_effect_is_refused(stage: Stage, opened: Opened) -> None:
    assert refused(stage, *opened.about, [], b"", []) == "batches: repeated"
    commits = stage.delivery(opened, {0: honest_tree()}, reveal=False)
    stage.must(stage.settler, "deliver", *commits)
    assert refused(stage, *commits) == "batches: repeated"


def test_what_took_effect_before_is_passed_over(stage: Stage, opened: Opened) -> None:
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: honest_tree()}, reveal=False))
    events = stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: honest_tree(), 1: honest_tree()}))
    assert [name for name, _ in events] == ["Committed", "Revealed", "Revealed"]


def test_a_second_commitment_is_refused(stage: Stage, opened: Opened) -> None:
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: honest_tree()}, reveal=False))
    other = stage.delivery(opened, {0: tree_of((1, 1, 1, 1))}, reveal=False)
    assert refused(stage, *other) == "batches: committed"


def test_two_commitments_of_one_replica_in_one_call_are_refused(stage: Stage, opened: Opened) -> None:
    (one, signed), (two, signed_too) = (stage.sealed(opened, 0, t) for t in (honest_tree(), tree_of((1, 1, 1, 1))))
    assert refused(stage, *opened.about, [one, two], signed + signed_too, []) == "batches: committed"


def test_a_replica_that_does_not_exist_is_refused(stage: Stage, opened: Opened) -> None:
    assert refused(stage, *opened.about, [(2, bytes(32))], bytes(65), []) == "batches: replica"
    assert refused(stage, *opened.about, [(2**256 - 1, bytes(32))], bytes(65), []) == "batches: replica"
    arguments = stage.delivery(opened, {0: honest_tree(), 1: honest_tree()}, reveal=False)
    stage.must(stage.settler, "deliver", *arguments)
    assert refused(stage, *opened.about, [], b"", [(2, top_tuple(honest_tree().top), salt_of(0))]) == (
        "batches: replica"
    )


def test_only_a_replica_that_committed_reveals(stage: Stage, opened: Opened) -> None:
    reveals = [(0, top_tuple(honest_tree().top), salt_of(0))]
    assert refused(stage, *opened.about, [], b"", reveals) == "batches: replica"


def test_a_reveal_before_all_have_committed_is_refused(stage: Stage, opened: Opened) -> None:
    assert refused(stage, *stage.delivery(opened, {0: honest_tree()})) == "batches: early"


def test_after_post_by_whoever_did_not_commit_is_out(stage: Stage, opened: Opened) -> None:
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: honest_tree()}, reveal=False))
    stage.travel(600)
    reveals = [(0, top_tuple(honest_tree().top), salt_of(0))]
    late = stage.delivery(opened, {1: honest_tree()}, reveal=False)
    assert refused(stage, *late) == "batches: replica"
    events = stage.must(stage.settler, "deliver", *opened.about, [], b"", reveals)
    assert [name for name, _ in events] == ["ReplicaOut", "Revealed"]
    assert (events[0][1]["reason"], events[0][1]["penalty"]) == (5, BOND // 10)
    assert stage.balance(stage.providers[1]) == DEPOSIT - BOND // 10


def test_when_nobody_committed_it_is_too_late_for_everybody(stage: Stage, opened: Opened) -> None:
    stage.travel(600)
    assert refused(stage, *stage.delivery(opened, {0: honest_tree(), 1: honest_tree()})) == "batches: late"


def test_after_reveal_by_whoever_did_not_reveal_lost_its_bond(stage: Stage, opened: Opened) -> None:
    both = {0: honest_tree(), 1: honest_tree()}
    stage.must(stage.settler, "deliver", *stage.delivery(opened, both, reveal=False))
    stage.must(stage.settler, "deliver", *opened.about, [], b"", [(0, top_tuple(honest_tree().top), salt_of(0))])
    stage.travel(REVEAL_SECONDS - 1)
    late: tuple[Any, ...] = (*opened.about, [], b"", [(1, top_tuple(honest_tree().top), salt_of(1))])
    stage.travel(1)
    assert refused(stage, *late) == "batches: replica"
    events = stage.must(stage.settler, "expire", *opened.about)
    assert [(n, f.get("penalty")) for n, f in events] == [("ReplicaOut", BOND)]
    assert stage.balance(stage.providers[1]) == DEPOSIT - BOND


def test_units_end_at_the_limit(stage: Stage, opened: Opened) -> None:
    over = tree_of((100, 100, 100, 101))
    assert refused(stage, *stage.delivery(opened, {0: over, 1: over})) == "batches: units"
    stage.deliver(opened, *[tree_of((100, 100, 100, 100))] * 2)


def test_different_results_keep_their_own_cells(stage: Stage) -> None:
    opened = stage.open(stage.order(3))
    a, b = honest_tree(), tree_of((70, 80, 90, 60), {2: "wrong"})
    stage.deliver(opened, a, b, a)
    digests = stage.batch(opened).digests
    assert digests[0] == digests[2] != digests[1]


def test_other_terms_are_unknown(stage: Stage, opened: Opened) -> None:
    other = stage.open(stage.order(2, tip=1))
    arguments = stage.delivery(opened, {0: honest_tree()}, reveal=False)
    assert refused(stage, opened.batch_id, other.about[1], *arguments[2:]) == "batches: unknown"
