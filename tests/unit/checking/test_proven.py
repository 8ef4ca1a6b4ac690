"""What evidence says in words, and that it comes back whole from the bytes that a challenge carries."""

import pytest
from court_cheats import MUSEUM, TASK
from court_scene import CourtScene, small_job
from scene_court import SceneChain, SceneWriter, charge_of

from stun.chains.evm.abi import AbiMismatch
from stun.chains.evm.court_encoding import encode_evidence
from stun.chains.evm.court_evidence import decode_evidence
from stun.checking.challenger import Challenger
from stun.checking.proven import describe, read_evidence
from stun.checking.store import DisputeStore
from stun.protocol.court.evidence import Evidence

WORDS = {
    "BadStep": "it should be", "BadInput": "does not begin with the task's input",
    "BadOutput": "not what its own trace ends in", "BadUnits": "claims wrong units",
}  # fmt: skip


def evidence_against(name: str) -> Evidence:
    """What a challenger seals about a cheat."""
    job = small_job()
    scene = CourtScene(job, [MUSEUM[name][0](job)])
    chain, store = SceneChain(scene), DisputeStore.open(None)
    challenger = Challenger(chain, chain, SceneWriter(chain, scene.challenger), store, 10**24)
    charge = charge_of(scene, 0, TASK)
    while store.sealed(charge.name) is None:
        challenger.advance(charge)
        for demand in [demand for demand, seen in scene.seen.items() if not seen.answered]:
            scene.answer(demand)
    sealed = store.sealed(charge.name)
    assert sealed is not None
    return sealed.evidence


@pytest.mark.parametrize("name", MUSEUM)
def test_evidence_is_kept_and_read_back_whole_and_says_what_is_wrong(name: str) -> None:
    evidence = evidence_against(name)

    verdict, encoded = encode_evidence(evidence)
    proven = read_evidence(evidence)

    assert decode_evidence(verdict, encoded) == evidence
    assert proven.kind == MUSEUM[name][1]
    assert proven.task == TASK
    assert proven.expected != proven.claimed or "shape" in describe(proven)
    assert WORDS[proven.kind] in describe(proven) or "wrong shape" in describe(proven)


def test_bytes_that_are_no_evidence_are_refused_and_an_equivocation_is_passed_over() -> None:
    verdict, encoded = encode_evidence(evidence_against("other weights"))

    assert decode_evidence(5, encoded) is None
    assert decode_evidence(77, encoded) is None
    for broken in (b"", encoded[:-32], encoded[:31] + b"\x21" + encoded[32:]):
        with pytest.raises(AbiMismatch):
            decode_evidence(verdict, broken)
