"""Verdicts: whether evidence shows that a replica of class `exact` is wrong.

Evidence that does not fit what is committed is refused and decides nothing. Source: PROTOCOL.md section 9.
"""

from collections.abc import Callable
from typing import Any

from stun.protocol.court.draft import Draft, may_sign
from stun.protocol.court.evidence import (
    BadInput,
    BadOutput,
    BadStep,
    BadUnits,
    Equivocation,
    Evidence,
    GraphLeaf,
    Input,
    Operator,
)
from stun.protocol.court.state import Trace
from stun.protocol.errors import require
from stun.protocol.graph import referee
from stun.protocol.graph.tensors import tensor_root
from stun.protocol.messages import Commit
from stun.protocol.trees.merkle import verify
from stun.protocol.trees.specs import private_output_digest
from stun.protocol.trees.tags import GRAPH, OPS


def is_wrong(draft: Draft, evidence: Evidence) -> bool:
    """Judge evidence.

    Errors: "court: trace" (not the one committed), "trees: path", "court: operator" (another one than the verdict
    is about), "court: input" (not the task's), "court: commit" (not two of this replica's), the referee's.
    """
    wrong = _JUDGES[type(evidence)](draft, evidence)
    if not isinstance(evidence, Equivocation):
        _require_trace(draft, evidence.trace)
    return wrong


def _bad_input(draft: Draft, evidence: BadInput) -> bool:
    require(evidence.operator.index == 0, "court: operator")
    _require_operator(draft, evidence.trace, evidence.operator)
    return evidence.operator.output_root != evidence.trace.case.input_root


def _bad_output(draft: Draft, evidence: BadOutput) -> bool:
    case = evidence.trace.case
    require(evidence.operator.index == case.op_count - 1, "court: operator")
    _require_operator(draft, evidence.trace, evidence.operator)
    root = evidence.operator.output_root
    claimed = private_output_digest(root, evidence.trace.cipher_root) if case.private else root
    return claimed != case.output_digest


def _bad_units(draft: Draft, evidence: BadUnits) -> bool:
    _require_leaf(evidence.trace, evidence.header, 0)
    rows = _input_rows(evidence.trace, evidence.input)
    return referee.units(evidence.header.data, rows) != evidence.trace.case.units


def _bad_step(draft: Draft, evidence: BadStep) -> bool:
    trace, operator = evidence.trace, evidence.operator
    require(operator.index > 0, "court: operator")
    _require_operator(draft, trace, operator)
    _require_leaf(trace, evidence.leaf, operator.index + 1)
    named = referee.predecessors(evidence.leaf.data)
    require(tuple(p.index for p in evidence.predecessors) == named, "court: operator")
    for predecessor in evidence.predecessors:
        _require_operator(draft, trace, predecessor)
    roots = tuple(p.output_root for p in evidence.predecessors)
    rows = _input_rows(trace, evidence.input)
    return referee.is_wrong(
        evidence.leaf.data, rows, roots, operator.output_root, trace.case.weight_root, evidence.opened
    )


def _equivocation(draft: Draft, evidence: Equivocation) -> bool:
    provider = draft.live_batch(evidence.batch_id, evidence.replica).terms.casts[evidence.replica].provider
    signed: tuple[tuple[Commit, bytes | None], ...] = (
        (evidence.first, evidence.first_signer),
        (evidence.second, evidence.second_signer),
    )
    for commit, signer in signed:
        require((commit.batch_id, commit.provider) == (evidence.batch_id, provider), "court: commit")
        require(signer is not None and may_sign(draft.market, provider, signer), "court: commit")
    return evidence.first.commitment != evidence.second.commitment


_JUDGES: dict[type, Callable[[Draft, Any], bool]] = {
    BadInput: _bad_input,
    BadOutput: _bad_output,
    BadUnits: _bad_units,
    BadStep: _bad_step,
    Equivocation: _equivocation,
}


def _require_trace(draft: Draft, trace: Trace) -> None:
    case = trace.case
    key = (case.batch_id, case.replica, case.task)
    require(draft.court.traces.get(key) == trace.digest(), "court: trace")


def _require_operator(draft: Draft, trace: Trace, operator: Operator) -> None:
    case = trace.case
    provider = draft.live_batch(case.batch_id, case.replica).terms.casts[case.replica].provider
    data = provider + operator.index.to_bytes(4, "big") + operator.output_root
    verify(OPS, trace.trace_root, case.op_count, operator.index, data, operator.path)


def _require_leaf(trace: Trace, leaf: GraphLeaf, index: int) -> None:
    verify(GRAPH, trace.case.graph_root, trace.case.op_count + 1, index, leaf.data, leaf.path)


def _input_rows(trace: Trace, shown: Input) -> int:
    require(tensor_root(shown.shape, shown.top) == trace.case.input_root, "court: input")
    return shown.shape.rows
