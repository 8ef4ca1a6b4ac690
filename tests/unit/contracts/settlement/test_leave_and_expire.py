"""leave: stepping back before the commitment; expire: calling time on a batch."""

import pytest
from market_stage import BOND, DEPOSIT, PREPAID, REVEAL_SECONDS, STAKE, Stage, honest_tree, salt_of

from stun.chains.evm.addresses import narrow
from stun.chains.evm.market_encoding import top_tuple

pytestmark = pytest.mark.unit


def test_leaving_costs_two_percent_of_the_bond(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    events = stage.must(stage.providers[1], "leave", *opened.about, 1)
    expected = {
        "batch_id": opened.batch_id, "provider": narrow(stage.providers[1]), "seq": 1, "reason": 4,
        "penalty": BOND // 50,
    }  # fmt: skip
    assert events == [("ReplicaOut", expected)]
    assert stage.balance(stage.providers[1]) == DEPOSIT - BOND // 50
    assert stage.balance(stage.requester) == DEPOSIT - 4_000_000 - PREPAID
    assert stage.batch(opened).states == (0, 4, 0)
    assert stage.reputation(stage.providers[1]) == 0
    assert stage.stake(stage.providers[1]) == STAKE


def test_what_is_lost_is_burned_in_stun_and_insured_in_other_assets(stage: Stage) -> None:
    supply = stage.deployed.word("StunToken", "totalSupply")
    stage.must(stage.providers[0], "leave", *stage.open(stage.order()).about, 0)
    assert stage.deployed.word("StunToken", "totalSupply") == supply - BOND // 50
    stage.must(stage.providers[0], "leave", *stage.open(stage.order(asset=stage.deployed.usdc)).about, 0)
    assert stage.share("insurance", stage.usdc) == BOND // 50
    assert stage.share("insurance") == 0


def test_when_the_last_replica_leaves_the_batch_ends_and_everything_returns(stage: Stage) -> None:
    opened = stage.open(stage.order(tip=9))
    events = stage.must(stage.providers[0], "leave", *opened.about, 0)
    assert [name for name, _ in events] == ["ReplicaOut", "Settled"]
    assert events[1][1]["settler"] == narrow(stage.providers[0])
    assert stage.balance(stage.requester) == DEPOSIT
    assert stage.batch(opened).phase == 0


def test_when_all_others_have_committed_leaving_starts_the_revealing(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: honest_tree()}, reveal=False))
    stage.must(stage.providers[1], "leave", *opened.about, 1)
    assert stage.batch(opened).phase == 2


@pytest.mark.parametrize("replica", [2, 3, 2**256 - 1])
def test_a_place_that_does_not_exist_is_refused(stage: Stage, replica: int) -> None:
    opened = stage.open(stage.order(2))
    assert stage.refusal(stage.providers[0], "leave", *opened.about, replica) == "batches: replica"


def test_only_the_provider_itself_leaves(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    operator = stage.people.operators[0]
    stage.must(stage.providers[0], "set_operator", narrow(operator))
    for other in (stage.providers[1], operator, stage.requester):
        assert stage.refusal(other, "leave", *opened.about, 0) == "batches: signer"


def test_after_the_commitment_nobody_leaves(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: honest_tree()}, reveal=False))
    assert stage.refusal(stage.providers[0], "leave", *opened.about, 0) == "batches: replica"


def test_from_post_by_nobody_leaves(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.travel(600)
    assert stage.refusal(stage.providers[0], "leave", *opened.about, 0) == "batches: late"


def test_before_a_deadline_nothing_expires(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.travel(599)
    assert stage.refusal(stage.settler, "expire", *opened.about) == "batches: early"


def test_silence_before_the_commitment_costs_a_tenth_of_the_bond(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.travel(600)
    events = stage.must(stage.settler, "expire", *opened.about)
    assert [(name, fields.get("penalty")) for name, fields in events] == [
        ("ReplicaOut", BOND // 10),
        ("Settled", None),
    ]
    assert stage.balances()[:2] == (DEPOSIT, DEPOSIT - BOND // 10)
    assert stage.stake(stage.providers[0]) == STAKE


def test_silence_after_the_commitment_costs_the_bond_and_a_part_of_the_stake(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    both = {0: honest_tree(), 1: honest_tree()}
    stage.must(stage.settler, "deliver", *stage.delivery(opened, both, reveal=False))
    stage.must(stage.settler, "deliver", *opened.about, [], b"", [(0, top_tuple(honest_tree().top), salt_of(0))])
    stage.travel(REVEAL_SECONDS)
    reveal_by = stage.now
    stage.travel(10)
    stage.must(stage.settler, "expire", *opened.about)
    assert stage.balance(stage.providers[1]) == DEPOSIT - BOND
    assert stage.stake(stage.providers[1]) == STAKE - STAKE // 100
    batch = stage.batch(opened)
    assert (batch.phase, batch.phase_at, batch.states) == (3, reveal_by, (2, 5, 0))
    assert batch.digests[1] == bytes(32)


def test_both_deadlines_pass_in_one_late_call(stage: Stage) -> None:
    opened = stage.open(stage.order(3))
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: honest_tree()}, reveal=False))
    stage.travel(600 + REVEAL_SECONDS)
    events = stage.must(stage.settler, "expire", *opened.about)
    assert [name for name, _ in events] == ["ReplicaOut", "ReplicaOut", "ReplicaOut", "Settled"]
    assert [fields["penalty"] for _, fields in events[:3]] == [BOND // 10, BOND // 10, BOND]
    assert stage.balance(stage.requester) == DEPOSIT


def test_a_final_batch_is_unknown(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.travel(600)
    stage.must(stage.settler, "expire", *opened.about)
    assert stage.refusal(stage.settler, "expire", *opened.about) == "batches: unknown"
    assert stage.refusal(stage.providers[0], "leave", *opened.about, 0) == "batches: unknown"
