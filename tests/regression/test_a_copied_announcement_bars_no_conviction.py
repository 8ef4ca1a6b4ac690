"""A cheat's friend sees an announcement on its way and brings the same hash onto the chain first.

The court keeps one announcement under a hash, whoever makes it. Against the same replica the friend's would earn the
reward of the evidence that the challenger opens; against another one it kept the challenger's out for good, which
tried the same hash again until the batch was settled.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from court_batch import Work, honest
from court_cheats import MUSEUM, TASK
from court_scene import COIN, CourtScene, small_job
from market_parties import parties
from scene_court import SceneChain, SceneWriter, charge_of

from stun.chains.interface import Intent
from stun.chains.market import ChainEvent
from stun.checking.challenger import Challenger
from stun.checking.progress import Fate, Progress
from stun.checking.store import DisputeStore
from stun.protocol.court import actions

pytestmark = pytest.mark.unit

MOST_LOOKS = 60


class OneBatch(SceneChain):
    """Shows no announcement against replica 1, as if it stood in another batch."""

    def events(self, first: int, last: int, batch_id: bytes | None = None) -> Sequence[ChainEvent]:
        found = super().events(first, last, batch_id)
        return [e for e in found if e.name != "ChallengeAnnounced" or e.fields["announcement"].replica == 0]


class Overtaken(SceneWriter):
    """A challenger's writer whose first announcement comes behind a stranger's, against replica `against`."""

    against = 0
    is_overtaken = False

    def act(self, key: str, action: actions.Action, *rest: Any, **named: Any) -> Intent:
        if isinstance(action, actions.Announce) and not self.is_overtaken:
            self.is_overtaken = True
            who = parties().stranger
            self.chain.scene.act(actions.Announce(who, COIN, action.batch_id, self.against, action.digest))
        return super().act(key, action, *rest, **named)


@pytest.mark.parametrize("against", [0, 1], ids=["the same replica", "another batch"])
def test_the_evidence_is_sealed_anew_and_convicts_for_its_finder(against: int) -> None:
    job = small_job()
    works: list[Work] = [MUSEUM["one bit of the first operator"][0](job), honest(job.graph, job.inputs)]
    scene = CourtScene(job, works)
    chain = OneBatch(scene)
    writer = Overtaken(chain, scene.challenger)
    writer.against = against
    challenger = Challenger(chain, chain, writer, DisputeStore.open(None), 1_000 * COIN)
    charge = charge_of(scene, 0, TASK)

    told = Progress(Fate.OPEN, "")
    for _ in range(MOST_LOOKS):
        told = challenger.advance(charge)
        if told.done:
            break
        for seen in [seen for seen in scene.seen.values() if not seen.answered]:
            scene.answer(seen.demand)
        scene.chain = replace(scene.chain, block=chain.head() + 1)
    assert told.fate is Fate.CONVICTED
    [opened] = [event for event in scene.events if event.name == "Convicted"]
    assert opened.fields["challenger"] == scene.challenger
