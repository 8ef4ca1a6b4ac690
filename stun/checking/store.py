"""What a challenger has to remember across a crash: charges, acts with the coin they carry, salts and evidence.

SQLite, `synchronous=FULL`: evidence that was announced and is forgotten costs its deposit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import LargeBinary, String, create_engine, event, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

from stun.protocol.court.evidence import BadInput, BadOutput, BadStep, BadUnits, Evidence

_KINDS: dict[str, type] = {kind.__name__: kind for kind in (BadInput, BadOutput, BadStep, BadUnits)}
_AMOUNT = String(80)  # native coin is wider than SQLite's integers


class _Base(DeclarativeBase):
    pass


class _ChargeRow(_Base):
    __tablename__ = "charges"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    reserved: Mapped[str] = mapped_column(_AMOUNT)
    fate: Mapped[str] = mapped_column(String(16))


class _ActRow(_Base):
    __tablename__ = "acts"
    charge: Mapped[str] = mapped_column(String(80), primary_key=True)
    what: Mapped[str] = mapped_column(String(40), primary_key=True)
    attempt: Mapped[int]
    value: Mapped[str] = mapped_column(_AMOUNT)
    failed: Mapped[bool]


class _SealRow(_Base):
    __tablename__ = "seals"
    charge: Mapped[str] = mapped_column(String(80), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    evidence_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    kind: Mapped[str] = mapped_column(String(16))
    evidence: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True, slots=True)
class Act:
    """One act of a charge: the idempotency key of its newest attempt, and the native coin that comes along."""

    what: str
    key: str
    value: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """Evidence and the salt that hides it; `digest` is what is announced."""

    digest: bytes
    evidence_digest: bytes
    salt: bytes
    evidence: Evidence


class DisputeStore:
    """The memory of one challenger. `on_step` is called after every durable write."""

    def __init__(self, engine: Engine, on_step: Callable[[str], None] = lambda _: None) -> None:
        self._engine = engine
        self._on_step = on_step
        _tune(engine)
        _Base.metadata.create_all(engine)

    @classmethod
    def open(cls, path: Path | None, on_step: Callable[[str], None] = lambda _: None) -> "DisputeStore":
        """The store in a file, made when it does not exist; None forgets everything with the process: a dry run's."""
        if path is None:
            return cls(create_engine("sqlite://", poolclass=StaticPool), on_step)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(create_engine(f"sqlite:///{path}"), on_step)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def begin(self, charge: str, reserved: int, fate: str) -> None:
        """Write a charge down with the native coin set aside for it; one that is there stays as it is."""
        with Session(self._engine) as session, session.begin():
            if session.get(_ChargeRow, charge) is None:
                session.add(_ChargeRow(name=charge, reserved=str(reserved), fate=fate))
        self._on_step("begun")

    def fate(self, charge: str) -> str | None:
        """What became of a charge, None if it was never begun."""
        with Session(self._engine) as session:
            row = session.get(_ChargeRow, charge)
            return None if row is None else row.fate

    def end(self, charge: str, fate: str) -> None:
        """Write down how a charge ended."""
        with Session(self._engine) as session, session.begin():
            row = session.get(_ChargeRow, charge)
            if row is not None:
                row.fate = fate
        self._on_step("ended")

    def charges(self, fate: str) -> list[str]:
        """Names of the charges with a fate."""
        with Session(self._engine) as session:
            return list(session.scalars(select(_ChargeRow.name).where(_ChargeRow.fate == fate)))

    def reserved(self, fate: str) -> int:
        """Native coin set aside for all charges with a fate."""
        with Session(self._engine) as session:
            rows = session.scalars(select(_ChargeRow.reserved).where(_ChargeRow.fate == fate))
            return sum(int(amount) for amount in rows)

    def set_aside(self, charge: str) -> int:
        """Native coin set aside for one charge, 0 if it was never begun."""
        with Session(self._engine) as session:
            row = session.get(_ChargeRow, charge)
            return 0 if row is None else int(row.reserved)

    def spent(self, charge: str) -> int:
        """Native coin that the acts of a charge carried, those that failed left out."""
        with Session(self._engine) as session:
            query = select(_ActRow.value).where(_ActRow.charge == charge, _ActRow.failed.is_(False))
            return sum(int(amount) for amount in session.scalars(query))

    def plan(self, charge: str, what: str, value: int) -> Act:
        """The act to take under this name: as it was planned before, else with this value; failed ones anew."""
        with Session(self._engine) as session, session.begin():
            row = session.get(_ActRow, (charge, what))
            if row is None:
                row = _ActRow(charge=charge, what=what, attempt=0, value=str(value), failed=False)
                session.add(row)
            elif row.failed:
                row.attempt, row.value, row.failed = row.attempt + 1, str(value), False
            act = Act(what, f"{what}:{charge}:{row.attempt}", int(row.value), row.attempt)
        self._on_step(f"planned {what}")
        return act

    def planned(self, charge: str, what: str) -> bool:
        """Whether an act was planned and did not fail."""
        with Session(self._engine) as session:
            row = session.get(_ActRow, (charge, what))
            return row is not None and not row.failed

    def fail(self, charge: str, what: str) -> None:
        """Note that the newest attempt of an act failed: the next one has another key."""
        with Session(self._engine) as session, session.begin():
            row = session.get(_ActRow, (charge, what))
            assert row is not None, "only what was planned fails"
            row.failed = True
        self._on_step(f"failed {what}")

    def seal(self, charge: str, sealed: Sealed) -> None:
        """Keep evidence before it is announced. What stands already stays: another process may have announced it."""
        kind, data = type(sealed.evidence).__name__, msgspec.msgpack.encode(sealed.evidence)
        with Session(self._engine) as session, session.begin():
            if session.get(_SealRow, charge) is None:
                row = _SealRow(
                    charge=charge, digest=sealed.digest, evidence_digest=sealed.evidence_digest, salt=sealed.salt,
                    kind=kind, evidence=data,
                )  # fmt: skip
                session.add(row)
        self._on_step("sealed")

    def sealed(self, charge: str) -> Sealed | None:
        """The evidence that was sealed last."""
        with Session(self._engine) as session:
            row = session.get(_SealRow, charge)
            if row is None:
                return None
            evidence: Evidence = msgspec.msgpack.decode(row.evidence, type=_KINDS[row.kind])
            return Sealed(row.digest, row.evidence_digest, row.salt, evidence)

    def unseal(self, charge: str) -> None:
        """Forget sealed evidence that can be opened no more."""
        with Session(self._engine) as session, session.begin():
            row = session.get(_SealRow, charge)
            if row is not None:
                session.delete(row)
        self._on_step("unsealed")


def _tune(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not open transactions of its own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
