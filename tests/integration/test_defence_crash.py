"""A provider under demands, killed at any step: it forgets no demand, sends no answer twice, and is never convicted."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from defence_bench import Asked, DefenceBench, inputs_of
from provider_bench import Party
from scene_court import Crash

from stun.protocol.court.state import Kind

pytestmark = pytest.mark.integration


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one, since a journal's syncs cost minutes."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


class _Killer:
    """Ends the process at the n-th act."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash(name)


def _live(bench: DefenceBench, killer: _Killer) -> bool:
    """A batch under demands until its deposits are taken; return whether the provider was killed on the way."""
    party = Party(bench.market, "honest").fund()
    provider = bench.exact_provider("honest", party=party)
    asked = bench.with_results(provider, inputs_of(2, 4))
    provider.close()
    bench.court_writer(party.account).on_act = killer
    for action in (asked.top(), asked.trace(0), asked.trace(1)):
        asked.ask(action)
    provider = bench.exact_provider("honest", party=party, on_step=killer)
    killed = False
    for turn in range(10):
        try:
            provider.tick()
        except Crash:
            killed = True
            provider.close()
            provider = bench.exact_provider("honest", party=party, on_step=killer)
            provider.tick()
        if turn == 1:
            for seen in [seen for seen in asked.seen if seen.demand.kind is Kind.TRACE]:
                asked.below(seen, 0)
        bench.market.clock += 3 if turn < 4 else 700
    provider.close()
    _check_life(bench, asked)
    return killed


def _check_life(bench: DefenceBench, asked: Asked) -> None:
    named = [event.name for event in bench.court.log]
    assert not asked.convicted()
    assert named.count("Demanded") == named.count("Answered") == named.count("DepositClaimed") == 5
    assert named.count("CreditTaken") >= 1
    intents = bench.court_writer(asked.account).intents
    assert all(intent.ok for intent in intents.values()), "nothing was sent that could not be"
    assert len([key for key in intents if key.startswith("provider:answer:")]) == 5


def test_killed_at_any_step_it_forgets_nothing_and_repeats_nothing(folder: Path) -> None:
    kills = 0
    while _live(DefenceBench(folder / str(kills)), _Killer(kills + 1)):
        kills += 1
    assert kills >= 30
