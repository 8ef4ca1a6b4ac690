"""settle: the end of a batch, 80 / 15 / 5 to the last unit."""

from typing import Any

import pytest
from market_stage import BOND, DEPOSIT, LOCKED, PREPAID, PRICE, RESOLVE_SECONDS, Opened, Stage, honest_tree, tree_of

from stun.chains.evm.addresses import narrow
from stun.protocol.messages import NOBODY
from stun.protocol.parameters import NumericClass

pytestmark = pytest.mark.unit

PAID = 3_000_000
CLAIM = (honest_tree().root, 300)


def posted(stage: Stage, **changes: Any) -> Opened:
    """A lone replica's posted batch whose window is over."""
    opened = stage.open(stage.order(**changes))
    stage.post(opened, honest_tree())
    stage.travel(300)
    return opened


def test_money_goes_where_it_belongs(stage: Stage) -> None:
    opened = posted(stage)
    events = stage.must(stage.settler, "settle", *opened.about, *CLAIM)
    settled = {"batch_id": opened.batch_id, "settler": narrow(stage.settler), "seq": 2, "paid": (PAID, 0, 0)}
    assert events == [("Settled", settled)]
    provider, creator, matcher, settler = 2_400_000, 150_000, 60_000, 15_000
    requester = DEPOSIT - PAID - PREPAID
    assert stage.balances() == (requester, DEPOSIT + provider, DEPOSIT, DEPOSIT, matcher, settler, creator)
    assert stage.share("treasury") == PAID - provider - creator - matcher - settler
    assert stage.share("audit") == PREPAID
    assert stage.batch(opened).phase == 0


def test_reputation_grows_with_what_was_paid(stage: Stage) -> None:
    opened = posted(stage)
    stage.must(stage.settler, "settle", *opened.about, *CLAIM)
    assert stage.reputation(stage.providers[0]) == 10**4 * PAID // 10**9  # alpha * paid / reference fee, of 10^6


def test_dust_is_the_treasurys(stage: Stage) -> None:
    order = stage.order()
    bid = stage.bids(order, price=PRICE - 1)
    opened = stage.open(order, bid)
    stage.post(opened, honest_tree())
    stage.travel(300)
    stage.must(stage.settler, "settle", *opened.about, *CLAIM)
    paid = 2_999_999
    parts = (2_399_999, 149_999, 59_999, 14_999)
    assert stage.balances()[1] == DEPOSIT + parts[0]
    assert (stage.balances()[6], stage.balances()[4], stage.balances()[5]) == parts[1:]
    assert stage.share("treasury") == paid - sum(parts)


def test_a_tip_is_halved_between_matcher_and_settler(stage: Stage) -> None:
    opened = posted(stage, tip=9)
    stage.must(stage.settler, "settle", *opened.about, *CLAIM)
    assert stage.balances()[4:6] == (60_000 + 4, 15_000 + 5)


def test_without_a_matcher_in_the_bid_the_settler_earns_both_fees(stage: Stage) -> None:
    order = stage.order(tip=9)
    opened = stage.open(order, stage.bids(order, matcher=NOBODY))
    stage.post(opened, honest_tree())
    stage.travel(300)
    stage.must(stage.settler, "settle", *opened.about, *CLAIM)
    assert stage.balances()[4:6] == (0, 60_000 + 15_000 + 9)


def test_a_result_of_no_units_earns_nothing_and_returns_the_tip(stage: Stage) -> None:
    opened = stage.open(stage.order(tip=9))
    nothing = tree_of((0, 0, 0, 0))
    stage.post(opened, nothing)
    stage.travel(300)
    stage.must(stage.settler, "settle", *opened.about, nothing.root, 0)
    assert stage.balances() == (DEPOSIT - PREPAID, DEPOSIT, DEPOSIT, DEPOSIT, 0, 0, 0)
    assert stage.reputation(stage.providers[0]) == 0


def test_before_the_window_is_over_it_is_too_early(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.post(opened, honest_tree())
    stage.travel(299)
    assert stage.refusal(stage.settler, "settle", *opened.about, *CLAIM) == "batches: early"


def test_an_open_batch_has_no_result_to_settle(stage: Stage) -> None:
    opened = stage.open(stage.order())
    assert stage.refusal(stage.settler, "settle", *opened.about, *CLAIM) == "batches: phase"


@pytest.mark.parametrize("claim", [(CLAIM[0], 299), (CLAIM[0], 0), (bytes(32), 300), (bytes(32), 0)])
def test_another_root_or_other_units_are_refused(stage: Stage, claim: tuple[bytes, int]) -> None:
    opened = posted(stage)
    assert stage.refusal(stage.settler, "settle", *opened.about, *claim) == "batches: claim"


def test_a_batch_is_settled_once(stage: Stage) -> None:
    opened = posted(stage)
    stage.must(stage.settler, "settle", *opened.about, *CLAIM)
    assert stage.refusal(stage.settler, "settle", *opened.about, *CLAIM) == "batches: unknown"


def test_settling_a_silent_batch_ends_it_as_expiring_would(stage: Stage) -> None:
    opened = stage.open(stage.order(tip=9))
    stage.travel(600)
    events = stage.must(stage.settler, "settle", *opened.about, bytes(32), 0)
    assert [name for name, _ in events] == ["ReplicaOut", "Settled"]
    assert stage.balances()[:2] == (DEPOSIT, DEPOSIT - BOND // 10)


def test_two_of_three_win_and_the_minority_has_its_bond_back_unpaid(stage: Stage) -> None:
    opened = stage.open(stage.order(3))
    stage.deliver(opened, honest_tree(), tree_of((70, 80, 90, 60), {1: "wrong"}), honest_tree())
    stage.travel(300)
    events = stage.must(stage.settler, "settle", *opened.about, *CLAIM)
    assert events[-1][1]["paid"] == (PAID, 0, PAID)
    assert stage.balances()[:4] == (DEPOSIT - 2 * PAID - PREPAID, DEPOSIT + 2_400_000, DEPOSIT, DEPOSIT + 2_400_000)
    assert stage.reputation(stage.providers[1]) == 0


@pytest.mark.parametrize("numeric_class", [NumericClass.EXACT, NumericClass.TOKEN])
def test_without_agreement_everybody_waits_and_then_everything_returns(
    stage: Stage, numeric_class: NumericClass
) -> None:
    replicas = 2 if numeric_class == NumericClass.EXACT else 3
    opened = stage.open(stage.order(replicas, numeric_class))
    wrong = tree_of((70, 80, 90, 60), {1: "wrong"})
    stage.deliver(opened, *[honest_tree(), wrong, honest_tree()][:replicas])
    stage.travel(300)
    assert stage.refusal(stage.settler, "settle", *opened.about, *CLAIM) == "batches: disagree"
    stage.travel(RESOLVE_SECONDS - 1)
    assert stage.refusal(stage.settler, "settle", *opened.about, *CLAIM) == "batches: disagree"
    stage.travel(1)
    events = stage.must(stage.settler, "settle", *opened.about, *CLAIM)
    assert events[-1][1]["paid"] == (0, 0, 0)
    assert stage.balances()[:4] == (DEPOSIT - PREPAID, DEPOSIT, DEPOSIT, DEPOSIT)


def test_what_was_not_used_of_the_price_returns(stage: Stage) -> None:
    opened = posted(stage)
    assert stage.balance(stage.requester) == DEPOSIT - LOCKED - PREPAID
    stage.must(stage.settler, "settle", *opened.about, *CLAIM)
    assert stage.balance(stage.requester) == DEPOSIT - PAID - PREPAID
