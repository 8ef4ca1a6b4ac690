"""A market, a store and a pool's door for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pool_readers import Reports, honest_pool
from pool_world import Door, PoolWorld

from stun.pool.bounds import Bounds
from stun.pool.client import PoolClient
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


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def honest(pool_world: PoolWorld, tmp_path: Path, reports: Reports) -> Iterator[PoolClient]:
    """A client of a real pool application, without a network."""
    with honest_pool(pool_world, tmp_path, reports) as client:
        yield client
