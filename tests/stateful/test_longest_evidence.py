"""Evidence of a step as long as any graph can need: it reaches the referee on both sides, and fits the court."""

from dataclasses import replace

import pytest
from court_cheats import MUSEUM, TASK
from court_scene import small_job
from court_sides import SidedScene
from court_world import CourtWorld
from evm_machines import RevmMachine

from stun.chains.evm.court_encoding import encode_evidence
from stun.protocol.court.evidence import BadStep, Evidence, GraphLeaf, Operator
from stun.protocol.graph.referee import MAX_EVIDENCE_BYTES

pytestmark = pytest.mark.stateful

COURT_TAKES = 20_480
PATH = (b"\xff" * 32,) * 17


class Watched(SidedScene):
    """Keeps the evidence that a prosecution arrives at and does not show it."""

    found: Evidence

    def show(self, evidence: Evidence) -> bool:
        """Keep evidence."""
        self.found = evidence
        return False


def test_the_longest_evidence_reaches_the_referee() -> None:
    job = small_job()
    [cheat] = [cheat for cheat, verdict in MUSEUM.values() if verdict == "BadStep"][:1]
    scene = Watched(CourtWorld(RevmMachine()), job, [cheat(job)])
    scene.prosecute(0, TASK)
    found = scene.found
    assert isinstance(found, BadStep)
    longest = replace(found, opened=found.opened.ljust(MAX_EVIDENCE_BYTES, b"\0"))
    scene.act(scene.announcement(longest))
    assert scene.refusal(scene.opening(longest)) == "referee: evidence"
    assert SidedScene.show(scene, found) is True
    assert scene.convicted == [(scene.providers[0], True)]

    operator = Operator(1, PATH[0], PATH)
    leaf = GraphLeaf(found.leaf.data, PATH)
    widest = replace(longest, operator=operator, predecessors=(operator, operator), leaf=leaf)
    assert MAX_EVIDENCE_BYTES < len(encode_evidence(widest)[1]) <= COURT_TAKES
