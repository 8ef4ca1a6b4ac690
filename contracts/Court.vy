# pragma version ~=0.4.3
"""
@title Demands, answers and challenges
@custom:contract-name Court
@license GNU Affero General Public License v3.0 only
@notice Documented in ICourt.
@custom:security Holds deposits in the native coin and nothing else. It may hold and convict in batches whose config names
                 it; the market caps every hold. Trusts the verdicts given at deployment, which have no storage.
@custom:kill Cannot be stopped; a later config version names another court, open batches stay with this one.
"""

from .interfaces import IConfig
from .interfaces import ICourt
from .interfaces import IMarketplace
from .interfaces import IVerdicts
from .modules import accounts
from .modules import batch_store
from .modules import court_cases as cases
from .modules import court_store as store
from .modules import fields
from .modules import results_tree
from .modules import tensor_shapes
from .modules import unfolding

implements: ICourt

initializes: store

RESULTS: constant(uint256) = 1
TRACE: constant(uint256) = 2
OPERATORS: constant(uint256) = 3
TENSOR: constant(uint256) = 4
ROWS: constant(uint256) = 5
ROW: constant(uint256) = 6

EXACT: constant(uint256) = 0
WEI_PER_GWEI: constant(uint256) = 10**9

ERR_BATCH: constant(String[32]) = "batches: unknown"
ERR_PEER: constant(String[32]) = "court: peer"
ERR_PHASE: constant(String[32]) = "court: phase"
ERR_REPLICA: constant(String[32]) = "court: replica"
ERR_ROOT: constant(String[32]) = "court: root"
ERR_CLASS: constant(String[32]) = "court: class"
ERR_ORDER: constant(String[32]) = "court: order"
ERR_GRAPH: constant(String[32]) = "court: graph"
ERR_PARENT: constant(String[32]) = "court: parent"
ERR_ITEM: constant(String[32]) = "court: item"
ERR_ROW: constant(String[32]) = "court: row"
ERR_LATE: constant(String[32]) = "court: late"
ERR_EARLY: constant(String[32]) = "court: early"
ERR_CHAIN: constant(String[32]) = "court: chain"
ERR_KIND: constant(String[32]) = "court: kind"
ERR_NODES: constant(String[32]) = "court: nodes"
ERR_OPENING: constant(String[32]) = "court: opening"
ERR_SIGNER: constant(String[32]) = "court: signer"
ERR_REPEATED: constant(String[32]) = "court: repeated"
ERR_CLAIMED: constant(String[32]) = "court: claimed"
ERR_TRACE: constant(String[32]) = "court: trace"
ERR_BLOCK: constant(String[32]) = "court: block"
ERR_PLACE: constant(String[32]) = "court: place"
ERR_RECEIVER: constant(String[32]) = "court: receiver"
ERR_NOTHING: constant(String[32]) = "court: nothing"
ERR_PATH: constant(String[32]) = "trees: path"

MARKET: immutable(IMarketplace)
CONFIG: immutable(IConfig)
VERDICTS: immutable(IVerdicts)


@deploy
def __init__(
    market: IMarketplace, config: IConfig, verdicts: IVerdicts
):
    MARKET = market
    CONFIG = config
    VERDICTS = verdicts


# demands


@external
@payable
def demand_top(batch_id: bytes32, terms: IMarketplace.Terms, replica: uint256, top: bytes32, units: uint64):
    view_: IMarketplace.BatchView = self._results(batch_id, terms, replica)
    root: bytes32 = cases.crown(0x2102, terms.count, top)
    assert view_.digests[replica] == results_tree.result_digest(root, convert(units, uint256)), ERR_ROOT
    demand: ICourt.Demand = self._demand(batch_id, terms, replica, RESULTS, top)
    demand.units = units
    demand.level = unfolding.height(terms.count)
    demand.count = terms.count
    self._open(view_, terms, demand, 0, [])


@external
@payable
def demand_below(terms: IMarketplace.Terms, parent: ICourt.Parent):
    asked: ICourt.Demand = parent.demand
    view_: IMarketplace.BatchView = self._results(asked.batch_id, terms, asked.replica)
    below: unfolding.Below = self._follow(terms, parent, view_.phase_at + terms.challenge_seconds)
    demand: ICourt.Demand = self._demand(asked.batch_id, terms, asked.replica, asked.kind, parent.nodes[parent.item])
    demand.task = asked.task
    demand.operator = asked.operator
    demand.level = below.level
    demand.position = below.first + parent.item
    demand.count = asked.count
    demand.links = asked.links + 1
    if asked.kind == RESULTS:
        assert below.level > 0, ERR_ITEM
        demand.units = parent.units[parent.item]
    elif asked.kind == TRACE or asked.kind == OPERATORS:
        demand.kind = OPERATORS
        if below.level == 0:
            demand.kind = TENSOR
            demand.operator = demand.position
            demand.position = 0
            demand.count = 0
    else:
        if asked.kind == TENSOR:
            shape: ICourt.Shape = parent.shape
            demand.count = tensor_shapes.leaf_count(shape.dtype, shape.rows, shape.cols)
        assert asked.kind != ROW and demand.count > 0, ERR_ITEM
        demand.kind = ROWS
        if below.level == 0:
            demand.kind = ROW
    self._open(view_, terms, demand, 0, [])


@external
@payable
def demand_trace(
    batch_id: bytes32,
    terms: IMarketplace.Terms,
    replica: uint256,
    parents: DynArray[ICourt.Parent, 1],
    opened: Bytes[8192],
):
    view_: IMarketplace.BatchView = self._results(batch_id, terms, replica)
    assert terms.numeric_class == EXACT, ERR_CLASS
    case_: ICourt.Case = empty(ICourt.Case)
    result: bytes32 = empty(bytes32)
    task_seconds: uint256 = 0
    case_, result, task_seconds = staticcall VERDICTS.open_case(
        batch_id, replica, terms.count, len(parents) == 0, opened
    )
    links: uint256 = 0
    if len(parents) == 0:
        assert view_.digests[replica] == result, ERR_ROOT
    else:
        asked: ICourt.Demand = parents[0].demand
        assert asked.kind == RESULTS and asked.batch_id == batch_id and asked.replica == replica, ERR_PARENT
        below: unfolding.Below = self._follow(terms, parents[0], view_.phase_at + terms.challenge_seconds)
        item: uint256 = parents[0].item
        assert below.level == 0 and case_.task == below.first + item, ERR_ITEM
        assert case_.output_digest == parents[0].nodes[item] and case_.units == parents[0].units[item], ERR_ITEM
        links = asked.links + 1
    assert store._traces[batch_id][replica][case_.task] == empty(bytes32), ERR_REPEATED
    store._traces[batch_id][replica][case_.task] = store.DEMANDED
    demand: ICourt.Demand = self._demand(batch_id, terms, replica, TRACE, cases.case_digest(case_))
    demand.units = case_.units
    demand.task = case_.task
    demand.level = unfolding.height(case_.op_count)
    demand.count = case_.op_count
    demand.links = links
    self._open(view_, terms, demand, task_seconds, [case_])


# answers


@external
def answer_nodes(demand: ICourt.Demand, nodes: DynArray[bytes32, 32], units: DynArray[uint64, 16]):
    assert demand.kind == RESULTS or demand.kind == OPERATORS or demand.kind == ROWS, ERR_KIND
    id: bytes32 = self._expect(demand)
    most: uint256 = unfolding.DEPTH
    if demand.kind == ROWS:
        most = unfolding.TENSOR_DEPTH
    below: unfolding.Below = unfolding.unfold(demand.count, demand.level, demand.position, most)
    assert len(nodes) == below.size, ERR_NODES
    if demand.kind == RESULTS:
        assert len(units) == below.size, ERR_NODES
        node: bytes32 = empty(bytes32)
        sum: uint256 = 0
        node, sum = unfolding.fold_results(below, nodes, units)
        assert node == demand.subject and sum == convert(demand.units, uint256), ERR_OPENING
    else:
        assert len(units) == 0, ERR_NODES
        if demand.kind == OPERATORS:
            assert unfolding.fold_operators(below, nodes, demand.provider) == demand.subject, ERR_OPENING
        else:
            assert unfolding.fold_rows(nodes) == demand.subject, ERR_OPENING
    store.answer(id, demand, nodes, units, empty(ICourt.Shape))


@external
def answer_trace(demand: ICourt.Demand, nodes: DynArray[bytes32, 32], cipher_root: bytes32):
    assert demand.kind == TRACE, ERR_KIND
    id: bytes32 = self._expect(demand)
    assert staticcall MARKET.may_sign(demand.provider, msg.sender), ERR_SIGNER
    below: unfolding.Below = unfolding.unfold(demand.count, demand.level, 0, unfolding.DEPTH)
    assert len(nodes) == below.size, ERR_NODES
    top: bytes32 = unfolding.fold_operators(below, nodes, demand.provider)
    trace_root: bytes32 = cases.crown(0x2302, demand.count, top)
    digest: bytes32 = cases.trace_digest(demand.subject, trace_root, cipher_root)
    store._traces[demand.batch_id][demand.replica][demand.task] = digest
    log ICourt.TraceCommitted(
        batch_id=demand.batch_id,
        provider=demand.provider,
        task=demand.task,
        trace_root=trace_root,
        cipher_root=cipher_root,
    )
    store.answer(id, demand, nodes, [], empty(ICourt.Shape))


@external
def answer_tensor(demand: ICourt.Demand, shape: ICourt.Shape, nodes: DynArray[bytes32, 32]):
    assert demand.kind == TENSOR, ERR_KIND
    id: bytes32 = self._expect(demand)
    count: uint256 = tensor_shapes.leaf_count(shape.dtype, shape.rows, shape.cols)
    size: uint256 = 1
    if count > 0:
        size = unfolding.unfold(count, unfolding.height(count), 0, unfolding.TENSOR_DEPTH).size
    assert len(nodes) == size, ERR_NODES
    top: bytes32 = unfolding.fold_rows(nodes)
    assert tensor_shapes.root(shape.dtype, shape.rows, shape.cols, top) == demand.subject, ERR_OPENING
    store.answer(id, demand, nodes, [], shape)


@external
def answer_row(demand: ICourt.Demand, leaf: Bytes[4096]):
    assert demand.kind == ROW, ERR_KIND
    id: bytes32 = self._expect(demand)
    assert sha256(concat(0x2400, leaf)) == demand.subject, ERR_OPENING
    log ICourt.RowOpened(batch_id=demand.batch_id, provider=demand.provider, demand_id=id, leaf=leaf)
    store.answer(id, demand, [], [], empty(ICourt.Shape))


@external
def expire_demand(terms: IMarketplace.Terms, demand: ICourt.Demand):
    id: bytes32 = store.require_open(demand)
    assert block.timestamp >= demand.due, ERR_EARLY
    assert self._is_live(demand.batch_id, demand.replica), ERR_REPLICA
    store.close(id)
    store.credits[demand.asker] += demand.deposit
    log ICourt.DemandExpired(batch_id=demand.batch_id, provider=demand.provider, demand_id=id)
    store.mark_convicted(demand.batch_id, demand.replica, False)
    extcall MARKET.convict(demand.batch_id, terms, demand.replica, False, demand.asker)


@external
def claim_deposit(demand: ICourt.Demand):
    id: bytes32 = store.demand_id(demand)
    word: uint256 = store._demands[id]
    assert word != 0, store.ERR_UNKNOWN
    assert word != store.CLOSED, ERR_CLAIMED
    assert not self._is_live(demand.batch_id, demand.replica), ERR_EARLY
    receiver: address = demand.provider
    if store.is_convicted(demand.batch_id, demand.replica):
        receiver = demand.asker
    store.close(id)
    store.credits[receiver] += demand.deposit
    log ICourt.DepositClaimed(demand_id=id, receiver=receiver, amount=demand.deposit)


# challenges


@external
@payable
def announce(batch_id: bytes32, terms: IMarketplace.Terms, replica: uint256, digest: bytes32):
    view_: IMarketplace.BatchView = self._live(batch_id, terms, replica)
    version: uint256 = terms.rules >> fields.VERSION_SHIFT
    assert staticcall CONFIG.court_of(version) == self, ERR_PEER
    has_results: bool = view_.phase == batch_store.RESULTS
    quiet_at: uint256 = max(view_.phase_at + terms.challenge_seconds, view_.hold_until)
    assert not has_results or block.timestamp < quiet_at, ERR_LATE
    times: uint256 = 0
    duties: uint256 = 0
    times, duties = staticcall CONFIG.court_rules(version)
    gas: uint256 = 2 * ((duties >> fields.CHALLENGE_GAS) & fields.U24) * block.basefee
    deposit: uint256 = ((duties >> fields.ANSWER_FLOOR_GWEI) & fields.U40) * WEI_PER_GWEI + gas
    store.keep(deposit)
    announced: ICourt.Announcement = ICourt.Announcement(
        challenger=msg.sender,
        batch_id=batch_id,
        replica=replica,
        provider=accounts.narrow(terms.casts[replica].provider),
        deposit=deposit,
        open_until=block.timestamp + ((duties >> fields.CHALLENGE_OPEN_SECONDS) & fields.U24),
        block_number=block.number,
    )
    store.put_announcement(digest, announced)
    if has_results:
        extcall MARKET.hold(batch_id, terms, announced.open_until)
    log ICourt.ChallengeAnnounced(batch_id=batch_id, digest=digest, announcement=announced)


@external
def challenge(
    terms: IMarketplace.Terms,
    announced: ICourt.Announcement,
    verdict: uint256,
    salt: bytes32,
    evidence: Bytes[20480],
):
    digest: bytes32 = cases.seal(msg.sender, keccak256(evidence), salt)
    store.take_announcement(digest, announced)
    assert block.number > announced.block_number, ERR_BLOCK
    assert block.timestamp < announced.open_until, ERR_LATE
    self._live(announced.batch_id, terms, announced.replica)
    wrong: bool = False
    task: uint256 = 0
    trace: bytes32 = empty(bytes32)
    wrong, task, trace = staticcall VERDICTS.judge(announced, verdict, evidence)
    if trace != empty(bytes32):
        assert store._traces[announced.batch_id][announced.replica][task] == trace, ERR_TRACE
    receiver: address = announced.provider
    if wrong:
        receiver = announced.challenger
    store.credits[receiver] += announced.deposit
    log ICourt.ChallengeOpened(batch_id=announced.batch_id, digest=digest, verdict=verdict, wrong=wrong)
    if wrong:
        store.mark_convicted(announced.batch_id, announced.replica, True)
        extcall MARKET.convict(announced.batch_id, terms, announced.replica, True, announced.challenger)


@external
def lapse(digest: bytes32, announced: ICourt.Announcement):
    store.take_announcement(digest, announced)
    late: bool = block.timestamp >= announced.open_until
    assert late or not self._is_live(announced.batch_id, announced.replica), ERR_EARLY
    receiver: address = announced.provider
    if not late or store.is_convicted(announced.batch_id, announced.replica):
        receiver = announced.challenger
    store.credits[receiver] += announced.deposit
    log ICourt.ChallengeLapsed(batch_id=announced.batch_id, digest=digest, receiver=receiver)


@external
@nonreentrant
def take_credit(to: address):
    amount: uint256 = store.credits[msg.sender]
    assert to != empty(address), ERR_RECEIVER
    assert amount > 0, ERR_NOTHING
    store.credits[msg.sender] = 0
    log ICourt.CreditTaken(account=msg.sender, to=to, amount=amount)
    raw_call(to, b"", value=amount)


# views


@external
@view
def was_convicted(batch_id: bytes32, replica: uint256) -> bool:
    return store.is_convicted(batch_id, replica)


@external
@view
def was_wrong(batch_id: bytes32, replica: uint256) -> bool:
    return store.is_wrong(batch_id, replica)


@external
@view
def open_demands(batch_id: bytes32, replica: uint256) -> uint256:
    total: uint256 = 0
    traces: uint256 = 0
    total, traces = store.counted(batch_id, replica)
    return total


@external
@view
def credit_of(account: address) -> uint256:
    return store.credits[account]


@external
@view
def demand_state(demand: ICourt.Demand) -> uint256:
    return store._demands[store.demand_id(demand)]


# internal


@internal
@view
def _live(batch_id: bytes32, terms: IMarketplace.Terms, replica: uint256) -> IMarketplace.BatchView:
    """
    @notice Returns a batch whose terms these are and whose replica is not out.
    """
    view_: IMarketplace.BatchView = staticcall MARKET.batch(batch_id)
    assert view_.phase != 0 and keccak256(abi_encode(terms)) == view_.terms_digest, ERR_BATCH
    assert replica < terms.replicas and view_.states[replica] <= batch_store.REVEALED, ERR_REPLICA
    return view_


@internal
@view
def _results(batch_id: bytes32, terms: IMarketplace.Terms, replica: uint256) -> IMarketplace.BatchView:
    view_: IMarketplace.BatchView = self._live(batch_id, terms, replica)
    assert view_.phase == batch_store.RESULTS, ERR_PHASE
    return view_


@internal
@view
def _is_live(batch_id: bytes32, replica: uint256) -> bool:
    view_: IMarketplace.BatchView = staticcall MARKET.batch(batch_id)
    return view_.phase != 0 and view_.states[replica] <= batch_store.REVEALED


@internal
@view
def _follow(terms: IMarketplace.Terms, parent: ICourt.Parent, window_end: uint256) -> unfolding.Below:
    """
    @notice Returns where the nodes of an answer stand, if it may still be followed: until the window ends, and for a while
            after the answer. A trace is demanded once only, so that one asked for early shields nobody.
    """
    asked: ICourt.Demand = parent.demand
    answered_at: uint256 = store.answered_at(parent)
    times: uint256 = 0
    duties: uint256 = 0
    times, duties = staticcall CONFIG.court_rules(terms.rules >> fields.VERSION_SHIFT)
    follow_by: uint256 = answered_at + ((duties >> fields.FOLLOW_SECONDS) & fields.U24)
    assert block.timestamp < max(follow_by, window_end), ERR_LATE
    assert asked.links + 1 < (duties >> fields.CHAIN_MAX) & fields.U8, ERR_CHAIN
    assert parent.item < len(parent.nodes), ERR_ITEM
    if asked.kind == TENSOR:
        count: uint256 = tensor_shapes.leaf_count(parent.shape.dtype, parent.shape.rows, parent.shape.cols)
        if count == 0:
            return unfolding.Below(level=0, first=0, size=1)
        return unfolding.unfold(count, unfolding.height(count), 0, unfolding.TENSOR_DEPTH)
    most: uint256 = unfolding.DEPTH
    if asked.kind == ROWS:
        most = unfolding.TENSOR_DEPTH
    return unfolding.unfold(asked.count, asked.level, asked.position, most)


@internal
@view
def _demand(
    batch_id: bytes32, terms: IMarketplace.Terms, replica: uint256, kind: uint256, subject: bytes32
) -> ICourt.Demand:
    demand: ICourt.Demand = empty(ICourt.Demand)
    demand.batch_id = batch_id
    demand.replica = replica
    demand.provider = accounts.narrow(terms.casts[replica].provider)
    demand.asker = msg.sender
    demand.kind = kind
    demand.subject = subject
    return demand


@internal
@payable
def _open(
    view_: IMarketplace.BatchView,
    terms: IMarketplace.Terms,
    d: ICourt.Demand,
    task_seconds: uint256,
    case_: DynArray[ICourt.Case, 1],
):
    """
    @notice Registers a demand: its deposit, when the answer is due, and the hold that leaves time to expire it.
    """
    demand: ICourt.Demand = d
    if demand.links == 0:
        assert block.timestamp < view_.phase_at + terms.challenge_seconds, ERR_LATE
    times: uint256 = 0
    duties: uint256 = 0
    times, duties = staticcall CONFIG.court_rules(terms.rules >> fields.VERSION_SHIFT)
    total: uint256 = 0
    traces: uint256 = 0
    total, traces = store.counted(demand.batch_id, demand.replica)
    gas: uint256 = 2 * ((duties >> fields.ANSWER_GAS) & fields.U24) * block.basefee
    demand.due = block.timestamp + ((times >> fields.ANSWER_SECONDS) & fields.U24)
    if demand.kind == TRACE:
        gas *= 2
        demand.due += 2 * task_seconds * (traces + 1)
    least: uint256 = ((duties >> fields.ANSWER_FLOOR_GWEI) & fields.U40) * WEI_PER_GWEI
    demand.deposit = (total + 1) * (least + gas)
    id: bytes32 = store.open_demand(demand)
    store.keep(demand.deposit)
    extcall MARKET.hold(
        demand.batch_id, terms, demand.due + ((duties >> fields.FOLLOW_SECONDS) & fields.U24)
    )
    log ICourt.Demanded(
        batch_id=demand.batch_id, provider=demand.provider, demand_id=id, demand=demand, case_=case_
    )


@internal
@view
def _expect(demand: ICourt.Demand) -> bytes32:
    """
    @notice Returns the key of a demand that may still be answered.
    """
    id: bytes32 = store.require_open(demand)
    assert block.timestamp < demand.due, ERR_LATE
    return id
