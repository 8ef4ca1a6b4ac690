"""What a provider has to do in a batch now. Pure: no clock but the chain's `now`, no network, no key.

Two rules stand above all others. An opening leaves the provider only against the commitments of all live replicas, or
once `post_by` has passed. And there is one commitment for a batch: where another one of its own is known, it is still.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stun.protocol.market.settlement import agreed_root
from stun.protocol.market.state import Batch, Phase, ReplicaState
from stun.provider.settings import Margins
from stun.provider.standing import Standing


class Duty(StrEnum):
    """What there is to do, in the order in which it is done."""

    COMPUTE = "compute"
    LEAVE = "leave"
    PUBLISH_POST = "publish_post"
    PUBLISH_COMMIT = "publish_commit"
    POST = "post"
    COMMIT = "commit"
    RELEASE_OPENING = "release_opening"
    REVEAL = "reveal"
    DELIVER_OUTPUTS = "deliver_outputs"
    PUBLISH_LEAVES = "publish_leaves"
    RESOLVE = "resolve"
    SETTLE = "settle"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class JournalFacts:
    """What the provider has done: steps taken, its one commitment if it was made, and whether it gave the work up."""

    computed: bool = False
    failed: bool = False
    commitment: bytes | None = None
    published: bool = False
    opened: bool = False
    delivered: bool = False
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """What pools show, checked: commitments signed by each replica, and replicas whose leaves can be fetched."""

    commits: Mapping[int, frozenset[bytes]] = field(default_factory=dict)
    leaves: frozenset[int] = frozenset()


def decide(
    standing: Standing, journal: JournalFacts, pool: PoolFacts, margins: Margins, native: bool = False
) -> list[Duty]:
    """Every duty that is due now, in order."""
    if standing.lapsed:
        return [Duty.EXPIRE] if standing.now >= _lapsed_at(standing) + _turn(standing, margins) else []
    batch = standing.batch
    if batch is None:
        return []
    match standing.state:
        case ReplicaState.PENDING:
            return _before_commitment(standing, batch, journal, pool, margins, native)
        case ReplicaState.COMMITTED:
            return _before_reveal(standing, batch, journal, pool, margins, native)
        case ReplicaState.REVEALED:
            return _after_reveal(standing, batch, journal, pool, margins)
        case ReplicaState.ACCEPTED:
            return [] if journal.delivered else [Duty.DELIVER_OUTPUTS]
        case _:
            return []


def contradicts(standing: Standing, journal: JournalFacts, pool: PoolFacts) -> bool:
    """Whether a commitment of this provider is known that its journal did not make: it must not sign another."""
    known = set(pool.commits.get(standing.replica, frozenset()))
    if standing.commitment:
        known.add(standing.commitment)
    return bool(known - {journal.commitment})


def may_release(standing: Standing, batch: Batch, journal: JournalFacts, pool: PoolFacts) -> bool:
    """Whether the opening may leave the provider.

    The chain counts a commitment before any pool does; of a replica that signed two different ones, only the chain
    says which counts.
    """
    if journal.commitment is None or contradicts(standing, journal, pool):
        return False
    if batch.phase != Phase.OPEN:
        return standing.state == ReplicaState.COMMITTED
    others = [k for k in batch.live if k != standing.replica]
    sealed = all(batch.replicas[k].state != ReplicaState.PENDING or len(pool.commits.get(k, ())) == 1 for k in others)
    return sealed and (journal.published or standing.state == ReplicaState.COMMITTED)


def next_deadline(standing: Standing) -> int | None:
    """The deadline that this provider must meet next, None if it has none."""
    if standing.batch is None:
        return None
    if standing.state == ReplicaState.PENDING:
        return standing.terms.post_by
    if standing.state == ReplicaState.COMMITTED:
        return standing.batch.reveal_by if standing.batch.phase == Phase.REVEALING else standing.terms.post_by
    return None


def _before_commitment(
    standing: Standing, batch: Batch, journal: JournalFacts, pool: PoolFacts, margins: Margins, native: bool
) -> list[Duty]:
    terms, now = standing.terms, standing.now
    if not journal.computed:
        too_late = now >= terms.post_by - margins.leave_before(terms.post_seconds)
        return [Duty.LEAVE] if journal.failed or too_late else [Duty.COMPUTE]
    urgent = native or now >= terms.post_by - margins.post_before(terms.post_seconds)
    duties = []
    if len(terms.casts) == 1:
        if not journal.published:
            duties.append(Duty.PUBLISH_POST)
        if urgent:
            duties.append(Duty.POST)
        if journal.published and not journal.delivered:
            duties.append(Duty.DELIVER_OUTPUTS)
        return duties
    if contradicts(standing, journal, pool):
        return []
    if not journal.published:
        duties.append(Duty.PUBLISH_COMMIT)
    if urgent:
        duties.append(Duty.COMMIT)
    return duties + _release(standing, batch, journal, pool)


def _before_reveal(
    standing: Standing, batch: Batch, journal: JournalFacts, pool: PoolFacts, margins: Margins, native: bool
) -> list[Duty]:
    duties = _release(standing, batch, journal, pool)
    if batch.phase == Phase.REVEALING and may_release(standing, batch, journal, pool):
        window = standing.terms.rule("reveal_seconds")
        if native or standing.now >= batch.reveal_by - margins.reveal_before(window):
            duties.append(Duty.REVEAL)
    return duties


def _release(standing: Standing, batch: Batch, journal: JournalFacts, pool: PoolFacts) -> list[Duty]:
    """Release the opening if it may go, and once it went, the outputs."""
    if journal.opened:
        return [] if journal.delivered else [Duty.DELIVER_OUTPUTS]
    return [Duty.RELEASE_OPENING] if may_release(standing, batch, journal, pool) else []


def _after_reveal(
    standing: Standing, batch: Batch, journal: JournalFacts, pool: PoolFacts, margins: Margins
) -> list[Duty]:
    duties = [] if journal.delivered else [Duty.DELIVER_OUTPUTS]
    if batch.phase != Phase.RESULTS:
        return duties
    now, turn = standing.now, _turn(standing, margins)
    settled_from = batch.quiet_at
    if batch.dues is None and agreed_root(batch) is None:
        settled_from = batch.resolve_by
        if journal.computed and now < batch.resolve_by:
            if not journal.leaves:
                duties.append(Duty.PUBLISH_LEAVES)
            others = set(batch.revealed) - {standing.replica}
            if now >= batch.phase_at + _resolve_turn(standing, batch, margins) and others <= pool.leaves:
                duties.append(Duty.RESOLVE)
    if now >= settled_from + turn:
        duties.append(Duty.SETTLE)
    return duties


def _turn(standing: Standing, margins: Margins) -> int:
    """How long this replica leaves a duty to keepers, and then to replicas before it."""
    return margins.patience * (1 + standing.replica)


def _resolve_turn(standing: Standing, batch: Batch, margins: Margins) -> int:
    """The same for a resolution, which has a deadline: half of the time is left when the last replica's turn comes."""
    eighth = (batch.resolve_by - batch.phase_at) // 8
    return min(margins.patience, eighth) * (1 + standing.replica)


def _lapsed_at(standing: Standing) -> int:
    stored = standing.stored
    return stored.reveal_by if stored.phase == Phase.REVEALING else stored.terms.post_by
