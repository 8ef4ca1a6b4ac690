"""An order whose ask every pool refuses ended the matcher's cycle: no later order was asked for, none was matched."""

from pathlib import Path
from typing import Any

import pytest
from fake_writer import FakeWriter
from keeper_world import STUN, Follower, KeeperWorld, account, key_of

from keepers.build import build_matcher
from keepers.pool_mirror import PoolMirror
from keepers.store.database import open_database
from stun.pool.envelopes import AskEnvelope, Envelope
from stun.pool.errors import PoolError, PoolRefused, PoolsExhausted, PoolUnavailable

pytestmark = pytest.mark.unit


class Refusing(Follower):
    """Pools that fail for the asks of one order."""

    poison = b""
    failure: PoolError = PoolRefused("one", "asks: expired", "the market would refuse this")

    def publish(self, envelope: Envelope) -> None:
        if isinstance(envelope, AskEnvelope) and envelope.ask.order_digest == self.poison:
            raise PoolsExhausted("publish", (self.failure,))
        super().publish(envelope)


def _matcher(world: KeeperWorld, pools: Follower, folder: Path) -> Any:
    return build_matcher(
        world.market, FakeWriter(world.market, account("matcher")),
        PoolMirror(pools, world.market.domain, world.market.now), world.settings(),
        sign=key_of("matcher").sign_digest, database=open_database(folder / "keeper.db"),
    )  # fmt: skip


def _world() -> tuple[KeeperWorld, Refusing, list[bytes]]:
    world = KeeperWorld()
    pools = Refusing(world.pools)
    for number in range(2):
        world.publish_profile(number, STUN)
    return world, pools, [world.publish_order(world.order()) for _ in range(3)]


def test_the_other_orders_are_asked_for_and_matched(tmp_path: Path) -> None:
    world, pools, digests = _world()
    job = _matcher(world, pools, tmp_path)
    pools.poison = digests[0]
    job.tick()
    assert {envelope.ask.order_digest for envelope in world.asks()} == set(digests[1:])
    pools.poison = b""
    world.market.clock += 61
    job.tick()
    asked = {envelope.ask.order_digest for envelope in world.asks()}
    assert asked == set(digests)
    assert job.metrics.count("ask", "refused") == 2, "both providers of the one order"

    world.answer_asks([STUN] * 5)
    world.market.clock += 10
    job.tick()
    assert [event.name for event in world.market.log].count("BatchOpened") == 3


def test_a_pool_that_does_not_answer_still_ends_the_cycle(tmp_path: Path) -> None:
    world, pools, digests = _world()
    pools.poison, pools.failure = digests[0], PoolUnavailable("one", "no answer")
    with pytest.raises(PoolsExhausted):
        _matcher(world, pools, tmp_path).tick()
