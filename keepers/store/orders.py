"""Orders that were seen, and who was asked about them."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete, select

from keepers.store.database import Database
from keepers.store.tables import AskRow, OrderRow


class OrderMemory:
    """What a matcher remembers of the pool; digests and accounts are 32 bytes, times the chain's seconds."""

    def __init__(self, database: Database, scope: str) -> None:
        self._database = database
        self._scope = scope

    def first_seen(self, orders: Mapping[bytes, int], now: int) -> dict[bytes, int]:
        """Record orders (digest to expiry) and return when each was first seen."""
        with self._database.transaction() as session:
            mine = select(OrderRow).where(OrderRow.scope == self._scope)
            rows: Sequence[OrderRow] = session.scalars(mine).all()
            known = {row.digest: row.first_seen for row in rows}
            for digest, expires_at in orders.items():
                if digest not in known:
                    session.add(OrderRow(scope=self._scope, digest=digest, first_seen=now, expires_at=expires_at))
        return {digest: known.get(digest, now) for digest in orders}

    def record_asks(self, asks: Iterable[tuple[bytes, bytes]], now: int) -> None:
        """Record (order digest, provider) as asked now."""
        with self._database.transaction() as session:
            for digest, provider in asks:
                session.merge(AskRow(scope=self._scope, order_digest=digest, provider=provider, asked_at=now))

    def asked(self) -> dict[bytes, dict[bytes, int]]:
        """When each provider was last asked, by order."""
        with self._database.transaction() as session:
            found: dict[bytes, dict[bytes, int]] = {}
            rows: Sequence[AskRow] = session.scalars(select(AskRow).where(AskRow.scope == self._scope)).all()
            for row in rows:
                found.setdefault(row.order_digest, {})[row.provider] = row.asked_at
            return found

    def forget_expired(self, now: int) -> None:
        """Drop orders that have expired, and their asks."""
        with self._database.transaction() as session:
            gone = select(OrderRow.digest).where(OrderRow.scope == self._scope, OrderRow.expires_at <= now)
            session.execute(delete(AskRow).where(AskRow.scope == self._scope, AskRow.order_digest.in_(gone)))
            session.execute(delete(OrderRow).where(OrderRow.scope == self._scope, OrderRow.expires_at <= now))
