"""Listeners and rates without a network: order, resuming, slow readers, bounds."""

import asyncio
from typing import Any

import pytest
from pool_world import Door, PoolWorld

from stun.pool.envelopes import Kind
from stun.pool.errors import RateLimited
from stun.pool.rates import MAX_ADDRESSES, Rates
from stun.pool.store import PoolStore, Subject
from stun.pool.stream import PAGE, Feed, Hub, ListenersFull, ListenerSlow

pytestmark = pytest.mark.unit


class Listener:
    """Collects what a feed sends; `wanted` resolves when enough came."""

    def __init__(self, wanted: int) -> None:
        self.messages: list[dict[str, Any]] = []
        self._wanted = wanted
        self.full = asyncio.Event()
        self.first = asyncio.Event()

    async def take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if self.cursors:
            self.first.set()
        if len(self.messages) >= self._wanted:
            self.full.set()

    @property
    def cursors(self) -> list[int]:
        return [message["cursor"] for message in self.messages if message["kind"] not in ("hello", "heartbeat")]


async def _feed(store: PoolStore, hub: Hub, after: int, listener: Listener, beat: float = 60.0) -> None:
    with hub.listen("here") as woken:
        running = asyncio.create_task(Feed(store, list(Kind), after, lambda: 0).run(woken, listener.take, 5.0, beat))
        await asyncio.wait_for(listener.full.wait(), 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_old_and_new_entries_come_once_and_in_order(
    door: Door, pool_world: PoolWorld, pool_store: PoolStore
) -> None:
    hub = Hub()
    orders = [pool_world.order_envelope() for _ in range(4)]
    door.admit(orders[0])
    door.admit(orders[1])
    listener = Listener(4)
    feeding = asyncio.create_task(_feed(pool_store, hub, 1, listener))
    await asyncio.wait_for(listener.first.wait(), 10)
    for envelope in orders[2:]:
        await asyncio.to_thread(door.admit, envelope)
        hub.wake()
    await feeding
    assert listener.messages[0] == {"kind": "hello", "epoch": pool_store.epoch, "cursor": 1}
    assert listener.cursors == [2, 3, 4]


async def test_more_than_a_page_comes_whole(door: Door, pool_world: PoolWorld, pool_store: PoolStore) -> None:
    for number in range(PAGE + 5):
        digest = number.to_bytes(32, "big")
        pool_store.add(Subject(Kind.DELIVERY, digest, digest, digest, 9, 9), b'{"n": %d}' % number, 1)
    listener = Listener(PAGE + 6)
    await _feed(pool_store, Hub(), 0, listener)
    assert listener.cursors == list(range(1, PAGE + 6))


async def test_a_quiet_pool_sends_heartbeats(pool_store: PoolStore) -> None:
    listener = Listener(3)
    await _feed(pool_store, Hub(), 0, listener, beat=0.01)
    assert [message["kind"] for message in listener.messages] == ["hello", "heartbeat", "heartbeat"]


async def test_a_slow_listener_is_dropped(pool_store: PoolStore) -> None:
    async def never(message: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    with Hub().listen("here") as woken, pytest.raises(ListenerSlow) as caught:
        await Feed(pool_store, list(Kind), 0, lambda: 0).run(woken, never, 0.01, 60.0)
    assert caught.value.code == "pool: slow listener"


async def test_listeners_are_bounded_and_counted_out() -> None:
    hub = Hub(all_listeners=3, by_address=2)
    with hub.listen("here"), hub.listen("here"):
        with pytest.raises(ListenersFull), hub.listen("here"):
            pass
        with hub.listen("there"), pytest.raises(ListenersFull), hub.listen("elsewhere"):
            pass
    with hub.listen("here"), hub.listen("here"), hub.listen("there"):
        pass


def test_rates_by_address() -> None:
    now = [0.0]
    rates = Rates(per_second=2.0, burst=3, clock=lambda: now[0])
    for _ in range(3):
        rates.take("here")
    with pytest.raises(RateLimited) as caught:
        rates.take("here")
    assert caught.value.code == "pool: rate"
    rates.take("there")
    now[0] += 0.5
    rates.take("here")
    with pytest.raises(RateLimited):
        rates.take("here")
    for number in range(MAX_ADDRESSES + 10):
        rates.take(f"address {number}")
    assert len(rates._buckets) == MAX_ADDRESSES
