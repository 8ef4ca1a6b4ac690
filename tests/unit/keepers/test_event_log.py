"""The event log equals the chain after any reorganisation, and is not moved by an endpoint that lags."""

from hashlib import sha256
from typing import Any

import pytest
from fake_market import FakeMarket
from fake_writer import FakeWriter
from hypothesis import given, settings
from hypothesis import strategies as st
from keeper_world import KeeperWorld, account, results

from keepers.store.database import open_database
from keepers.store.events import EventLog, Synced
from stun.chains.market import ChainEvent

pytestmark = pytest.mark.unit


class Chain:
    """Blocks of events that can be replaced; the part of a MarketReader that the log needs."""

    def __init__(self) -> None:
        self.blocks: list[list[ChainEvent]] = [[]]
        self._forks = 0

    def add(self, names: list[str]) -> None:
        """Add a block with these events, each of its own batch."""
        number = len(self.blocks)
        block_hash = sha256(f"{number} {self._forks} {names}".encode()).digest()
        events = []
        for index, name in enumerate(names):
            fields: dict[str, Any] = {
                "batch_id": sha256(f"{number} {index}".encode()).digest(),
                "provider": b"\x01" * 32,
            }
            fields |= {"outputs_root": b"\x02" * 32, "total_units": 2**63 + index, "settler": b"\x03" * 32}
            events.append(ChainEvent(name, fields, number, block_hash, index, b"\x04" * 32))
        self.blocks.append(events)

    def reorganise(self, depth: int) -> None:
        """Take the newest blocks back."""
        self._forks += 1
        del self.blocks[max(1, len(self.blocks) - depth) :]

    def head(self) -> int:
        """The newest block."""
        return len(self.blocks) - 1

    def events(self, first: int, last: int, batch_id: bytes | None = None) -> list[ChainEvent]:
        """Events of blocks first..last."""
        return [event for block in self.blocks[max(0, first) : last + 1] for event in block]


def _claimed(log: EventLog, chain: Chain) -> list[bytes]:
    ids = {event.fields["batch_id"] for block in chain.blocks for event in block}
    return sorted(batch for batch in ids if log.claims(batch))


NAMES = st.lists(st.sampled_from(["Posted", "Revealed", "Committed"]), max_size=2)
SOME = st.lists(st.sampled_from(["Posted", "Revealed"]), min_size=1, max_size=2)


def assert_follows(moves: list[list[str] | int], depth: int) -> None:
    """Sync after every move (a block, or a reorganisation of so many blocks) and compare with a fresh sync."""
    chain, log = Chain(), EventLog(open_database("sqlite://"), "scope", first_block=1, depth=depth)
    for move in moves:
        if isinstance(move, int):
            missing = min(move, len(chain.blocks) - 1)
            chain.reorganise(move)
            for _ in range(missing + 1):
                chain.add(["Posted"])
        else:
            chain.add(move)
        log.sync(chain)  # type: ignore[arg-type]
    fresh = EventLog(open_database("sqlite://"), "scope", first_block=1)
    fresh.sync(chain)  # type: ignore[arg-type]
    assert _claimed(log, chain) == _claimed(fresh, chain)
    assert log.cursor() == chain.head()


@given(moves=st.lists(st.one_of(NAMES, st.integers(1, 4)), min_size=1, max_size=14))
@settings(max_examples=60, deadline=None)
def test_after_reorganisations_within_its_depth_the_log_is_the_chain(moves: list[list[str] | int]) -> None:
    assert_follows(moves, depth=4)


@given(moves=st.lists(st.one_of(SOME, st.integers(1, 12)), min_size=1, max_size=14), depth=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_deeper_reorganisations_are_found_by_the_events_they_took(moves: list[list[str] | int], depth: int) -> None:
    assert_follows(moves, depth)


def test_a_lagging_endpoint_takes_nothing_back() -> None:
    chain, log = Chain(), EventLog(open_database("sqlite://"), "scope", first_block=1)
    for _ in range(4):
        chain.add(["Posted"])
    assert log.sync(chain) == Synced(0, 4)  # type: ignore[arg-type]
    newest = chain.blocks.pop()
    assert log.sync(chain) == Synced(0, 0)  # type: ignore[arg-type]
    assert log.cursor() == 4
    chain.blocks.append(newest)
    assert log.sync(chain) == Synced(0, 0)  # type: ignore[arg-type]


def test_a_match_that_is_undone_is_forgotten_and_found_again() -> None:
    world = KeeperWorld()
    database = open_database("sqlite://")
    job = world.settler(database)
    before = world.market.state, list(world.market.log), world.market._head
    batch_id = world.open_batch([0])
    job.tick()
    world.publish_post(0, batch_id, results("honest"))

    market: FakeMarket = world.market
    market.state, market.log, market._head = before[0], list(before[1]), before[2]
    world.fund(account("stranger"), 5)  # another block takes the place of the one that held the match
    job.tick()
    assert job._events.unfinished() == []
    assert job.metrics.registry.get_sample_value("stun_keeper_events_undone_total", {"duty": "settler"}) == 1
    assert job.metrics.count("post", "done") == 0


def test_loads_count_unfinished_batches_by_provider() -> None:
    world = KeeperWorld()
    log = EventLog(open_database("sqlite://"), "scope")
    first, second = world.open_batch([0, 1]), world.open_batch([0])
    log.sync(world.market)
    assert log.unfinished() == [first, second]
    assert log.loads() == {world.providers[0]: 2, world.providers[1]: 1}
    world.market.clock += 100
    FakeWriter(world.market, account("stranger")).expire("expire", first, world.terms(first))
    log.sync(world.market)
    assert log.unfinished() == [second]
    assert log.loads() == {world.providers[0]: 1}
