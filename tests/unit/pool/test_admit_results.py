"""Commitments, posts, openings and deliveries at the pool's door."""

from dataclasses import replace
from typing import Any

import pytest
from pool_world import Door, PoolWorld, account

from stun.pool.batch_admission import known_commitments
from stun.pool.envelopes import Kind
from stun.pool.errors import EntryConflict
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.trees.results import Top

pytestmark = pytest.mark.unit


@pytest.fixture
def several(pool_world: PoolWorld) -> bytes:
    """A batch of two replicas."""
    return pool_world.match(pool_world.order(), "provider 1", "provider 2")


@pytest.fixture
def lone(pool_world: PoolWorld) -> bytes:
    """A batch of one replica."""
    return pool_world.match(pool_world.order(replicas=1), "provider 1")


def _code(door: Door, envelope: Any) -> str:
    before = door.store.count()
    with pytest.raises(Rejected) as caught:
        door.admit(envelope)
    assert door.store.count() == before
    return caught.value.code


def _end(pool_world: PoolWorld, batch_id: bytes) -> None:
    pool_world.market.clock += 60
    pool_world.market.apply(actions.Expire(account("stranger"), batch_id))
    assert pool_world.market.batch(batch_id) is None


def test_commit_and_opening(door: Door, pool_world: PoolWorld, several: bytes) -> None:
    opening = pool_world.opening(several)
    assert _code(door, opening) == "batches: opening"
    entry, created = door.admit(pool_world.commit_envelope(several))
    assert (created, entry.conflict) == (True, False)
    assert door.admit(opening)[1]
    assert not door.admit(opening)[1]


def test_who_may_commit(door: Door, pool_world: PoolWorld, several: bytes, lone: bytes) -> None:
    assert _code(door, pool_world.commit_envelope(several, signer="provider 2")) == "batches: signer"
    assert _code(door, pool_world.commit_envelope(several, "provider 3")) == "batches: replica"
    assert _code(door, pool_world.commit_envelope(lone)) == "batches: lone"
    assert _code(door, pool_world.commit_envelope(b"\x01" * 32)) == "batches: unknown"
    pool_world.name_operator("provider 1", "operator")
    assert door.admit(pool_world.commit_envelope(several, signer="operator"))[1]


def test_a_commitment_in_time(door: Door, pool_world: PoolWorld, several: bytes) -> None:
    pool_world.market.clock += 59
    assert door.admit(pool_world.commit_envelope(several))[1]
    pool_world.market.clock += 1
    assert _code(door, pool_world.commit_envelope(several, "provider 2")) == "batches: late"


def test_two_commitments_are_kept_as_evidence_and_marked(door: Door, pool_world: PoolWorld, several: bytes) -> None:
    first, _ = door.admit(pool_world.commit_envelope(several))
    door.admit(pool_world.commit_envelope(several, "provider 2"))
    pool_world.market.clock += 60
    second, _ = door.admit(pool_world.commit_envelope(several, seed=1))
    assert (first.conflict, second.conflict) == (False, True)
    held = door.store.list_open([Kind.COMMIT], 0, 10, 0, batch_id=several)
    assert [entry.conflict for entry in held] == [True, False, True]
    with pytest.raises(EntryConflict):
        door.admit(pool_world.commit_envelope(several, seed=2))
    assert len(known_commitments(door.store, several, account("provider 1"))) == 2


def test_an_opening_of_a_commitment_on_chain(door: Door, pool_world: PoolWorld, several: bytes) -> None:
    commit = pool_world.commit_envelope(several).commit
    sealed = actions.SignedCommit(0, commit.commitment)
    pool_world.market.apply(actions.Deliver(account("provider 1"), several, (sealed,)))
    assert door.admit(pool_world.opening(several))[1]
    assert _code(door, pool_world.opening(several, "provider 2")) == "batches: opening"


def test_openings_that_open_nothing(door: Door, pool_world: PoolWorld, several: bytes, lone: bytes) -> None:
    door.admit(pool_world.commit_envelope(several))
    opening = pool_world.opening(several)
    assert _code(door, replace(opening, salt=bytes(32))) == "batches: opening"
    assert _code(door, replace(opening, provider=account("provider 2"))) == "batches: opening"
    assert _code(door, replace(opening, provider=account("provider 3"))) == "batches: replica"
    assert _code(door, replace(opening, provider=b"\xff" * 32)) == "batches: replica"
    assert _code(door, replace(opening, batch_id=lone)) == "batches: lone"
    assert _code(door, replace(opening, batch_id=b"\x01" * 32)) == "batches: unknown"
    top = opening.top
    assert _code(door, replace(opening, top=replace(top, left_units=top.left_units + 1))) == "batches: opening"
    assert _code(door, replace(opening, top=Top(top.left, 2**64 - 1, top.right, 2**64 - 1))) == "batches: units"


def test_a_post_shows_what_it_signs(door: Door, pool_world: PoolWorld, lone: bytes, several: bytes) -> None:
    envelope = pool_world.post_envelope(lone)
    assert _code(door, pool_world.post_envelope(lone, signer="stranger")) == "batches: signer"
    assert _code(door, pool_world.post_envelope(lone, "provider 2")) == "batches: replica"
    assert _code(door, pool_world.post_envelope(several)) == "batches: lone"
    assert _code(door, pool_world.post_envelope(lone, units=11)) == "batches: units"
    assert _code(door, replace(envelope, top=pool_world.opening(several, seed=1).top)) == "posts: top"
    assert _code(door, replace(envelope, top=Top(bytes(32), 2**64 - 1, bytes(32), 1))) == "trees: overflow"
    assert door.admit(envelope)[1]
    other, _ = door.admit(pool_world.post_envelope(lone, seed=1))
    assert other.conflict
    pool_world.market.clock += 60
    assert _code(door, pool_world.post_envelope(lone, seed=2)) == "batches: late"


def test_a_delivery_outlives_its_batch(door: Door, pool_world: PoolWorld, several: bytes) -> None:
    _end(pool_world, several)
    assert _code(door, pool_world.commit_envelope(several)) == "batches: unknown"
    assert _code(door, pool_world.delivery_envelope(several, "provider 3")) == "batches: replica"
    assert _code(door, pool_world.delivery_envelope(several, signer="stranger")) == "batches: signer"
    assert _code(door, pool_world.delivery_envelope(b"\x01" * 32)) == "batches: unknown"
    assert door.admit(pool_world.delivery_envelope(several))[1]
