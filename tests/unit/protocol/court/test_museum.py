"""The cheats' museum: every way to be wrong that we know ends in a conviction with the right verdict, or in no gain."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from court_batch import Work, honest, work_of
from court_cheats import MUSEUM, TASK, Cheat, by_outputs, one_bit, skipped_layer
from court_scene import CourtScene, small_job

from stun.protocol.market.state import ReplicaState

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("cheat", "verdict"), MUSEUM.values(), ids=MUSEUM.keys())
def test_a_wrong_result_is_convicted_with_its_verdict(cheat: Cheat, verdict: str) -> None:
    job = small_job()
    scene = CourtScene(job, [cheat(job)])
    assert scene.prosecute(0, TASK) == verdict
    assert scene.convicted == [(scene.providers[0], True)]
    assert scene.state_of(0) is None  # the batch is final: nobody is left to pay
    assert scene.market.balances[scene.order.asset, scene.order.requester] == 10**15  # all its money is back


@pytest.mark.parametrize(("cheat", "verdict"), MUSEUM.values(), ids=MUSEUM.keys())
@pytest.mark.parametrize("last", range(1, 5))
def test_withholding_an_answer_is_convicted(cheat: Cheat, verdict: str, last: int) -> None:
    job = small_job()
    scene = CourtScene(job, [cheat(job)])
    ended = scene.prosecute(0, TASK, answers=lambda demand: demand.links + 1 < last)
    assert ended in ("silent", verdict)
    assert scene.convicted == [(scene.providers[0], ended != "silent")]


@pytest.mark.parametrize("tasks", [1, 2, 5, 20])
def test_an_honest_replica_has_nothing_to_show(tasks: int) -> None:
    job = small_job(tasks)
    scene = CourtScene(job, [honest(job.graph, job.inputs)])
    assert {scene.prosecute(0, task) for task in range(tasks)} == {"right"}
    assert scene.convicted == []


@pytest.mark.parametrize("operator", range(1, 20))
def test_one_bit_of_any_operator_convicts(operator: int) -> None:
    job = small_job()
    work = by_outputs(one_bit(operator))(job)
    if work.results == honest(job.graph, job.inputs).results:
        pytest.skip("the bit does not reach the result")
    scene = CourtScene(job, [work])
    assert scene.prosecute(0, TASK) == "BadStep"


def test_sybil_beside_an_honest_replica_loses_its_bond_and_the_honest_one_is_paid() -> None:
    job = small_job()
    works: Sequence[Work] = [honest(job.graph, job.inputs), by_outputs(skipped_layer)(job)]
    scene = CourtScene(job, works)
    assert scene.prosecute(0, TASK) == "right"
    assert scene.prosecute(1, TASK) == "BadStep"
    assert [scene.state_of(k) for k in (0, 1)] == [ReplicaState.REVEALED, ReplicaState.CONVICTED]


def test_two_sybils_that_outvote_an_honest_replica_are_both_convicted() -> None:
    job = small_job()
    cheat = by_outputs(skipped_layer)(job)
    scene = CourtScene(job, [cheat, cheat, honest(job.graph, job.inputs)])
    assert scene.prosecute(0, TASK) == "BadStep"
    assert scene.prosecute(1, TASK) == "BadStep"
    assert [scene.state_of(k) for k in (0, 1, 2)] == [
        ReplicaState.CONVICTED,
        ReplicaState.CONVICTED,
        ReplicaState.REVEALED,
    ]


def test_private_results_are_judged_by_their_ciphertexts_root() -> None:
    job = small_job(private=True)
    cipher = sha256(b"ciphertext").digest()
    right = CourtScene(job, [honest(job.graph, job.inputs, cipher)], cipher)
    assert right.prosecute(0, TASK) == "right"
    wrong = CourtScene(job, [work_of(job.graph, [skipped_layer(job.graph, x) for x in job.inputs], cipher)], cipher)
    assert wrong.prosecute(0, TASK) == "BadStep"
    other = CourtScene(job, [honest(job.graph, job.inputs, cipher)], sha256(b"another ciphertext").digest())
    assert other.prosecute(0, TASK) == "BadOutput"
