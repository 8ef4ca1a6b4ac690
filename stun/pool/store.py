"""The pool's envelopes in a database: SQLite by default, one process, cursors in the order of commits.

A pool's epoch is drawn when its database is made: a reader that sees another epoch starts again from cursor 0.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Executable, create_engine, delete, func, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from stun.pool.bounds import Bounds
from stun.pool.envelopes import Envelope, Kind
from stun.pool.errors import EntryConflict, PoolFull, StoreOutdated
from stun.pool.tables import SCHEMA, Base, EntryRow, NoteRow, tune_sqlite
from stun.pool.wire import decode

DISTINCT_AT_MOST = 2  # two different commitments of one provider for one batch are evidence; a third adds nothing


class State(StrEnum):
    """Where an entry stands; only open ones are listed and streamed."""

    OPEN = "open"
    MATCHED = "matched"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the pool files an envelope under. `batch_id` of an order, bid or ask is the order's digest."""

    kind: Kind
    digest: bytes
    batch_id: bytes
    account: bytes
    expires_at: int
    keep_until: int
    recipient: bytes = bytes(32)
    nonce: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An envelope as the pool holds it; `body` is its canonical JSON, `conflict` marks contradicting messages."""

    cursor: int
    kind: Kind
    state: State
    digest: bytes
    conflict: bool
    received_at: int
    body: bytes

    def envelope(self) -> Envelope:
        """The envelope, typed."""
        return decode(self.kind, self.body)

    def to_json(self) -> dict[str, Any]:
        """What the pool answers and streams."""
        return {
            "cursor": self.cursor,
            "kind": self.kind.value,
            "state": self.state.value,
            "digest": "0x" + self.digest.hex(),
            "conflict": self.conflict,
            "received_at": self.received_at,
            "envelope": json.loads(self.body),
        }


class PoolStore:
    """The entries of one pool. Errors of `add` are EntryConflict and PoolFull."""

    def __init__(self, engine: Engine, bounds: Bounds | None = None) -> None:
        self._engine = engine
        self._writer = engine.execution_options(write=True)
        self.bounds = bounds or Bounds()
        if engine.dialect.name == "sqlite":
            tune_sqlite(engine)
        Base.metadata.create_all(engine)
        self.epoch = self._check_notes()

    @classmethod
    def open(cls, url: str, bounds: Bounds | None = None) -> "PoolStore":
        """The store at an SQLAlchemy URL, made when it does not exist. Errors: StoreOutdated."""
        return cls(create_engine(url), bounds)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def add(self, subject: Subject, body: bytes, now: int) -> tuple[Entry, bool]:
        """Hold an envelope; the same body again returns the held entry and False."""
        body_digest = hashlib.sha256(body).digest()
        with self.writing() as session:
            held = session.scalar(select(EntryRow).where(EntryRow.body_digest == body_digest))
            if held is not None:
                return _entry(held), False
            self._check_bounds(session, subject)
            if subject.kind == Kind.PROFILE:
                _replace_profile(session, subject)
            conflict = subject.kind in (Kind.COMMIT, Kind.POST) and _contradict(session, subject)
            row = _row(subject, body, body_digest, conflict, now)
            session.add(row)
            session.flush()
            return _entry(row), True

    def list_open(
        self,
        kinds: Sequence[Kind],
        after: int,
        limit: int,
        now: int,
        batch_id: bytes | None = None,
        account: bytes | None = None,
        recipient: bytes | None = None,
    ) -> list[Entry]:
        """Open, unexpired entries past a cursor, oldest first."""
        query = select(EntryRow).where(
            EntryRow.kind.in_([kind.value for kind in kinds]),
            EntryRow.state == State.OPEN.value,
            EntryRow.cursor > after,
            EntryRow.expires_at > now,
        )
        filters = ((EntryRow.batch_id, batch_id), (EntryRow.account, account), (EntryRow.recipient, recipient))
        for column, wanted in filters:
            if wanted is not None:
                query = query.where(column == wanted)
        return self._entries(query.order_by(EntryRow.cursor).limit(limit))

    def orders(self, digest: bytes) -> list[Entry]:
        """Every variant of one order, whatever its state."""
        return self._entries(
            select(EntryRow)
            .where(EntryRow.kind == Kind.ORDER.value, EntryRow.digest == digest)
            .order_by(EntryRow.cursor)
        )

    def find(self, body: bytes) -> Entry | None:
        """The entry with exactly this body."""
        found = self._entries(select(EntryRow).where(EntryRow.body_digest == hashlib.sha256(body).digest()))
        return found[0] if found else None

    def count(self) -> int:
        """How many entries are held."""
        with self.reading() as session:
            return _count(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one moment of the database."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session in one atomic transaction that holds the write lock from its start."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def _entries(self, query: Executable) -> list[Entry]:
        with self.reading() as session:
            rows: list[EntryRow] = list(session.scalars(query))
            return [_entry(row) for row in rows]

    def _check_bounds(self, session: Session, subject: Subject) -> None:
        quota = self.bounds.quotas[subject.kind]
        kind = EntryRow.kind == subject.kind.value
        batch = EntryRow.batch_id == subject.batch_id
        account = EntryRow.account == subject.account
        if _count(session) >= self.bounds.entries:
            raise PoolFull("what is held", self.bounds.entries)
        if _count(session, kind, EntryRow.digest == subject.digest, batch) >= quota.variants:
            raise EntryConflict(f"{quota.variants} variants of this {subject.kind} are held already")
        if subject.kind == Kind.ORDER:
            mine = _count(session, kind, account, EntryRow.state == State.OPEN.value)
            if mine >= self.bounds.orders_per_requester:
                raise PoolFull("this requester's open orders", self.bounds.orders_per_requester)
        elif subject.kind != Kind.PROFILE:
            if _count(session, kind, batch, account) >= quota.by_account:
                raise EntryConflict(f"{quota.by_account} of this account are held for this batch already")
            if _count(session, kind, batch) >= quota.in_batch:
                raise PoolFull("this batch", quota.in_batch)

    def _check_notes(self) -> str:
        with self.writing() as session:
            schema = session.get(NoteRow, "schema")
            if schema is None:
                session.add_all(
                    [NoteRow(name="schema", value=SCHEMA), NoteRow(name="epoch", value=secrets.token_hex(8))]
                )
                session.flush()
            elif schema.value != SCHEMA:
                raise StoreOutdated(schema.value, SCHEMA)
            epoch = session.get(NoteRow, "epoch")
            assert epoch is not None, "a database with a schema has an epoch"
            return epoch.value


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(EntryRow).where(*conditions)) or 0


def _contradict(session: Session, subject: Subject) -> bool:
    """Mark earlier messages of the account for this batch that say something else; return whether there are any."""
    same = (
        EntryRow.kind == subject.kind.value,
        EntryRow.batch_id == subject.batch_id,
        EntryRow.account == subject.account,
        EntryRow.digest != subject.digest,
    )
    others: set[bytes] = set(session.scalars(select(EntryRow.digest).where(*same)))
    if len(others) >= DISTINCT_AT_MOST:
        raise EntryConflict("two contradicting messages are held as evidence already")
    session.execute(update(EntryRow).where(*same).values(conflict=True))
    return bool(others)


def _replace_profile(session: Session, subject: Subject) -> None:
    """Drop the account's older profiles; the one that expires last counts."""
    mine = (EntryRow.kind == Kind.PROFILE.value, EntryRow.account == subject.account)
    newest = session.scalar(select(func.max(EntryRow.expires_at)).where(*mine)) or 0
    if newest >= subject.expires_at:
        raise EntryConflict("a profile that expires no earlier is held; sign one that expires later")
    session.execute(delete(EntryRow).where(*mine))


def _row(subject: Subject, body: bytes, body_digest: bytes, conflict: bool, now: int) -> EntryRow:
    return EntryRow(
        kind=subject.kind.value,
        state=State.OPEN.value,
        body_digest=body_digest,
        digest=subject.digest,
        batch_id=subject.batch_id,
        account=subject.account,
        recipient=subject.recipient,
        nonce=None if subject.nonce is None else str(subject.nonce),
        conflict=conflict,
        expires_at=subject.expires_at,
        keep_until=subject.keep_until,
        received_at=now,
        body=body,
    )


def _entry(row: EntryRow) -> Entry:
    kind, state = Kind(row.kind), State(row.state)
    return Entry(row.cursor, kind, state, row.digest, row.conflict, row.received_at, row.body)
