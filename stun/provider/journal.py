"""The provider's write-ahead journal: what it has done in each batch, so that a restart repeats nothing it must not.

A step is written once, before its effect leaves the process, and its first payload stands: a salt, a commitment or a
signature that was stored is the only one this provider ever uses for the batch. What the chain knows is not kept here;
it is read again. One process at a time holds the journal.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import create_engine, delete, func, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from stun.pool.envelopes import BidEnvelope, Kind
from stun.pool.wire import decode, encode
from stun.protocol.errors import StunError
from stun.protocol.messages import NOBODY
from stun.provider.docket import Docket
from stun.provider.journal_tables import SCHEMA, AttemptRow, Base, BidRow, ChunkRow, NoteRow, StepRow, tune_sqlite
from stun.storage.packages import pack_outputs, unpack_outputs

MAX_BACKOFF_SECONDS = 600


class JournalError(StunError):
    """The journal cannot be used: another process holds it, or it is of another version or account."""


class Step(StrEnum):
    """The steps of a batch, in order."""

    ORDER = "order"  # the order's envelope
    PACKAGE = "package"  # its blobs are in the local store
    SEEN = "seen"  # the block from which its events are read
    FAILED = "failed"  # why the work was given up
    COMPUTED = "computed"  # outputs root | total units u64
    SALT = "salt"
    COMMITMENT = "commitment"
    SIGNED = "signed"  # signature of the commitment or post
    PUBLISHED = "published"
    OPENED = "opened"
    SEALED = "sealed"  # digest of the output package
    DELIVERED = "delivered"
    LEAVES = "leaves"  # digest of the published leaves
    SETTLED = "settled"  # what it earned: asset | amount u64


@dataclass(frozen=True, slots=True)
class Promise:
    """A bid that may still be matched."""

    order_digest: bytes
    matcher: bytes
    asset: bytes
    bond: int
    expires_at: int
    envelope: BidEnvelope
    published: bool


@dataclass(frozen=True, slots=True)
class Earning:
    """What a settled batch paid this provider, and when it was seen (chain time)."""

    batch_id: bytes
    asset: bytes
    amount: int
    at: int


class Journal:
    """The journal of one account on one chain. `on_step` is called after every durable write, with its name."""

    def __init__(self, path: Path, owner: str, on_step: Callable[[str], None] = lambda _: None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path.with_suffix(".lock"))
        self._engine: Engine = create_engine(f"sqlite:///{path}")
        tune_sqlite(self._engine)
        Base.metadata.create_all(self._engine)
        self._on_step = on_step
        self.docket = Docket(self._engine, on_step)
        self._claim(owner)

    def close(self) -> None:
        """Let another process have it."""
        self._engine.dispose()
        os.close(self._lock)

    def record(self, batch_id: bytes, step: Step, payload: bytes = b"", at: int = 0) -> bytes:
        """Write a step if it is new; return the payload that stands."""
        with Session(self._engine) as session, session.begin():
            row = session.get(StepRow, (batch_id, step.value))
            if row is not None:
                return row.payload
            session.add(StepRow(batch_id=batch_id, step=step.value, payload=payload, at=at))
        self._on_step(step.value)
        return payload

    def read(self, batch_id: bytes, step: Step) -> bytes | None:
        """The payload of a step, None if it was not taken."""
        with Session(self._engine) as session:
            row = session.get(StepRow, (batch_id, step.value))
            return None if row is None else row.payload

    def steps(self, batch_id: bytes) -> dict[Step, bytes]:
        """Every step of a batch."""
        with Session(self._engine) as session:
            rows: Iterable[StepRow] = session.scalars(select(StepRow).where(StepRow.batch_id == batch_id))
            return {Step(row.step): row.payload for row in rows}

    def active(self) -> list[bytes]:
        """Batches that were matched and are not settled for good, oldest first."""
        settled = select(StepRow.batch_id).where(StepRow.step == Step.SETTLED.value)
        with Session(self._engine) as session:
            query = select(StepRow.batch_id).where(StepRow.step == Step.SEEN.value, StepRow.batch_id.not_in(settled))
            return list(session.scalars(query.order_by(StepRow.at, StepRow.batch_id)))

    def settled(self) -> list[Earning]:
        """Every settled batch, newest last."""
        query = select(StepRow).where(StepRow.step == Step.SETTLED.value).order_by(StepRow.at)
        with Session(self._engine) as session:
            rows: Iterable[StepRow] = session.scalars(query)
            return [
                Earning(row.batch_id, row.payload[:32], int.from_bytes(row.payload[32:], "big"), row.at) for row in rows
            ]

    def add_outputs(self, batch_id: bytes, first: int, outputs: Sequence[tuple[bytes, int]]) -> None:
        """Keep the outputs of the next tasks; `first` must be how many are kept already."""
        with Session(self._engine) as session, session.begin():
            if _progress(session, batch_id) != first:
                raise JournalError(f"outputs of task {first} do not follow what is kept")
            packed = pack_outputs(outputs, NOBODY, b"")
            session.add(ChunkRow(batch_id=batch_id, first=first, tasks=len(outputs), outputs=packed))
        self._on_step("outputs")

    def progress(self, batch_id: bytes) -> int:
        """How many tasks are computed, from the first on."""
        with Session(self._engine) as session:
            return _progress(session, batch_id)

    def outputs(self, batch_id: bytes) -> list[tuple[bytes, int]]:
        """Every kept output with its units, in task order."""
        with Session(self._engine) as session:
            query = select(ChunkRow.outputs).where(ChunkRow.batch_id == batch_id).order_by(ChunkRow.first)
            chunks: Iterable[bytes] = session.scalars(query)
            return [entry for chunk in chunks for entry in unpack_outputs(chunk, None, b"")]

    def drop_outputs(self, batch_id: bytes) -> None:
        """Forget the outputs of a batch that is settled for good."""
        with Session(self._engine) as session, session.begin():
            session.execute(delete(ChunkRow).where(ChunkRow.batch_id == batch_id))

    def promise(self, envelope: BidEnvelope, asset: bytes, bond: int) -> None:
        """Keep a signed bid before it is published; a newer one for the same order and matcher takes its place."""
        bid = envelope.bid
        with Session(self._engine) as session, session.begin():
            session.merge(
                BidRow(
                    order_digest=bid.order_digest, matcher=bid.matcher, asset=asset, bond=str(bond),
                    expires_at=bid.expires_at, envelope=encode(envelope), published=False,
                )
            )  # fmt: skip
        self._on_step("bid")

    def mark_published(self, promise: Promise) -> None:
        """Note that a bid is in a pool."""
        with Session(self._engine) as session, session.begin():
            key = (BidRow.order_digest == promise.order_digest, BidRow.matcher == promise.matcher)
            session.execute(update(BidRow).where(*key).values(published=True))
        self._on_step("bid_published")

    def promises(self, since: int) -> list[Promise]:
        """Bids that expire after `since`."""
        with Session(self._engine) as session:
            rows: Iterable[BidRow] = session.scalars(select(BidRow).where(BidRow.expires_at > since))
            return [_promise(row) for row in rows]

    def attempt(self, batch_id: bytes, duty: str) -> tuple[int, int]:
        """(number of the attempt, when it may be made)."""
        with Session(self._engine) as session:
            row = session.get(AttemptRow, (batch_id, duty))
            return (0, 0) if row is None else (row.attempt, row.not_before)

    def next_attempt(self, batch_id: bytes, duty: str, now: int, wait: int) -> None:
        """Note that an attempt failed for good; the next waits `wait` seconds, doubled with each failure."""
        with Session(self._engine) as session, session.begin():
            row = session.get(AttemptRow, (batch_id, duty))
            number = 1 if row is None else row.attempt + 1
            pause = min(MAX_BACKOFF_SECONDS, wait << min(number - 1, 10))
            session.merge(AttemptRow(batch_id=batch_id, duty=duty, attempt=number, not_before=now + pause))

    def note(self, name: str) -> str | None:
        """A remembered value."""
        with Session(self._engine) as session:
            row = session.get(NoteRow, name)
            return None if row is None else row.value

    def set_note(self, name: str, value: str) -> None:
        """Remember a value."""
        with Session(self._engine) as session, session.begin():
            session.merge(NoteRow(name=name, value=value))

    def _claim(self, owner: str) -> None:
        for name, value in (("schema", SCHEMA), ("owner", owner)):
            found = self.note(name)
            if found is None:
                self.set_note(name, value)
            elif found != value:
                self.close()
                raise JournalError(f"the journal's {name} is {found}, not {value}; use another folder")


def _progress(session: Session, batch_id: bytes) -> int:
    return int(session.scalar(select(func.sum(ChunkRow.tasks)).where(ChunkRow.batch_id == batch_id)) or 0)


def _promise(row: BidRow) -> Promise:
    envelope = decode(Kind.BID, row.envelope)
    assert isinstance(envelope, BidEnvelope)
    return Promise(row.order_digest, row.matcher, row.asset, int(row.bond), row.expires_at, envelope, row.published)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise JournalError(f"another process works with this folder ({path.parent})") from error
    return descriptor
