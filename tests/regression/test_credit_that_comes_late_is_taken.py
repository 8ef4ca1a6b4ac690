"""Credit comes between a challenger's taking what it had and its next look: from another of its disputes, say.

It was to be taken under the key of the first taking, which had landed, so that the dispute went on for ever.
"""

from dataclasses import replace

import pytest
from court_batch import honest
from court_cheats import MUSEUM, TASK
from court_scene import COIN, CourtScene, small_job
from scene_court import SceneChain, SceneWriter, charge_of

from stun.checking.challenger import Challenger
from stun.checking.progress import Fate
from stun.checking.store import DisputeStore
from stun.protocol.court import actions

pytestmark = pytest.mark.unit

LOOKS = 6


def test_the_dispute_takes_it_too_and_ends() -> None:
    job = small_job()
    scene = CourtScene(job, [MUSEUM["one bit of the first operator"][0](job), honest(job.graph, job.inputs)])
    chain, charge = SceneChain(scene), charge_of(scene, 0, TASK, published=False)
    writer = SceneWriter(chain, scene.challenger)
    challenger = Challenger(chain, chain, writer, DisputeStore.open(None), 1_000 * COIN)
    challenger.advance(charge)
    [demand] = scene.seen
    scene.travel(demand.due - chain.now())
    while not any(isinstance(action, actions.TakeCredit) for action in writer.taken):
        assert not challenger.advance(charge).done
    more = {**scene.court.credits, scene.challenger: COIN}
    scene.court = replace(scene.court, credits=more, held=scene.court.held + COIN)

    fates = [challenger.advance(charge).fate for _ in range(LOOKS)]

    assert fates[-1] is Fate.CONVICTED
    assert chain.credit(scene.challenger) == 0
