"""The pool's database: cursors that never come back, an epoch that stays, a schema that is checked, bounds."""

from pathlib import Path

import pytest
from pool_world import PoolWorld
from sqlalchemy import create_engine, text

from stun.pool.bounds import Bounds
from stun.pool.envelopes import Kind
from stun.pool.errors import PoolFull, StoreOutdated
from stun.pool.store import PoolStore, Subject
from stun.pool.wire import encode

pytestmark = pytest.mark.unit


def _subject(number: int) -> Subject:
    digest = number.to_bytes(32, "big")
    return Subject(Kind.DELIVERY, digest, digest, bytes(32), expires_at=100, keep_until=100)


def test_cursors_are_never_used_twice_and_the_epoch_stays(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'pool.db'}"
    store = PoolStore.open(url)
    for number in range(3):
        store.add(_subject(number), b"%d" % number, 1)
    epoch = store.epoch
    with store.writing() as session:
        session.execute(text("DELETE FROM entries"))
    store.close()
    again = PoolStore.open(url)
    assert again.epoch == epoch
    assert again.add(_subject(9), b"9", 1)[0].cursor == 4
    again.close()
    other = PoolStore.open(f"sqlite:///{tmp_path / 'other.db'}")
    assert other.epoch != epoch
    other.close()


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'pool.db'}"
    PoolStore.open(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE notes SET value = '0' WHERE name = 'schema'"))
    engine.dispose()
    with pytest.raises(StoreOutdated) as caught:
        PoolStore.open(url)
    assert caught.value.code == "pool: store version"


def test_a_full_pool_says_so_and_knows_what_it_holds(tmp_path: Path) -> None:
    store = PoolStore.open(f"sqlite:///{tmp_path / 'pool.db'}", Bounds(entries=2))
    for number in range(2):
        store.add(_subject(number), b"%d" % number, 1)
    with pytest.raises(PoolFull):
        store.add(_subject(2), b"2", 1)
    assert not store.add(_subject(1), b"1", 1)[1]
    store.close()


def test_pages_follow_cursors_and_filters(pool_store: PoolStore, pool_world: PoolWorld) -> None:
    envelopes = pool_world.every_kind()
    for number, (kind, envelope) in enumerate(envelopes.items()):
        digest = number.to_bytes(32, "big")
        pool_store.add(Subject(kind, digest, digest, digest, 100, 100, recipient=digest), encode(envelope), 1)
    kinds = list(Kind)
    assert [entry.cursor for entry in pool_store.list_open(kinds, 0, 3, 0)] == [1, 2, 3]
    assert [entry.cursor for entry in pool_store.list_open(kinds, 6, 10, 0)] == [7, 8]
    assert pool_store.list_open(kinds, 8, 10, 0) == []
    assert pool_store.list_open(kinds, 0, 10, 100) == []
    assert [entry.kind for entry in pool_store.list_open([Kind.BID, Kind.POST], 0, 10, 0)] == [Kind.BID, Kind.POST]
    third = (2).to_bytes(32, "big")
    for filters in ({"batch_id": third}, {"account": third}, {"recipient": third}):
        assert [entry.cursor for entry in pool_store.list_open(kinds, 0, 10, 0, **filters)] == [3]
    assert pool_store.list_open([Kind.ORDER], 0, 10, 0)[0].envelope() == envelopes[Kind.ORDER]
