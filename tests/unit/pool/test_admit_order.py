"""Orders at the pool's door: every rule of a match that an order alone can break, by the code the contract gives."""

from dataclasses import replace
from typing import Any

import pytest
from pool_world import MONEY, Door, PoolWorld, account, key

from stun.pool.errors import EntryConflict, PoolFull
from stun.pool.rehearsal import STAND_INS
from stun.pool.store import State
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.messages import Domain, nonce_of
from stun.protocol.parameters import DAY_SECONDS, U64, NumericClass
from stun.protocol.trees.specs import providers_root

pytestmark = pytest.mark.unit


def _code(door: Door, envelope: Any) -> str:
    with pytest.raises(Rejected) as caught:
        door.admit(envelope)
    assert door.store.count() == 0
    return caught.value.code


def test_a_good_order_is_held_and_found(door: Door, pool_world: PoolWorld) -> None:
    envelope = pool_world.order_envelope()
    entry, created = door.admit(envelope)
    assert created
    digest = envelope.order.digest(pool_world.market.domain)
    assert (entry.digest, entry.state, entry.envelope()) == (digest, State.OPEN, envelope)
    assert door.store.orders(digest) == [entry]


def test_the_same_order_again_is_no_error(door: Door, pool_world: PoolWorld) -> None:
    envelope = pool_world.order_envelope()
    first, _ = door.admit(envelope)
    assert door.admit(envelope) == (first, False)
    assert door.store.count() == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"count": 0}, "orders: count"),
        ({"count": 65_537}, "orders: count"),
        ({"max_units": 0}, "orders: count"),
        ({"replicas": 0}, "orders: replicas"),
        ({"replicas": 4}, "orders: replicas"),
        ({"start_price": 3 * 10**9}, "orders: price"),
        ({"tier": 1}, "orders: tier"),
        ({"flags": 4}, "orders: flags"),
        ({"config": 99}, "orders: config"),
        ({"asset": account("unlisted asset")}, "orders: asset"),
        ({"model_id": b"\x01" * 32}, "orders: model"),
        ({"post_seconds": 0}, "orders: window"),
        ({"task_seconds": 61}, "orders: window"),
        ({"challenge_seconds": 39}, "orders: window"),
        ({"challenge_seconds": 3_601}, "orders: window"),
        ({"audit_ppm": 9_999}, "orders: audit"),
        ({"audit_ppm": 10**6 + 1}, "orders: audit"),
        ({"start_price": 0, "max_price": 1}, "orders: small"),
        ({"start_price": U64, "max_price": U64, "max_units": 2**32 - 1}, "money: range"),
        ({"nonce": 7}, "nonces: week"),
        ({"requester": b"\xff" * 32}, "accounts: address"),
        ({"matcher": b"\xff" * 32}, "accounts: address"),
    ],
)
def test_terms_are_those_of_a_match(door: Door, pool_world: PoolWorld, changes: dict[str, Any], code: str) -> None:
    assert _code(door, pool_world.order_envelope(**changes)) == code


def test_expiry_and_lifetime(door: Door, pool_world: PoolWorld) -> None:
    now = pool_world.market.clock
    assert _code(door, pool_world.order_envelope(expires_at=now)) == "orders: expired"
    assert _code(door, pool_world.order_envelope(expires_at=now + 90 * DAY_SECONDS + 1)) == "orders: lifetime"
    assert door.admit(pool_world.order_envelope(expires_at=now + 90 * DAY_SECONDS))[1]


def test_a_signature_of_anybody_else_is_refused(door: Door, pool_world: PoolWorld) -> None:
    pool_world.name_operator("requester", "operator")
    for signer in ("stranger", "operator", "provider 1"):
        assert _code(door, pool_world.order_envelope(signer=signer)) == "orders: signature"


def test_the_orders_own_matcher_does_not_stand_for_a_signature(door: Door, pool_world: PoolWorld) -> None:
    envelope = pool_world.order_envelope(matcher=account("requester"), signer="stranger")
    assert _code(door, envelope) == "orders: signature"


@pytest.mark.parametrize("domain", [Domain(1, b"\x4d" * 20), Domain(31_337, b"\x4e" * 20), Domain(salt=b"\x01" * 32)])
def test_a_signature_for_another_market_is_refused(door: Door, pool_world: PoolWorld, domain: Domain) -> None:
    envelope = pool_world.order_envelope()
    foreign = key("requester").sign_digest(envelope.order.digest(domain))
    assert _code(door, replace(envelope, signature=foreign)) == "orders: signature"


def test_a_malleable_signature_is_refused(door: Door, pool_world: PoolWorld) -> None:
    envelope = pool_world.order_envelope()
    curve_order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = curve_order - int.from_bytes(envelope.signature[32:64], "big")
    signature = envelope.signature[:32] + high.to_bytes(32, "big") + bytes([55 - envelope.signature[64]])
    assert _code(door, replace(envelope, signature=signature)) == "orders: signature"


def test_a_used_nonce_is_refused(door: Door, pool_world: PoolWorld) -> None:
    order = pool_world.order()
    pool_world.market.apply(actions.CancelOrder(account("requester"), order.nonce))
    assert _code(door, pool_world.order_envelope(order)) == "nonces: used"


def test_a_retired_model_is_refused(door: Door, pool_world: PoolWorld) -> None:
    model = pool_world.market.state.models[pool_world.model_id]
    pool_world.market.set_model(pool_world.model_id, replace(model, live=False))
    assert _code(door, pool_world.order_envelope()) == "orders: model"


def test_an_opaque_lone_replica_needs_a_list(door: Door, pool_world: PoolWorld) -> None:
    opaque = pool_world.market.add_model(account("creator"), b"\x44" * 32, NumericClass.OPAQUE)
    terms: dict[str, Any] = {"model_id": opaque, "audit_ppm": 0, "replicas": 1}
    assert _code(door, pool_world.order_envelope(**terms)) == "orders: lone"
    listed = providers_root([account("provider 1"), account("provider 2")])
    assert door.admit(pool_world.order_envelope(**terms, providers_root=listed))[1]


def test_a_requester_that_cannot_pay_now_is_refused(door: Door, pool_world: PoolWorld) -> None:
    """Two replicas at 10^9 lock 40,000 each, and the tip comes on top; the ramp makes it dearer later."""
    pool_world.market.apply(
        actions.Withdraw(account("requester"), pool_world.market.stun, MONEY - 80_009, STAND_INS[0])
    )
    assert _code(door, pool_world.order_envelope(tip=10)) == "ledger: balance"
    order = pool_world.order_envelope(tip=9)
    pool_world.market.clock += 500
    assert _code(door, order) == "ledger: balance"
    pool_world.market.clock -= 500
    assert door.admit(order)[1]


def test_an_order_that_rises_from_nothing_is_taken(door: Door, pool_world: PoolWorld) -> None:
    assert door.admit(pool_world.order_envelope(start_price=0))[1]


def test_nobody_fills_the_pool(door: Door, pool_world: PoolWorld) -> None:
    for _ in range(5):
        door.admit(pool_world.order_envelope())
    with pytest.raises(PoolFull) as caught:
        door.admit(pool_world.order_envelope())
    assert caught.value.code == "pool: full"


def test_variants_of_one_order_are_held_and_bounded(door: Door, pool_world: PoolWorld) -> None:
    """Where the tasks lie is signed by nobody: a stranger's variant must not keep the requester's out."""
    door.store.bounds = replace(door.store.bounds, orders_per_requester=100)
    envelope = pool_world.order_envelope()
    for port in range(8):
        door.admit(replace(envelope, stores=(f"http://127.0.0.1:{port}",)))
    assert len(door.store.orders(envelope.order.digest(pool_world.market.domain))) == 8
    with pytest.raises(EntryConflict):
        door.admit(envelope)


def test_nonces_of_the_last_bit_travel(door: Door, pool_world: PoolWorld) -> None:
    expires_at = pool_world.market.clock + 3_600
    order = pool_world.order(expires_at=expires_at, nonce=nonce_of(expires_at, 2**32 - 1, 255))
    assert door.admit(pool_world.order_envelope(order))[1]
