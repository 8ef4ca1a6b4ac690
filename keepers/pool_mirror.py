"""The pools' open orders, bids and profiles in memory, kept up by what is new since the last look."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from stun.pool.envelopes import AskEnvelope, BidEnvelope, Envelope, Kind, OrderEnvelope, ProfileEnvelope
from stun.protocol.messages import Domain

MOST_BIDS = 256  # of one order; the pools bound them too


class PoolNews(Protocol):
    """What a set of pools offers to a follower; stun.pool.pool_set.PoolSet does."""

    def updates(self, kind: Kind) -> Sequence[Envelope]:
        """What came since the last call, first all."""

    def publish(self, envelope: Envelope) -> Any:
        """Bring an envelope to the pools."""


class PoolMirror:
    """MatcherPools over any set of pools. `now`: the chain's clock, by which entries expire."""

    def __init__(self, pools: PoolNews, domain: Domain, now: Callable[[], int]) -> None:
        self._pools = pools
        self._domain = domain
        self._now = now
        self._orders: dict[bytes, OrderEnvelope] = {}
        self._bids: dict[bytes, list[BidEnvelope]] = {}
        self._profiles: dict[bytes, ProfileEnvelope] = {}

    def orders(self) -> Sequence[OrderEnvelope]:
        """Every order that was seen and has not expired, also those matched by now; the chain knows which."""
        now = self._now()
        for envelope in self._pools.updates(Kind.ORDER):
            if isinstance(envelope, OrderEnvelope):
                self._orders.setdefault(envelope.order.digest(self._domain), envelope)
        self._orders = {digest: held for digest, held in self._orders.items() if now < held.order.expires_at}
        return list(self._orders.values())

    def bids(self, order_digests: Sequence[bytes]) -> Sequence[BidEnvelope]:
        """Unexpired bids for these orders."""
        now = self._now()
        for envelope in self._pools.updates(Kind.BID):
            if isinstance(envelope, BidEnvelope):
                held = self._bids.setdefault(envelope.bid.order_digest, [])
                if len(held) < MOST_BIDS:
                    held.append(envelope)
        live = {digest: [bid for bid in held if now < bid.bid.expires_at] for digest, held in self._bids.items()}
        self._bids = {digest: held for digest, held in live.items() if held}
        return [bid for digest in order_digests for bid in self._bids.get(digest, ())]

    def profiles(self) -> Sequence[ProfileEnvelope]:
        """The profile of each provider that expires last."""
        now = self._now()
        for envelope in self._pools.updates(Kind.PROFILE):
            if isinstance(envelope, ProfileEnvelope):
                held = self._profiles.get(envelope.profile.provider)
                if held is None or held.profile.expires_at < envelope.profile.expires_at:
                    self._profiles[envelope.profile.provider] = envelope
        self._profiles = {p: held for p, held in self._profiles.items() if now < held.profile.expires_at}
        return list(self._profiles.values())

    def ask(self, envelope: AskEnvelope) -> None:
        """Publish an ask."""
        self._pools.publish(envelope)
