"""Every demand that waits makes the next one dearer, and a cheat's friend may make many between two acts.

The budget was looked at when a dispute began and never again: an act then carried what the court asked for, in this
scene eleven times the budget, and deposits are the cheat's if the time runs out.
"""

from dataclasses import replace

import pytest
from court_cheats import MUSEUM, TASK
from court_scene import COIN, CourtScene, small_job
from market_parties import parties
from scene_court import SceneChain, SceneWriter, charge_of

from stun.checking.challenger import Challenger
from stun.checking.progress import Fate
from stun.checking.store import DisputeStore

pytestmark = pytest.mark.unit

TASKS = 40


def test_an_act_that_became_too_dear_waits_until_it_is_cheap_again_or_the_budget_larger() -> None:
    job = small_job(TASKS)
    scene = CourtScene(job, [MUSEUM["one bit of the first operator"][0](job)])
    chain, store, charge = SceneChain(scene), DisputeStore.open(None), charge_of(scene, 0, TASK)
    writer = SceneWriter(chain, scene.challenger)
    needed = Challenger(chain, chain, writer, store, 1_000 * COIN).estimate(charge).total
    challenger = Challenger(chain, chain, writer, store, needed)
    challenger.begin(charge)
    for task in set(range(TASKS)) - {TASK}:
        scene.act(replace(scene.ask_trace(0, task), sender=parties().stranger))

    told = challenger.advance(charge)

    assert (told.fate, writer.taken) == (Fate.OPEN, [])
    assert "budget" in told.said
    for demand in list(scene.seen):
        scene.answer(demand)
    challenger.advance(charge)
    assert [type(action).__name__ for action in writer.taken] == ["DemandTrace"]
    assert sum(getattr(action, "value", 0) for action in writer.taken) <= needed
