"""A batch as the specification sees it now, and plans tried on it."""

from hashlib import sha256

from keepers.services.facts import batch_market
from keepers.services.settler_state import OpenBatch, SettlerState
from stun.protocol.errors import Rejected
from stun.protocol.market import clock
from stun.protocol.market.actions import Action
from stun.protocol.market.draft import Draft
from stun.protocol.market.state import Batch, Market, Replica, ReplicaState
from stun.protocol.market.step import step
from stun.protocol.messages import NOBODY


def stored_batch(known: OpenBatch) -> Batch | None:
    """Return the stored batch with the claims that its digests confirm, None if one is not known yet."""
    record = known.record
    replicas = []
    for k, (state, digest) in enumerate(zip(record.states, record.digests, strict=True)):
        root, units = known.claims.get(k, (NOBODY, 0))
        if state == ReplicaState.COMMITTED:
            replicas.append(Replica(state, commitment=digest))
        elif state == ReplicaState.REVEALED:
            if sha256(root + units.to_bytes(8, "big")).digest() != digest:
                return None
            replicas.append(Replica(state, outputs_root=root, total_units=units))
        else:
            replicas.append(Replica(state))
    return Batch(
        known.terms, record.phase, tuple(replicas), record.phase_at, record.hold_until, record.posted, record.tip_paid,
        record.dues, record.seq,
    )  # fmt: skip


def market_around(known: OpenBatch, batch: Batch, state: SettlerState) -> Market:
    """Return a market of this batch alone."""
    return batch_market(state.domain, state.stun, known.batch_id, batch, known.operators)


def batch_now(known: OpenBatch, batch: Batch, state: SettlerState, now: int) -> Batch | None:
    """Return the batch as the clock alone makes it, None if the clock ends it."""
    return clock.advance(Draft(market_around(known, batch, state), state.keeper, now), known.batch_id)


def attempt(known: OpenBatch, batch: Batch, state: SettlerState, action: Action, now: int) -> int | None:
    """Step an action; return what it pays to the keeper at once, None if it is refused."""
    market = market_around(known, batch, state)
    try:
        after, _ = step(market, action, now)
    except Rejected:
        return None
    return after.balances.get((known.terms.asset, state.keeper), 0)
