"""A duty is done once: across crashes, lost races, faults of the chain, and without a key."""

from pathlib import Path
from typing import Any

import pytest
from fake_writer import FakeWriter
from keeper_world import KeeperWorld, account, results

from keepers.build import build_settler
from keepers.jobs.settler import SettlerJob
from keepers.store.database import Database, open_database
from keepers.store.duties import MAX_ATTEMPTS, MAX_ERRORS, DutyBook, DutyState
from stun.chains.interface import ChainError, Intent

pytestmark = pytest.mark.unit


class Killed(BaseException):
    """The process ends here."""


class WriterBetween(FakeWriter):
    """A writer of the market in memory with something that happens before, or instead of, its settling."""

    def __init__(self, world: KeeperWorld, role: str, happens: Any) -> None:
        super().__init__(world.market, account(role))
        self._happens = happens
        self.calls: list[str] = []

    def settle(self, key: str, *arguments: Any) -> Intent:
        """Settle after what happens."""
        self.calls.append(key)
        self._happens()
        return super().settle(key, *arguments)


@pytest.fixture
def duty_database(tmp_path: Path) -> Database:
    return open_database(tmp_path / "keeper.db")


def world_to_settle() -> tuple[KeeperWorld, bytes]:
    """A world with a lone batch whose result is in and quiet."""
    world = KeeperWorld()
    batch_id = world.open_batch([0])
    writer = FakeWriter(world.market, world.providers[0])
    writer.post("post", batch_id, world.terms(batch_id), results("honest").top)
    world.market.clock += 40
    return world, batch_id


def settled(world: KeeperWorld) -> int:
    return [event.name for event in world.market.log].count("Settled")


def outcomes(job: SettlerJob) -> dict[str, int]:
    counts = {name: job.metrics.count("settle", name) for name in ("done", "lost", "failed")}
    return {name: count for name, count in counts.items() if count}


def test_a_race_lost_between_decision_and_sending_is_recognised_and_not_tried_again(duty_database: Database) -> None:
    world, _ = world_to_settle()
    rival = world.settler(open_database("sqlite://"), "rival")
    writer = WriterBetween(world, "settler", rival.tick)
    job = world.settler(duty_database, writer=writer)
    for _ in range(4):
        job.tick()
        world.market.clock += 40
    assert settled(world) == 1
    assert outcomes(job) == {"lost": 1}
    assert len(writer.calls) == 1
    assert outcomes(rival) == {"done": 1}


def test_a_crash_between_decision_and_sending_leads_to_one_act_under_the_same_key(duty_database: Database) -> None:
    world, batch_id = world_to_settle()

    def die() -> None:
        raise Killed

    killed = WriterBetween(world, "settler", die)
    with pytest.raises(Killed):
        world.settler(duty_database, writer=killed).tick()

    writer = WriterBetween(world, "settler", lambda: None)
    job = world.settler(duty_database, writer=writer)
    job.tick()
    assert settled(world) == 0, "the duty that was written down may be under way: it is left alone for a while"
    world.market.clock += 30
    job.tick()
    assert settled(world) == 1
    assert writer.calls == killed.calls, "another key could act twice"
    job.tick()
    assert settled(world) == 1
    assert batch_id not in world.market.state.batches


def test_a_crash_after_sending_does_not_send_again(duty_database: Database) -> None:
    world, _ = world_to_settle()

    class DiesAfter(WriterBetween):
        def settle(self, key: str, *arguments: Any) -> Intent:
            super().settle(key, *arguments)
            raise Killed

    with pytest.raises(Killed):
        world.settler(duty_database, writer=DiesAfter(world, "settler", lambda: None)).tick()
    assert settled(world) == 1
    writer = WriterBetween(world, "settler", lambda: None)
    job = world.settler(duty_database, writer=writer)
    for _ in range(3):
        job.tick()
        world.market.clock += 40
    assert (settled(world), writer.calls) == (1, [])
    assert outcomes(job) == {"done": 1}, "the duty that was left open is closed by what the chain shows"


def test_a_fault_of_the_chain_is_raised_and_the_same_key_is_tried_again(duty_database: Database) -> None:
    world, _ = world_to_settle()
    faults = [ChainError("no endpoint")] * 2

    def stumble() -> None:
        if faults:
            raise faults.pop()

    writer = WriterBetween(world, "settler", stumble)
    job = world.settler(duty_database, writer=writer)
    for _ in range(2):
        with pytest.raises(ChainError, match="no endpoint"):
            job.tick()
        world.market.clock += 30
    job.tick()
    assert settled(world) == 1
    assert len(set(writer.calls)) == 1


def test_a_dry_run_tells_once_and_sends_nothing(duty_database: Database) -> None:
    world, batch_id = world_to_settle()
    told: list[tuple[str, dict[str, Any]]] = []
    job = build_settler(
        world.market, None, world.pools, world.settings(account="0x" + "11" * 20), database=duty_database,
        tell=lambda kind, what: told.append((kind, what)),
    )  # fmt: skip
    before = world.market.state
    for _ in range(3):
        job.tick()
    assert told == [("settle", {"subject": batch_id.hex()})]
    assert world.market.state is before
    assert job.metrics.count("settle", "told") == 1


def test_attempts_on_one_state_are_bounded(duty_database: Database) -> None:
    book = DutyBook(duty_database, "scope")
    keys = []
    for turn in range(MAX_ATTEMPTS):
        duty = book.plan("settle", b"\x01" * 32, 7, turn)
        assert duty is not None
        keys.append(duty.key)
        book.change(duty.key, DutyState.FAILED, turn, "refused")
    assert len(set(keys)) == MAX_ATTEMPTS
    assert book.plan("settle", b"\x01" * 32, 7, 99) is None
    assert book.plan("settle", b"\x01" * 32, 8, 99) is not None, "another state of the batch is another duty"


def test_an_open_duty_keeps_its_key_and_faults_end_it_at_last(duty_database: Database) -> None:
    book = DutyBook(duty_database, "scope")
    first = book.plan("post", b"\x01" * 32, 0, 10)
    again = book.plan("post", b"\x01" * 32, 0, 20)
    assert first is not None
    assert again is not None
    assert first.key == again.key
    for _ in range(MAX_ERRORS):
        book.fault(first.key, "x" * 500, 20)
    assert [duty.state for duty in book.all(b"\x01" * 32)] == [DutyState.FAILED]
    assert book.held(now=25, patience=30) == {(b"\x01" * 32, 0)}
    assert book.held(now=50, patience=30) == set()
    assert book.change("unknown", DutyState.DONE, 1) is None
