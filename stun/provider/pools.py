"""What a provider needs of the pools. No pool is trusted: whatever it serves is checked here once more."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar, cast

from stun.chains.market import MarketReader
from stun.pool.envelopes import (
    AskEnvelope,
    CommitEnvelope,
    DeliveryEnvelope,
    Envelope,
    Kind,
    OrderEnvelope,
    kind_of,
)
from stun.pool.verification import verify
from stun.protocol.errors import Rejected
from stun.protocol.market.state import Terms

E = TypeVar("E", bound=Envelope)


class PoolView(Protocol):
    """All pools that a provider knows, as one; stun.pool.pool_set.PoolSet is one."""

    def publish(self, envelope: Envelope) -> object:
        """Hand an envelope to every pool; again is no error. Errors: PoolError if no pool took it."""

    def read(
        self, kind: Kind, *, account: bytes | None = None, recipient: bytes | None = None, batch_id: bytes | None = None
    ) -> Sequence[Envelope]:
        """Open envelopes of a kind by author, recipient, and order digest or batch. Errors: PoolError."""

    def order(self, digest: bytes) -> Sequence[OrderEnvelope]:
        """Every variant of one order, also when it is matched. Errors: PoolError."""


class CheckedPools:
    """The pools behind the checks of signatures and subjects. Errors of every method: PoolError, ChainError."""

    def __init__(self, pools: PoolView, reader: MarketReader) -> None:
        self._pools = pools
        self._reader = reader

    def publish(self, envelope: Envelope) -> None:
        """Hand an envelope to every pool."""
        self._pools.publish(envelope)

    def asks(self, account: bytes) -> list[AskEnvelope]:
        """Unexpired questions for this account's bid."""
        now = self._reader.now()
        found = cast(list[AskEnvelope], self._pools.read(Kind.ASK, recipient=account))
        return [e for e in self._true(Kind.ASK, found) if e.ask.provider == account and now < e.ask.expires_at]

    def orders(self, digest: bytes | None = None) -> list[OrderEnvelope]:
        """Open orders, or every variant of one."""
        found = self._pools.read(Kind.ORDER) if digest is None else self._pools.order(digest)
        domain = self._reader.domain
        orders = self._true(Kind.ORDER, cast(list[OrderEnvelope], found))
        return [e for e in orders if digest in (None, e.order.digest(domain))]

    def commits(self, batch_id: bytes, terms: Terms) -> dict[int, frozenset[bytes]]:
        """Every commitment that a replica of the batch signed, by replica."""
        found = cast(list[CommitEnvelope], self._pools.read(Kind.COMMIT, batch_id=batch_id))
        out: dict[int, frozenset[bytes]] = {}
        for replica, cast_ in enumerate(terms.casts):
            mine = [e for e in found if (e.commit.batch_id, e.commit.provider) == (batch_id, cast_.provider)]
            out[replica] = frozenset(e.commit.commitment for e in self._true(Kind.COMMIT, mine))
        return out

    def deliveries(self, batch_id: bytes, provider: bytes) -> list[DeliveryEnvelope]:
        """Where a provider says its outputs, or its results, lie."""
        found = cast(list[DeliveryEnvelope], self._pools.read(Kind.DELIVERY, batch_id=batch_id, account=provider))
        wanted = (batch_id, provider)
        return [e for e in self._true(Kind.DELIVERY, found) if (e.delivery.batch_id, e.delivery.provider) == wanted]

    def _true(self, kind: Kind, envelopes: Sequence[E]) -> Iterator[E]:
        """Those of the right kind whose signature holds."""
        for envelope in envelopes:
            if kind_of(envelope) is kind and self._holds(envelope):
                yield envelope

    def _holds(self, envelope: Envelope) -> bool:
        try:
            verify(self._reader, envelope)
        except Rejected:
            return False
        return True
