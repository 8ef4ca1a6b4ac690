"""The chain's events as a keeper needs them, safe against reorganisations.

Each sync reads the last `depth` blocks again and compares what is stored of them, block hash by block hash. The first
difference is the fork point: all rows from there go, in the transaction that writes the new ones. A head behind the
cursor is an endpoint that lags, not a reorganisation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from keepers.store.database import Database
from keepers.store.tables import CursorRow, EventRow
from stun.chains.market import ChainEvent, MarketReader

_KEPT = {
    "BatchOpened": ("requester",),
    "Posted": ("provider", "outputs_root", "total_units"),
    "Revealed": ("provider", "outputs_root", "total_units"),
    "Settled": ("settler",),
}
BLOCKS_PER_READ = 5_000


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did: rows taken back and rows added."""

    undone: int = 0
    added: int = 0


class EventLog:
    """Events of one chain. `first_block`: where the market begins; `depth`: blocks that are read again each time.

    A reorganisation deeper than `depth` is found by the stored events that it took; one that took none and put new
    events below that depth is not seen, so `depth` is chosen above what the chain can reorganise.
    """

    def __init__(self, database: Database, scope: str, first_block: int = 0, depth: int = 64) -> None:
        self._database = database
        self._scope = scope
        self._first_block = first_block
        self._depth = depth

    def cursor(self) -> int:
        """The last block whose events are stored; before the first sync the block before the market."""
        with self._database.transaction() as session:
            return self._cursor(session)

    def sync(self, reader: MarketReader) -> Synced:
        """Bring the log up to the newest block. Errors: ChainError."""
        head = reader.head()
        if self.cursor() == head:
            return self._sync_once(reader, head, head)
        undone = added = 0
        while (cursor := self.cursor()) < head:
            step = self._sync_once(reader, cursor, min(head, cursor + BLOCKS_PER_READ))
            undone, added = undone + step.undone, added + step.added
        return Synced(undone, added)

    def unfinished(self) -> list[bytes]:
        """Ids of the batches that opened and are not settled, in the order of opening."""
        with self._database.transaction() as session:
            done = set(session.scalars(self._of("Settled")))
            return [batch_id for batch_id in session.scalars(self._of("BatchOpened")) if batch_id not in done]

    def loads(self) -> dict[bytes, int]:
        """How many unfinished batches each provider is in."""
        loads: dict[bytes, int] = {}
        opened = select(EventRow).where(EventRow.scope == self._scope, EventRow.name == "BatchOpened")
        with self._database.transaction() as session:
            done = set(session.scalars(self._of("Settled")))
            rows: Sequence[EventRow] = session.scalars(opened).all()
        for row in rows:
            for provider in row.fields["providers"] if row.batch_id not in done else ():
                loads[bytes.fromhex(provider)] = loads.get(bytes.fromhex(provider), 0) + 1
        return loads

    def claims(self, batch_id: bytes) -> dict[bytes, tuple[bytes, int]]:
        """(outputs root, total units) that each provider of a batch has shown, by provider."""
        mine = (EventRow.scope == self._scope, EventRow.batch_id == batch_id)
        shown = select(EventRow).where(*mine, EventRow.name.in_(("Posted", "Revealed")))
        with self._database.transaction() as session:
            rows: Sequence[EventRow] = session.scalars(shown.order_by(EventRow.block_number, EventRow.log_index)).all()
            return {
                bytes.fromhex(row.fields["provider"]): (
                    bytes.fromhex(row.fields["outputs_root"]),
                    int(row.fields["total_units"]),
                )
                for row in rows
            }

    def _of(self, name: str) -> Any:
        mine = (EventRow.scope == self._scope, EventRow.name == name)
        return select(EventRow.batch_id).where(*mine).order_by(EventRow.block_number, EventRow.log_index)

    def _cursor(self, session: Session) -> int:
        row = session.get(CursorRow, self._scope)
        return self._first_block - 1 if row is None else row.block_number

    def _sync_once(self, reader: MarketReader, cursor: int, last: int) -> Synced:
        first = max(self._first_block, cursor - self._depth + 1)
        while True:
            fresh = [event for event in reader.events(first, last) if event.name in _KEPT]
            with self._database.transaction() as session:
                stored = self._stored(session, first)
                common = _common(stored, fresh)
                if stored and common == 0 and first > self._first_block and self._has_before(session, first):
                    first = max(self._first_block, first - 2 * (last - first + 1))
                    continue  # the fork lies further back than what was read
                self._take_back(session, stored[common:])
                session.add_all(_row(self._scope, event) for event in fresh[common:])
                session.merge(CursorRow(scope=self._scope, block_number=last))
                return Synced(len(stored) - common, len(fresh) - common)

    def _stored(self, session: Session, first: int) -> Sequence[EventRow]:
        mine = select(EventRow).where(EventRow.scope == self._scope, EventRow.block_number >= first)
        return session.scalars(mine.order_by(EventRow.block_number, EventRow.log_index)).all()

    def _has_before(self, session: Session, first: int) -> bool:
        older = (EventRow.scope == self._scope, EventRow.block_number < first)
        return bool(session.scalar(select(func.count()).select_from(EventRow).where(*older)))

    def _take_back(self, session: Session, rows: Sequence[EventRow]) -> None:
        for row in rows:
            mine = (EventRow.scope == self._scope, EventRow.block_hash == row.block_hash)
            session.execute(delete(EventRow).where(*mine, EventRow.log_index == row.log_index))
            session.expunge(row)


def _common(stored: Sequence[EventRow], fresh: Sequence[ChainEvent]) -> int:
    """How many events at the beginning are the same, in the same block and place."""
    length = 0
    for old, new in zip(stored, fresh, strict=False):
        if (old.block_hash, old.log_index) != (new.block_hash, new.log_index):
            break
        length += 1
    return length


def _row(scope: str, event: ChainEvent) -> EventRow:
    kept = {name: event.fields[name] for name in _KEPT[event.name] if name in event.fields}
    fields: dict[str, Any] = {
        name: value.hex() if isinstance(value, bytes) else str(value) for name, value in kept.items()
    }
    if event.name == "BatchOpened":
        fields["providers"] = [cast.provider.hex() for cast in event.fields["terms"].casts]
    return EventRow(
        scope=scope,
        block_hash=event.block_hash,
        log_index=event.log_index,
        block_number=event.block_number,
        name=event.name,
        batch_id=event.fields.get("batch_id"),
        fields=fields,
    )
