"""Delivery: a lone replica posts its root, several commit and reveal, one may step back, anyone may call time."""

from stun.protocol.errors import Rejected, require
from stun.protocol.market import clock
from stun.protocol.market.actions import Deliver, Expire, LeaveBatch, PostResult, Reveal, SignedCommit
from stun.protocol.market.draft import Draft
from stun.protocol.market.state import Batch, Phase, Replica, ReplicaState
from stun.protocol.parameters import BPS
from stun.protocol.trees.results import Top, derive
from stun.protocol.trees.specs import commitment


def post(draft: Draft, action: PostResult) -> None:
    """A lone replica shows the top of its results tree, from which root and total units are derived.

    A signature is over the derived root and units, so that they come first. Errors: "batches: lone" (several replicas
    commit instead), "batches: replica", "batches: late", "trees: top", "trees: overflow", "batches: signer",
    "batches: units".
    """
    batch = draft.batch(action.batch_id)
    terms = batch.terms
    require(len(terms.casts) == 1, "batches: lone")
    require(batch.replicas[0].state == ReplicaState.PENDING, "batches: replica")
    require(draft.now < terms.post_by, "batches: late")
    provider = terms.casts[0].provider
    root, units = derive(terms.count, action.top)
    require(draft.may_sign(provider, action.signer), "batches: signer")
    require(units <= terms.unit_limit, "batches: units")
    draft.change_replica(action.batch_id, 0, state=ReplicaState.REVEALED, outputs_root=root, total_units=units)
    draft.change(action.batch_id, posted=True, phase=Phase.RESULTS, phase_at=draft.now)
    draft.draw_from(action.batch_id)
    draft.emit_batch(action.batch_id, "Posted", provider=provider, outputs_root=root, total_units=units)


def deliver(draft: Draft, action: Deliver) -> None:
    """Bring commitments and reveals, alone or together; an element that already took effect is passed over.

    Errors: "batches: lone", "batches: late", "batches: early" (a reveal before every live replica has committed),
    "batches: replica", "batches: signer", "batches: committed", "batches: opening", "batches: units", "trees: top",
    "trees: overflow", "batches: repeated" (nothing took effect).
    """
    batch = draft.batch(action.batch_id)
    require(len(batch.terms.casts) > 1, "batches: lone")
    if clock.advance(draft, action.batch_id) is None:
        raise Rejected("batches: late")
    commits = sum(_commit(draft, action.batch_id, commit) for commit in action.commits)
    clock.progress(draft, action.batch_id)
    reveals = sum(_reveal(draft, action.batch_id, reveal) for reveal in action.reveals)
    if reveals:
        draft.draw_from(action.batch_id)
    clock.progress(draft, action.batch_id)
    require(commits + reveals > 0, "batches: repeated")


def leave(draft: Draft, action: LeaveBatch) -> None:
    """A replica that has not committed steps back. Errors: "batches: replica", "batches: signer", "batches: late"."""
    batch = draft.batch(action.batch_id)
    replica = _replica(batch, action.replica)
    cast = batch.terms.casts[action.replica]
    require(action.sender == cast.provider, "batches: signer")
    require(replica.state == ReplicaState.PENDING, "batches: replica")
    require(draft.now < batch.terms.post_by, "batches: late")
    penalty = cast.bond * batch.terms.rule("withdraw_bps") // BPS
    clock.leave(draft, action.batch_id, action.replica, ReplicaState.WITHDRAWN, penalty)
    clock.progress(draft, action.batch_id)


def expire(draft: Draft, action: Expire) -> None:
    """Call time on a batch whose deadline has passed. Errors: "batches: unknown", "batches: early"."""
    before = draft.batch(action.batch_id).phase
    after = clock.advance(draft, action.batch_id)
    require(after is None or after.phase != before, "batches: early")


def _commit(draft: Draft, batch_id: bytes, commit: SignedCommit) -> bool:
    batch = draft.batch(batch_id)
    replica = _replica(batch, commit.replica)
    provider = batch.terms.casts[commit.replica].provider
    require(draft.may_sign(provider, commit.signer), "batches: signer")
    if replica.state == ReplicaState.REVEALED:
        return False
    if replica.state == ReplicaState.COMMITTED:
        require(replica.commitment == commit.commitment, "batches: committed")
        return False
    require(replica.state == ReplicaState.PENDING, "batches: replica")
    draft.change_replica(batch_id, commit.replica, state=ReplicaState.COMMITTED, commitment=commit.commitment)
    draft.emit_batch(batch_id, "Committed", provider=provider, commitment=commit.commitment)
    return True


def _reveal(draft: Draft, batch_id: bytes, reveal: Reveal) -> bool:
    batch = draft.batch(batch_id)
    replica = _replica(batch, reveal.replica)
    provider = batch.terms.casts[reveal.replica].provider
    root, units = _derive(batch, reveal.top)
    if replica.state == ReplicaState.REVEALED:
        require((replica.outputs_root, replica.total_units) == (root, units), "batches: replica")
        return False
    require(replica.state == ReplicaState.COMMITTED, "batches: replica")
    require(batch.phase == Phase.REVEALING, "batches: early")
    opening = commitment(batch_id, provider, root, units, reveal.salt)
    require(opening == replica.commitment, "batches: opening")
    draft.change_replica(
        batch_id, reveal.replica, state=ReplicaState.REVEALED, commitment=b"", outputs_root=root, total_units=units
    )
    draft.change(batch_id, posted=True)
    draft.emit_batch(batch_id, "Revealed", provider=provider, outputs_root=root, total_units=units)
    return True


def _replica(batch: Batch, index: int) -> Replica:
    require(0 <= index < len(batch.replicas), "batches: replica")
    return batch.replicas[index]


def _derive(batch: Batch, top: Top) -> tuple[bytes, int]:
    root, units = derive(batch.terms.count, top)
    require(units <= batch.terms.unit_limit, "batches: units")
    return root, units
