"""What a replica answers to a demand: the node it committed, opened from its own results and recomputed traces."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stun.protocol.court import actions
from stun.protocol.court.actions import AnswerNodes, AnswerRow, AnswerTensor, AnswerTrace
from stun.protocol.court.state import Demand, Kind
from stun.protocol.court.unfolding import DEPTH, TENSOR_DEPTH, Unfolded, height, unfold
from stun.protocol.errors import StunError
from stun.protocol.graph.tensors import TensorTree, leaf_count, row_bytes, rows_a_leaf
from stun.protocol.graph.trace import Trace
from stun.protocol.trees.results import Node, ResultsTree

NO_CIPHER = bytes(32)

Answer = actions.AnswerNodes | actions.AnswerTrace | actions.AnswerTensor | actions.AnswerRow


class NotOurs(StunError):
    """A demand asks for what this replica did not commit: a defect, since the court registers no such demand."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a replica keeps until its batch is final.

    `trace` runs a task again under the replica's account; `cipher_root` is that of its delivered ciphertext, 32 zero
    bytes of a public task.
    """

    results: ResultsTree
    trace: Callable[[int], Trace]
    cipher_root: Callable[[int], bytes] = lambda _: NO_CIPHER


def answer(kept: Kept, demand: Demand, sender: bytes) -> Answer:
    """Return the answer to a demand. Errors: NotOurs."""
    if demand.kind == Kind.RESULTS:
        return AnswerNodes(sender, demand, _results(kept.results, demand))
    trace = kept.trace(demand.task)
    if demand.kind == Kind.TRACE:
        below = unfold(demand.count, demand.level, 0)
        return AnswerTrace(sender, demand, _operators(trace, below), kept.cipher_root(demand.task))
    if demand.kind == Kind.OPERATORS:
        _require(trace.tree.levels[demand.level][demand.position] == demand.subject, demand)
        return AnswerNodes(sender, demand, _operators(trace, unfold(demand.count, demand.level, demand.position)))
    tree = TensorTree(trace.outputs[demand.operator])
    if demand.kind == Kind.TENSOR:
        _require(tree.root == demand.subject, demand)
        shape = tree.tensor.shape
        count = leaf_count(shape)
        below = unfold(count, height(count), 0, TENSOR_DEPTH)
        return AnswerTensor(sender, demand, shape, _hashes(tree.levels[below.level], below))
    _require(tree.levels[demand.level][demand.position] == demand.subject, demand)
    if demand.kind == Kind.ROWS:
        below = unfold(demand.count, demand.level, demand.position, TENSOR_DEPTH)
        return AnswerNodes(sender, demand, _hashes(tree.levels[below.level], below))
    size = rows_a_leaf(tree.tensor.shape) * row_bytes(tree.tensor.shape)
    return AnswerRow(sender, demand, tree.tensor.data[demand.position * size : (demand.position + 1) * size])


def _results(tree: ResultsTree, demand: Demand) -> tuple[Node, ...]:
    _require(tree.levels[demand.level][demand.position] == (demand.subject, demand.units), demand)
    below = unfold(demand.count, demand.level, demand.position, DEPTH)
    place = slice(below.first, below.first + below.size)
    if below.level == 0:
        return tuple((result.output_digest, result.units) for result in tree.results[place])
    return tree.levels[below.level][place]


def _operators(trace: Trace, below: Unfolded) -> tuple[Node, ...]:
    return _hashes(trace.output_roots if below.level == 0 else trace.tree.levels[below.level], below)


def _hashes(level: Sequence[bytes], below: Unfolded) -> tuple[Node, ...]:
    return tuple((node, 0) for node in level[below.first : below.first + below.size])


def _require(ours: bool, demand: Demand) -> None:
    if not ours:
        raise NotOurs(f"demand of kind {demand.kind.name} at level {demand.level}, position {demand.position}")
