"""Several pools: what an honest one holds is found among those that hide, invent, repeat, garble or are dead."""

from dataclasses import replace

import httpx
import pytest
from pool_readers import Reports, dead, item_of, pool_of, serving
from pool_world import PoolWorld

from stun.pool.client import PoolClient
from stun.pool.envelopes import Kind
from stun.pool.errors import PoolsExhausted, PoolUnavailable
from stun.pool.pool_set import PoolSet

pytestmark = pytest.mark.unit


def test_a_set_finds_what_the_honest_pool_holds(honest: PoolClient, pool_world: PoolWorld, reports: Reports) -> None:
    envelope = pool_world.order_envelope()
    invented = replace(envelope, order=replace(envelope.order, count=3))
    hostile = [
        pool_of(pool_world, reports, serving(), "hiding"),
        pool_of(pool_world, reports, serving(item_of(invented, 1)), "inventing"),
        pool_of(pool_world, reports, serving(item_of(envelope, 1), item_of(envelope, 2)), "repeating"),
        pool_of(pool_world, reports, dead, "dead"),
        pool_of(pool_world, reports, lambda request: httpx.Response(200, content=b"{"), "garbling"),
    ]
    pools = PoolSet([*hostile, honest])
    assert {receipt.pool for receipt in pools.publish(envelope).receipts} == {honest.name}
    assert len(pools.publish(envelope).failures) == 5
    reports.errors.clear()
    assert pools.orders() == [envelope]
    assert sorted(reports.codes) == ["pool: lied", "pool: lied", "pool: unavailable"]
    assert pools.order(envelope.order.digest(pool_world.market.domain)) == [envelope]
    pools.close()


def test_a_set_without_a_willing_pool_says_so(pool_world: PoolWorld, reports: Reports) -> None:
    pools = PoolSet([pool_of(pool_world, reports, dead, "one"), pool_of(pool_world, reports, dead, "two")])
    for ask in (pools.orders, lambda: pools.publish(pool_world.order_envelope()), lambda: pools.updates(Kind.ORDER)):
        with pytest.raises(PoolsExhausted) as caught:
            ask()
        assert caught.value.code == "pool: no pool"
        assert len(caught.value.failures) == 2
    pools.close()
    with pytest.raises(PoolUnavailable):
        PoolSet([])


def test_updates_bring_each_envelope_once(honest: PoolClient, pool_world: PoolWorld, reports: Reports) -> None:
    pools = PoolSet([honest, pool_of(pool_world, reports, dead, "dead")])
    first, second = pool_world.order_envelope(), pool_world.order_envelope()
    honest.publish(first)
    assert pools.updates(Kind.ORDER) == [first]
    assert pools.updates(Kind.ORDER) == []
    honest.publish(second)
    assert pools.updates(Kind.ORDER) == [second]
    pools.close()


def test_updates_start_again_when_a_pool_lost_its_database(pool_world: PoolWorld, reports: Reports) -> None:
    old, new = pool_world.order_envelope(), pool_world.order_envelope()
    held = [("first", [item_of(old, 7)])]

    def answer(request: httpx.Request) -> httpx.Response:
        epoch, items = held[0]
        after = int(request.url.params["after"])
        return serving(*(item for item in items if item["cursor"] > after), epoch=epoch)(request)

    pools = PoolSet([pool_of(pool_world, reports, answer)])
    assert pools.updates(Kind.ORDER) == [old]
    held[0] = ("second", [item_of(new, 1)])
    assert pools.updates(Kind.ORDER) == [new]
    pools.close()
