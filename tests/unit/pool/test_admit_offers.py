"""Bids, asks and profiles at the pool's door."""

from dataclasses import replace
from typing import Any

import pytest
from pool_world import MONEY, Door, PoolWorld, account

from stun.pool.errors import EntryConflict
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.messages import NOBODY, Order
from stun.protocol.parameters import DAY_SECONDS
from stun.protocol.staking import Stake
from stun.protocol.trees.specs import Membership, prove_provider, providers_root

pytestmark = pytest.mark.unit
LISTED = [account("provider 1"), account("provider 2")]


@pytest.fixture
def open_order(door: Door, pool_world: PoolWorld) -> Order:
    envelope = pool_world.order_envelope()
    door.admit(envelope)
    return envelope.order


def _code(door: Door, envelope: Any) -> str:
    before = door.store.count()
    with pytest.raises(Rejected) as caught:
        door.admit(envelope)
    assert door.store.count() == before
    return caught.value.code


def test_a_bid_is_held_under_its_order(door: Door, pool_world: PoolWorld, open_order: Order) -> None:
    envelope = pool_world.bid_envelope(open_order)
    entry, created = door.admit(envelope)
    assert created
    assert entry.envelope() == envelope
    assert door.admit(envelope) == (entry, False)


def test_an_operator_bids_for_its_account(door: Door, pool_world: PoolWorld, open_order: Order) -> None:
    envelope = pool_world.bid_envelope(open_order, signer="operator")
    assert _code(door, envelope) == "bids: signature"
    pool_world.name_operator("provider 1", "operator")
    assert door.admit(envelope)[1]
    assert _code(door, pool_world.bid_envelope(open_order, "provider 2", signer="operator")) == "bids: signature"


def test_a_bid_on_an_order_that_is_not_here(door: Door, pool_world: PoolWorld) -> None:
    assert _code(door, pool_world.bid_envelope(pool_world.order())) == "bids: order"


def test_a_bid_on_an_expired_order(door: Door, pool_world: PoolWorld, open_order: Order) -> None:
    pool_world.market.clock = open_order.expires_at
    assert _code(door, pool_world.bid_envelope(open_order)) == "bids: order"


def test_a_bid_on_a_cancelled_order_that_was_not_swept_yet(
    door: Door, pool_world: PoolWorld, open_order: Order
) -> None:
    pool_world.market.apply(actions.CancelOrder(account("requester"), open_order.nonce))
    assert _code(door, pool_world.bid_envelope(open_order)) == "nonces: used"


def test_bounds_of_a_bid(door: Door, pool_world: PoolWorld, open_order: Order) -> None:
    now = pool_world.market.clock
    assert _code(door, pool_world.bid_envelope(open_order, expires_at=now)) == "bids: expired"
    assert _code(door, pool_world.bid_envelope(open_order, price=open_order.max_price + 1)) == "bids: price"
    assert _code(door, pool_world.bid_envelope(open_order, price=1)) == "orders: small"
    assert door.admit(pool_world.bid_envelope(open_order, price=open_order.max_price))[1]


def test_the_requester_does_not_bid_on_its_own_order(door: Door, pool_world: PoolWorld, open_order: Order) -> None:
    pool_world.market.set_stake(account("requester"), Stake(active=10**12))
    assert _code(door, pool_world.bid_envelope(open_order, "requester")) == "bids: provider"


def test_a_bidder_needs_stake_and_bond(door: Door, pool_world: PoolWorld, open_order: Order) -> None:
    """At 10^9 a replica locks 40,000; audited one time in ten, its bond is 19 times that."""
    pool_world.market.set_stake(account("provider 1"), Stake(active=100 * 10**9 - 1))
    assert _code(door, pool_world.bid_envelope(open_order)) == "bids: stake"
    spare = MONEY - 760_000
    taken = actions.Withdraw(account("provider 2"), pool_world.market.stun, spare + 1, account("elsewhere"))
    pool_world.market.apply(taken)
    assert _code(door, pool_world.bid_envelope(open_order, "provider 2")) == "ledger: balance"
    pool_world.fund("provider 2", 1)
    assert door.admit(pool_world.bid_envelope(open_order, "provider 2"))[1]


def test_a_list_of_providers_is_proved(door: Door, pool_world: PoolWorld, open_order: Order) -> None:
    envelope = pool_world.order_envelope(providers_root=providers_root(LISTED))
    door.admit(envelope)
    proof = prove_provider(LISTED, LISTED[0])
    assert _code(door, pool_world.bid_envelope(envelope.order)) == "bids: list"
    assert _code(door, pool_world.bid_envelope(envelope.order, "provider 3", membership=proof)) == "bids: list"
    spare = Membership(proof.index, proof.count, (*proof.path, bytes(32)))
    assert _code(door, pool_world.bid_envelope(envelope.order, membership=spare)) == "bids: list"
    assert door.admit(pool_world.bid_envelope(envelope.order, membership=proof))[1]
    assert _code(door, pool_world.bid_envelope(open_order, membership=proof)) == "bids: list"


def test_one_provider_does_not_drown_an_order(door: Door, pool_world: PoolWorld, open_order: Order) -> None:
    for price in range(4):
        door.admit(pool_world.bid_envelope(open_order, price=10**9 + price))
    with pytest.raises(EntryConflict) as caught:
        door.admit(pool_world.bid_envelope(open_order, price=10**9 + 4))
    assert caught.value.code == "pool: conflict"


def test_an_ask_reaches_its_provider(door: Door, pool_world: PoolWorld, open_order: Order) -> None:
    entry, created = door.admit(pool_world.ask_envelope(open_order))
    assert created
    assert entry.envelope() == pool_world.ask_envelope(open_order)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"provider": NOBODY}, "asks: provider"),
        ({"provider": account("requester")}, "asks: provider"),
        ({"order_digest": b"\x01" * 32}, "asks: order"),
    ],
)
def test_bounds_of_an_ask(
    door: Door, pool_world: PoolWorld, open_order: Order, changes: dict[str, Any], code: str
) -> None:
    assert _code(door, pool_world.ask_envelope(open_order, **changes)) == code


def test_times_and_signer_of_an_ask(door: Door, pool_world: PoolWorld, open_order: Order) -> None:
    now = pool_world.market.clock
    assert _code(door, pool_world.ask_envelope(open_order, expires_at=now)) == "asks: expired"
    assert _code(door, pool_world.ask_envelope(open_order, expires_at=now + DAY_SECONDS + 1)) == "asks: lifetime"
    assert _code(door, pool_world.ask_envelope(open_order, signer="stranger")) == "asks: signature"
    assert _code(door, pool_world.ask_envelope(open_order, matcher=NOBODY)) == "asks: signature"


def test_only_the_orders_matcher_asks(door: Door, pool_world: PoolWorld) -> None:
    envelope = pool_world.order_envelope(matcher=account("another matcher"))
    door.admit(envelope)
    assert _code(door, pool_world.ask_envelope(envelope.order)) == "asks: matcher"
    asked = pool_world.ask_envelope(envelope.order, signer="another matcher", matcher=account("another matcher"))
    assert door.admit(asked)[1]


def test_a_profile_is_replaced_by_a_later_one_only(door: Door, pool_world: PoolWorld) -> None:
    old = pool_world.profile_envelope(region="eu", seconds=3_600)
    door.admit(old)
    with pytest.raises(EntryConflict):
        door.admit(pool_world.profile_envelope(region="us", seconds=3_600))
    newer = pool_world.profile_envelope(region="us", seconds=3_601)
    assert door.admit(newer)[1]
    with pytest.raises(EntryConflict):
        door.admit(old)
    assert door.store.count() == 1


def test_bounds_of_a_profile(door: Door, pool_world: PoolWorld) -> None:
    good = pool_world.profile_envelope()
    assert _code(door, pool_world.profile_envelope(seconds=0)) == "profiles: expired"
    assert _code(door, pool_world.profile_envelope(seconds=7 * DAY_SECONDS + 1)) == "profiles: lifetime"
    assert _code(door, pool_world.profile_envelope(signer="stranger")) == "profiles: signature"
    assert _code(door, pool_world.profile_envelope("stranger")) == "profiles: stake"
    forged = replace(good, document={**good.document, "region": "us"})
    assert _code(door, forged) == "profiles: document"
    pool_world.name_operator("provider 1", "operator")
    assert door.admit(pool_world.profile_envelope(signer="operator"))[1]
