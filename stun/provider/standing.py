"""Where a batch stands on chain, as the clock of the specification leaves it now."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from stun.chains.market import BatchRecord, MarketReader
from stun.protocol.config import ConfigState
from stun.protocol.market import clock
from stun.protocol.market.draft import Draft
from stun.protocol.market.state import LIVE, Batch, Market, Replica, ReplicaState, Terms
from stun.protocol.messages import NOBODY, Domain

Answer = tuple[bytes, int]  # outputs root, total units


@dataclass(frozen=True, slots=True)
class Standing:
    """An unfinished batch from one provider's side.

    `stored` is what the chain holds; `batch` is what a call now would find, None if it would find the batch at its end.
    """

    batch_id: bytes
    replica: int
    stored: Batch
    batch: Batch | None
    now: int

    @property
    def terms(self) -> Terms:
        """What the match fixed."""
        return self.stored.terms

    @property
    def state(self) -> ReplicaState:
        """Where this provider's replica stands now."""
        return (self.batch or self.stored).replicas[self.replica].state

    @property
    def commitment(self) -> bytes:
        """The commitment of this provider that the chain holds, empty if none."""
        return self.stored.replicas[self.replica].commitment

    @property
    def lapsed(self) -> bool:
        """Whether this replica is out by the clock alone, so that only a call of anyone moves its money."""
        mine = self.stored.replicas[self.replica].state
        return mine in LIVE and (self.batch is None or self.state not in LIVE)


def replica_of(terms: Terms, account: bytes) -> int | None:
    """Which replica an account is, None if it has no part."""
    return next((k for k, cast in enumerate(terms.casts) if cast.provider == account), None)


def read_standing(
    reader: MarketReader, batch_id: bytes, account: bytes, first_block: int, own: Answer | None
) -> Standing | None:
    """Read a batch; None if the chain has none open, or the account has no part in it.

    `own` is this provider's answer if it has one, `first_block` where the batch's events begin. Errors: ChainError.
    """
    now = reader.now()
    record = reader.batch(batch_id)
    if record is None:
        return None
    terms = reader.terms(batch_id)
    replica = replica_of(terms, account)
    if replica is None:
        return None
    answers = _answers(reader, record, first_block, own)
    return standing_of(reader.domain, reader.stun, terms, record, answers, replica, now)


def standing_of(
    domain: Domain,
    stun: bytes,
    terms: Terms,
    record: BatchRecord,
    answers: Mapping[bytes, Answer],
    replica: int,
    now: int,
) -> Standing:
    """Build the standing out of what was read; `answers` by the digest that the chain stores of them."""
    replicas = tuple(
        _replica(state, digest, answers) for state, digest in zip(record.states, record.digests, strict=True)
    )
    stored = Batch(
        terms, record.phase, replicas, record.phase_at, record.hold_until, record.posted, record.tip_paid,
        record.dues, record.seq,
    )  # fmt: skip
    return Standing(record.batch_id, replica, stored, advanced(domain, stun, record.batch_id, stored, now), now)


def advanced(domain: Domain, stun: bytes, batch_id: bytes, batch: Batch, now: int) -> Batch | None:
    """The batch as time alone leaves it at `now`, None if that ends it."""
    market = Market(domain, stun, ConfigState(), NOBODY, batches={batch_id: batch})
    return clock.advance(Draft(market, NOBODY, now), batch_id)


def answer_digest(answer: Answer) -> bytes:
    """What the chain stores of a revealed answer."""
    return sha256(answer[0] + answer[1].to_bytes(8, "big")).digest()


def _replica(state: ReplicaState, digest: bytes, answers: Mapping[bytes, Answer]) -> Replica:
    if state == ReplicaState.COMMITTED:
        return Replica(state, commitment=digest)
    if digest in answers:
        return Replica(state, outputs_root=answers[digest][0], total_units=answers[digest][1])
    return Replica(state)


def _answers(reader: MarketReader, record: BatchRecord, first_block: int, own: Answer | None) -> dict[bytes, Answer]:
    """Revealed answers by digest; events are read only if some answer is not this provider's own."""
    known = {} if own is None else {answer_digest(own): own}
    shown = {
        digest
        for state, digest in zip(record.states, record.digests, strict=True)
        if state in (ReplicaState.REVEALED, ReplicaState.ACCEPTED)
    }
    if shown <= known.keys():
        return known
    for event in reader.events(first_block, reader.head(), record.batch_id):
        if event.name in ("Posted", "Revealed"):
            answer = (event.fields["outputs_root"], event.fields["total_units"])
            known[answer_digest(answer)] = answer
    return known
