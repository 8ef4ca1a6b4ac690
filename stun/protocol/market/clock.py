"""The clock of a batch: what time alone does to it, and how a replica goes out.

Deadlines are exclusive: an act is in time iff now < deadline. A late call finds the batch as the clock left it.
"""

from dataclasses import replace

from stun.protocol import money
from stun.protocol.market.draft import Draft
from stun.protocol.market.state import Batch, Phase, ReplicaState
from stun.protocol.parameters import BPS


def advance(draft: Draft, batch_id: bytes) -> Batch | None:
    """Bring a batch up to date; returns None if that closed it. Errors: "batches: unknown"."""
    batch = draft.batch(batch_id)
    if batch.phase == Phase.OPEN and draft.now >= batch.terms.post_by:
        for index in batch.live:
            if batch.replicas[index].state == ReplicaState.PENDING:
                _silence(draft, batch_id, index, batch.terms.rule("silence_bps"))
        batch = draft.batch(batch_id)
        if not batch.live:
            close(draft, batch_id)
            return None
        batch = draft.change(batch_id, phase=Phase.REVEALING, phase_at=batch.terms.post_by)
    if batch.phase == Phase.REVEALING and draft.now >= batch.reveal_by:
        reveal_by = batch.reveal_by
        for index in batch.live:
            if batch.replicas[index].state == ReplicaState.COMMITTED:
                _silence(draft, batch_id, index, BPS)
        batch = draft.batch(batch_id)
        if not batch.live:
            close(draft, batch_id)
            return None
        batch = draft.change(batch_id, phase=Phase.RESULTS, phase_at=reveal_by)
    return batch


def progress(draft: Draft, batch_id: bytes, settler: bytes | None = None) -> Batch | None:
    """Move to the next phase at once when no live replica is left to wait for; None if that closed the batch."""
    batch = draft.batch(batch_id)
    if not batch.live:
        close(draft, batch_id, settler=settler)
        return None
    states = {batch.replicas[index].state for index in batch.live}
    if batch.phase == Phase.OPEN and ReplicaState.PENDING not in states:
        batch = draft.change(batch_id, phase=Phase.REVEALING, phase_at=draft.now)
    if batch.phase == Phase.REVEALING and states == {ReplicaState.REVEALED}:
        batch = draft.change(batch_id, phase=Phase.RESULTS, phase_at=draft.now)
    return batch


def leave(draft: Draft, batch_id: bytes, index: int, state: ReplicaState, penalty: int) -> None:
    """A replica goes out before it is convicted: it loses `penalty` of its bond, the requester has its price back."""
    terms = draft.batch(batch_id).terms
    cast = terms.casts[index]
    draft.change_replica(batch_id, index, state=state, commitment=b"")
    draft.forfeit(terms.asset, penalty)
    draft.credit(terms.asset, cast.provider, cast.bond - penalty)
    refund_price(draft, batch_id, index)
    draft.emit_batch(batch_id, "ReplicaOut", provider=cast.provider, reason=int(state), penalty=penalty)


def refund_price(draft: Draft, batch_id: bytes, index: int) -> None:
    """Return what the requester locked for one replica."""
    terms = draft.batch(batch_id).terms
    locked = money.price_locked(terms.count, terms.max_units, terms.casts[index].price)
    draft.credit(terms.asset, terms.requester, locked)


def close(draft: Draft, batch_id: bytes, paid: tuple[int, ...] = (), settler: bytes | None = None) -> None:
    """End a batch: what is left of tip and prepayment goes where it belongs, and the record is deleted.

    The last event names the settler, the sender if none is given.
    """
    batch = draft.batch(batch_id)
    terms = batch.terms
    back = 0 if batch.tip_paid else terms.tip
    if batch.posted:
        draft.audit[terms.asset] = draft.audit.get(terms.asset, 0) + terms.audit_prepaid
    else:
        back += terms.audit_prepaid
    draft.credit(terms.asset, terms.requester, back)
    padded = (*paid, *(0 for _ in range(3 - len(paid))))
    draft.emit_batch(batch_id, "Settled", settler=settler or draft.sender, paid=padded)
    del draft.batches[batch_id]


def void_resolution(draft: Draft, batch_id: bytes) -> None:
    """A standing resolution falls when a replica in it goes out."""
    if draft.batch(batch_id).dues is not None:
        draft.batches[batch_id] = replace(draft.batch(batch_id), dues=None)
        draft.emit_batch(batch_id, "ResolveVoided")


def _silence(draft: Draft, batch_id: bytes, index: int, bps: int) -> None:
    """Silence before a commitment costs a part of the bond; after it the whole bond and a part of the stake."""
    terms = draft.batch(batch_id).terms
    cast = terms.casts[index]
    leave(draft, batch_id, index, ReplicaState.SILENT, cast.bond * bps // BPS)
    draft.mark_silent(cast.provider, terms.rule("beta_ppm"))
    if bps == BPS:
        draft.slash(cast.provider, terms.rule("silence_slash_bps"))
