"""What a pool holds of one batch, in memory, without any check: readers have to make their own."""

from dataclasses import dataclass, field

from stun.pool.envelopes import DeliveryEnvelope, OpeningEnvelope, OrderEnvelope, PostEnvelope


@dataclass
class Held:
    """Pools in memory."""

    orders: list[OrderEnvelope] = field(default_factory=list)
    posted: list[PostEnvelope] = field(default_factory=list)
    opened: list[OpeningEnvelope] = field(default_factory=list)
    delivered: list[DeliveryEnvelope] = field(default_factory=list)

    def order(self, digest: bytes) -> list[OrderEnvelope]:
        return self.orders

    def posts(self, batch_id: bytes) -> list[PostEnvelope]:
        return self.posted

    def openings(self, batch_id: bytes) -> list[OpeningEnvelope]:
        return self.opened

    def deliveries(self, batch_id: bytes) -> list[DeliveryEnvelope]:
        return self.delivered
