"""A reader's own look at what a pool serves. None is trusted: form, place, signature and currency are checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stun.chains.market import BatchUnknown, MarketReader
from stun.pool.codecs import require_keys
from stun.pool.envelopes import (
    AskEnvelope,
    BidEnvelope,
    CommitEnvelope,
    DeliveryEnvelope,
    Envelope,
    Kind,
    OpeningEnvelope,
    OrderEnvelope,
    PostEnvelope,
    ProfileEnvelope,
)
from stun.pool.errors import WireInvalid
from stun.pool.verification import sealed_by, verify
from stun.pool.wire import from_json
from stun.protocol.errors import require
from stun.protocol.market.state import ReplicaState
from stun.protocol.trees.results import derive

_ITEM = {"cursor", "kind", "state", "digest", "conflict", "received_at", "envelope"}
Commitments = Callable[[bytes, bytes], set[bytes]]


@dataclass(frozen=True, slots=True)
class Received:
    """A checked envelope; `cursor` is the serving pool's, `conflict` its hint that the signer contradicts itself."""

    cursor: int
    kind: Kind
    envelope: Envelope
    conflict: bool


def read_item(item: Any, kinds: tuple[Kind, ...], after: int) -> Received:
    """Read one served entry: a cursor past `after`, one of these kinds, a strict envelope. Errors: WireInvalid."""
    require_keys(item, _ITEM, "item")
    cursor, kind, conflict = item["cursor"], item["kind"], item["conflict"]
    if type(cursor) is not int or not after < cursor < 1 << 63:
        raise WireInvalid("item.cursor", "does not grow")
    if kind not in {wanted.value for wanted in kinds}:
        raise WireInvalid("item.kind", "was not asked for")
    if type(conflict) is not bool:
        raise WireInvalid("item.conflict", "needs true or false")
    return Received(cursor, Kind(kind), from_json(Kind(kind), item["envelope"]), conflict)


def inspect(market: MarketReader, envelope: Envelope, commitments: Commitments) -> None:
    """Check what an honest pool would have checked for good; `commitments` finds the signed ones of a replica.

    Errors: those of `verify`; "posts: top", "batches: opening", "trees: ..."; ChainError.
    """
    verify(market, envelope)
    if isinstance(envelope, PostEnvelope):
        post = envelope.post
        shown = derive(market.terms(post.batch_id).count, envelope.top)
        require(shown == (post.outputs_root, post.total_units), "posts: top")
    if isinstance(envelope, OpeningEnvelope):
        sealed = sealed_by(envelope, market.terms(envelope.batch_id).count)
        known = commitments(envelope.batch_id, envelope.provider)
        require(sealed in known | _on_chain(market, envelope), "batches: opening")


def is_current(market: MarketReader, envelope: Envelope, now: int) -> bool:
    """Whether an envelope still counts: not expired, and an order's nonce unused. A pool may lag; that is no lie."""
    match envelope:
        case OrderEnvelope(order=order):
            return now < order.expires_at and not market.nonce_used(order.requester, order.nonce)
        case BidEnvelope(bid=bid):
            return now < bid.expires_at
        case AskEnvelope(ask=ask):
            return now < ask.expires_at
        case ProfileEnvelope(profile=profile):
            return now < profile.expires_at
        case _:
            return True


def fields_of(envelope: Envelope) -> Mapping[str, bytes]:
    """By what readers filter: account, recipient, batch_id."""
    match envelope:
        case OrderEnvelope(order=order):
            return {"account": order.requester, "recipient": order.matcher}
        case BidEnvelope(bid=bid):
            return {"account": bid.provider, "recipient": bid.matcher, "batch_id": bid.order_digest}
        case AskEnvelope(ask=ask):
            return {"account": ask.matcher, "recipient": ask.provider, "batch_id": ask.order_digest}
        case ProfileEnvelope(profile=profile):
            return {"account": profile.provider}
        case CommitEnvelope(commit=commit):
            return {"account": commit.provider, "batch_id": commit.batch_id}
        case PostEnvelope(post=post):
            return {"account": post.provider, "batch_id": post.batch_id}
        case OpeningEnvelope():
            return {"account": envelope.provider, "batch_id": envelope.batch_id}
        case DeliveryEnvelope(delivery=delivery):
            return {"account": delivery.provider, "batch_id": delivery.batch_id}


def _on_chain(market: MarketReader, opening: OpeningEnvelope) -> set[bytes]:
    """The commitment that the chain itself holds of this replica, if it does."""
    try:
        record, terms = market.batch(opening.batch_id), market.terms(opening.batch_id)
    except BatchUnknown:
        return set()
    if record is None:
        return set()
    replicas = zip(terms.casts, record.states, record.digests, strict=True)
    return {
        digest
        for cast, state, digest in replicas
        if cast.provider == opening.provider and state is ReplicaState.COMMITTED
    }
