"""A provider killed with -9 after any of its acts: one commitment, one post, and it is paid."""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from crashing_provider import Serving, World, live
from fake_market import FAKE_USDC

pytestmark = pytest.mark.integration

NEVER = 0
LIVES = 60
BRINGING = ("post", "commit", "reveal", "leave")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: what -9 leaves does not depend on the disk, and its syncs cost minutes."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


@contextmanager
def _world(folder: Path, replicas: int, lane: bool) -> Iterator[tuple[World, Serving]]:
    world = World(folder, replicas, lane)
    serving = Serving(world)
    try:
        yield world, serving
    finally:
        serving.close()
        for rival in world.rivals:
            rival.close()


def _check(world: World) -> None:
    one = world.order.replicas == 1
    assert len(world.commits()) == (0 if one else 1)
    assert len(world.openings()) == (0 if one else 1)
    assert len(world.events("Posted" if one else "Committed")) == 1
    assert len(world.events("Posted" if one else "Revealed")) == 1
    assert world.events("ReplicaOut") == []
    assert len([e for e in world.bench.deliveries(world.batch_id) if e.delivery.provider == world.party.account]) == 1
    sent = [intent for key, intent in world.party.writer.intents.items() if key.startswith("provider:")]
    assert all(intent.ok for intent in sent)
    duties = [intent.key.split(":")[1] for intent in sent]
    assert all(duties.count(duty) <= 1 for duty in BRINGING)
    paid = 5 * 10**6 // 10**6 * 8 // 10
    assert world.bench.market.balance(FAKE_USDC, world.party.account) == 10**9 + paid


@pytest.mark.parametrize(("replicas", "lane"), [(1, True), (1, False), (2, True), (2, False)])
def test_killed_after_each_act_once(folder: Path, replicas: int, lane: bool) -> None:
    kills = 0
    for crash_at in range(1, 1_000):
        own = folder / str(crash_at)
        with _world(own, replicas, lane) as (world, serving):
            code = live(serving, own, world.policy, crash_at)
            if code == 0:
                break
            assert code == -signal.SIGKILL
            kills += 1
            assert live(serving, own, world.policy, NEVER) == 0
            _check(world)
    assert kills >= 20


@pytest.mark.parametrize("seed", range(3))
def test_killed_over_and_over(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    with _world(folder, 2, lane=False) as (world, serving):
        codes = [live(serving, folder, world.policy, chance.randint(2, 9)) for _ in range(4)]
        while codes[-1] != 0 and len(codes) < LIVES:
            codes.append(live(serving, folder, world.policy, chance.randint(4, 40)))
        assert codes[-1] == 0
        assert codes.count(-signal.SIGKILL) == len(codes) - 1 >= 4
        _check(world)
