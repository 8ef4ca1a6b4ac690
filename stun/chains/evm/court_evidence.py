"""Evidence back from the bytes that a challenge carried, so that anybody can see what convicted a replica."""

from typing import Any

from stun.chains.evm import court_encoding as encoding
from stun.chains.evm.abi import AbiFunction, AbiMismatch
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.rpc import ChainReader
from stun.protocol.court import evidence as kinds
from stun.protocol.court.state import Trace
from stun.protocol.graph.tensors import Shape

_TRACE, _OPERATOR, _LEAF, _TENSOR = encoding.TRACE, encoding.OPERATOR, encoding.GRAPH_LEAF, encoding.TENSOR
_TYPES = {
    encoding.Verdict.BAD_INPUT: f"({_TRACE},{_OPERATOR})",
    encoding.Verdict.BAD_OUTPUT: f"({_TRACE},{_OPERATOR})",
    encoding.Verdict.BAD_UNITS: f"({_TRACE},{_LEAF},{_TENSOR})",
    encoding.Verdict.BAD_STEP: f"({_TRACE},{_OPERATOR},{_OPERATOR}[],{_LEAF},{_TENSOR},bytes)",
}


def read_challenge(reader: ChainReader, transaction: bytes) -> kinds.Evidence | None:
    """The evidence that a transaction opened before the court; None if it cannot be read there.

    Of an equivocation, which is no matter of a graph, there is nothing to read. Errors: ChainError.
    """
    content = reader.content(transaction)
    if content is None:
        return None
    try:
        _, _, verdict, _, encoded = interface("Court").function("challenge").decode_input(content.data)
        return decode_evidence(verdict, encoded)
    except AbiMismatch:
        return None  # another contract's call around it


def decode_evidence(verdict: int, encoded: bytes) -> kinds.Evidence | None:
    """Evidence as `court_encoding.encode_evidence` wrote it; None of an equivocation. Errors: AbiMismatch."""
    if verdict not in tuple(_TYPES):
        return None
    kind = encoding.Verdict(verdict)
    parts = AbiFunction("evidence", (), (_TYPES[kind],)).decode_output(encoded)
    trace = Trace(encoding.case_from_tuple(parts[0][0]), parts[0][1], parts[0][2])
    if kind is encoding.Verdict.BAD_UNITS:
        return kinds.BadUnits(trace, _leaf(parts[1]), _input(parts[2]))
    if kind is encoding.Verdict.BAD_STEP:
        predecessors = tuple(_operator(part) for part in parts[2])
        return kinds.BadStep(trace, _operator(parts[1]), predecessors, _leaf(parts[3]), _input(parts[4]), parts[5])
    made = kinds.BadInput if kind is encoding.Verdict.BAD_INPUT else kinds.BadOutput
    return made(trace, _operator(parts[1]))


def _operator(values: Any) -> kinds.Operator:
    index, root, path = values
    return kinds.Operator(index, root, tuple(path))


def _leaf(values: Any) -> kinds.GraphLeaf:
    data, path = values
    return kinds.GraphLeaf(data, tuple(path))


def _input(values: Any) -> kinds.Input:
    shape, top = values
    return kinds.Input(Shape(*shape), top)
