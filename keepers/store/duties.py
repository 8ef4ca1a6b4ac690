"""Duties: every act of a keeper, written before it is sent, so that neither a crash nor a lost race repeats it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from keepers.store.database import Database
from keepers.store.tables import DutyRow

MAX_ATTEMPTS = 5
MAX_ERRORS = 5


class DutyState(StrEnum):
    """`lost`: another did it first; `failed`: refused though nobody did it."""

    PLANNED = "planned"
    SENT = "sent"
    DONE = "done"
    LOST = "lost"
    FAILED = "failed"

    @property
    def open(self) -> bool:
        """Whether the act may still take effect."""
        return self in (DutyState.PLANNED, DutyState.SENT)


@dataclass(frozen=True, slots=True)
class Duty:
    """One act. `key` is its idempotency key; `version` the state of the subject it was decided on (a batch's `seq`)."""

    key: str
    kind: str
    subject: bytes
    version: int
    attempt: int
    state: DutyState
    reason: str | None
    errors: int
    updated_at: int


class DutyBook:
    """The duties of one account on one chain."""

    def __init__(self, database: Database, scope: str) -> None:
        self._database = database
        self._scope = scope

    def plan(self, kind: str, subject: bytes, version: int, now: int) -> Duty | None:
        """Write an act down and return it; None if all its attempts are used up.

        An act that is still open is the same act. One that ended without effect gets a new attempt, at most
        MAX_ATTEMPTS on one state of the subject.
        """
        prefix = f"{kind}:{subject.hex()}:{version}"
        with self._database.transaction() as session:
            mine = select(DutyRow).where(
                DutyRow.scope == self._scope,
                DutyRow.subject == subject,
                DutyRow.kind == kind,
                DutyRow.version == version,
            )
            last = session.scalar(mine.order_by(DutyRow.attempt.desc()).limit(1))
            if last is not None and DutyState(last.state) not in (DutyState.LOST, DutyState.FAILED):
                last.updated_at = now
                return _duty(last)
            attempt = 0 if last is None else last.attempt + 1
            if attempt >= MAX_ATTEMPTS:
                return None
            row = DutyRow(
                scope=self._scope,
                key=f"{prefix}:{attempt}",
                kind=kind,
                subject=subject,
                version=version,
                attempt=attempt,
                state=DutyState.PLANNED.value,
                reason=None,
                errors=0,
                updated_at=now,
            )
            session.add(row)
            return _duty(row)

    def change(self, key: str, state: DutyState, now: int, reason: str | None = None) -> Duty | None:
        """Set the state of a duty; None if there is none of this key (an intent of somebody else's)."""
        with self._database.transaction() as session:
            row = session.get(DutyRow, (self._scope, key))
            if row is None:
                return None
            row.state, row.reason, row.updated_at = state.value, reason[:200] if reason else None, now
            return _duty(row)

    def fault(self, key: str, reason: str, now: int) -> Duty | None:
        """Count an error of the chain; after MAX_ERRORS in a row the act counts as failed."""
        with self._database.transaction() as session:
            row = session.get(DutyRow, (self._scope, key))
            if row is None:
                return None
            row.errors += 1
            row.reason, row.updated_at = reason[:200], now
            if row.errors >= MAX_ERRORS:
                row.state = DutyState.FAILED.value
            return _duty(row)

    def held(self, now: int, patience: int) -> set[tuple[bytes, int]]:
        """Return (subject, version) of every act that moved within the last `patience` seconds: leave it alone."""
        with self._database.transaction() as session:
            recent = select(DutyRow).where(DutyRow.scope == self._scope, DutyRow.updated_at > now - patience)
            rows: Sequence[DutyRow] = session.scalars(recent).all()
            return {(row.subject, row.version) for row in rows}

    def all(self, subject: bytes) -> Sequence[Duty]:
        """Every act on a subject, oldest first."""
        with self._database.transaction() as session:
            mine = select(DutyRow).where(DutyRow.scope == self._scope, DutyRow.subject == subject)
            rows: Sequence[DutyRow] = session.scalars(mine.order_by(DutyRow.version, DutyRow.attempt)).all()
            return [_duty(row) for row in rows]

    def open(self) -> Sequence[Duty]:
        """Every act that may still take effect."""
        states = [state.value for state in DutyState if state.open]
        with self._database.transaction() as session:
            mine = select(DutyRow).where(DutyRow.scope == self._scope, DutyRow.state.in_(states))
            rows: Sequence[DutyRow] = session.scalars(mine.order_by(DutyRow.updated_at)).all()
            return [_duty(row) for row in rows]


def _duty(row: DutyRow) -> Duty:
    return Duty(
        row.key, row.kind, row.subject, row.version, row.attempt, DutyState(row.state), row.reason, row.errors,
        row.updated_at,
    )  # fmt: skip
