"""A reorganisation replaced a match before anybody looked: acts made for the old one stand under keys that were used,
with another payload. Provider and keeper were stuck on them; they act under the next key.

And a match that was undone for good leaves the provider's books after its bid has long expired; it held a place.
"""

from pathlib import Path
from typing import Any

import pytest
from fake_market import FakeMarket
from fake_writer import FakeWriter
from keeper_world import KeeperWorld, account, results
from provider_bench import Bench, Party

from keepers.store.database import open_database
from stun.chains.interface import Intent, IntentConflict
from stun.protocol.market.state import Phase
from stun.provider.batch_watch import BID_GRACE_SECONDS
from stun.provider.journal import Step

pytestmark = pytest.mark.unit


class UsedKeys(FakeWriter):
    """A writer whose first key of each act stands for another payload."""

    def __init__(self, market: FakeMarket, who: bytes) -> None:
        super().__init__(market, who)
        self.keys: list[str] = []

    def post(self, key: str, *arguments: Any) -> Intent:
        self._meet(key)
        return super().post(key, *arguments)

    def settle(self, key: str, *arguments: Any) -> Intent:
        self._meet(key)
        return super().settle(key, *arguments)

    def _meet(self, key: str) -> None:
        self.keys.append(key)
        if key.endswith(":0"):
            raise IntentConflict(f"intent {key!r} exists with another payload")


def test_a_provider_posts_under_the_next_key(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    party = Party(bench.market, "provider")
    party.writer = UsedKeys(bench.market, party.account)
    provider = bench.provider("provider", party=party.fund(), native=True)
    batch_id = bench.open_batch(bench.order(), [provider])

    for _ in range(6):
        provider.tick()

    assert [key.rpartition(":")[2] for key in party.writer.keys] == ["0", "1"]
    assert bench.phase(batch_id) is Phase.RESULTS


def test_a_settler_ends_the_batch_under_the_next_key_and_goes_on_with_others(tmp_path: Path) -> None:
    world = KeeperWorld()
    batches = [world.open_batch([0]), world.open_batch([1])]
    for number, batch_id in enumerate(batches):
        writer = FakeWriter(world.market, world.providers[number])
        writer.post("post", batch_id, world.terms(batch_id), results("honest").top)
    world.market.clock += 40
    used = UsedKeys(world.market, account("settler"))
    job = world.settler(open_database(tmp_path / "keeper.db"), writer=used, patience=1)

    job.tick()
    assert job.metrics.count("settle", "failed") == 2, "the first conflict ended the cycle"
    world.market.clock += 2
    job.tick()

    assert job.metrics.count("settle", "done") == 2
    assert all(world.market.batch(batch_id) is None for batch_id in batches)


def test_a_match_that_never_comes_back_is_forgotten_after_its_bid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    provider = bench.provider("provider")
    batch_id = bench.open_batch(bench.order(), [provider])
    before = bench.market.state
    provider.tick()
    assert provider.bidder.workload().batches == 1
    monkeypatch.setattr(bench.market, "batch", lambda _: None)
    monkeypatch.setattr(bench.market, "events", lambda *_: [])

    provider.tick()
    bench.market.clock += BID_GRACE_SECONDS - 1
    provider.tick()
    assert batch_id in provider.context.journal.active(), "given up too early: it may be matched again"
    bench.market.clock += BID_GRACE_SECONDS
    provider.tick()

    assert provider.context.journal.active() == []
    assert provider.bidder.workload().batches == 0
    assert provider.context.journal.read(batch_id, Step.SETTLED) == bytes(40)
    assert bench.market.state == before


def test_a_batch_that_a_lying_node_hides_for_a_moment_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, FakeMarket(auditors=0, max_post_seconds=86_400, unbonding_seconds=30 * 86_400))
    provider = bench.provider("provider", native=True)
    batch_id = bench.open_batch(bench.order(post_seconds=20_000), [provider])
    provider.tick()
    bench.market.clock += 2 * BID_GRACE_SECONDS  # the bid is long expired
    with monkeypatch.context() as lie:
        lie.setattr(bench.market, "batch", lambda _: None)
        lie.setattr(bench.market, "events", lambda *_: [])
        for _ in range(3):
            provider.tick()

    for _ in range(6):
        provider.tick()

    assert bench.phase(batch_id) is Phase.RESULTS
