"""The matcher's job: what it asks, what it remembers, and how it meets bids that only look valid."""

from pathlib import Path
from typing import Any

import pytest
from fake_writer import FakeWriter
from keeper_world import STUN, KeeperWorld, account

from keepers.build import build_matcher
from keepers.pool_mirror import PoolMirror
from keepers.store.database import Database, open_database
from stun.chains.interface import ChainError, Intent
from stun.pool.envelopes import Kind
from stun.pool.errors import PoolUnavailable
from stun.protocol.errors import Rejected
from stun.protocol.messages import Operator

pytestmark = pytest.mark.unit


@pytest.fixture
def job_database(tmp_path: Path) -> Database:
    return open_database(tmp_path / "keeper.db")


class PickyWriter(FakeWriter):
    """A writer on a chain that refuses bids of some providers, for a reason that no reader shows."""

    def __init__(self, world: KeeperWorld, refused: set[bytes]) -> None:
        super().__init__(world.market, account("matcher"))
        self.refused = refused
        self.calls = 0

    def match(self, key: str, *arguments: Any) -> Intent:
        """Refuse or match."""
        self.calls += 1
        if any(offer.bid.provider in self.refused for offer in arguments[2]):
            raise Rejected("bids: signature")
        return super().match(key, *arguments)


def test_a_provider_is_asked_once_across_a_restart(job_database: Database) -> None:
    world = KeeperWorld()
    world.publish_profile(0, STUN)
    world.publish_profile(1, STUN)
    world.publish_order(world.order())
    world.matcher(job_database).tick()
    world.matcher(job_database).tick()
    assert len(world.asks()) == 2
    ask = world.asks()[0]
    digest = ask.ask.digest(world.market.domain)
    assert world.market.is_signed_by(account("matcher"), digest, ask.signature)


def test_a_crash_while_asking_asks_too_little_and_never_twice(job_database: Database) -> None:
    world = KeeperWorld()
    world.publish_profile(0, STUN)
    world.publish_order(world.order())
    mirror = PoolMirror(world.pools.follower(), world.market.domain, world.market.now)

    def unavailable(_envelope: object) -> None:
        raise PoolUnavailable("pool", "away")

    mirror.ask = unavailable  # type: ignore[assignment]
    writer = FakeWriter(world.market, account("matcher"))
    job = build_matcher(
        world.market, writer, mirror, world.settings(), sign=lambda _digest: bytes(65), database=job_database
    )
    with pytest.raises(PoolUnavailable):
        job.tick()
    world.matcher(job_database).tick()
    assert world.asks() == []
    world.market.clock += 60
    world.matcher(job_database).tick()
    assert len(world.asks()) == 1


def test_bids_that_the_chain_refuses_do_not_block_an_order(job_database: Database) -> None:
    world = KeeperWorld()
    writer = PickyWriter(world, {world.providers[0]})
    job = world.matcher(job_database, writer=writer)
    digest = world.publish_order(world.order())
    world.publish_bid(0, digest, STUN - 100, account("matcher"))
    for number in (1, 2):
        world.publish_bid(number, digest, STUN - number, account("matcher"))
    for _ in range(12):
        job.tick()
        world.market.clock += 1
    batch = world.market.batch(digest)
    assert batch is not None
    assert {cast.provider for cast in world.terms(digest).casts} == {world.providers[1], world.providers[2]}
    assert writer.calls <= 4


def test_an_order_that_is_cancelled_before_sending_is_not_brought(job_database: Database) -> None:
    world = KeeperWorld()
    job = world.matcher(job_database, facts_seconds=1_000)
    order = world.order()
    digest = world.publish_order(order)
    for number in (0, 1):
        world.publish_bid(number, digest, STUN, account("matcher"))
    job.tick()
    FakeWriter(world.market, account("requester")).cancel_order("cancel", order.nonce)
    world.market.clock += 10
    job.tick()
    assert job.metrics.count("match", "withdrawn") == 1, "facts were read afresh before sending"
    assert world.market.batch(digest) is None


def test_operators_may_sign_bids(job_database: Database) -> None:
    world = KeeperWorld()
    operator = Operator(world.providers[0], account("operator"), 0, world.market.clock + 100)
    FakeWriter(world.market, world.providers[0]).set_operator("operator", operator)
    job = world.matcher(job_database)
    digest = world.publish_order(world.order(replicas=1))
    bid = world.publish_bid(0, digest, STUN, account("matcher"))
    envelope = world.pools.held[Kind.BID].pop()
    world.pools.publish(type(envelope)(bid, world.sign("operator", bid)))
    job.tick()
    world.market.clock += 5
    job.tick()
    assert [cast.provider for cast in world.terms(digest).casts] == [world.providers[0]]


def test_a_dry_run_asks_and_matches_nothing(job_database: Database) -> None:
    world = KeeperWorld()
    told: list[str] = []
    mirror = PoolMirror(world.pools.follower(), world.market.domain, world.market.now)
    job = build_matcher(
        world.market, None, mirror, world.settings(account="0x" + account("matcher").hex()),
        sign=lambda _digest: pytest.fail("signed in a dry run"), database=job_database,
        tell=lambda kind, what: told.append(kind),
    )  # fmt: skip
    world.publish_profile(3, STUN)
    digest = world.publish_order(world.order())
    for number in (0, 1):
        world.publish_bid(number, digest, STUN, account("matcher"))
    for _ in range(3):
        job.tick()
        world.market.clock += 5
    assert told == ["match"]
    assert world.asks() == []
    assert world.market.batch(digest) is None


def test_what_pools_hold_expires_from_the_mirror() -> None:
    world = KeeperWorld()
    mirror = PoolMirror(world.pools.follower(), world.market.domain, world.market.now)
    digest = world.publish_order(world.order())
    world.publish_bid(0, digest, STUN, account("matcher"))
    world.publish_profile(0, STUN)
    assert [len(found) for found in (mirror.orders(), mirror.bids([digest]), mirror.profiles())] == [1, 1, 1]
    assert mirror.bids([b"\x01" * 32]) == []
    world.market.clock += 600
    assert [len(found) for found in (mirror.orders(), mirror.bids([digest]), mirror.profiles())] == [1, 0, 1]
    world.market.clock += 3_000
    assert [len(found) for found in (mirror.orders(), mirror.bids([digest]), mirror.profiles())] == [0, 0, 0]


def test_an_endpoint_that_fails_is_an_error_of_the_world(job_database: Database) -> None:
    world = KeeperWorld()
    job = world.matcher(job_database)
    world.publish_order(world.order())

    def fail(_asset: bytes) -> None:
        raise ChainError("away")

    world.market.rules = fail  # type: ignore[assignment]
    job._facts._rules._ask = fail  # type: ignore[assignment]
    with pytest.raises(ChainError, match="away"):
        job.tick()
