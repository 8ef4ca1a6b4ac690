"""The tables of a provider's journal."""

from typing import Any

from sqlalchemy import BigInteger, LargeBinary, String, event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "1"


class Base(DeclarativeBase):
    """The tables of the journal."""


class StepRow(Base):
    """What was done in a batch, once: the first payload of a step stands for ever."""

    __tablename__ = "steps"
    batch_id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    step: Mapped[str] = mapped_column(String(16), primary_key=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[int] = mapped_column(BigInteger)


class ChunkRow(Base):
    """Outputs of tasks `first` to `first + tasks - 1` of a batch, as an open output package."""

    __tablename__ = "chunks"
    batch_id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    first: Mapped[int] = mapped_column(primary_key=True)
    tasks: Mapped[int]
    outputs: Mapped[bytes] = mapped_column(LargeBinary)


class BidRow(Base):
    """A signed bid: what it promised and the bond it needs; amounts (u64) are decimal text."""

    __tablename__ = "bids"
    order_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    matcher: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    asset: Mapped[bytes] = mapped_column(LargeBinary(32))
    bond: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[int] = mapped_column(BigInteger)
    envelope: Mapped[bytes] = mapped_column(LargeBinary)
    published: Mapped[bool]


class AttemptRow(Base):
    """How often a transaction was tried, and when it may be tried again (seconds, chain time)."""

    __tablename__ = "attempts"
    batch_id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    duty: Mapped[str] = mapped_column(String(16), primary_key=True)
    attempt: Mapped[int]
    not_before: Mapped[int] = mapped_column(BigInteger)


class DemandRow(Base):
    """A demand on one of this provider's replicas: `digest` of it, itself as msgpack, when it was seen and is due."""

    __tablename__ = "demands"
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    batch_id: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    demand: Mapped[bytes] = mapped_column(LargeBinary)
    seen_at: Mapped[int] = mapped_column(BigInteger)
    due: Mapped[int] = mapped_column(BigInteger)
    fate: Mapped[str] = mapped_column(String(16))


class NoteRow(Base):
    """What the journal remembers of itself and of the chain: schema, account, newest block read."""

    __tablename__ = "notes"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(128))


def tune_sqlite(engine: Engine) -> None:
    """A committed row survives a crash of process and machine; every transaction takes the write lock at its start."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
