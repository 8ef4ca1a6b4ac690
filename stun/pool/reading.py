"""The questions that readers put to a pool, the same to one pool and to a set of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

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

E = TypeVar("E", bound=Envelope)


class PoolReading(ABC):
    """Typed reads; every envelope was checked against the chain's word on keys, and still counts."""

    @abstractmethod
    def read(
        self, kind: Kind, *, account: bytes | None = None, recipient: bytes | None = None, batch_id: bytes | None = None
    ) -> list[Envelope]:
        """All that is held of one kind, filtered by who signed, for whom, and the order or batch it belongs to."""

    @abstractmethod
    def order(self, digest: bytes) -> list[OrderEnvelope]:
        """Every variant held of one order, also when it is matched."""

    def orders(self) -> list[OrderEnvelope]:
        """Open orders."""
        return _only(OrderEnvelope, self.read(Kind.ORDER))

    def bids(self, order_digest: bytes) -> list[BidEnvelope]:
        """Bids on one order."""
        return _only(BidEnvelope, self.read(Kind.BID, batch_id=order_digest))

    def asks(self, provider: bytes) -> list[AskEnvelope]:
        """What one provider is asked for."""
        return _only(AskEnvelope, self.read(Kind.ASK, recipient=provider))

    def profiles(self) -> list[ProfileEnvelope]:
        """Providers' profiles."""
        return _only(ProfileEnvelope, self.read(Kind.PROFILE))

    def commits(self, batch_id: bytes) -> list[CommitEnvelope]:
        """Commitments of one batch."""
        return _only(CommitEnvelope, self.read(Kind.COMMIT, batch_id=batch_id))

    def posts(self, batch_id: bytes) -> list[PostEnvelope]:
        """Posts of one batch."""
        return _only(PostEnvelope, self.read(Kind.POST, batch_id=batch_id))

    def openings(self, batch_id: bytes) -> list[OpeningEnvelope]:
        """Openings of one batch."""
        return _only(OpeningEnvelope, self.read(Kind.OPENING, batch_id=batch_id))

    def deliveries(self, batch_id: bytes) -> list[DeliveryEnvelope]:
        """Deliveries of one batch."""
        return _only(DeliveryEnvelope, self.read(Kind.DELIVERY, batch_id=batch_id))


def equivocations(commits: Sequence[CommitEnvelope]) -> list[tuple[CommitEnvelope, CommitEnvelope]]:
    """Pairs of different commitments of one provider for one batch: evidence that convicts it."""
    first: dict[tuple[bytes, bytes], CommitEnvelope] = {}
    pairs = []
    for envelope in commits:
        seen = first.setdefault((envelope.commit.batch_id, envelope.commit.provider), envelope)
        if seen.commit.commitment != envelope.commit.commitment:
            pairs.append((seen, envelope))
    return pairs


def _only(kind: type[E], envelopes: Sequence[Envelope]) -> list[E]:
    return [envelope for envelope in envelopes if isinstance(envelope, kind)]
