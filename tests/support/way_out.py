"""One party of a batch alone, all others silent for ever: its acts and the clock bring out what is due to it."""

from dataclasses import dataclass, replace

from market_plans import Plan

from stun.protocol.errors import Rejected
from stun.protocol.market.actions import (
    Action,
    Deliver,
    Expire,
    PostResult,
    Reveal,
    Settle,
    SignedCommit,
    Withdraw,
)
from stun.protocol.market.settlement import agreed_root
from stun.protocol.market.state import LIVE, Batch, Market, Phase, ReplicaState
from stun.protocol.market.step import step
from stun.protocol.money import price_locked

MOST_ACTS = 8


@dataclass(frozen=True, slots=True)
class Exit:
    """How one party left: when, by how many acts, and what it gained."""

    at: int
    acts: int
    gained: int


def leave_alone(market: Market, now: int, batch_id: bytes, party: bytes, plan: Plan | None) -> Exit:
    """Let only `party` act until the batch has ended and its free balance is out; fails if it takes too many acts."""
    asset = market.batches[batch_id].terms.asset
    before = market.balances.get((asset, party), 0)
    acts = 0
    while batch_id in market.batches:
        now, action = _next(market, now, batch_id, party, plan)
        market, _ = step(market, action, now)
        acts += 1
        assert acts <= MOST_ACTS, "a party alone must not need more"
    balance = market.balances.get((asset, party), 0)
    if balance:
        market, _ = step(market, Withdraw(party, asset, balance, party), now)
    assert market.balances.get((asset, party), 0) == 0
    return Exit(now, acts, balance - before)


def least_due(batch: Batch, now: int, party: bytes, plan: Plan | None) -> int:
    """What the party gets at least: bonds of replicas that it can still show, the price of those that nobody will."""
    terms = batch.terms
    due = 0
    for index in batch.live:
        cast = terms.casts[index]
        shown = batch.replicas[index].state == ReplicaState.REVEALED
        if party == cast.provider and (shown or can_show(batch, now, index, plan)):
            due += cast.bond
        if party == terms.requester and not shown:
            due += price_locked(terms.count, terms.max_units, cast.price)
    return due


def can_show(batch: Batch, now: int, index: int, plan: Plan | None) -> bool:
    """Whether a replica's answer is one that the market takes, and there is time for it."""
    if plan is None:
        return False
    try:
        units = plan.claim(index)[1]
    except Rejected:
        return False
    replica = batch.replicas[index]
    sealed_else = replica.state == ReplicaState.COMMITTED and replica.commitment != plan.commitment(index)
    late = now >= batch.terms.post_by if replica.state == ReplicaState.PENDING else now >= _reveal_by(batch)
    return units <= batch.terms.unit_limit and not sealed_else and not late


def _reveal_by(batch: Batch) -> int:
    """The last moment of the replica's reveal, whichever phase the batch is in."""
    begun = batch if batch.phase == Phase.REVEALING else replace(batch, phase_at=batch.terms.post_by)
    return begun.reveal_by


def _next(market: Market, now: int, batch_id: bytes, party: bytes, plan: Plan | None) -> tuple[int, Action]:
    batch = market.batches[batch_id]
    duty = _duty(batch, now, batch_id, party, plan)
    if duty is not None:
        return duty
    if batch.phase == Phase.OPEN:
        return max(now, batch.terms.post_by), Expire(party, batch_id)
    if batch.phase == Phase.REVEALING:
        return max(now, batch.reveal_by), Expire(party, batch_id)
    root = agreed_root(batch) if batch.dues is None else None
    if root is not None:
        winner = next(replica for replica in batch.replicas if replica.outputs_root == root)
        return max(now, batch.quiet_at), Settle(party, batch_id, *winner.claim)
    moment = batch.resolve_by if batch.dues is None else batch.quiet_at
    return max(now, moment), Settle(party, batch_id)


def _duty(batch: Batch, now: int, batch_id: bytes, party: bytes, plan: Plan | None) -> tuple[int, Action] | None:
    """The provider's own next act, if there is one: post, commit, or reveal once it may."""
    mine = [k for k, cast in enumerate(batch.terms.casts) if cast.provider == party]
    if not mine or batch.replicas[mine[0]].state not in LIVE or not can_show(batch, now, mine[0], plan):
        return None
    assert plan is not None
    index, state = mine[0], batch.replicas[mine[0]].state
    if state == ReplicaState.PENDING and len(batch.terms.casts) == 1:
        return now, PostResult(party, batch_id, plan.answers[index].top, party)
    if state == ReplicaState.PENDING:
        return now, Deliver(party, batch_id, (SignedCommit(index, plan.commitment(index), party),))
    if state == ReplicaState.COMMITTED:
        moment = now if batch.phase == Phase.REVEALING else max(now, batch.terms.post_by)
        return moment, Deliver(party, batch_id, (), (Reveal(index, plan.answers[index].top, plan.salt(index)),))
    return None
