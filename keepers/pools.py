"""What keepers need of the pools, whatever serves them."""

from collections.abc import Sequence
from typing import Protocol

from stun.pool.envelopes import (
    AskEnvelope,
    BidEnvelope,
    CommitEnvelope,
    DeliveryEnvelope,
    OpeningEnvelope,
    OrderEnvelope,
    PostEnvelope,
    ProfileEnvelope,
)


class MatcherPools(Protocol):
    """What a matcher reads and writes. Nothing that comes from a pool is believed. Errors: StunError of the pool."""

    def orders(self) -> Sequence[OrderEnvelope]:
        """Every open order the pools hold."""

    def profiles(self) -> Sequence[ProfileEnvelope]:
        """The newest profile of every provider."""

    def bids(self, order_digests: Sequence[bytes]) -> Sequence[BidEnvelope]:
        """The bids for these orders, in any order; others may be among them."""

    def ask(self, envelope: AskEnvelope) -> None:
        """Publish an ask."""


class SettlerPools(Protocol):
    """What a settler reads."""

    def commits(self, batch_id: bytes) -> Sequence[CommitEnvelope]:
        """Signed commitments for a batch."""

    def posts(self, batch_id: bytes) -> Sequence[PostEnvelope]:
        """Signed posts for a batch."""

    def openings(self, batch_id: bytes) -> Sequence[OpeningEnvelope]:
        """Openings for a batch."""

    def deliveries(self, batch_id: bytes) -> Sequence[DeliveryEnvelope]:
        """Where the outputs of a batch lie."""
