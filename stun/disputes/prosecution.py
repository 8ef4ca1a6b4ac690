"""What a challenger does next about one task that it ran again: ask, wait, or show the evidence.

It follows the replica's trace down to the first operator that differs from its own. All before it is equal, so it holds
that operator's true inputs, and one element convicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stun.disputes.descent import Descent, Leaf, of_kind
from stun.disputes.seen import Seen, find
from stun.disputes.steps import AskBelow, AskTrace, Right, Show, Step, Wait
from stun.protocol.court.evidence import BadInput, BadOutput, BadStep, BadUnits, GraphLeaf, Input, Operator
from stun.protocol.court.state import Case, Demand, Kind, Trace
from stun.protocol.court.unfolding import fold_rows, operator_leaf
from stun.protocol.graph.evidence import element_evidence, leaf_evidence, shape_evidence
from stun.protocol.graph.structure import Graph, units_of
from stun.protocol.graph.tensors import Opening, TensorTree, row_bytes, rows_a_leaf
from stun.protocol.graph.trace import Trace as OwnTrace
from stun.protocol.trees.merkle import crown
from stun.protocol.trees.specs import private_output_digest
from stun.protocol.trees.tags import OPS, ROWS


@dataclass(frozen=True, slots=True)
class Suspect:
    """A task of a replica, run again: `own` is the challenger's trace under the replica's account."""

    graph: Graph
    own: OwnTrace
    case: Case


def next_step(suspect: Suspect, seen: Sequence[Seen]) -> Step:
    """Decide what to do about a task, given every demand that the court saw."""
    place = (suspect.case.batch_id, suspect.case.replica, suspect.case.task)
    about = [item for item in seen if item.demand.kind != Kind.RESULTS and _place(item.demand) == place]
    trace = find(about, of_kind(Kind.TRACE))
    if not _is_suspicious(suspect, trace):
        return Right()
    if trace is None:
        return AskTrace()
    if not trace.answered:
        return Wait(trace.demand)
    return _Pursuit(suspect, about, trace).step()


def _place(demand: Demand) -> tuple[bytes, int, int]:
    return demand.batch_id, demand.replica, demand.task


def _is_suspicious(suspect: Suspect, trace: Seen | None) -> bool:
    """Whether a result is not what the model makes of its input; of a private one only its trace can tell."""
    case, own = suspect.case, suspect.own
    if case.units != units_of(suspect.graph.header, own.outputs[0].shape.rows):
        return True
    if not case.private:
        return case.output_digest != own.output_digest
    if trace is None or not trace.answered:
        return True
    return case.output_digest != private_output_digest(own.output_digest, trace.cipher_root)


class _Pursuit:
    """One committed trace and what was opened of it."""

    def __init__(self, suspect: Suspect, seen: Sequence[Seen], trace: Seen) -> None:
        self.suspect = suspect
        self.seen = seen
        self.trace = trace
        account = suspect.own.account
        self.operators = Descent(OPS, suspect.own.tree.levels, lambda index, root: operator_leaf(account, index, root))

    def step(self) -> Step:
        found = self.operators.go(self.trace, self.seen, of_kind(Kind.OPERATORS))
        if found is None:
            return Show(self._edge())
        if not isinstance(found, Leaf):
            return found
        if found.index == 0:
            return Show(BadInput(self._committed(), self._operator(0, found.shown)))
        tensor = find(self.seen, of_kind(Kind.TENSOR, found.index))
        if tensor is None:
            return AskBelow(found.answer.parent(found.item))
        if not tensor.answered:
            return Wait(tensor.demand)
        opened = self._opened(found.index, tensor)
        return Show(self._bad_step(found, opened)) if isinstance(opened, bytes) else opened

    def _opened(self, index: int, tensor: Seen) -> bytes | AskBelow | Wait:
        """Return what the referee needs to see that an output is wrong, or what is missing."""
        own = TensorTree(self.suspect.own.outputs[index])
        if tensor.shape is None or tensor.shape != own.tensor.shape:
            assert tensor.shape is not None, "an answered tensor has a shape"
            return shape_evidence(tensor.shape, fold_rows(tensor.hashes))
        rows = Descent(ROWS, own.levels)
        found = rows.go(tensor, self.seen, of_kind(Kind.ROWS, index))
        assert found is not None, "roots of one shape differ, and so does a leaf"
        if not isinstance(found, Leaf):
            return found
        leaf = find(self.seen, lambda d: of_kind(Kind.ROW, index)(d) and d.position == found.index)
        if leaf is None:
            return AskBelow(found.answer.parent(found.item))
        if not leaf.answered:
            return Wait(leaf.demand)
        return self._element(index, own, found.index, Opening(leaf.leaf, rows.path(found.index)))

    def _element(self, index: int, own: TensorTree, leaf_index: int, opened: Opening) -> bytes:
        shape = own.tensor.shape
        size, packed = row_bytes(shape), rows_a_leaf(shape)
        true = own.open(leaf_index * packed).leaf
        if len(opened.leaf) != len(true):
            return leaf_evidence(leaf_index, opened.path, opened.leaf)
        at = next(i for i, (a, b) in enumerate(zip(true, opened.leaf, strict=True)) if a != b)
        row, col = leaf_index * packed + at // size, at % size // shape.dtype
        return element_evidence(self.suspect.graph, self.suspect.own.outputs, index, row, col, opened)

    def _edge(self) -> BadUnits | BadOutput:
        """The whole trace is right: the posted result is not what it ends in."""
        case, graph = self.suspect.case, self.suspect.graph
        shown = self.suspect.own.outputs[0]
        if case.units != units_of(graph.header, shown.shape.rows):
            return BadUnits(self._committed(), GraphLeaf(graph.header.encode(), graph.tree.prove(0)), self._input())
        last = case.op_count - 1
        return BadOutput(self._committed(), self._operator(last, self.suspect.own.output_roots[last]))

    def _bad_step(self, found: Leaf, opened: bytes) -> BadStep:
        graph, roots = self.suspect.graph, self.suspect.own.output_roots
        operator = graph.operators[found.index]
        return BadStep(
            trace=self._committed(),
            operator=self._operator(found.index, found.shown),
            predecessors=tuple(self._operator(index, roots[index]) for index in operator.predecessors),
            leaf=GraphLeaf(operator.encode(), graph.tree.prove(found.index + 1)),
            input=self._input(),
            opened=opened,
        )

    def _operator(self, index: int, root: bytes) -> Operator:
        return Operator(index, root, self.operators.path(index))

    def _input(self) -> Input:
        tree = TensorTree(self.suspect.own.outputs[0])
        return Input(tree.tensor.shape, tree.top)

    def _committed(self) -> Trace:
        root = crown(OPS, self.suspect.case.op_count, self.operators.top())
        return Trace(self.suspect.case, root, self.trace.cipher_root)
