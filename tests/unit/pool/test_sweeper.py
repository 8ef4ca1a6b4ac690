"""The sweeper: what the chain closes goes, what a reorganisation undoes comes back, what expires is dropped."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pool_world import Door, PoolWorld, account

from stun.chains.interface import ChainError
from stun.pool.envelopes import Kind
from stun.pool.store import PoolStore, State
from stun.pool.sweeper import Sweeper
from stun.protocol.market import actions
from stun.protocol.messages import Order

pytestmark = pytest.mark.unit
WINDOW = 8


@pytest.fixture
def sweeper(pool_world: PoolWorld, pool_store: PoolStore) -> Sweeper:
    sweeper = Sweeper(pool_world.market, pool_store, WINDOW)
    sweeper.sweep()
    return sweeper


@pytest.fixture
def fork(pool_world: PoolWorld) -> Callable[[], Callable[[], None]]:
    """Remember the chain as it is; the returned function undoes everything since, as a reorganisation does."""

    def remember() -> Callable[[], None]:
        market = pool_world.market
        state, log, head = market.state, list(market.log), market.head()

        def undo() -> None:
            market.state, market.log, market._head = state, log, head

        return undo

    return remember


def _mine(pool_world: PoolWorld, blocks: int) -> None:
    for _ in range(blocks):
        pool_world.market.publish([])


def _open(store: PoolStore) -> list[int]:
    return [entry.cursor for entry in store.list_open([Kind.ORDER], 0, 100, 0)]


def _admit(door: Door, pool_world: PoolWorld) -> Order:
    envelope = pool_world.order_envelope()
    door.admit(envelope)
    return envelope.order


def _state(door: Door, pool_world: PoolWorld, order: Order) -> list[State]:
    return [entry.state for entry in door.store.orders(order.digest(pool_world.market.domain))]


def _cancel(pool_world: PoolWorld, order: Order) -> None:
    pool_world.market.apply(actions.CancelOrder(account("requester"), order.nonce))


def test_a_matched_order_is_listed_no_more_but_found(door: Door, pool_world: PoolWorld, sweeper: Sweeper) -> None:
    order = _admit(door, pool_world)
    assert sweeper.sweep().closed == 0
    pool_world.match(order, "provider 1", "provider 2")
    assert sweeper.sweep().closed == 1
    assert sweeper.sweep().closed == 0
    assert _open(door.store) == []
    assert _state(door, pool_world, order) == [State.MATCHED]


def test_a_cancelled_order_is_dropped_when_it_is_final(door: Door, pool_world: PoolWorld, sweeper: Sweeper) -> None:
    order = _admit(door, pool_world)
    _cancel(pool_world, order)
    assert sweeper.sweep().closed == 1
    assert _state(door, pool_world, order) == [State.CANCELLED]
    _mine(pool_world, WINDOW + 1)
    assert sweeper.sweep().dropped == 1
    assert _state(door, pool_world, order) == []


def test_a_match_that_vanished_brings_the_order_back(
    door: Door, pool_world: PoolWorld, sweeper: Sweeper, fork: Callable[[], Callable[[], None]]
) -> None:
    order = _admit(door, pool_world)
    (before,) = _open(door.store)
    undo = fork()
    pool_world.match(order, "provider 1", "provider 2")
    sweeper.sweep()
    undo()
    _mine(pool_world, 2)
    assert sweeper.sweep().reopened == 1
    (after,) = _open(door.store)
    assert after > before
    assert _state(door, pool_world, order) == [State.OPEN]
    pool_world.match(order, "provider 2", "provider 3")
    assert sweeper.sweep().closed == 1


def test_a_match_that_moved_to_another_block_keeps_the_order_closed(
    door: Door, pool_world: PoolWorld, sweeper: Sweeper, fork: Callable[[], Callable[[], None]]
) -> None:
    order = _admit(door, pool_world)
    undo = fork()
    pool_world.match(order, "provider 1", "provider 2")
    sweeper.sweep()
    undo()
    _mine(pool_world, 3)
    pool_world.match(order, "provider 1", "provider 2")
    sweep = sweeper.sweep()
    assert (sweep.reopened, sweep.closed) == (0, 0)
    assert _state(door, pool_world, order) == [State.MATCHED]


def test_an_endpoint_that_lags_is_no_reorganisation(
    door: Door, pool_world: PoolWorld, sweeper: Sweeper, fork: Callable[[], Callable[[], None]]
) -> None:
    order = _admit(door, pool_world)
    lag = fork()
    pool_world.match(order, "provider 1", "provider 2")
    sweeper.sweep()
    lag()
    assert sweeper.sweep().reopened == 0
    assert _state(door, pool_world, order) == [State.MATCHED]


def test_logs_that_are_missing_do_not_reopen_while_the_nonce_is_used(
    door: Door, pool_world: PoolWorld, sweeper: Sweeper
) -> None:
    order = _admit(door, pool_world)
    pool_world.match(order, "provider 1", "provider 2")
    sweeper.sweep()
    pool_world.market.log.clear()
    _mine(pool_world, 1)
    assert sweeper.sweep().reopened == 0
    assert _state(door, pool_world, order) == [State.MATCHED]


def test_a_match_closes_the_requesters_other_orders_of_its_nonce(
    door: Door, pool_world: PoolWorld, sweeper: Sweeper
) -> None:
    order = _admit(door, pool_world)
    twin = replace(order, count=3)
    door.admit(pool_world.order_envelope(twin))
    other = _admit(door, pool_world)
    elsewhere = replace(order, count=2)
    pool_world.match(elsewhere, "provider 1", "provider 2")
    assert sweeper.sweep().closed == 2
    assert _state(door, pool_world, order) == _state(door, pool_world, twin) == [State.CANCELLED]
    assert _state(door, pool_world, other) == [State.OPEN]


def test_what_happened_while_the_pool_was_down_is_swept(
    door: Door, pool_world: PoolWorld, sweeper: Sweeper, pool_store: PoolStore
) -> None:
    order = _admit(door, pool_world)
    pool_world.match(order, "provider 1", "provider 2")
    _mine(pool_world, 10 * WINDOW)
    assert Sweeper(pool_world.market, pool_store, WINDOW).sweep().closed == 1


def test_expired_entries_are_dropped(door: Door, pool_world: PoolWorld, sweeper: Sweeper) -> None:
    order = _admit(door, pool_world)
    door.admit(pool_world.bid_envelope(order))
    door.admit(pool_world.profile_envelope())
    pool_world.market.clock += 600
    assert sweeper.sweep().dropped == 1
    assert door.store.list_open([Kind.ORDER], 0, 10, order.expires_at) == []
    pool_world.market.clock = order.expires_at
    assert sweeper.sweep().dropped == 1
    assert _state(door, pool_world, order) == [State.OPEN]
    pool_world.market.clock += 14 * 86_400
    assert sweeper.sweep().dropped == 1
    assert door.store.count() == 0


def test_a_chain_that_cannot_be_read_changes_nothing(
    door: Door, pool_world: PoolWorld, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = _admit(door, pool_world)
    pool_world.match(order, "provider 1", "provider 2")

    def unavailable(*_: object) -> None:
        raise ChainError("no endpoint")

    monkeypatch.setattr(pool_world.market, "events", unavailable)
    with pytest.raises(ChainError):
        sweeper.sweep()
    assert _state(door, pool_world, order) == [State.OPEN]
    monkeypatch.undo()
    assert sweeper.sweep().closed == 1


def test_a_closed_order_does_not_come_in_again(door: Door, pool_world: PoolWorld, sweeper: Sweeper) -> None:
    envelope = pool_world.order_envelope()
    entry, _ = door.admit(envelope)
    pool_world.match(envelope.order, "provider 1", "provider 2")
    sweeper.sweep()
    again, created = door.admit(envelope)
    assert (again.cursor, again.state, created) == (entry.cursor, State.MATCHED, False)
