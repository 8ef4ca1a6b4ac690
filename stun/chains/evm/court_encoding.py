"""The court's records as its contract's ABI tuples, and back; evidence as the bytes that an announcement hashes."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from eth_abi.abi import encode

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import message_tuple
from stun.protocol.court import evidence as kinds
from stun.protocol.court.actions import Leaf, Parent, Spec
from stun.protocol.court.state import Announcement, Case, Demand, Kind, Trace
from stun.protocol.graph.tensors import Shape
from stun.protocol.keccak import keccak256
from stun.protocol.messages import ACCOUNT, Order
from stun.protocol.trees.results import Node

CASE = "(bytes32,uint256,uint256,uint256,bytes32,bytes32,uint64,bytes32,bytes32,bool)"
TRACE = f"({CASE},bytes32,bytes32)"
OPERATOR = "(uint256,bytes32,bytes32[])"
GRAPH_LEAF = "(bytes,bytes32[])"
TENSOR = "((uint256,uint256,uint256),bytes32)"
ORDER = f"({','.join(Order.TYPES.values())})".replace(ACCOUNT, "address")
LEAF = "(uint256,bytes32,uint64,bytes32[],uint64[])"
SPEC = "(bytes32,bytes32,bytes32,bytes32[])"


class Verdict(IntEnum):
    """The number by which the contract knows a kind of evidence."""

    BAD_INPUT = 1
    BAD_OUTPUT = 2
    BAD_UNITS = 3
    BAD_STEP = 4
    EQUIVOCATION = 5


def demand_tuple(demand: Demand) -> tuple[Any, ...]:
    """Return a demand as its ABI tuple."""
    return (
        demand.batch_id, demand.replica, narrow(demand.provider), narrow(demand.asker), int(demand.kind),
        demand.subject, demand.units, demand.task, demand.operator, demand.level, demand.position, demand.count,
        demand.links, demand.deposit, demand.due,
    )  # fmt: skip


def demand_from_tuple(values: Sequence[Any]) -> Demand:
    """Return the demand of an ABI tuple."""
    batch_id, replica, provider, asker, kind, *rest = values
    return Demand(batch_id, replica, widen(provider), widen(asker), Kind(kind), *rest)


def case_tuple(case: Case) -> tuple[Any, ...]:
    """Return a case as its ABI tuple."""
    return (
        case.batch_id, case.replica, case.task, case.op_count, case.input_root, case.output_digest, case.units,
        case.graph_root, case.weight_root, case.private,
    )  # fmt: skip


def case_from_tuple(values: Sequence[Any]) -> Case:
    """Return the case of an ABI tuple."""
    return Case(*values)


def announcement_tuple(announced: Announcement) -> tuple[Any, ...]:
    """Return an announcement as its ABI tuple."""
    return (
        narrow(announced.challenger), announced.batch_id, announced.replica, narrow(announced.provider),
        announced.deposit, announced.open_until, announced.block,
    )  # fmt: skip


def announcement_from_tuple(values: Sequence[Any]) -> Announcement:
    """Return the announcement of an ABI tuple."""
    challenger, batch_id, replica, provider, *rest = values
    return Announcement(widen(challenger), batch_id, replica, widen(provider), *rest)


def nodes_arguments(nodes: Sequence[Node], sums: bool) -> tuple[list[bytes], list[int]]:
    """Return hashes and units of an answer; no units for a trace."""
    return [node[0] for node in nodes], [node[1] for node in nodes] if sums else []


def leaf_tuple(leaf: Leaf) -> tuple[Any, ...]:
    """Return a result with its path as its ABI tuple."""
    hashes, units = nodes_arguments(leaf.path, sums=True)
    return leaf.task, leaf.output_digest, leaf.units, hashes, units


def spec_tuple(spec: Spec) -> tuple[Any, ...]:
    """Return a spec with its path as its ABI tuple."""
    return spec.input_root, spec.params_digest, spec.json_digest, list(spec.path)


def shape_tuple(shape: Shape | None) -> tuple[int, int, int]:
    """Return a tensor's shape as its ABI tuple, zeros for none."""
    return (0, 0, 0) if shape is None else (int(shape.dtype), shape.rows, shape.cols)


def parent_tuple(parent: Parent) -> tuple[Any, ...]:
    """Return an answered demand and its answer as their ABI tuple."""
    sums = parent.demand.kind == Kind.RESULTS
    return demand_tuple(parent.demand), *nodes_arguments(parent.nodes, sums), shape_tuple(parent.shape), parent.item


def encode_case_proof(order: Order, leaf: Leaf, spec: Spec, op_count: int, graph_top: bytes) -> bytes:
    """Return what proves a case, as `demand_trace` takes it."""
    fields = (message_tuple(order), leaf_tuple(leaf), spec_tuple(spec), op_count, graph_top)
    return encode([f"({ORDER},{LEAF},{SPEC},uint256,bytes32)"], [fields])


def encode_evidence(evidence: kinds.Evidence, signatures: Sequence[bytes] = ()) -> tuple[Verdict, bytes]:
    """Return the verdict that evidence asks for and its encoding; `signatures` are those of an equivocation."""
    if isinstance(evidence, kinds.Equivocation):
        first, second = signatures
        fields = (evidence.first.commitment, first, evidence.second.commitment, second)
        return Verdict.EQUIVOCATION, encode(["(bytes32,bytes,bytes32,bytes)"], [fields])
    trace = _trace(evidence.trace)
    if isinstance(evidence, kinds.BadUnits):
        shown = _input(evidence.input)
        return Verdict.BAD_UNITS, encode(
            [f"({TRACE},{GRAPH_LEAF},{TENSOR})"], [(trace, _graph_leaf(evidence.header), shown)]
        )
    if isinstance(evidence, kinds.BadStep):
        parts = (
            trace, _operator(evidence.operator), [_operator(p) for p in evidence.predecessors],
            _graph_leaf(evidence.leaf), _input(evidence.input), evidence.opened,
        )  # fmt: skip
        return Verdict.BAD_STEP, encode([f"({TRACE},{OPERATOR},{OPERATOR}[],{GRAPH_LEAF},{TENSOR},bytes)"], [parts])
    verdict = Verdict.BAD_INPUT if isinstance(evidence, kinds.BadInput) else Verdict.BAD_OUTPUT
    return verdict, encode([f"({TRACE},{OPERATOR})"], [(trace, _operator(evidence.operator))])


def evidence_digest(encoded: bytes) -> bytes:
    """Return the hash of encoded evidence that an announcement seals."""
    return keccak256(encoded)


def demand_id(demand: Demand) -> bytes:
    """Return the key under which the contract knows a demand."""
    return keccak256(encode(interface("Court").function("demand_state").inputs, [demand_tuple(demand)]))


def _trace(trace: Trace) -> tuple[Any, ...]:
    return case_tuple(trace.case), trace.trace_root, trace.cipher_root


def _operator(operator: kinds.Operator) -> tuple[Any, ...]:
    return operator.index, operator.output_root, list(operator.path)


def _graph_leaf(leaf: kinds.GraphLeaf) -> tuple[Any, ...]:
    return leaf.data, list(leaf.path)


def _input(shown: kinds.Input) -> tuple[Any, ...]:
    return shape_tuple(shown.shape), shown.top
