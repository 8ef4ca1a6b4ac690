"""What a pool takes in for a batch that is open on chain: commitments, posts, openings, deliveries."""

from stun.chains.market import BatchRecord, BatchUnknown, MarketReader
from stun.pool.envelopes import CommitEnvelope, DeliveryEnvelope, Kind, OpeningEnvelope, PostEnvelope
from stun.pool.store import PoolStore, Subject
from stun.pool.verification import sealed_by
from stun.protocol.errors import Rejected, require
from stun.protocol.market.state import ReplicaState, Terms
from stun.protocol.parameters import DAY_SECONDS
from stun.protocol.trees.results import derive

KEEP_SECONDS = 14 * DAY_SECONDS


def file_commit(market: MarketReader, store: PoolStore, envelope: CommitEnvelope) -> Subject:
    """Take a commitment of a replica; a second, different one is taken at any time, as evidence.

    Errors: "batches: unknown", "batches: lone", "batches: replica", "batches: late".
    """
    commit = envelope.commit
    record, terms = _unfinished(market, commit.batch_id)
    require(len(terms.casts) > 1, "batches: lone")
    index = _replica(terms, commit.provider)
    committed = record.states[index] is not ReplicaState.PENDING
    known = committed or bool(known_commitments(store, commit.batch_id, commit.provider))
    require(known or market.now() < terms.post_by, "batches: late")
    return _subject(market, Kind.COMMIT, commit.digest(market.domain), commit.batch_id, commit.provider)


def file_post(market: MarketReader, store: PoolStore, envelope: PostEnvelope) -> Subject:
    """Take a lone replica's result whose top gives the signed root and units.

    Errors: "batches: unknown", "batches: lone", "batches: replica", "batches: late", "batches: units", "trees: top",
    "trees: overflow", "posts: top" (another root or units than signed).
    """
    post = envelope.post
    _, terms = _unfinished(market, post.batch_id)
    require(len(terms.casts) == 1, "batches: lone")
    _replica(terms, post.provider)
    require(market.now() < terms.post_by, "batches: late")
    require(post.total_units <= terms.unit_limit, "batches: units")
    require(derive(terms.count, envelope.top) == (post.outputs_root, post.total_units), "posts: top")
    return _subject(market, Kind.POST, post.digest(market.domain), post.batch_id, post.provider)


def file_opening(market: MarketReader, store: PoolStore, envelope: OpeningEnvelope) -> Subject:
    """Take the opening of a commitment that the pool holds signed or the chain has.

    Errors: "batches: unknown", "batches: lone", "batches: replica", "batches: opening", "trees: top",
    "trees: overflow", "batches: units".
    """
    record, terms = _unfinished(market, envelope.batch_id)
    require(len(terms.casts) > 1, "batches: lone")
    index = _replica(terms, envelope.provider)
    require(envelope.top.left_units + envelope.top.right_units <= terms.unit_limit, "batches: units")
    sealed = sealed_by(envelope, terms.count)
    known = known_commitments(store, envelope.batch_id, envelope.provider)
    if record.states[index] is ReplicaState.COMMITTED:
        known |= {record.digests[index]}
    require(sealed in known, "batches: opening")
    return _subject(market, Kind.OPENING, sealed, envelope.batch_id, envelope.provider)


def file_delivery(market: MarketReader, store: PoolStore, envelope: DeliveryEnvelope) -> Subject:
    """Take a provider's word where its outputs lie, also after the batch is final.

    Errors: "batches: unknown", "batches: replica".
    """
    delivery = envelope.delivery
    _replica(_terms(market, delivery.batch_id), delivery.provider)
    return _subject(market, Kind.DELIVERY, delivery.digest(market.domain), delivery.batch_id, delivery.provider)


def known_commitments(store: PoolStore, batch_id: bytes, provider: bytes) -> set[bytes]:
    """The commitments of a provider for a batch that the pool holds signed."""
    found = store.list_open([Kind.COMMIT], 0, 16, 0, batch_id=batch_id, account=provider)
    envelopes = (entry.envelope() for entry in found)
    return {envelope.commit.commitment for envelope in envelopes if isinstance(envelope, CommitEnvelope)}


def _unfinished(market: MarketReader, batch_id: bytes) -> tuple[BatchRecord, Terms]:
    record = market.batch(batch_id)
    if record is None:
        raise Rejected("batches: unknown")
    return record, _terms(market, batch_id)


def _terms(market: MarketReader, batch_id: bytes) -> Terms:
    try:
        return market.terms(batch_id)
    except BatchUnknown as error:
        raise Rejected("batches: unknown") from error


def _replica(terms: Terms, provider: bytes) -> int:
    for index, cast in enumerate(terms.casts):
        if cast.provider == provider:
            return index
    raise Rejected("batches: replica")


def _subject(market: MarketReader, kind: Kind, digest: bytes, batch_id: bytes, account: bytes) -> Subject:
    until = market.now() + KEEP_SECONDS
    return Subject(kind, digest, batch_id, account, until, until)
