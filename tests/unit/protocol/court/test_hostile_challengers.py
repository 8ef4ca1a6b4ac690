"""Thieves and shams before the court: who gains nothing, and who is never harmed."""

from dataclasses import replace
from hashlib import sha256

import pytest
from court_cheats import TASK
from court_hostile import THIEF, cheating_scene, conserved, settle, with_evidence
from court_scene import COIN, SALT, honest_scene
from fake_market import FAKE_STUN

from stun.protocol.court import actions
from stun.protocol.court.evidence import BadInput, BadOutput, Equivocation, Operator, seal
from stun.protocol.court.state import Trace
from stun.protocol.market.state import ReplicaState
from stun.protocol.messages import Commit

pytestmark = pytest.mark.unit

# the thief


def test_a_copied_announcement_opens_for_nobody_else() -> None:
    scene = cheating_scene()
    evidence = with_evidence(scene).evidence
    scene.act(scene.announcement(evidence))
    assert scene.refusal(scene.opening(evidence, THIEF)) == "court: unknown"
    digest = scene.announcement(evidence).digest
    assert scene.refusal(actions.Announce(THIEF, COIN, scene.batch_id, 0, digest)) == "court: repeated"


def test_evidence_seen_in_the_open_comes_a_block_too_late_for_a_thief() -> None:
    scene = cheating_scene()
    evidence = with_evidence(scene).evidence
    scene.act(scene.announcement(evidence))
    scene.act(scene.announcement(evidence, THIEF))
    assert scene.refusal(scene.opening(evidence, THIEF), same_block=True) == "court: block"
    before = scene.market.balances.get((FAKE_STUN, scene.challenger), 0)
    scene.act(scene.opening(evidence))
    assert scene.market.balances[FAKE_STUN, scene.challenger] > before
    assert scene.refusal(scene.opening(evidence, THIEF)) in ("batches: unknown", "court: replica")
    assert conserved(scene)


def test_the_first_conviction_returns_the_deposits_of_other_announcements() -> None:
    scene = cheating_scene()
    evidence = with_evidence(scene).evidence
    other = scene.announcement(evidence, THIEF)
    scene.act(other)
    assert scene.show(evidence)
    before = scene.court.credits[THIEF]
    deposit = scene.court.announcements[other.digest].deposit
    scene.act(actions.Lapse(scene.challenger, other.digest))
    assert scene.court.credits[THIEF] == before + deposit
    assert conserved(scene)


# the sham


def test_sham_demands_cost_the_asker_and_pay_the_honest_provider() -> None:
    scene = honest_scene()
    scene.act(scene.ask_top(0))
    scene.act(scene.ask_trace(0, 0))
    for demand in list(scene.seen):
        scene.answer(demand)
    deposits = sum(demand.deposit for demand in scene.seen)
    assert scene.refusal(actions.ClaimDeposit(THIEF, next(iter(scene.seen)))) == "court: early"
    settle(scene)
    for demand in scene.seen:
        scene.act(actions.ClaimDeposit(THIEF, demand))
        assert scene.refusal(actions.ClaimDeposit(THIEF, demand)) == "court: claimed"
    assert scene.court.credits[scene.providers[0]] == deposits
    assert scene.convicted == []
    assert conserved(scene)


def test_sham_evidence_against_an_honest_replica_pays_it() -> None:
    scene = honest_scene()
    scene.act(scene.ask_trace(0, TASK))
    scene.answer(next(iter(scene.seen)))
    suspect = scene.suspect(0, TASK)
    trace = Trace(suspect.case, suspect.own.root, bytes(32))
    last = suspect.case.op_count - 1
    shams = [
        BadInput(trace, Operator(0, suspect.own.output_roots[0], suspect.own.prove_operator(0))),
        BadOutput(trace, Operator(last, suspect.own.output_roots[last], suspect.own.prove_operator(last))),
    ]
    for sham in shams:
        scene.act(scene.announcement(sham))
        deposit = next(iter(scene.court.announcements.values())).deposit
        before = scene.court.credits.get(scene.providers[0], 0)
        scene.act(scene.opening(sham))
        assert scene.court.credits[scene.providers[0]] == before + deposit
    assert scene.convicted == []
    assert scene.state_of(0) == ReplicaState.REVEALED
    assert conserved(scene)


def test_evidence_that_fits_nothing_committed_is_refused() -> None:
    scene = cheating_scene()
    evidence = with_evidence(scene).evidence
    other = replace(evidence.trace, trace_root=sha256(b"another trace").digest())  # type: ignore[union-attr]
    uncommitted = replace(evidence.trace, cipher_root=sha256(b"a ciphertext").digest())  # type: ignore[union-attr]
    forged = [
        (replace(evidence, trace=other), "trees: path"),
        (replace(evidence, trace=uncommitted), "court: trace"),
        (replace(evidence, operator=replace(evidence.operator, index=0)), "court: operator"),  # type: ignore[union-attr]
        (replace(evidence, operator=replace(evidence.operator, path=())), "trees: path"),  # type: ignore[union-attr]
        (replace(evidence, predecessors=()), "court: operator"),
        (replace(evidence, leaf=replace(evidence.leaf, path=(bytes(32),))), "trees: path"),  # type: ignore[union-attr]
        (replace(evidence, input=replace(evidence.input, top=bytes(32))), "court: input"),  # type: ignore[union-attr]
        (replace(evidence, opened=evidence.opened + b"\0"), "referee: evidence"),  # type: ignore[union-attr]
        (replace(evidence, opened=evidence.opened[:-1]), "referee: evidence"),  # type: ignore[union-attr]
    ]
    for sham, code in forged:
        scene.act(scene.announcement(sham))
        assert scene.refusal(scene.opening(sham)) == code
    assert scene.convicted == []


def test_a_challenger_that_withholds_its_evidence_loses_its_deposit() -> None:
    scene = honest_scene()
    digest = seal(scene.challenger, bytes(32), SALT)
    scene.act(actions.Announce(scene.challenger, COIN, scene.batch_id, 0, digest))
    announced = scene.court.announcements[digest]
    assert scene.market.batches[scene.batch_id].hold_until == announced.open_until
    assert scene.refusal(actions.Lapse(THIEF, digest)) == "court: early"
    scene.travel(announced.open_until - scene.chain.now)
    assert scene.refusal(scene.opening(with_nothing(), scene.challenger)) == "court: unknown"
    scene.act(actions.Lapse(THIEF, digest))
    assert scene.court.credits[scene.providers[0]] == announced.deposit
    assert scene.refusal(actions.Lapse(THIEF, digest)) == "court: unknown"
    assert conserved(scene)


def with_nothing() -> Equivocation:
    commit = Commit(bytes(32), bytes(32), bytes(32))
    return Equivocation(bytes(32), 0, commit, None, commit, None)
