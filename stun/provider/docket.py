"""The docket: every demand on this provider's replicas that was seen, and what became of it.

A part of the journal. It says nothing that the chain does not: it remembers what to look after when the batch is over.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from enum import StrEnum
from hashlib import sha256

import msgspec
from sqlalchemy import select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from stun.protocol.court.state import Demand, Kind
from stun.provider.journal_tables import DemandRow


class Fate(StrEnum):
    """What became of a demand, as the chain was last read."""

    OPEN = "open"
    ANSWERED = "answered"
    MISSED = "missed"  # due, and not answered
    GONE = "gone"  # a reorganisation undid it
    CLOSED = "closed"  # its deposit has gone where it belongs, or is not worth the fees


@dataclass(frozen=True, slots=True)
class Entry:
    """One demand; `digest` is its key here and in intents, `seen_at` in seconds of the chain's clock."""

    digest: bytes
    demand: Demand
    seen_at: int
    fate: Fate

    @property
    def batch_id(self) -> bytes:
        """Of which batch."""
        return self.demand.batch_id

    def is_pressing(self, now: int) -> bool:
        """Whether less than half of the time is left that there was when it was seen."""
        return 2 * (self.demand.due - now) < self.demand.due - self.seen_at


def digest_of(demand: Demand) -> bytes:
    """Return 32 bytes that name a demand: no two differ in every field's value and agree here."""
    return sha256(_pack(demand)).digest()


class Docket:
    """The demands in a journal's database. `on_step` is called after every durable write."""

    def __init__(self, engine: Engine, on_step: Callable[[str], None]) -> None:
        self._engine = engine
        self._on_step = on_step

    def enter(self, demand: Demand, now: int) -> bool:
        """Remember a demand as open; return whether it is new."""
        digest = digest_of(demand)
        with Session(self._engine) as session, session.begin():
            if session.get(DemandRow, digest) is not None:
                return False
            session.add(
                DemandRow(
                    digest=digest, batch_id=demand.batch_id, demand=_pack(demand), seen_at=now, due=demand.due,
                    fate=Fate.OPEN.value,
                )
            )  # fmt: skip
        self._on_step("demand")
        return True

    def mark(self, demand: Demand, fate: Fate) -> bool:
        """Note what became of a demand; return whether that is new."""
        with Session(self._engine) as session, session.begin():
            row = session.get(DemandRow, digest_of(demand))
            assert row is not None, "only what was entered has a fate"
            if row.fate == fate.value:
                return False
            row.fate = fate.value
        self._on_step(f"demand_{fate.value}")
        return True

    def entries(self, *fates: Fate, batch_id: bytes | None = None) -> list[Entry]:
        """Demands of these fates, the first due first."""
        query = select(DemandRow).where(DemandRow.fate.in_([fate.value for fate in fates]))
        if batch_id is not None:
            query = query.where(DemandRow.batch_id == batch_id)
        with Session(self._engine) as session:
            rows: Iterable[DemandRow] = session.scalars(query.order_by(DemandRow.due, DemandRow.digest))
            return [Entry(row.digest, _unpack(row.demand), row.seen_at, Fate(row.fate)) for row in rows]


def _pack(demand: Demand) -> bytes:
    """Its fields in order; the deposit, which may be wider than a u64, as 32 bytes."""
    fields = {item.name: getattr(demand, item.name) for item in dataclass_fields(demand)}
    return msgspec.msgpack.encode(list((fields | {"deposit": demand.deposit.to_bytes(32, "big")}).values()))


def _unpack(data: bytes) -> Demand:
    names = [item.name for item in dataclass_fields(Demand)]
    fields = dict(zip(names, msgspec.msgpack.decode(data), strict=True))
    return Demand(**(fields | {"kind": Kind(fields["kind"]), "deposit": int.from_bytes(fields["deposit"], "big")}))
