"""cancel_order and prune_nonces: a nonce is used once, and words of past weeks may be deleted."""

import pytest
from market_stage import Stage

from stun.chains.evm.addresses import narrow
from stun.protocol.messages import nonce_of
from stun.protocol.parameters import WEEK_SECONDS

pytestmark = pytest.mark.unit


def test_cancelling_sets_one_bit(stage: Stage) -> None:
    nonce = nonce_of(stage.now, 3, 200)
    events = stage.must(stage.requester, "cancel_order", nonce)
    assert events == [("OrderCancelled", {"requester": narrow(stage.requester), "nonce": nonce})]
    assert stage.view("used_word", narrow(stage.requester), nonce >> 8) == 1 << 200
    assert stage.view("used_word", narrow(stage.providers[0]), nonce >> 8) == 0


def test_a_nonce_is_cancelled_once_and_its_neighbours_stay_free(stage: Stage) -> None:
    nonce = nonce_of(stage.now, 0, 255)
    stage.must(stage.requester, "cancel_order", nonce)
    assert stage.refusal(stage.requester, "cancel_order", nonce) == "nonces: used"
    stage.must(stage.requester, "cancel_order", nonce - 1)
    stage.must(stage.providers[0], "cancel_order", nonce)


@pytest.mark.parametrize("nonce", [0, 2**64 - 1])
def test_every_u64_is_a_nonce(stage: Stage, nonce: int) -> None:
    stage.must(stage.requester, "cancel_order", nonce)
    assert stage.view("used_word", narrow(stage.requester), nonce >> 8) == 1 << (nonce & 255)


def test_a_matched_order_has_used_its_nonce(stage: Stage) -> None:
    order = stage.order()
    stage.open(order)
    assert stage.refusal(stage.requester, "cancel_order", order.nonce) == "nonces: used"


def test_words_of_past_weeks_are_deleted_by_anybody(stage: Stage) -> None:
    words = [nonce_of(stage.now, word, 0) >> 8 for word in (0, 7)]
    for word in words:
        stage.must(stage.requester, "cancel_order", word << 8)
    stage.travel(WEEK_SECONDS)
    stage.must(stage.settler, "prune_nonces", narrow(stage.requester), words)
    assert [stage.view("used_word", narrow(stage.requester), word) for word in words] == [0, 0]


def test_words_of_this_week_and_later_stay(stage: Stage) -> None:
    past = nonce_of(stage.now - WEEK_SECONDS, 0, 0) >> 8
    for current in (nonce_of(stage.now, 0, 0) >> 8, nonce_of(stage.now + WEEK_SECONDS, 0, 0) >> 8, 2**256 - 1):
        refusal = stage.refusal(stage.settler, "prune_nonces", narrow(stage.requester), [past, current])
        assert refusal == "nonces: week"


def test_no_order_of_a_deleted_week_can_be_matched(stage: Stage) -> None:
    order = stage.order(expires_at=stage.now + 60)
    arguments = stage.match_arguments(order)
    stage.must(stage.requester, "cancel_order", order.nonce)
    stage.travel(WEEK_SECONDS)
    stage.must(stage.settler, "prune_nonces", narrow(stage.requester), [order.nonce >> 8])
    assert stage.refusal(stage.matcher, "match", *arguments) == "orders: expired"
