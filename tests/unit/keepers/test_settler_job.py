"""The settler's job: lies in pools, results from stores, and the cheap lane."""

from pathlib import Path

import pytest
from fake_writer import FakeWriter
from keeper_world import COUNT, KeeperWorld, account, results

from keepers.build import build_settler
from keepers.store.database import Database, open_database
from stun.chains.market import Sealed
from stun.pool.envelopes import CommitEnvelope, DeliveryEnvelope, OpeningEnvelope
from stun.protocol.messages import Commit, Delivery
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import Top
from stun.storage.folder import FolderBlobStore
from stun.storage.packages import pack_outputs, results_of
from stun.storage.results import MAGIC, RESULT_BYTES, pack_results

pytestmark = pytest.mark.unit


@pytest.fixture
def job_database(tmp_path: Path) -> Database:
    return open_database(tmp_path / "keeper.db")


def test_forged_commitments_and_openings_are_passed_over(job_database: Database) -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    job = world.settler(job_database)
    forged = Commit(batch_id, world.providers[0], b"\x0f" * 32)
    world.pools.publish(CommitEnvelope(forged, world.sign("provider 1", forged)))
    world.pools.publish(OpeningEnvelope(batch_id, world.providers[0], Top(b"", -1, b"x", 2**70), b"short"))
    world.pools.publish(OpeningEnvelope(batch_id, account("stranger"), results("honest").top, bytes(32)))
    job.tick()
    assert job.metrics.count("deliver", "done") == 0
    world.reveal_all(batch_id, {0: results("honest"), 1: results("honest")})
    job.tick()
    assert job.metrics.count("deliver", "done") == 1
    record = world.market.batch(batch_id)
    assert record is not None
    assert [state.name for state in record.states] == ["REVEALED", "REVEALED"]


def test_what_a_provider_brought_itself_is_not_brought_again(job_database: Database) -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    tree = results("honest")
    world.reveal_all(batch_id, {0: tree, 1: tree})
    sealed = world.pools.commits(batch_id)[0]
    FakeWriter(world.market, world.providers[0]).deliver(
        "own", batch_id, world.terms(batch_id), [Sealed(0, sealed.commit.commitment)], []
    )
    job = world.settler(job_database)
    job.tick()
    committed = [event for event in world.market.log if event.name == "Committed"]
    assert [event.fields["provider"] for event in committed] == [world.providers[0], world.providers[1]]
    assert job.metrics.count("deliver", "done") == 1


def test_a_disagreement_is_resolved_from_open_outputs_and_paid_by_tasks(job_database: Database, tmp_path: Path) -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    store = FolderBlobStore(tmp_path / "blobs")
    outputs = {0: [(b"right", 50)] * COUNT, 1: [(b"right", 50)] * (COUNT - 1) + [(b"wrong", 50)]}
    for number, made in outputs.items():
        blob = store.put(pack_outputs(made, bytes(32), batch_id + world.providers[number]))
        message = Delivery(batch_id, world.providers[number], blob)
        world.pools.publish(DeliveryEnvelope(message, (), world.sign(f"provider {number}", message)))
    world.reveal_all(batch_id, {number: results_of(made, NumericClass.OPAQUE) for number, made in outputs.items()})

    writer = FakeWriter(world.market, account("settler"))
    job = build_settler(world.market, writer, world.pools, world.settings(), stores=[store], database=job_database)
    job.tick()
    job.tick()
    assert job.metrics.count("resolve", "done") == 1
    world.market.clock += 40
    job.tick()
    assert job.metrics.count("settle", "done") == 1
    settled = next(event for event in world.market.log if event.name == "Settled")
    assert settled.fields["paid"] == (150_000, 150_000, 0), "three of four tasks, 50 units each, to both"


def _publish_leaves(world: KeeperWorld, store: FolderBlobStore, number: int, batch_id: bytes, data: bytes) -> None:
    message = Delivery(batch_id, world.providers[number], store.put(data))
    world.pools.publish(DeliveryEnvelope(message, (), world.sign(f"provider {number}", message)))


def test_a_disagreement_is_resolved_from_published_leaves_alone(job_database: Database, tmp_path: Path) -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    store = FolderBlobStore(tmp_path / "blobs")
    trees = {0: results("honest"), 1: results("wrong", differing=(2,))}
    world.reveal_all(batch_id, trees)
    for number, tree in trees.items():
        _publish_leaves(world, store, number, batch_id, b"sealed, as no keeper can open it")
        _publish_leaves(world, store, number, batch_id, pack_results(tree))

    writer = FakeWriter(world.market, account("settler"))
    job = build_settler(world.market, writer, world.pools, world.settings(), stores=[store], database=job_database)
    job.tick()
    job.tick()
    assert job.metrics.count("resolve", "done") == 1
    world.market.clock += 40
    job.tick()
    settled = next(event for event in world.market.log if event.name == "Settled")
    assert settled.fields["paid"] == (150_000, 150_000, 0), "three of four tasks, 50 units each, to both"


@pytest.mark.parametrize("lie", ["another root", "truncated", "empty", "ghost leaf", "overflow", "noise", "not there"])
def test_leaves_that_are_not_under_the_root_on_chain_resolve_nothing(
    job_database: Database, tmp_path: Path, lie: str
) -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    store = FolderBlobStore(tmp_path / "blobs")
    trees = {0: results("honest"), 1: results("wrong", differing=(2,))}
    true = pack_results(trees[1])
    lies = {
        "another root": pack_results(results("other", differing=(0,))), "truncated": true[:-1], "empty": MAGIC,
        "ghost leaf": true + bytes(RESULT_BYTES), "overflow": MAGIC + b"\xff" * RESULT_BYTES * 4, "noise": b"\x00" * 99,
    }  # fmt: skip
    world.reveal_all(batch_id, trees)
    _publish_leaves(world, store, 0, batch_id, pack_results(trees[0]))
    if lie in lies:
        _publish_leaves(world, store, 1, batch_id, lies[lie])
    else:
        absent = Delivery(batch_id, world.providers[1], bytes(32))
        world.pools.publish(DeliveryEnvelope(absent, (), world.sign("provider 1", absent)))

    writer = FakeWriter(world.market, account("settler"))
    job = build_settler(world.market, writer, world.pools, world.settings(), stores=[store], database=job_database)
    job.tick()
    assert job.metrics.count("resolve", "done") == 0

    _publish_leaves(world, store, 1, batch_id, true)
    job.tick()
    assert job.metrics.count("resolve", "done") == 1


def test_without_the_outputs_a_disagreement_is_left_to_those_who_have_them(job_database: Database) -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    world.reveal_all(batch_id, {0: results("honest"), 1: results("wrong", differing=(1,))})
    job = world.settler(job_database)
    for _ in range(4):
        job.tick()
        world.market.clock += 30
    assert job.metrics.count("resolve", "done") == 0
    assert world.market.batch(batch_id) is not None


def test_a_batch_of_a_silent_provider_ends_and_the_other_is_paid(job_database: Database) -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    job = world.settler(job_database)
    tree = results("honest")
    world.publish_commit(0, batch_id, tree)
    for _ in range(12):
        job.tick()
        world.market.clock += 10
        if world.market.clock > world.terms(batch_id).post_by:
            world.publish_opening(0, batch_id, tree)
    for _ in range(8):
        job.tick()
        world.market.clock += 10
    assert world.market.batch(batch_id) is None
    settled = next(event for event in world.market.log if event.name == "Settled")
    assert settled.fields["paid"][0] > 0
    assert settled.fields["paid"][1] == 0
