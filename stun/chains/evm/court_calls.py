"""Actions before the court as calldata of its contract."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stun.chains.evm import court_encoding as encoding
from stun.chains.evm.addresses import narrow
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import terms_tuple
from stun.protocol.court import actions
from stun.protocol.court.state import Announcement, Kind
from stun.protocol.court.unfolding import unfold
from stun.protocol.market.state import Terms


@dataclass(frozen=True, slots=True)
class Context:
    """What a call carries beside its action; see stun.chains.court.CourtWriter.act."""

    terms: Terms | None = None
    announced: Announcement | None = None
    signatures: Sequence[bytes] = ()

    @property
    def terms_tuple(self) -> tuple[Any, ...]:
        """The terms as the contract takes them."""
        assert self.terms is not None, "this action carries the batch's terms"
        return terms_tuple(self.terms)

    @property
    def announced_tuple(self) -> tuple[Any, ...]:
        """The announcement as the contract takes it."""
        assert self.announced is not None, "this action carries the announcement"
        return encoding.announcement_tuple(self.announced)


def calldata(action: actions.Action, context: Context) -> bytes:
    """Return the calldata of an action."""
    name, arguments = _CALLS[type(action)](action, context)
    return interface("Court").function(name).encode(*arguments)


def evidence_of(action: actions.Challenge, context: Context) -> tuple[encoding.Verdict, bytes]:
    """Return the verdict that a challenge asks for and its evidence's encoding."""
    return encoding.encode_evidence(action.evidence, context.signatures)


def _below(action: actions.DemandBelow, context: Context) -> tuple[str, tuple[Any, ...]]:
    return "demand_below", (context.terms_tuple, encoding.parent_tuple(action.parent))


def _top(action: actions.DemandTop, context: Context) -> tuple[str, tuple[Any, ...]]:
    return "demand_top", (action.batch_id, context.terms_tuple, action.replica, action.top, action.units)


def _trace(action: actions.DemandTrace, context: Context) -> tuple[str, tuple[Any, ...]]:
    leaf, parents = action.leaf, []
    if action.parent is not None:
        demand, item = action.parent.demand, action.parent.item
        parents = [encoding.parent_tuple(action.parent)]
        task = unfold(demand.count, demand.level, demand.position).first + item
        leaf = actions.Leaf(task, *action.parent.nodes[item], ()) if leaf is None else leaf
    assert leaf is not None, "a trace is demanded by its leaf or by an answer"
    proof = encoding.encode_case_proof(action.order, leaf, action.spec, action.op_count, action.graph_top)
    return "demand_trace", (action.batch_id, context.terms_tuple, action.replica, parents, proof)


def _answer_nodes(action: actions.AnswerNodes, _: Context) -> tuple[str, tuple[Any, ...]]:
    nodes = encoding.nodes_arguments(action.nodes, action.demand.kind == Kind.RESULTS)
    return "answer_nodes", (encoding.demand_tuple(action.demand), *nodes)


def _answer_trace(action: actions.AnswerTrace, _: Context) -> tuple[str, tuple[Any, ...]]:
    nodes, _units = encoding.nodes_arguments(action.nodes, sums=False)
    return "answer_trace", (encoding.demand_tuple(action.demand), nodes, action.cipher_root)


def _answer_tensor(action: actions.AnswerTensor, _: Context) -> tuple[str, tuple[Any, ...]]:
    nodes, _units = encoding.nodes_arguments(action.nodes, sums=False)
    return "answer_tensor", (encoding.demand_tuple(action.demand), encoding.shape_tuple(action.shape), nodes)


def _answer_row(action: actions.AnswerRow, _: Context) -> tuple[str, tuple[Any, ...]]:
    return "answer_row", (encoding.demand_tuple(action.demand), action.leaf)


def _expire(action: actions.ExpireDemand, context: Context) -> tuple[str, tuple[Any, ...]]:
    return "expire_demand", (context.terms_tuple, encoding.demand_tuple(action.demand))


def _claim(action: actions.ClaimDeposit, _: Context) -> tuple[str, tuple[Any, ...]]:
    return "claim_deposit", (encoding.demand_tuple(action.demand),)


def _announce(action: actions.Announce, context: Context) -> tuple[str, tuple[Any, ...]]:
    return "announce", (action.batch_id, context.terms_tuple, action.replica, action.digest)


def _challenge(action: actions.Challenge, context: Context) -> tuple[str, tuple[Any, ...]]:
    verdict, encoded = evidence_of(action, context)
    return "challenge", (context.terms_tuple, context.announced_tuple, int(verdict), action.salt, encoded)


def _lapse(action: actions.Lapse, context: Context) -> tuple[str, tuple[Any, ...]]:
    return "lapse", (action.digest, context.announced_tuple)


def _take(action: actions.TakeCredit, _: Context) -> tuple[str, tuple[Any, ...]]:
    return "take_credit", (narrow(action.to),)


_CALLS: dict[type, Callable[[Any, Context], tuple[str, tuple[Any, ...]]]] = {
    actions.DemandTop: _top,
    actions.DemandBelow: _below,
    actions.DemandTrace: _trace,
    actions.AnswerNodes: _answer_nodes,
    actions.AnswerTrace: _answer_trace,
    actions.AnswerTensor: _answer_tensor,
    actions.AnswerRow: _answer_row,
    actions.ExpireDemand: _expire,
    actions.ClaimDeposit: _claim,
    actions.Announce: _announce,
    actions.Challenge: _challenge,
    actions.Lapse: _lapse,
    actions.TakeCredit: _take,
}
assert set(_CALLS) == set(actions.ACTIONS), "an action without a call"
