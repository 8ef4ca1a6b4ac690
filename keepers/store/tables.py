"""Tables of a keeper's store. Every row belongs to a scope: one account on one chain."""

from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCOPE = 120
KEY = 200


class Base(DeclarativeBase):
    """The tables of the keepers."""


class OrderRow(Base):
    """An order that was seen, and when first (the chain's clock)."""

    __tablename__ = "keeper_orders"
    scope: Mapped[str] = mapped_column(String(SCOPE), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    first_seen: Mapped[int]
    expires_at: Mapped[int]


class AskRow(Base):
    """The last ask of a provider for an order; written before the ask leaves."""

    __tablename__ = "keeper_asks"
    scope: Mapped[str] = mapped_column(String(SCOPE), primary_key=True)
    order_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    provider: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    asked_at: Mapped[int]


class DutyRow(Base):
    """One act on one state of one subject: the row stands before anything is sent."""

    __tablename__ = "keeper_duties"
    __table_args__ = (Index("keeper_duties_subject", "scope", "subject"),)
    scope: Mapped[str] = mapped_column(String(SCOPE), primary_key=True)
    key: Mapped[str] = mapped_column(String(KEY), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[bytes] = mapped_column(LargeBinary(32))
    version: Mapped[int]
    attempt: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(200))
    errors: Mapped[int]
    updated_at: Mapped[int]


class EventRow(Base):
    """A chain event; its block's hash is part of its key, so that a replaced block's rows cannot pass for new ones."""

    __tablename__ = "keeper_events"
    __table_args__ = (
        Index("keeper_events_place", "scope", "block_number", "log_index"),
        Index("keeper_events_batch", "scope", "batch_id"),
    )
    scope: Mapped[str] = mapped_column(String(SCOPE), primary_key=True)
    block_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    log_index: Mapped[int] = mapped_column(primary_key=True)
    block_number: Mapped[int]
    name: Mapped[str] = mapped_column(String(32))
    batch_id: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)


class CursorRow(Base):
    """The last block whose events are stored."""

    __tablename__ = "keeper_cursors"
    scope: Mapped[str] = mapped_column(String(SCOPE), primary_key=True)
    block_number: Mapped[int]
