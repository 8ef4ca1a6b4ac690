"""Keepers on the market in memory, from an order in a pool to money in an account."""

from pathlib import Path

import pytest
from keeper_world import STUN, KeeperWorld, account, results

from keepers.store.database import Database, open_database
from stun.pool.envelopes import Kind
from stun.protocol.market.state import Phase

pytestmark = pytest.mark.integration


@pytest.fixture
def keeper_database(tmp_path: Path) -> Database:
    return open_database(tmp_path / "keeper.db")


def test_an_order_is_matched_with_its_cheapest_bids_delivered_and_settled(keeper_database: Database) -> None:
    world = KeeperWorld()
    matcher, settler = world.matcher(keeper_database), world.settler(keeper_database)
    for number in range(4):
        world.publish_profile(number, STUN - number)
    digest = world.publish_order(world.order())

    matcher.tick()
    assert {ask.ask.provider for ask in world.asks()} == set(world.providers[:4])
    assert all(ask.ask.matcher == account("matcher") for ask in world.asks())
    world.answer_asks([STUN, STUN - 10, STUN - 20, STUN, STUN])
    matcher.tick()
    terms = world.terms(digest)
    assert [cast.provider for cast in terms.casts] == [world.providers[2], world.providers[1]]

    tree = results("honest")
    world.reveal_all(digest, {1: tree, 2: tree})
    settler.tick()
    record = world.market.batch(digest)
    assert record is not None
    assert record.phase == Phase.RESULTS
    settler.tick()
    assert world.market.batch(digest) is not None, "settled before it was quiet"
    world.market.clock += 40
    settler.tick()
    assert world.market.batch(digest) is None
    assert world.market.balance(world.asset, account("matcher")) > 0
    assert world.market.balance(world.asset, account("settler")) > 0
    assert [settler.metrics.count(kind, "done") for kind in ("deliver", "settle")] == [1, 1]
    assert matcher.metrics.count("match", "done") == 1


def test_a_lone_replica_is_posted_from_the_pool_and_settled(keeper_database: Database) -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([3])
    settler = world.settler(keeper_database)
    settler.tick()
    assert settler.metrics.count("post", "done") == 0
    world.publish_post(3, batch_id, results("honest"))
    settler.tick()
    assert settler.metrics.count("post", "done") == 1
    world.market.clock += 40
    settler.tick()
    assert world.market.batch(batch_id) is None
    assert world.market.balance(world.asset, account("creator")) > 0


def test_two_matchers_and_two_settlers_at_once_act_once(tmp_path: Path) -> None:
    world = KeeperWorld()
    names = ("first", "second")
    databases = {name: open_database(tmp_path / f"{name}.db") for name in names}
    matchers = [world.matcher(databases[name], f"{name} matcher", ask_factor=1) for name in names]
    for number in range(2):
        world.publish_profile(number, STUN)
    world.publish_order(world.order())
    for matcher in matchers:
        matcher.tick()
    for number in range(2):
        for name in names:
            world.publish_bid(number, world.asks()[0].ask.order_digest, STUN - 1, account(f"{name} matcher"))
    for _ in range(3):
        for matcher in matchers:
            matcher.tick()
    opened = [event for event in world.market.log if event.name == "BatchOpened"]
    assert len(opened) == 1
    batch_id = opened[0].fields["batch_id"]

    settlers = [world.settler(databases[name], f"{name} settler") for name in names]
    world.reveal_all(batch_id, {0: results("honest"), 1: results("honest")})
    for _ in range(3):
        for settler in settlers:
            settler.tick()
        world.market.clock += 20
    assert [event.name for event in world.market.log].count("Settled") == 1
    assert sum(settler.metrics.count("deliver", "done") for settler in settlers) == 1
    assert sum(settler.metrics.count("settle", "done") for settler in settlers) == 1


def test_pools_full_of_lies_bring_nothing_onto_the_chain(keeper_database: Database) -> None:
    world = KeeperWorld()
    matcher = world.matcher(keeper_database)
    order = world.order()
    digest = world.publish_order(order, role="provider 0")  # signed by another than its requester
    world.publish_bid(0, digest, STUN, account("matcher"))
    world.publish_bid(1, digest, STUN, account("matcher"))
    world.market.clock += 20
    matcher.tick()
    assert world.asks() == []
    assert world.market.batch(digest) is None

    true_digest = world.publish_order(order)
    assert true_digest == digest
    world.pools.held[Kind.BID] = []
    world.publish_bid(0, digest, STUN, account("matcher"))
    world.publish_bid(0, digest, STUN - 5, account("matcher"))
    world.publish_bid(1, digest, STUN, account("matcher"), provider=world.providers[2])  # signed by another
    for _ in range(3):
        matcher.tick()
        world.market.clock += 10
    assert world.market.batch(digest) is None, "two bids of one provider, or a forged one, made a match"
