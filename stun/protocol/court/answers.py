"""Answers: the opening of a demanded node, in time; and what becomes of a demand that nobody answered."""

from collections.abc import Sequence

from stun.protocol.court import actions
from stun.protocol.court.draft import Draft, may_sign
from stun.protocol.court.state import Demand, Kind, Stage, Standing, trace_digest
from stun.protocol.court.unfolding import (
    DEPTH,
    TENSOR_DEPTH,
    Unfolded,
    fold_operators,
    fold_results,
    fold_rows,
    height,
    unfold,
)
from stun.protocol.errors import require
from stun.protocol.graph.tensors import Shape, leaf_count, tensor_root
from stun.protocol.trees.merkle import DIGEST_BYTES, crown, hash_leaf
from stun.protocol.trees.results import Node, is_node
from stun.protocol.trees.tags import OPS, ROWS


def answer_nodes(draft: Draft, action: actions.AnswerNodes) -> None:
    """Open the descendants of a node; those of a results tree must add up.

    Errors: those of `_expect`, "court: nodes" (their number or form), "court: opening", "trees: overflow".
    """
    demand = action.demand
    _expect(draft, demand, Kind.RESULTS, Kind.OPERATORS, Kind.ROWS)
    most = TENSOR_DEPTH if demand.kind == Kind.ROWS else DEPTH
    below = unfold(demand.count, demand.level, demand.position, most)
    _require_nodes(action.nodes, below.size, demand.kind == Kind.RESULTS)
    require(_fold(demand, action.nodes, below) == (demand.subject, demand.units), "court: opening")
    _accept(draft, demand, action.nodes)


def _fold(demand: Demand, nodes: Sequence[Node], below: Unfolded) -> Node:
    hashes = [node[0] for node in nodes]
    if demand.kind == Kind.RESULTS:
        return fold_results(nodes, below)
    if demand.kind == Kind.OPERATORS:
        return fold_operators(hashes, below, demand.provider), 0
    return fold_rows(hashes), 0


def answer_trace(draft: Draft, action: actions.AnswerTrace) -> None:
    """Commit to a trace. By the provider or its operator.

    Errors: those of `_expect`, "court: signer", "court: nodes", "court: cipher" (a ciphertext that cannot be).
    """
    demand = action.demand
    _expect(draft, demand, Kind.TRACE)
    require(may_sign(draft.market, demand.provider, draft.sender), "court: signer")
    require(len(action.cipher_root) == DIGEST_BYTES, "court: cipher")
    below = unfold(demand.count, demand.level, 0)
    _require_nodes(action.nodes, below.size, False)
    top = fold_operators([node[0] for node in action.nodes], below, demand.provider)
    trace_root = crown(OPS, demand.count, top)
    key = (demand.batch_id, demand.replica, demand.task)
    draft.put_trace(key, trace_digest(demand.subject, trace_root, action.cipher_root))
    draft.emit(
        "TraceCommitted",
        batch_id=demand.batch_id,
        provider=demand.provider,
        task=demand.task,
        trace_root=trace_root,
        cipher_root=action.cipher_root,
    )
    _accept(draft, demand, action.nodes)


def answer_tensor(draft: Draft, action: actions.AnswerTensor) -> None:
    """Open a tensor's root. Errors: those of `_expect`, "court: nodes", "court: opening"."""
    demand = action.demand
    _expect(draft, demand, Kind.TENSOR)
    count = leaf_count(action.shape)
    size = unfold(count, height(count), 0, TENSOR_DEPTH).size if count else 1
    _require_nodes(action.nodes, size, False)
    top = fold_rows([node[0] for node in action.nodes])
    require(tensor_root(action.shape, top) == demand.subject, "court: opening")
    _accept(draft, demand, action.nodes, action.shape)


def answer_row(draft: Draft, action: actions.AnswerRow) -> None:
    """Show the bytes of a tensor's leaf. Errors: those of `_expect`, "court: opening"."""
    demand = action.demand
    _expect(draft, demand, Kind.ROW)
    require(hash_leaf(ROWS, action.leaf) == demand.subject, "court: opening")
    draft.emit("RowOpened", demand=demand, leaf=action.leaf)
    _accept(draft, demand, ())


def expire_demand(draft: Draft, action: actions.ExpireDemand) -> None:
    """Convict a replica of failing its duty to answer; the asker has its deposit back.

    Errors: "court: unknown", "court: answered", "court: early", "court: replica" (it is out already), those of the
    market's `convict`.
    """
    demand = action.demand
    require(draft.standing(demand).stage == Stage.OPEN, "court: answered")
    require(draft.chain.now >= demand.due, "court: early")
    require(draft.is_live(demand.batch_id, demand.replica), "court: replica")
    draft.close(demand)
    draft.credit(demand.asker, demand.deposit)
    draft.emit("DemandExpired", demand=demand)
    draft.convict(demand.batch_id, demand.replica, False, demand.asker)


def claim_deposit(draft: Draft, action: actions.ClaimDeposit) -> None:
    """Pay a deposit out once the replica is out: to the asker if this court convicted it, else to the provider.

    Errors: "court: unknown", "court: claimed", "court: early" (the replica is not out).
    """
    demand = action.demand
    require(draft.standing(demand).stage != Stage.CLOSED, "court: claimed")
    require(not draft.is_live(demand.batch_id, demand.replica), "court: early")
    convicted = (demand.batch_id, demand.replica) in draft.court.convicted
    receiver = demand.asker if convicted else demand.provider
    draft.close(demand)
    draft.credit(receiver, demand.deposit)
    draft.emit("DepositClaimed", demand=demand, receiver=receiver)


def _expect(draft: Draft, demand: Demand, *kinds: Kind) -> None:
    """Errors: "court: kind", "court: unknown", "court: answered", "court: late"."""
    require(demand.kind in kinds, "court: kind")
    require(draft.standing(demand).stage == Stage.OPEN, "court: answered")
    require(draft.chain.now < demand.due, "court: late")


def _require_nodes(nodes: Sequence[Node], size: int, sums: bool) -> None:
    formed = len(nodes) == size and all(is_node(node) for node in nodes)
    require(formed and (sums or all(node[1] == 0 for node in nodes)), "court: nodes")


def _accept(draft: Draft, demand: Demand, nodes: tuple[Node, ...], shape: Shape | None = None) -> None:
    draft.put(demand, Standing(Stage.ANSWERED, draft.chain.now, nodes, shape))
    draft.count(demand, -1, -int(demand.kind == Kind.TRACE))
    draft.emit("Answered", demand=demand, nodes=nodes, shape=shape)
