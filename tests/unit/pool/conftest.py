"""A market, a store and a pool's door for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stun.pool.admission import Admission
from stun.pool.bounds import Bounds
from stun.pool.envelopes import Envelope, kind_of
from stun.pool.store import Entry, PoolStore
from stun.pool.wire import encode
from tests.unit.pool.pool_world import PoolWorld


class Door:
    """A pool without its server."""

    def __init__(self, world: PoolWorld, store: PoolStore) -> None:
        self.store = store
        self.admission = Admission(world.market, store)

    def admit(self, envelope: Envelope) -> tuple[Entry, bool]:
        return self.admission.admit(kind_of(envelope), encode(envelope))


@pytest.fixture
def pool_world() -> PoolWorld:
    return PoolWorld()


@pytest.fixture
def pool_store(tmp_path: Path) -> Iterator[PoolStore]:
    store = PoolStore.open(f"sqlite:///{tmp_path / 'pool.db'}", Bounds(orders_per_requester=5))
    yield store
    store.close()


@pytest.fixture
def door(pool_world: PoolWorld, pool_store: PoolStore) -> Door:
    return Door(pool_world, pool_store)
