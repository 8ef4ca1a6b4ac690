# pragma version ~=0.4.3
"""
@title Verdicts
@custom:contract-name Verdicts
@license GNU Affero General Public License v3.0 only
@notice Documented in IVerdicts. stun/protocol/court/verdicts.py: whether evidence shows that a replica of class exact is
        wrong. Evidence that does not fit what is committed is refused and decides nothing.
@custom:security Has no storage and no rights. The court compares the trace that a verdict rests on with the one it
                 stored.
@custom:kill Cannot be stopped.
"""

from .interfaces import ICourt
from .interfaces import IMarketplace
from .interfaces import IModelRegistry
from .interfaces import IReferee
from .interfaces import IVerdicts
from .modules import court_cases as cases
from .modules import graph_leaves
from .modules import messages
from .modules import results_tree
from .modules import signatures
from .modules import tensor_shapes

implements: IVerdicts

FLAG_PRIVATE: constant(uint8) = 1
MAX_OPERATORS: constant(uint256) = 65_534

BAD_INPUT: constant(uint256) = 1
BAD_OUTPUT: constant(uint256) = 2
BAD_UNITS: constant(uint256) = 3
BAD_STEP: constant(uint256) = 4
EQUIVOCATION: constant(uint256) = 5

ERR_VERDICT: constant(String[32]) = "court: verdict"
ERR_ORDER: constant(String[32]) = "court: order"
ERR_GRAPH: constant(String[32]) = "court: graph"
ERR_PLACE: constant(String[32]) = "court: place"
ERR_OPERATOR: constant(String[32]) = "court: operator"
ERR_INPUT: constant(String[32]) = "court: input"
ERR_COMMIT: constant(String[32]) = "court: commit"
ERR_PATH: constant(String[32]) = "trees: path"


MARKET: immutable(IMarketplace)
REGISTRY: immutable(IModelRegistry)
LINEAR: immutable(IReferee)
ROWWISE: immutable(IReferee)
DOMAIN: immutable(bytes32)


@deploy
def __init__(market: IMarketplace, registry: IModelRegistry, linear: IReferee, rowwise: IReferee):
    MARKET = market
    REGISTRY = registry
    LINEAR = linear
    ROWWISE = rowwise
    DOMAIN = staticcall market.domain_separator()


@external
@view
def judge(announced: ICourt.Announcement, verdict: uint256, evidence: Bytes[20480]) -> (bool, uint256, bytes32):
    # decoded here, since evidence that is handed on within the contract is copied
    if verdict == BAD_STEP:
        shown: ICourt.BadStep = abi_decode(evidence, ICourt.BadStep)
        digest: bytes32 = self._trace(announced, shown.trace)
        self._require_step(announced.provider, shown.trace, shown.operator, shown.leaf)
        roots: bytes32[2] = self._inputs(announced.provider, shown.trace, shown.leaf, shown.predecessors)
        self._require_input(shown.trace, shown.input)
        referee: IReferee = ROWWISE
        if graph_leaves.is_linear(shown.leaf.data):
            referee = LINEAR
        wrong: bool = staticcall referee.is_wrong(
            shown.leaf.data,
            shown.input.shape.rows,
            roots,
            shown.operator.output_root,
            shown.trace.case_.weight_root,
            shown.opened,
        )
        return wrong, shown.trace.case_.task, digest
    if verdict == BAD_INPUT or verdict == BAD_OUTPUT:
        return self._bad_edge(announced, verdict, abi_decode(evidence, ICourt.BadEdge))
    if verdict == BAD_UNITS:
        return self._bad_units(announced, abi_decode(evidence, ICourt.BadUnits))
    assert verdict == EQUIVOCATION, ERR_VERDICT
    return self._equivocation(announced, abi_decode(evidence, ICourt.Equivocation)), 0, empty(bytes32)


@external
@view
def open_case(
    batch_id: bytes32, replica: uint256, count: uint256, with_path: bool, opened: Bytes[8192]
) -> (ICourt.Case, bytes32, uint256):
    shown: ICourt.CaseProof = abi_decode(opened, ICourt.CaseProof)
    assert keccak256(concat(b"\x19\x01", DOMAIN, messages.order(shown.order))) == batch_id, ERR_ORDER
    result: bytes32 = empty(bytes32)
    if with_path:
        root: bytes32 = empty(bytes32)
        total: uint256 = 0
        root, total = cases.outputs_root(count, shown.leaf)
        result = results_tree.result_digest(root, total)
    assert cases.specs_root(count, shown.leaf.task, shown.spec) == shown.order.specs_root, ERR_PATH
    case_: ICourt.Case = empty(ICourt.Case)
    case_.weight_root, case_.graph_root = staticcall REGISTRY.roots(shown.order.model_id)
    assert shown.op_count > 0 and shown.op_count <= MAX_OPERATORS, ERR_GRAPH
    assert cases.crown(0x2602, shown.op_count + 1, shown.graph_top) == case_.graph_root, ERR_GRAPH
    case_.batch_id = batch_id
    case_.replica = replica
    case_.task = shown.leaf.task
    case_.op_count = shown.op_count
    case_.input_root = shown.spec.input_root
    case_.output_digest = shown.leaf.output_digest
    case_.units = shown.leaf.units
    case_.secret = shown.order.flags & FLAG_PRIVATE != 0
    return case_, result, convert(shown.order.task_seconds, uint256)


@internal
@view
def _bad_edge(announced: ICourt.Announcement, verdict: uint256, shown: ICourt.BadEdge) -> (bool, uint256, bytes32):
    digest: bytes32 = self._trace(announced, shown.trace)
    index: uint256 = 0
    if verdict == BAD_OUTPUT:
        index = shown.trace.case_.op_count - 1
    assert shown.operator.index == index, ERR_OPERATOR
    self._require_operator(announced.provider, shown.trace, shown.operator)
    claimed: bytes32 = shown.operator.output_root
    expected: bytes32 = shown.trace.case_.input_root
    if verdict == BAD_OUTPUT:
        expected = shown.trace.case_.output_digest
        if shown.trace.case_.secret:
            claimed = cases.private_digest(claimed, shown.trace.cipher_root)
    return claimed != expected, shown.trace.case_.task, digest


@internal
@view
def _bad_units(announced: ICourt.Announcement, shown: ICourt.BadUnits) -> (bool, uint256, bytes32):
    digest: bytes32 = self._trace(announced, shown.trace)
    self._require_leaf(shown.trace, shown.header, 0)
    self._require_input(shown.trace, shown.input)
    units: uint256 = graph_leaves.units(shown.header.data, shown.input.shape.rows)
    return units != convert(shown.trace.case_.units, uint256), shown.trace.case_.task, digest


@internal
@pure
def _require_step(provider: address, trace: ICourt.Trace, operator: ICourt.Operator, leaf: ICourt.GraphLeaf):
    """
    @notice Checks that the trace has an operator, and the graph its leaf. Errors: "court: operator", "trees: path".
    """
    assert operator.index > 0, ERR_OPERATOR
    self._require_operator(provider, trace, operator)
    self._require_leaf(trace, leaf, operator.index + 1)


@internal
@pure
def _inputs(
    provider: address, trace: ICourt.Trace, leaf: ICourt.GraphLeaf, shown: DynArray[ICourt.Operator, 2]
) -> bytes32[2]:
    """
    @notice Returns the output roots of a leaf's predecessors. Errors: "court: operator", "trees: path".
    """
    named: DynArray[uint256, 2] = graph_leaves.predecessors(leaf.data)
    assert len(named) == len(shown), ERR_OPERATOR
    roots: bytes32[2] = empty(bytes32[2])
    for i: uint256 in range(len(named), bound=2):
        assert shown[i].index == named[i], ERR_OPERATOR
        self._require_operator(provider, trace, shown[i])
        roots[i] = shown[i].output_root
    return roots


@internal
@view
def _equivocation(announced: ICourt.Announcement, shown: ICourt.Equivocation) -> bool:
    self._require_commit(announced, shown.first, shown.first_signature)
    self._require_commit(announced, shown.second, shown.second_signature)
    return shown.first != shown.second


@internal
@view
def _require_commit(announced: ICourt.Announcement, commitment: bytes32, signature: Bytes[65]):
    sealed: bytes32 = messages.commit(announced.batch_id, announced.provider, commitment)
    digest: bytes32 = keccak256(concat(b"\x19\x01", DOMAIN, sealed))
    signer: address = signatures.recover(digest, signature, 0)
    assert staticcall MARKET.may_sign(announced.provider, signer), ERR_COMMIT


@internal
@pure
def _trace(announced: ICourt.Announcement, trace: ICourt.Trace) -> bytes32:
    """
    @notice Returns the digest that the court must have stored of a trace. Errors: "court: place".
    """
    assert trace.case_.batch_id == announced.batch_id and trace.case_.replica == announced.replica, ERR_PLACE
    return cases.trace_digest(cases.case_digest(trace.case_), trace.trace_root, trace.cipher_root)


@internal
@pure
def _require_operator(provider: address, trace: ICourt.Trace, operator: ICourt.Operator):
    assert cases.trace_root_of(provider, trace.case_.op_count, operator) == trace.trace_root, ERR_PATH


@internal
@pure
def _require_leaf(trace: ICourt.Trace, leaf: ICourt.GraphLeaf, index: uint256):
    assert cases.graph_root_of(trace.case_.op_count + 1, index, leaf) == trace.case_.graph_root, ERR_PATH


@internal
@pure
def _require_input(trace: ICourt.Trace, shown: ICourt.Tensor):
    root: bytes32 = tensor_shapes.root(shown.shape.dtype, shown.shape.rows, shown.shape.cols, shown.top)
    assert root == trace.case_.input_root, ERR_INPUT
