"""accept: the requester's word pays at once."""

import pytest
from market_stage import BOND, DEPOSIT, PREPAID, Opened, Stage, honest_tree, tree_of

from stun.chains.evm.addresses import narrow
from stun.protocol.messages import Accept, Post

pytestmark = pytest.mark.unit

PAID = 3_000_000
TREE = honest_tree()
CLAIM = (TREE.root, 300)


def call(stage: Stage, opened: Opened, accepted: bool = True, posted: bool | None = None) -> tuple[object, ...]:
    """Arguments with the requester's signature or none; a post comes along with its signature or without."""
    message, provider = Accept(opened.batch_id, *CLAIM), opened.terms.casts[0].provider
    signature = stage.sign(stage.requester, message) if accepted else b""
    post = stage.sign(provider, Post(opened.batch_id, provider, *CLAIM)) if posted else b""
    return *opened.about, *CLAIM, signature, posted is not None, post


def test_a_posted_result_is_paid_at_once(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.post(opened, TREE)
    events = stage.must(stage.settler, "accept", *call(stage, opened))
    expected = {
        "batch_id": opened.batch_id, "provider": narrow(stage.providers[0]), "seq": 2, "outputs_root": TREE.root,
        "total_units": 300, "paid": PAID,
    }  # fmt: skip
    assert events[0] == ("Accepted", expected)
    settled = {"batch_id": opened.batch_id, "settler": narrow(stage.settler), "seq": 3, "paid": (0, 0, 0)}
    assert events[1:] == [("Settled", settled)]
    requester = DEPOSIT - PAID - PREPAID
    assert stage.balances() == (requester, DEPOSIT + 2_400_000, DEPOSIT, DEPOSIT, 60_000, 15_000, 150_000)
    assert stage.share("treasury") == 375_000
    assert stage.reputation(stage.providers[0]) == 0


@pytest.mark.parametrize("caller", ["provider", "requester", "keeper"])
def test_post_and_acceptance_come_in_one_call(stage: Stage, caller: str) -> None:
    opened = stage.open(stage.order())
    who = {"provider": stage.providers[0], "requester": stage.requester, "keeper": stage.settler}[caller]
    arguments = call(stage, opened, caller != "requester", caller != "provider")
    events = stage.must(who, "accept", *arguments)
    assert [name for name, _ in events] == ["Accepted", "Settled"]
    assert stage.share("audit") == PREPAID
    assert stage.batch(opened).phase == 0


def test_the_requester_accepts_by_its_own_call(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.post(opened, TREE)
    stage.must(stage.requester, "accept", *call(stage, opened, accepted=False))
    assert stage.balance(stage.providers[0]) == DEPOSIT + 2_400_000


def test_nobody_else_accepts(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.post(opened, TREE)
    assert stage.refusal(stage.settler, "accept", *call(stage, opened, accepted=False)) == "accept: signer"
    by_provider = stage.sign(stage.providers[0], Accept(opened.batch_id, *CLAIM))
    arguments = (*opened.about, *CLAIM, by_provider, False, b"")
    assert stage.refusal(stage.providers[0], "accept", *arguments) == "accept: signer"


def test_an_acceptance_needs_a_result(stage: Stage) -> None:
    opened = stage.open(stage.order())
    assert stage.refusal(stage.settler, "accept", *call(stage, opened)) == "batches: phase"


def test_a_post_that_comes_along_needs_its_provider(stage: Stage) -> None:
    opened = stage.open(stage.order())
    arguments = (*call(stage, opened)[:5], True, b"")
    assert stage.refusal(stage.settler, "accept", *arguments) == "batches: signer"


def test_several_replicas_cannot_post_along(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    assert stage.refusal(stage.settler, "accept", *call(stage, opened, posted=True)) == "batches: lone"


def test_a_post_that_comes_along_has_its_deadline_and_its_limit(stage: Stage) -> None:
    opened = stage.open(stage.order())
    provider, over = stage.providers[0], (TREE.root, 401)
    signatures = [stage.sign(stage.requester, Accept(opened.batch_id, *over))]
    signatures.append(stage.sign(provider, Post(opened.batch_id, provider, *over)))
    arguments = (*opened.about, *over, signatures[0], True, signatures[1])
    assert stage.refusal(stage.settler, "accept", *arguments) == "batches: units"
    stage.travel(600)
    assert stage.refusal(stage.settler, "accept", *call(stage, opened, posted=True)) == "batches: late"


def test_a_post_may_come_along_although_it_is_there(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.post(opened, TREE)
    stage.must(stage.settler, "accept", *call(stage, opened, posted=True))


def test_another_root_is_refused(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.post(opened, tree_of((70, 80, 90, 60), {0: "wrong"}))
    assert stage.refusal(stage.settler, "accept", *call(stage, opened)) == "accept: root"


def test_the_rest_is_judged_as_if_ordered_alone(stage: Stage) -> None:
    opened = stage.open(stage.order(3))
    wrong = tree_of((70, 80, 90, 60), {1: "wrong"})
    stage.deliver(opened, TREE, wrong, TREE)
    events = stage.must(stage.requester, "accept", *call(stage, opened, accepted=False))
    assert [name for name, _ in events] == ["Accepted", "Accepted"]
    assert stage.batch(opened).states == (3, 2, 3)
    assert stage.refusal(stage.requester, "accept", *call(stage, opened, accepted=False)) == "accept: root"
    stage.travel(300)
    events = stage.must(stage.settler, "settle", *opened.about, wrong.root, 300)
    assert events[-1][1]["paid"] == (0, PAID, 0)


def test_a_tip_is_paid_once(stage: Stage) -> None:
    opened = stage.open(stage.order(2, tip=9))
    stage.deliver(opened, TREE, TREE)
    stage.must(stage.settler, "accept", *call(stage, opened))
    assert stage.balances()[4:6] == (2 * 60_000 + 4, 2 * 15_000 + 5)
    assert stage.balances()[0] == DEPOSIT - 2 * PAID - PREPAID - 9


def test_bonds_return_with_the_acceptance(stage: Stage) -> None:
    opened = stage.open(stage.order())
    assert stage.balance(stage.providers[0]) == DEPOSIT - BOND
    stage.must(stage.requester, "accept", *call(stage, opened, accepted=False, posted=True))
    assert stage.balance(stage.providers[0]) == DEPOSIT + 2_400_000
