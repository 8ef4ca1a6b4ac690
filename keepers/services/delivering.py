"""How results get onto the chain: a lone replica's signed post, or commitments and openings by the cheap lane."""

from collections.abc import Sequence

from keepers.services.profit import DELIVER_GAS, POST_GAS, SETTLE_GAS
from keepers.services.progress import attempt
from keepers.services.settler_state import BringDelivery, BringPost, Due, OpenBatch, SeenCommit, SettlerState
from stun.chains.market import Opening, Sealed
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.market.state import Batch, Phase, ReplicaState
from stun.protocol.trees.results import Top, derive
from stun.protocol.trees.specs import commitment


def due_post(known: OpenBatch, batch: Batch, state: SettlerState, now: int) -> Due | None:
    """A lone replica's signed post is due as soon as it is seen."""
    provider = batch.terms.casts[0].provider
    margin = window_margin(state, batch.terms.post_seconds)
    for post in sorted(known.posts, key=lambda seen: seen.seen_at):
        if post.provider != provider or _derived(batch, post.top) is None:
            continue
        plan = actions.PostResult(state.keeper, known.batch_id, post.top, post.signer)
        if attempt(known, batch, state, plan, now) is not None:
            patience = batch.terms.post_by - margin // 2 - now
            return Due(
                BringPost(known.batch_id, post.top, post.signature), post.seen_at, patience, POST_GAS + SETTLE_GAS[1]
            )
    return None


def due_delivery(known: OpenBatch, batch: Batch, late: Batch, state: SettlerState, now: int) -> Due | None:
    """All at once when all live replicas' parts are there; what there is when a deadline is near.

    `late` is the batch as the clock makes it at `now`.
    """
    commits, sealed = _commits(known, late)
    openings, seen = _openings(known, late, sealed)
    waiting = {k for k in late.live if late.replicas[k].state != ReplicaState.REVEALED}
    if waiting <= openings.keys() and waiting <= sealed.keys():
        since = max([commit.seen_at for commit in commits.values()] + [seen[k] for k in openings], default=now)
        return _delivery(known, batch, state, commits, openings, since, now)
    deadline, window = late.terms.post_by, late.terms.post_seconds
    if late.phase == Phase.REVEALING:
        deadline, window = late.reveal_by, late.terms.rule("reveal_seconds")
    margin = window_margin(state, window)
    if now < deadline - margin:
        return None
    if not waiting <= sealed.keys():
        openings = {}
    return _delivery(known, batch, state, commits, openings, deadline - margin, now)


def window_margin(state: SettlerState, window: int) -> int:
    """Seconds before a deadline when waiting ends, never more than a quarter of the window."""
    return min(state.policy.margin, window // 4)


def _delivery(
    known: OpenBatch,
    batch: Batch,
    state: SettlerState,
    commits: dict[int, SeenCommit],
    openings: dict[int, Opening],
    since: int,
    now: int,
) -> Due | None:
    if not commits and not openings:
        return None
    plan = actions.Deliver(
        state.keeper,
        known.batch_id,
        tuple(actions.SignedCommit(k, commit.commitment, commit.signer) for k, commit in commits.items()),
        tuple(actions.Reveal(opening.replica, opening.top, opening.salt) for opening in openings.values()),
    )
    if attempt(known, batch, state, plan, now) is None:
        return None
    action = BringDelivery(
        known.batch_id,
        tuple(Sealed(k, commit.commitment, commit.signature) for k, commit in commits.items()),
        tuple(openings.values()),
    )
    replicas = len(batch.terms.casts)
    window = batch.terms.post_seconds if batch.phase == Phase.OPEN else batch.terms.rule("reveal_seconds")
    patience = window_margin(state, window) // 2
    return Due(action, since, patience, DELIVER_GAS[replicas] + SETTLE_GAS[replicas])


def _commits(known: OpenBatch, late: Batch) -> tuple[dict[int, SeenCommit], dict[int, bytes]]:
    """Return the commitments to bring, and the commitment of every replica that has or will have one."""
    chosen: dict[int, SeenCommit] = {}
    sealed: dict[int, bytes] = {}
    for k in late.live:
        replica, provider = late.replicas[k], late.terms.casts[k].provider
        if replica.state == ReplicaState.COMMITTED:
            sealed[k] = replica.commitment
        elif replica.state == ReplicaState.PENDING:
            offered = [commit for commit in known.commits if commit.provider == provider]
            offered.sort(key=lambda c: (not _is_opened(known, late, k, c.commitment), c.seen_at, c.commitment))
            if offered:
                chosen[k] = offered[0]
                sealed[k] = offered[0].commitment
    return chosen, sealed


def _openings(known: OpenBatch, late: Batch, sealed: dict[int, bytes]) -> tuple[dict[int, Opening], dict[int, int]]:
    """Return, by replica, an opening of its commitment, and when it was seen."""
    found: dict[int, Opening] = {}
    seen: dict[int, int] = {}
    for k, expected in sealed.items():
        for opening in known.openings:
            if k not in found and _opens(known, late, k, opening.provider, opening.top, opening.salt) == expected:
                found[k] = Opening(k, opening.top, opening.salt)
                seen[k] = opening.seen_at
    return found, seen


def _is_opened(known: OpenBatch, late: Batch, replica: int, expected: bytes) -> bool:
    made: Sequence[bytes | None] = [_opens(known, late, replica, o.provider, o.top, o.salt) for o in known.openings]
    return expected in made


def _opens(known: OpenBatch, late: Batch, replica: int, provider: bytes, top: Top, salt: bytes) -> bytes | None:
    """The commitment that an opening opens, None if it is of another provider or could not be revealed."""
    derived = _derived(late, top)
    if provider != late.terms.casts[replica].provider or derived is None or len(salt) != 32:
        return None
    return commitment(known.batch_id, provider, *derived, salt)


def _derived(batch: Batch, top: Top) -> tuple[bytes, int] | None:
    try:
        root, units = derive(batch.terms.count, top)
    except Rejected:
        return None
    return (root, units) if units <= batch.terms.unit_limit else None
