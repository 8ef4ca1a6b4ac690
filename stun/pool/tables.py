"""The pool's database: one table of envelopes of every kind, and what the pool must remember of itself."""

from typing import Any

from sqlalchemy import Index, LargeBinary, String, event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "1"


class Base(DeclarativeBase):
    """The tables of the pool."""


class EntryRow(Base):
    """One envelope; see stun.pool.store.Entry. `cursor` grows and is never used twice. The nonce (u64) is text."""

    __tablename__ = "entries"
    __table_args__ = (
        Index("entries_by_kind", "kind", "state", "cursor"),
        Index("entries_by_batch", "batch_id", "kind", "cursor"),
        Index("entries_by_account", "account", "kind", "nonce"),
        {"sqlite_autoincrement": True},
    )
    cursor: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    body_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    batch_id: Mapped[bytes] = mapped_column(LargeBinary(32))
    account: Mapped[bytes] = mapped_column(LargeBinary(32))
    recipient: Mapped[bytes] = mapped_column(LargeBinary(32))
    nonce: Mapped[str | None] = mapped_column(String(20))
    conflict: Mapped[bool]
    closed_block: Mapped[int | None] = mapped_column(index=True)
    expires_at: Mapped[int]
    keep_until: Mapped[int] = mapped_column(index=True)
    received_at: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class NoteRow(Base):
    """What the pool remembers of itself: schema, epoch, the newest block it has swept."""

    __tablename__ = "notes"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(80))


def tune_sqlite(engine: Engine) -> None:
    """Write-ahead log; a transaction with the option `write` takes the write lock at its start."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not open transactions of its own
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
