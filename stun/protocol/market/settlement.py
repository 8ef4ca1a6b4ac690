"""Settlement: who is paid, by agreement, by a resolution of the tasks that differ, or by the requester's acceptance."""

from stun.protocol import config, money, parameters
from stun.protocol.errors import require
from stun.protocol.market import clock
from stun.protocol.market.actions import AcceptResult, Release, Resolve, SetDue, Settle
from stun.protocol.market.draft import Draft
from stun.protocol.market.state import Batch, Phase, ReplicaState
from stun.protocol.messages import NOBODY, Accept
from stun.protocol.parameters import MAX_REPLICAS, NumericClass
from stun.protocol.trees.resolve import verify_resolution


def agreed_root(batch: Batch) -> bytes | None:
    """Return the root that wins: all revealed roots equal or, except in class `token`, two of three; None if none."""
    roots = [batch.replicas[k].outputs_root for k in batch.revealed]
    for root in roots:
        votes = roots.count(root)
        if votes == len(roots) or (votes == 2 and batch.terms.numeric_class != NumericClass.TOKEN):
            return root
    return None


def settle(draft: Draft, action: Settle) -> None:
    """End a batch and pay what is due; open to anyone.

    Errors: "batches: phase", "batches: early" (before quiet_at), "batches: disagree" (no agreement, no resolution and
    before resolve_by), "batches: claim" (not the agreed root and units).
    """
    batch = clock.advance(draft, action.batch_id)
    if batch is None:
        return
    require(batch.phase == Phase.RESULTS, "batches: phase")
    require(draft.now >= batch.quiet_at, "batches: early")
    units = _units_due(draft, batch, action)
    paid = [0] * len(batch.replicas)
    for index in batch.revealed:
        paid[index] = _pay(draft, action.batch_id, index, units[index], draft.sender)
        if paid[index]:
            terms = batch.terms
            reference = terms.asset_rule().reference_fee
            draft.earn(terms.casts[index].provider, paid[index], reference, terms.rule("alpha_ppm"))
    clock.close(draft, action.batch_id, tuple(paid))


def _units_due(draft: Draft, batch: Batch, action: Settle) -> tuple[int, ...]:
    if batch.dues is not None:
        return batch.dues
    root = agreed_root(batch)
    if root is None:
        require(draft.now >= batch.resolve_by, "batches: disagree")
        return tuple(0 for _ in batch.replicas)
    winner = next(r for r in batch.replicas if r.outputs_root == root)
    require((action.outputs_root, action.total_units) == (root, winner.total_units), "batches: claim")
    return tuple(winner.total_units if r.outputs_root == root else 0 for r in batch.replicas)


def _pay(draft: Draft, batch_id: bytes, index: int, units: int, settler: bytes) -> int:
    """Pay one replica for its units, return its bond and what the requester locked beyond; returns the payment."""
    batch = draft.batch(batch_id)
    terms, cast = batch.terms, batch.terms.casts[index]
    locked = money.price_locked(terms.count, terms.max_units, cast.price)
    paid = money.price_of(units, cast.price)
    parts = money.split(paid, terms.creator != NOBODY, terms.rule("match_fee_bps"), terms.rule("settle_fee_bps"))
    matcher = settler if cast.matcher == NOBODY else cast.matcher
    tip = 0 if batch.tip_paid or paid == 0 else terms.tip
    draft.credit(terms.asset, cast.provider, cast.bond + parts.provider)
    draft.credit(terms.asset, terms.creator, parts.creator)
    draft.credit(terms.asset, matcher, parts.matcher + tip // 2)
    draft.credit(terms.asset, settler, parts.settler + tip - tip // 2)
    draft.treasury[terms.asset] = draft.treasury.get(terms.asset, 0) + parts.treasury
    draft.credit(terms.asset, terms.requester, locked - paid)
    if paid:
        draft.change(batch_id, tip_paid=True)
    return paid


def accept(draft: Draft, action: AcceptResult) -> None:
    """Pay every replica that revealed the accepted root, at once; the rest is judged as if ordered alone.

    With the provider's signed post a lone replica is paid in the step that posts.
    Errors: "accept: signer", "batches: lone", "batches: signer", "batches: phase", "batches: late", "batches: units",
    "accept: root".
    """
    message = action.message
    batch = draft.batch(message.batch_id)
    require(batch.terms.requester in (action.sender, action.signer), "accept: signer")
    if action.posted:
        require(len(batch.terms.casts) == 1, "batches: lone")
        require(draft.may_sign(batch.terms.casts[0].provider, action.post_signer), "batches: signer")
    if action.posted and batch.phase == Phase.OPEN:
        _post_accepted(draft, batch, message)
    _release(draft, message.batch_id, message.outputs_root, message.total_units, draft.sender)


def release(draft: Draft, action: Release) -> None:
    """Pay every replica that revealed the root, without reputation; by the settlement peer of the batch's config.

    Errors: "batches: peer", "batches: phase", "batches: late", "accept: root".
    """
    _require_peer(draft, action.batch_id, action.sender)
    _release(draft, action.batch_id, action.outputs_root, action.total_units, action.settler)


def _release(draft: Draft, batch_id: bytes, outputs_root: bytes, total_units: int, settler: bytes) -> None:
    current = clock.advance(draft, batch_id)
    require(current is not None, "batches: late")
    assert current is not None
    require(current.phase == Phase.RESULTS, "batches: phase")
    claim = (outputs_root, total_units)
    accepted = [k for k in current.revealed if current.replicas[k].claim == claim]
    require(bool(accepted), "accept: root")
    for index in accepted:
        paid = _pay(draft, batch_id, index, total_units, settler)
        draft.change_replica(batch_id, index, state=ReplicaState.ACCEPTED)
        draft.emit_batch(
            batch_id,
            "Accepted",
            provider=current.terms.casts[index].provider,
            outputs_root=outputs_root,
            total_units=total_units,
            paid=paid,
        )
    clock.void_resolution(draft, batch_id)
    clock.progress(draft, batch_id, settler)


def _post_accepted(draft: Draft, batch: Batch, message: Accept) -> None:
    """Take a lone replica's signed post as its result; both parties vouch for root and units."""
    require(draft.now < batch.terms.post_by, "batches: late")
    require(message.total_units <= batch.terms.unit_limit, "batches: units")
    draft.change_replica(
        message.batch_id,
        0,
        state=ReplicaState.REVEALED,
        outputs_root=message.outputs_root,
        total_units=message.total_units,
    )
    draft.change(message.batch_id, posted=True, phase=Phase.RESULTS, phase_at=draft.now)


def resolve(draft: Draft, action: Resolve) -> None:
    """Fix what each replica is due when their roots differ, by the tasks in which they differ.

    Errors: "batches: phase", "batches: late" (from resolve_by), "resolve: agreed", "resolve: standing", and those of
    `verify_resolution`.
    """
    batch = draft.batch(action.batch_id)
    parties = batch.revealed
    require(len(parties) >= 2, "resolve: agreed")
    shown = verify_resolution(
        batch.terms.count,
        [batch.replicas[k].outputs_root for k in parties],
        [batch.replicas[k].total_units for k in parties],
        action.resolution,
    )
    dues = [0, 0, 0]
    for party, due in zip(parties, shown, strict=True):
        dues[party] = due
    _set_due(draft, action.batch_id, tuple(dues))


def set_due(draft: Draft, action: SetDue) -> None:
    """Fix what each replica is due; by the settlement peer of the batch's config.

    Errors: "batches: peer", "batches: units" (above the limit, or for a replica that is not there) and those of
    `resolve` but for the proof's.
    """
    _require_peer(draft, action.batch_id, action.sender)
    terms = draft.batch(action.batch_id).terms
    limits = [terms.unit_limit] * len(terms.casts) + [0] * (MAX_REPLICAS - len(terms.casts))
    require(all(due <= limit for due, limit in zip(action.dues, limits, strict=True)), "batches: units")
    _set_due(draft, action.batch_id, action.dues)


def _set_due(draft: Draft, batch_id: bytes, dues: tuple[int, ...]) -> None:
    current = clock.advance(draft, batch_id)
    require(current is not None, "batches: late")
    assert current is not None
    require(current.phase == Phase.RESULTS, "batches: phase")
    require(draft.now < current.resolve_by, "batches: late")
    require(current.dues is None, "resolve: standing")
    require(agreed_root(current) is None, "resolve: agreed")
    draft.change(batch_id, dues=dues[: len(current.replicas)])
    draft.emit_batch(batch_id, "Resolved", dues=dues)


def _require_peer(draft: Draft, batch_id: bytes, sender: bytes) -> None:
    version = parameters.version_of(draft.batch(batch_id).terms.rules)
    require(sender == config.peers(draft.market.config, version).settlement, "batches: peer")
