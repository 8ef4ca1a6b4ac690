"""The cheats' museum: every way to be wrong that we know ends in a conviction with the right verdict, or in no gain."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from court_batch import Job, Outputs, Work, honest, work_of
from court_model import small_model, words_of
from court_scene import CourtScene, small_job

from stun.protocol.graph.arrays import to_array, to_tensor
from stun.protocol.graph.executor import apply, execute
from stun.protocol.graph.operators import Opcode
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Tensor
from stun.protocol.market.state import ReplicaState
from stun.protocol.trees.results import Result

pytestmark = pytest.mark.unit

TASK = 1
Cheat = Callable[[Job], Work]


def by_outputs(cheat: Callable[[Graph, Tensor], Outputs]) -> Cheat:
    """Return a replica that cheats in one task and claims the outputs that lead to what it posted."""

    def do(job: Job) -> Work:
        outputs: list[Outputs] = [execute(job.graph, x) for x in job.inputs]
        outputs[TASK] = cheat(job.graph, job.inputs[TASK])
        return work_of(job.graph, outputs)

    return do


def by_result(change: Callable[[Result], Result]) -> Cheat:
    """Return a replica that runs the model and posts something else in one task."""

    def do(job: Job) -> Work:
        true = honest(job.graph, job.inputs)
        results = list(true.results)
        results[TASK] = change(results[TASK])
        return replace(true, results=tuple(results))

    return do


def rerun(graph: Graph, task_input: Tensor, replaced: Callable[[int, np.ndarray], np.ndarray | None]) -> Outputs:
    """Run the model with single outputs replaced, everything behind them computed from the replacement."""
    outputs = [to_array(task_input)]
    for operator in graph.operators[1:]:
        reads = [outputs[index] for index in operator.predecessors]
        weights = [graph.weights[index] for index in operator.weights]
        made = apply(operator, reads, weights, len(outputs[0]))
        other = replaced(operator.index, made)
        outputs.append(made if other is None else other)
    return [to_tensor(x, op.dtype) for x, op in zip(outputs, graph.operators, strict=True)]


def other_weights(graph: Graph, task_input: Tensor) -> Outputs:
    return execute(small_model(seed=2), task_input)


def coarser_weights(bits: int) -> Callable[[Graph, Tensor], Outputs]:
    """Linear layers whose weights have fewer bits."""

    def run(graph: Graph, task_input: Tensor) -> Outputs:
        step = 1 << (8 - bits)
        weights = list(graph.weights)
        for operator in graph.operators:
            if operator.opcode == Opcode.LINEAR:
                shape = weights[operator.w0].shape
                tail = 12 if len(operator.weights) == 2 else 8
                raw = np.frombuffer(weights[operator.w0].data, np.uint8).reshape(shape.rows, shape.cols).copy()
                w = raw[:, : shape.cols - tail].view(np.int8).astype(int)
                raw[:, : shape.cols - tail] = np.clip(w // step * step, -127, 127).astype(np.int8).view(np.uint8)
                weights[operator.w0] = Tensor(shape, raw.tobytes())
        return execute(Graph(graph.header, graph.operators, tuple(weights)), task_input)

    return run


def skipped_layer(graph: Graph, task_input: Tensor) -> Outputs:
    """The feed-forward block's output is zero."""
    return rerun(graph, task_input, lambda index, made: made * 0 if index == 15 else None)


def one_bit(index: int) -> Callable[[Graph, Tensor], Outputs]:
    """One bit of one operator's output is another (one that matters), and what follows is computed from it."""

    def flip(at: int, made: np.ndarray) -> np.ndarray | None:
        if at != index:
            return None
        other = made.copy()
        other[-1, -1] ^= 1 << (4 if abs(made).max() < 128 else 11)
        return other

    return lambda graph, task_input: rerun(graph, task_input, flip)


def last_bit(graph: Graph, task_input: Tensor) -> Outputs:
    outputs = list(execute(graph, task_input))
    flipped = outputs[-1].data[:-1] + bytes([outputs[-1].data[-1] ^ 1])
    return [*outputs[:-1], Tensor(outputs[-1].shape, flipped)]


def wrong_input(graph: Graph, task_input: Tensor) -> Outputs:
    return execute(graph, words_of(task_input.shape.rows, 99))


def another_task(graph: Graph, task_input: Tensor) -> Outputs:
    return execute(graph, words_of(3, 77))


def wrong_shape(graph: Graph, task_input: Tensor) -> Outputs:
    """An operator in the middle has one column fewer; the posted result is wrong as well."""
    outputs = list(skipped_layer(graph, task_input))
    made = to_array(outputs[11])
    outputs[11] = to_tensor(made[:, :-1], outputs[11].shape.dtype)
    return outputs


def wrong_kind(graph: Graph, task_input: Tensor) -> Outputs:
    """The numbers are right and the width of the elements is not; the posted result is wrong as well."""
    outputs = list(skipped_layer(graph, task_input))
    outputs[8] = to_tensor(to_array(outputs[8]), 4)
    return outputs


def flipped_digest(result: Result) -> Result:
    return replace(result, output_digest=bytes([result.output_digest[0] ^ 1]) + result.output_digest[1:])


MUSEUM: dict[str, tuple[Cheat, str]] = {
    "other weights": (by_outputs(other_weights), "BadStep"),
    "weights at 4 bits": (by_outputs(coarser_weights(4)), "BadStep"),
    "weights at 7 bits": (by_outputs(coarser_weights(7)), "BadStep"),
    "skipped layer": (by_outputs(skipped_layer), "BadStep"),
    "one bit of the first operator": (by_outputs(one_bit(1)), "BadStep"),
    "one bit of the last operator": (by_outputs(last_bit), "BadStep"),
    "wrong input": (by_outputs(wrong_input), "BadInput"),
    "trace of another task": (by_outputs(another_task), "BadInput"),
    "an output of another shape": (by_outputs(wrong_shape), "BadStep"),
    "an output of another width": (by_outputs(wrong_kind), "BadStep"),
    "a result that the true trace does not end in": (by_result(flipped_digest), "BadOutput"),
    "inflated units": (by_result(lambda r: replace(r, units=r.units + 1)), "BadUnits"),
    "no units": (by_result(lambda r: replace(r, units=0)), "BadUnits"),
}


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
