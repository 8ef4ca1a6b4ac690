"""Several pools as one: what one honest pool has is found, whatever the others hide, replay or invent."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from stun.pool.client import PoolClient, Receipt
from stun.pool.envelopes import Envelope, Kind, OrderEnvelope
from stun.pool.errors import PoolError, PoolsExhausted, PoolUnavailable
from stun.pool.reading import PoolReading
from stun.pool.wire import encode

T = TypeVar("T")
REMEMBERED = 100_000
PAGES_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Published:
    """Who took an envelope, and why others did not."""

    receipts: tuple[Receipt, ...]
    failures: tuple[PoolError, ...]


class Seen:
    """Which envelopes were handed out already; the oldest are forgotten."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._bodies: OrderedDict[bytes, None] = OrderedDict()

    def first_time(self, envelope: Envelope) -> bool:
        """Whether the envelope comes for the first time."""
        body = encode(envelope)
        if body in self._bodies:
            return False
        self._bodies[body] = None
        if len(self._bodies) > self._most:
            self._bodies.popitem(last=False)
        return True


class PoolSet(PoolReading):
    """Any number of pools, asked at the same time. A pool that fails is reported by its client and skipped.

    Errors: PoolsExhausted when no pool answered; ChainError. Not for several threads at once (`updates` keeps cursors).
    """

    def __init__(self, pools: Sequence[PoolClient]) -> None:
        if not pools:
            raise PoolUnavailable("pools", "there is none; configure at least one")
        self.pools = tuple(pools)
        self._threads = ThreadPoolExecutor(len(self.pools), thread_name_prefix="pools")
        self._cursors: dict[tuple[str, Kind], tuple[str, int]] = {}
        self._seen: dict[Kind, Seen] = {kind: Seen() for kind in Kind}

    def close(self) -> None:
        """Close every pool's connections and end the threads."""
        self._threads.shutdown()
        for pool in self.pools:
            pool.close()

    def publish(self, envelope: Envelope) -> Published:
        """Bring an envelope to every pool; one that takes it is enough. Errors: PoolsExhausted, WireInvalid."""
        encode(envelope)
        receipts, failures = self._each("publish", lambda pool: pool.publish(envelope))
        return Published(tuple(receipts), failures)

    def read(
        self, kind: Kind, *, account: bytes | None = None, recipient: bytes | None = None, batch_id: bytes | None = None
    ) -> list[Envelope]:
        """All that any pool holds of one kind, each envelope once."""
        found, _ = self._each(
            f"list {kind}s",
            lambda pool: pool.read(kind, account=account, recipient=recipient, batch_id=batch_id),
        )
        seen = Seen()
        return [envelope for envelopes in found for envelope in envelopes if seen.first_time(envelope)]

    def order(self, digest: bytes) -> list[OrderEnvelope]:
        """Every variant of one order that any pool holds."""
        found, _ = self._each("show an order", lambda pool: pool.order(digest))
        seen = Seen()
        return [envelope for envelopes in found for envelope in envelopes if seen.first_time(envelope)]

    def updates(self, kind: Kind) -> list[Envelope]:
        """What came to any pool since the last call (first: all), each envelope once."""
        found, _ = self._each(f"list {kind}s", lambda pool: self._news(pool, kind))
        seen = self._seen[kind]
        return [envelope for envelopes in found for envelope in envelopes if seen.first_time(envelope)]

    def _news(self, pool: PoolClient, kind: Kind) -> list[Envelope]:
        """A pool's entries past its cursor; from the start if its database is another one than before."""
        epoch, after = self._cursors.get((pool.name, kind), ("", 0))
        envelopes: list[Envelope] = []
        for _ in range(PAGES_AT_ONCE):
            page = pool.page(kind, after)
            if after and page.epoch != epoch:
                page = pool.page(kind, 0)
            envelopes += [received.envelope for received in page.received]
            epoch, after = page.epoch, page.next
            if not page.full:
                break
        self._cursors[pool.name, kind] = (epoch, after)
        return envelopes

    def _each(self, action: str, ask: Callable[[PoolClient], T]) -> tuple[list[T], tuple[PoolError, ...]]:
        """Ask all pools at once; answers in their order, and the failures, each reported."""
        futures = [(pool, self._threads.submit(ask, pool)) for pool in self.pools]
        answers, failures = [], []
        for pool, future in futures:
            try:
                answers.append(future.result())
            except PoolError as error:
                failures.append(error)
                pool.report(error)
        if not answers:
            raise PoolsExhausted(action, tuple(failures))
        return answers, tuple(failures)
