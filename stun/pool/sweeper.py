"""Drops what no longer counts: expired entries, and orders that the chain has matched or cancelled.

Safe under reorganisations: a closed order remembers the block that closed it. While that block is within the window,
an order whose event has vanished, and whose nonce is unused again, opens again under a new cursor, until it expires.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Delete, Update, and_, delete, select, update
from sqlalchemy.orm import Session

from stun.chains.market import ChainEvent, MarketReader
from stun.pool.envelopes import Kind
from stun.pool.store import PoolStore, State
from stun.pool.tables import EntryRow, NoteRow

WINDOW_BLOCKS = 64  # how deep a reorganisation may reach
_SWEPT = "swept_block"
_COPIED = [
    column.key for column in EntryRow.__mapper__.columns if column.key not in ("cursor", "state", "closed_block")
]


@dataclass(frozen=True, slots=True)
class Closing:
    """An event that closes orders: of a digest, or of a requester's nonce."""

    state: State
    block: int
    digest: bytes | None = None
    account: bytes | None = None
    nonce: int | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one sweep did, in entries, and the chain's clock and height at it."""

    now: int
    head: int
    closed: int
    reopened: int
    dropped: int


class Sweeper:
    """Sweeps one pool; call `sweep` every few seconds, from one thread at a time."""

    def __init__(self, market: MarketReader, store: PoolStore, window: int = WINDOW_BLOCKS) -> None:
        self._market = market
        self._store = store
        self._window = window

    def sweep(self) -> Sweep:
        """Bring the pool up to the chain's newest block. Errors: ChainError, and then nothing has changed."""
        head, now = self._market.head(), self._market.now()
        swept = min(head, self._swept(head))
        events = self._market.events(max(0, swept - self._window), head)
        closings = [found for event in events for found in _closings(event)]
        closings += [found for event in events if event.block_number > swept for found in self._used_up(event)]
        vanished = self._vanished(max(0, swept - self._window), head, closings)
        with self._store.writing() as session:
            reopened = sum(_reopen(session, cursor) for cursor in vanished)
            closed = sum(_close(session, closing) for closing in closings)
            dropped = _changed(session, delete(EntryRow).where(EntryRow.keep_until <= now))
            dropped += _changed(session, _cancelled_before(head - self._window))
            session.merge(NoteRow(name=_SWEPT, value=str(head)))
        return Sweep(now, head, closed, reopened, dropped)

    def _swept(self, head: int) -> int:
        with self._store.reading() as session:
            note = session.get(NoteRow, _SWEPT)
            return head if note is None else int(note.value)

    def _used_up(self, event: ChainEvent) -> list[Closing]:
        """What a match closes besides its own order: the requester's other orders under the same nonce."""
        if event.name != "BatchOpened":
            return []
        requester = event.fields["requester"]
        mine = (EntryRow.kind == Kind.ORDER.value, EntryRow.account == requester)
        with self._store.reading() as session:
            rows: list[EntryRow] = list(
                session.scalars(select(EntryRow).where(*mine, EntryRow.state == State.OPEN.value))
            )
        others = {_nonce(row) for row in rows if row.digest != event.fields["batch_id"]}
        used = [nonce for nonce in others if self._market.nonce_used(requester, nonce)]
        return [Closing(State.CANCELLED, event.block_number, account=requester, nonce=nonce) for nonce in used]

    def _vanished(self, first: int, head: int, closings: Iterable[Closing]) -> list[int]:
        """Cursors of closed orders whose closing event is gone; a chain that lags behind it is no reorganisation."""
        digests = {closing.digest for closing in closings}
        nonces = {(closing.account, closing.nonce) for closing in closings}
        query = select(EntryRow).where(EntryRow.closed_block >= first, EntryRow.closed_block <= head)
        with self._store.reading() as session:
            rows: list[EntryRow] = list(session.scalars(query))
        unexplained = [row for row in rows if row.digest not in digests and (row.account, _nonce(row)) not in nonces]
        return [row.cursor for row in unexplained if not self._market.nonce_used(row.account, _nonce(row))]


def _closings(event: ChainEvent) -> list[Closing]:
    """What an event closes by its own words."""
    fields = event.fields
    if event.name == "BatchOpened":
        return [Closing(State.MATCHED, event.block_number, digest=fields["batch_id"])]
    if event.name == "OrderCancelled":
        account, nonce = fields["requester"], fields["nonce"]
        return [Closing(State.CANCELLED, event.block_number, account=account, nonce=nonce)]
    return []


def _close(session: Session, closing: Closing) -> int:
    """Close what the event names, or move it to the block where it happened again; count what was open."""
    named = (
        EntryRow.digest == closing.digest
        if closing.digest is not None
        else and_(EntryRow.account == closing.account, EntryRow.nonce == str(closing.nonce))
    )
    orders = update(EntryRow).where(EntryRow.kind == Kind.ORDER.value, named)
    closed = {"state": closing.state.value, "closed_block": closing.block}
    _changed(session, orders.where(EntryRow.state == closing.state.value).values(**closed))
    return _changed(session, orders.where(EntryRow.state == State.OPEN.value).values(**closed))


def _reopen(session: Session, cursor: int) -> int:
    """Put an order back under a new cursor, so that readers who saw it close see it again."""
    row = session.get(EntryRow, cursor)
    if row is None:
        return 0
    copied = {name: getattr(row, name) for name in _COPIED}
    session.delete(row)
    session.flush()
    session.add(EntryRow(state=State.OPEN.value, closed_block=None, **copied))
    session.flush()
    return 1


def _cancelled_before(block: int) -> Delete:
    return delete(EntryRow).where(EntryRow.state == State.CANCELLED.value, EntryRow.closed_block < block)


def _changed(session: Session, statement: Delete | Update) -> int:
    return cast(int, cast(Any, session.execute(statement)).rowcount)


def _nonce(row: EntryRow) -> int:
    """The nonce of an order's row."""
    return int(row.nonce or 0)
