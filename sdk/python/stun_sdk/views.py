"""What the SDK needs of the pools, whatever serves them."""

from collections.abc import Sequence
from typing import Any, Protocol

from stun.pool.envelopes import BidEnvelope, DeliveryEnvelope, Envelope, OrderEnvelope, ProfileEnvelope


class Pools(Protocol):
    """All pools as one; what comes from them was checked against the chain's word on keys. Errors: PoolError."""

    def publish(self, envelope: Envelope) -> Any:
        """Bring an envelope to the pools; one that takes it is enough."""

    def order(self, digest: bytes) -> Sequence[OrderEnvelope]:
        """Every variant of one order."""

    def orders(self) -> Sequence[OrderEnvelope]:
        """Open orders."""

    def bids(self, order_digest: bytes) -> Sequence[BidEnvelope]:
        """Bids on one order."""

    def profiles(self) -> Sequence[ProfileEnvelope]:
        """Providers' profiles."""

    def deliveries(self, batch_id: bytes) -> Sequence[DeliveryEnvelope]:
        """Where the outputs of a batch lie."""
