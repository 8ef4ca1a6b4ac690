"""The store of intents: what an account wants done, written before anything is signed.

SQLite by default, write-ahead log, `synchronous=FULL`: a signed transaction that a power cut could make us forget
could be sent twice. Every transaction takes the write lock at its start, so two processes never allot one nonce
twice or sign one intent twice.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint, create_engine, event, func, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from stun.chains.interface import ChainError, Intent, IntentConflict, IntentState, SignedTransaction

_MAX_KEY = 200
_OPEN = tuple(state.value for state in IntentState if not state.terminal)


class Base(DeclarativeBase):
    """The tables of the sender."""


class SignedRow(Base):
    """A signed form of an intent: public bytes that anybody may broadcast, never keys."""

    __tablename__ = "intent_signatures"
    id: Mapped[int] = mapped_column(primary_key=True)
    intent_id: Mapped[int] = mapped_column(ForeignKey("intents.id"), index=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[int]
    max_fee: Mapped[str] = mapped_column(String(80))
    priority_fee: Mapped[str] = mapped_column(String(80))
    signed_at: Mapped[int]


class IntentRow(Base):
    """An intent; see stun.chains.interface.Intent. Amounts in wei are decimal text, SQLite's integers have 64 bits."""

    __tablename__ = "intents"
    __table_args__ = (
        UniqueConstraint("chain_id", "account", "key", name="intents_key"),
        UniqueConstraint("chain_id", "account", "nonce", name="intents_nonce"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    chain_id: Mapped[int]
    account: Mapped[bytes] = mapped_column(LargeBinary(20))
    key: Mapped[str] = mapped_column(String(_MAX_KEY))
    to: Mapped[bytes | None] = mapped_column(LargeBinary(20))
    data: Mapped[bytes] = mapped_column(LargeBinary)
    value: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(16), index=True)
    nonce: Mapped[int | None]
    gas: Mapped[int | None]
    landed: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    landed_ok: Mapped[bool | None]
    block_number: Mapped[int | None]
    block_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    gas_used: Mapped[int | None]
    created: Mapped[bytes | None] = mapped_column(LargeBinary(20))
    reason: Mapped[str | None]
    planned_block: Mapped[int]
    signed_block: Mapped[int | None]
    planned_at: Mapped[int]
    updated_at: Mapped[int]
    signed: Mapped[list[SignedRow]] = relationship(order_by=SignedRow.id, lazy="selectin")

    def record(self) -> Intent:
        """The immutable form callers get."""
        signed = tuple(
            SignedTransaction(s.hash, s.raw, s.nonce, int(s.max_fee), int(s.priority_fee), s.signed_at)
            for s in self.signed
        )
        return Intent(
            self.id,
            self.chain_id,
            self.account,
            self.key,
            self.to,
            self.data,
            int(self.value),
            IntentState(self.state),
            self.nonce,
            signed,
            self.landed,
            self.block_number,
            self.block_hash,
            self.gas_used,
            self.created,
            self.landed_ok,
            self.reason,
            self.planned_block,
            self.signed_block,
            self.gas,
            self.planned_at,
            self.updated_at,
        )


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not open transactions of its own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


class IntentStore:
    """Intents of any number of accounts and chains in one database."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        if engine.dialect.name == "sqlite":
            _tune_sqlite(engine)
        Base.metadata.create_all(engine)

    @classmethod
    def open(cls, path: Path, clock: Callable[[], float] = time.time) -> "IntentStore":
        """The store in an SQLite file, made when it does not exist."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(create_engine(f"sqlite:///{path}"), clock)

    def now(self) -> int:
        """Unix seconds."""
        return int(self._clock())

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session in one atomic transaction that holds the write lock from its start."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def plan(
        self, chain_id: int, account: bytes, key: str, to: bytes | None, data: bytes, value: int, block: int
    ) -> tuple[Intent, bool]:
        """Write an intent down, or find the one with this key; the second result is True when it is new.

        `block` is the newest block number now. Errors: ValueError, IntentConflict.
        """
        if not 0 < len(key) <= _MAX_KEY:
            raise ValueError(f"an intent's key has 1 to {_MAX_KEY} characters")
        if value < 0 or (to is not None and len(to) != 20):
            raise ValueError("an intent has a 20-byte recipient and no negative value")
        now = self.now()
        row = IntentRow(
            chain_id=chain_id,
            account=account,
            key=key,
            to=to,
            data=data,
            value=str(value),
            state=IntentState.PLANNED.value,
            planned_block=block,
            planned_at=now,
            updated_at=now,
        )
        try:
            with self.transaction() as session:
                session.add(row)
                session.flush()
                return row.record(), True
        except IntegrityError:
            found = self.find(chain_id, account, key)
        if found is None:
            raise ChainError(f"the store refused the intent {key!r}")
        if (found.to, found.data, found.value) != (to, data, value):
            raise IntentConflict(f"intent {key!r} exists with another recipient, payload or value")
        return found, False

    def find(self, chain_id: int, account: bytes, key: str) -> Intent | None:
        """The intent of an account with a key."""
        with self.transaction() as session:
            row = session.scalar(
                select(IntentRow).where(
                    IntentRow.chain_id == chain_id, IntentRow.account == account, IntentRow.key == key
                )
            )
            return row.record() if row else None

    def get(self, identifier: int) -> Intent:
        """The intent as it stands now."""
        with self.transaction() as session:
            return row(session, identifier).record()

    def open_intents(self, chain_id: int, account: bytes) -> Sequence[Intent]:
        """Every intent that is not at an end, in the order of planning."""
        with self.transaction() as session:
            mine = (IntentRow.chain_id == chain_id, IntentRow.account == account, _IS_OPEN)
            rows: Sequence[IntentRow] = session.scalars(select(IntentRow).where(*mine).order_by(IntentRow.id)).all()
            return [found.record() for found in rows]

    def next_nonce(self, chain_id: int, account: bytes, chain_nonce: int) -> int:
        """The nonce that the next new intent of an account would be signed with; errors of the function's."""
        with self.transaction() as session:
            return next_nonce(session, chain_id, account, chain_nonce)

    def any_of(self, chain_id: int, account: bytes) -> bool:
        """Whether the account ever had an intent that was signed or may still be."""
        with self.transaction() as session:
            mine = (IntentRow.chain_id == chain_id, IntentRow.account == account)
            signed = IntentRow.nonce.is_not(None) | _IS_OPEN
            return session.scalar(select(IntentRow.id).where(*mine, signed).limit(1)) is not None

    def change(self, identifier: int, **values: Any) -> Intent:
        """Set columns of an intent that is still open; one that has ended stays as it is. Returns it as it now is."""
        with self.transaction() as session:
            found = row(session, identifier)
            if not IntentState(found.state).terminal:
                for column, value in values.items():
                    setattr(found, column, value.value if isinstance(value, IntentState) else value)
                found.updated_at = self.now()
            return found.record()

    def sign(
        self, intent: Intent, block: int, chain_nonce: int, make: Callable[[int], SignedTransaction], gas: int
    ) -> Intent:
        """Allot the nonce where there is none, sign with `make(nonce)` and keep the bytes, all in one transaction.

        Does nothing when another process has moved the intent on since `intent` was read.
        """
        with self.transaction() as session:
            found = row(session, intent.id)
            if found.state != intent.state.value or len(found.signed) != len(intent.signed):
                return found.record()
            if found.nonce is None:
                found.nonce = next_nonce(session, intent.chain_id, intent.account, chain_nonce)
            form = make(found.nonce)
            found.signed.append(
                SignedRow(
                    hash=form.hash,
                    raw=form.raw,
                    nonce=form.nonce,
                    max_fee=str(form.max_fee),
                    priority_fee=str(form.priority_fee),
                    signed_at=form.signed_at,
                )
            )
            found.state, found.gas, found.signed_block = IntentState.SIGNED.value, gas, block
            found.reason, found.updated_at = None, self.now()
            session.flush()
            return found.record()

    def reopen(self, intent: Intent) -> Intent:
        """Plan an intent that failed or was replaced anew; its nonce is spent, so it gets another.

        Errors: ChainError when it has not ended that way.
        """
        with self.transaction() as session:
            found = row(session, intent.id)
            if found.state not in (IntentState.FAILED.value, IntentState.REPLACED.value):
                raise ChainError(f"intent {found.key!r} is {found.state}: only failed and replaced ones are retried")
            found.state, found.nonce, found.reason = IntentState.PLANNED.value, None, None
            found.landed = found.landed_ok = found.block_number = found.block_hash = found.gas_used = None
            found.created = found.signed_block = None
            found.updated_at = self.now()
            return found.record()


_IS_OPEN = IntentRow.state.in_(_OPEN)


def row(session: Session, identifier: int) -> IntentRow:
    """The row of an intent within a transaction."""
    found = session.get(IntentRow, identifier)
    if found is None:
        raise ChainError(f"no intent {identifier}")
    return found


def next_nonce(session: Session, chain_id: int, account: bytes, chain_nonce: int) -> int:
    """The first nonce that neither the chain nor an intent of the account has used.

    Errors: ChainError when the chain counts fewer transactions than ended intents have used.
    """
    mine = (IntentRow.chain_id == chain_id, IntentRow.account == account)
    highest: int | None = session.scalar(select(func.max(IntentRow.nonce)).where(*mine))
    if highest is None or highest < chain_nonce:
        return chain_nonce
    if not session.scalar(select(func.count(IntentRow.id)).where(*mine, IntentRow.nonce >= chain_nonce, _IS_OPEN)):
        raise ChainError(
            f"the chain counts {chain_nonce} transactions, the store {highest + 1}: "
            "the endpoint lags, or the chain was reset and needs a new store"
        )
    return highest + 1
