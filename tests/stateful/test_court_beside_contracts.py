"""The court's specification stepped beside its contracts: same outcome, events and state, after every action.

An honest replica that answers is never convicted, whatever a challenger does; a cheat challenged in time always is.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from court_batch import Job, Work
from court_cheats import MUSEUM, TASK
from court_run import cheating_history, honest_history
from court_scene import CourtScene, small_job
from court_sides import SidedScene
from court_world import CourtWorld
from evm_machines import RevmMachine

pytestmark = pytest.mark.stateful

SHORT = 400
HISTORIES = 5_000
IN_SPECIFICATION = 100_000
LEAST = 20


class SidedMaker:
    """Makes scenes in one world; a new world after a while, since its records grow."""

    def __init__(self, world: CourtWorld) -> None:
        self.world = world
        self.made = 0

    def __call__(self, job: Job, works: Sequence[Work]) -> CourtScene:
        self.made += 1
        if self.made % 100 == 0:
            self.world = CourtWorld(RevmMachine())
        return SidedScene(self.world, job, works)


def two_sides() -> SidedMaker:
    return SidedMaker(CourtWorld(RevmMachine()))


def histories(make: SidedMaker | type[CourtScene], count: int, seed: int) -> Counter[str]:
    tally: Counter[str] = Counter()
    random, job = Random(seed), small_job()
    for number in range(count):
        history = honest_history if number % 2 else cheating_history
        try:
            history(make, job, random, tally)
        except AssertionError as error:
            raise AssertionError(f"{error}\nseed {seed}, history {number}") from error
    lines = [f"{name:<28}{times:>8}" for name, times in sorted(tally.items())]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")
    return tally


@pytest.mark.parametrize("name", MUSEUM)
def test_every_cheat_of_the_museum_is_convicted_by_the_contracts(name: str) -> None:
    cheat, verdict = MUSEUM[name]
    job = small_job()
    scene = two_sides()(job, [cheat(job)])
    assert scene.prosecute(0, TASK) == verdict
    assert scene.convicted == [(scene.providers[0], True)]


def test_court_does_what_its_specification_does() -> None:
    tally = histories(two_sides(), SHORT, 20_261_127)
    assert tally["honest histories"] == tally["cheats convicted"] == SHORT // 2
    for name in ("DemandTop", "DemandTrace", "DemandBelow", "Announce", "Challenge"):
        assert tally[f"{name} accepted"] >= LEAST, name
        assert name == "Announce" or tally[f"{name} refused"] >= LEAST, name


@pytest.mark.slow
def test_five_thousand_histories_beside_the_contracts() -> None:
    tally = histories(two_sides(), HISTORIES, 1)
    assert tally["honest histories"] == tally["cheats convicted"] == HISTORIES // 2


@pytest.mark.slow
def test_a_hundred_thousand_histories_of_the_specification() -> None:
    tally = histories(CourtScene, IN_SPECIFICATION, 2)
    assert tally["honest histories"] == tally["cheats convicted"] == IN_SPECIFICATION // 2
