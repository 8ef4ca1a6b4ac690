"""Which round of the beacon decides about a batch's audit: one that is due after its last result."""

import pytest
from market_stage import Opened, Stage, honest_tree, salt_of, tree_of

from stun.chains.evm.market_encoding import top_tuple
from stun.protocol.messages import Accept
from stun.protocol.parameters import PARAMETERS, NumericClass, development

pytestmark = pytest.mark.unit

TREE = honest_tree()
WRONG = tree_of((70, 80, 90, 60), {1: "wrong"})
FIRST = 7


def reveal(stage: Stage, opened: Opened, replica: int) -> None:
    opening = (replica, top_tuple(TREE.top), salt_of(replica))
    stage.must(stage.settler, "deliver", *opened.about, [], b"", [opening])


def test_a_post_sets_the_round_that_is_due(stage: Stage) -> None:
    opened = stage.open(stage.order())
    assert stage.batch(opened).round == 0
    stage.deployed.set_round(2**32 - 1)
    stage.post(opened, TREE)
    assert stage.batch(opened).round == 2**32 - 1
    assert stage.view("batch", opened.batch_id)[-1] == 2**32 - 1


def test_each_reveal_may_only_raise_the_round(stage: Stage) -> None:
    opened = stage.open(stage.order(3))
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: TREE, 1: TREE, 2: TREE}, reveal=False))
    assert stage.batch(opened).round == 0
    for replica, due, known in ((0, 5, 5), (1, 4, 5), (2, 9, 9)):
        stage.deployed.set_round(due)
        reveal(stage, opened, replica)
        assert stage.batch(opened).round == known


def test_what_reveals_nothing_new_leaves_the_round(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: TREE, 1: TREE}, reveal=False))
    reveal(stage, opened, 0)
    stage.deployed.set_round(100)
    again = (0, top_tuple(TREE.top), salt_of(0))
    assert stage.refusal(stage.settler, "deliver", *opened.about, [], b"", [again]) == "batches: repeated"
    assert stage.batch(opened).round == FIRST
    stage.travel(60)
    stage.must(stage.settler, "expire", *opened.about)
    stage.must(stage.people.court, "hold", *opened.about, stage.now)
    assert stage.batch(opened).round == FIRST


def test_the_cheap_lane_asks_once_for_all(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    stage.deliver(opened, TREE, WRONG)
    assert stage.batch(opened).round == FIRST


def test_class_opaque_waits_for_no_round(stage: Stage) -> None:
    opened = stage.open(stage.order(2, NumericClass.OPAQUE, audit_ppm=0))
    stage.deliver(opened, TREE, TREE)
    assert stage.batch(opened).round == 0


def test_what_paid_for_no_audit_waits_for_no_round(stage: Stage) -> None:
    values = development()[0] | {"auditors": 0}
    stage.deployed.publish([values[p.name] for p in PARAMETERS], stage.deployed.peers())
    opened = stage.open(stage.order())
    assert opened.terms.audit_prepaid == 0
    stage.post(opened, TREE)
    assert stage.batch(opened).round == 0


def test_without_a_beacon_there_is_no_round(stage: Stage) -> None:
    values = development()[0] | {"auditors": 2}
    stage.deployed.publish([values[p.name] for p in PARAMETERS], type(stage.deployed.peers())())
    opened = stage.open(stage.order())
    stage.post(opened, TREE)
    assert stage.batch(opened).round == 0


def test_an_acceptance_needs_no_round(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    stage.deliver(opened, TREE, WRONG)
    stage.deployed.set_round(100)
    message = Accept(opened.batch_id, TREE.root, 300)
    signature = stage.sign(stage.requester, message)
    stage.must(stage.settler, "accept", *opened.about, TREE.root, 300, signature, False, b"")
    assert stage.batch(opened).round == FIRST
