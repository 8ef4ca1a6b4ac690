"""Ways to be wrong: what a replica posts, what its traces claim, and the evidence that convicts it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from court_batch import Job, Outputs, Work, honest, work_of
from court_model import small_model, words_of

from stun.protocol.graph.arrays import to_array, to_tensor
from stun.protocol.graph.executor import apply, execute
from stun.protocol.graph.operators import Opcode
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Tensor
from stun.protocol.trees.results import Result

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
