"""A cheat's friend demands the wrong task's trace at once, and the cheat answers with one that it made up.

A trace is demanded once. While answers could be followed for `follow_seconds` only, the task was out of all reach
after that time, for the price of a deposit that went to the cheat itself. It can be followed until the window ends.
"""

from dataclasses import replace

import pytest
from court_batch import Job, Work
from court_cheats import MUSEUM, TASK
from court_scene import COIN, CourtScene, small_job
from court_sides import SidedScene
from court_world import CourtWorld
from evm_machines import RevmMachine
from market_parties import parties

from stun.disputes.prosecution import next_step
from stun.disputes.steps import AskBelow
from stun.protocol.court import actions

pytestmark = pytest.mark.stateful


def in_specification(job: Job, work: Work) -> CourtScene:
    return CourtScene(job, [work])


def beside_contracts(job: Job, work: Work) -> CourtScene:
    return SidedScene(CourtWorld(RevmMachine()), job, [work])


@pytest.fixture(params=[in_specification, beside_contracts])
def shielded(request: pytest.FixtureRequest) -> CourtScene:
    """A scene in which the friend asked first and the cheat answered."""
    job = small_job()
    scene: CourtScene = request.param(job, MUSEUM["other weights"][0](job))
    scene.act(replace(scene.ask_trace(0, TASK), sender=parties().stranger))
    [demand] = scene.seen
    scene.answer(demand)
    return scene


def below(scene: CourtScene) -> actions.DemandBelow:
    step = next_step(scene.suspect(0, TASK), list(scene.seen.values()))
    assert isinstance(step, AskBelow)
    return actions.DemandBelow(scene.challenger, COIN, step.parent)


def test_the_task_is_convicted_at_the_last_moment_of_the_window(shielded: CourtScene) -> None:
    scene = shielded
    window_end = scene.market.batches[scene.batch_id].window_end
    scene.travel(window_end - 1 - scene.chain.now)

    assert scene.prosecute(0, TASK) == "BadStep"


def test_after_the_window_only_a_fresh_answer_is_followed(shielded: CourtScene) -> None:
    scene = shielded
    window_end = scene.market.batches[scene.batch_id].window_end
    scene.travel(window_end - 1 - scene.chain.now)
    asked = below(scene)
    scene.act(scene.ask_top(0))  # holds the batch beyond its window
    scene.travel(1)

    assert scene.refusal(asked) == "court: late"
