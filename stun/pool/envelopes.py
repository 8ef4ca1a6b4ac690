"""What travels through a pool: a signed message with what its reader needs beside it.

Accounts, digests and salts are 32 bytes. `stores` are URLs of blob servers; they and the place of a package are hints
that no signature covers, so one message may come in several variants: whoever reads a blob checks its digest.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from stun.protocol.messages import Ask, Bid, Commit, Delivery, Order, Post, Profile
from stun.protocol.trees.results import Top
from stun.protocol.trees.specs import Membership
from stun.storage.packages import PackageRef


class Kind(StrEnum):
    """The kinds of envelopes."""

    ORDER = "order"
    BID = "bid"
    ASK = "ask"
    PROFILE = "profile"
    COMMIT = "commit"
    POST = "post"
    OPENING = "opening"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class OrderEnvelope:
    """An order, signed by the requester, and where its tasks lie."""

    order: Order
    signature: bytes
    package: PackageRef
    stores: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BidEnvelope:
    """A bid, signed by the provider or its operator; the membership proves it where the order lists providers."""

    bid: Bid
    signature: bytes
    membership: Membership | None = None


@dataclass(frozen=True, slots=True)
class AskEnvelope:
    """A matcher's signed question for a bid."""

    ask: Ask
    signature: bytes


@dataclass(frozen=True)
class ProfileEnvelope:
    """A provider's advertisement; `profile.profile_digest` is the sha256 of the document's canonical JSON.

    `document`: hardware (any object), models [{model_id, prices {asset: price per 10^6 units}}], region (text).
    """

    profile: Profile
    document: dict[str, Any]
    stores: tuple[str, ...]
    signature: bytes


@dataclass(frozen=True, slots=True)
class CommitEnvelope:
    """A replica's signed commitment."""

    commit: Commit
    signature: bytes


@dataclass(frozen=True, slots=True)
class PostEnvelope:
    """A lone replica's signed result with the top node that anyone can bring on chain."""

    post: Post
    top: Top
    signature: bytes


@dataclass(frozen=True, slots=True)
class OpeningEnvelope:
    """The opening of a signed commitment; it needs no signature, since only its maker could know the salt."""

    batch_id: bytes
    provider: bytes
    top: Top
    salt: bytes


@dataclass(frozen=True, slots=True)
class DeliveryEnvelope:
    """A provider's signed word under which digest its outputs lie, and where."""

    delivery: Delivery
    stores: tuple[str, ...]
    signature: bytes


Envelope: TypeAlias = (
    OrderEnvelope
    | BidEnvelope
    | AskEnvelope
    | ProfileEnvelope
    | CommitEnvelope
    | PostEnvelope
    | OpeningEnvelope
    | DeliveryEnvelope
)
ENVELOPES: dict[Kind, type[Envelope]] = {
    Kind.ORDER: OrderEnvelope,
    Kind.BID: BidEnvelope,
    Kind.ASK: AskEnvelope,
    Kind.PROFILE: ProfileEnvelope,
    Kind.COMMIT: CommitEnvelope,
    Kind.POST: PostEnvelope,
    Kind.OPENING: OpeningEnvelope,
    Kind.DELIVERY: DeliveryEnvelope,
}
KINDS: dict[type[Envelope], Kind] = {envelope: kind for kind, envelope in ENVELOPES.items()}


def kind_of(envelope: Envelope) -> Kind:
    """The kind of an envelope."""
    return KINDS[type(envelope)]
