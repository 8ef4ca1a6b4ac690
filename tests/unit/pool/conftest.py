"""A market, a store and a pool's door for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pool_world import Door, PoolWorld

from stun.pool.bounds import Bounds
from stun.pool.store import PoolStore


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
