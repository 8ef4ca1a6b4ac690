"""The end of an audit: who is paid, and who loses of its bond. It convicts nobody; the court has, or it has not."""

from dataclasses import dataclass
from enum import IntEnum

from stun.protocol import config
from stun.protocol.audit.actions import Close, Collect
from stun.protocol.audit.draft import Draft
from stun.protocol.audit.state import Audit, Sitting, Stage
from stun.protocol.errors import require
from stun.protocol.parameters import BPS

SHOWER_SHARE = 4  # of the bond of a seat that lied: the part of who proved it


class Outcome(IntEnum):
    """What becomes of a seat."""

    UNPAID = 0
    PAID = 1
    SILENT = 2
    LIED = 3  # it said that it agreed with results that are not its own
    CONFIRMED = 4  # it agreed with a result that is wrong


@dataclass(frozen=True, slots=True)
class Record:
    """What the court has said of one replica that had a result."""

    convicted: bool
    wrong: bool


def close(draft: Draft, action: Close) -> None:
    """End an audit whose batch is final; by anybody.

    The reporter and the seats that are due it are paid, as far as the audit account reaches; the rest is owed. A silent
    seat loses SEAT_SILENCE_BPS of its bond, one that lied or confirmed a wrong result all of it; that is burned, but
    for a quarter of a liar's, which is of who showed it. Errors: "audit: unknown", "audit: early", "audit: open".
    """
    audit = action.audit
    draft.require_current(audit)
    require(draft.now >= audit.close_at, "audit: early")
    require(audit.batch_id not in draft.market.batches, "audit: open")
    records = _records(draft, audit)
    due = [(audit.reporter, audit.report_fee)]
    for seat, sitting in enumerate(audit.sittings):
        outcome, liar_of = judge(audit, seat, records)
        lost = _take_bond(draft, audit, sitting, outcome, liar_of)
        share = audit.share if outcome == Outcome.PAID else 0
        due += [(sitting.account, share)] if share else []
        draft.emit(
            "SeatJudged", batch_id=audit.batch_id, account=sitting.account, outcome=int(outcome), share=share,
            lost=lost,
        )  # fmt: skip
    _pay(draft, audit, tuple(due))
    draft.end_audit(audit.batch_id)


def judge(audit: Audit, seat: int, records: tuple[Record | None, ...]) -> tuple[Outcome, int]:
    """Return what becomes of a seat, and of which replica it lied."""
    sitting = audit.sittings[seat]
    if sitting.stage != Stage.REVEALED:
        return Outcome.SILENT, 0
    for replica, record in enumerate(records):
        claimed = record is not None and sitting.agrees >> replica & 1
        if claimed and audit.shown[replica] not in (bytes(32), sitting.word):
            return Outcome.LIED, replica
    due = False
    for replica, record in enumerate(records):
        if record is None:
            continue
        agreed = agrees(audit, sitting, replica)
        if agreed and record.convicted and (record.wrong or _contradicted(audit, replica)):
            return Outcome.CONFIRMED, 0
        due = due or agreed != record.convicted
    return (Outcome.PAID if due else Outcome.UNPAID), 0


def agrees(audit: Audit, sitting: Sitting, replica: int) -> bool:
    """Whether a seat that opened its seal has a replica's results: by what was proven of them, else by its own word."""
    shown = audit.shown[replica]
    return shown == sitting.word if shown != bytes(32) else bool(sitting.agrees >> replica & 1)


def _contradicted(audit: Audit, replica: int) -> bool:
    """Whether a seat that opened its seal has other results than a replica, which went silent when it was asked."""
    opened = [sitting for sitting in audit.sittings if sitting.stage == Stage.REVEALED]
    return any(not agrees(audit, sitting, replica) for sitting in opened)


def _records(draft: Draft, audit: Audit) -> tuple[Record | None, ...]:
    court = draft.courts.get(config.peers(draft.market.config, audit.version).court)
    found: list[Record | None] = []
    for replica, result in enumerate(audit.results):
        if result == bytes(32):
            found.append(None)
        elif court is None or not court.was_convicted(audit.batch_id, replica):
            found.append(Record(convicted=False, wrong=False))
        else:
            found.append(Record(convicted=True, wrong=court.was_wrong(audit.batch_id, replica)))
    return tuple(found)


def _take_bond(draft: Draft, audit: Audit, sitting: Sitting, outcome: Outcome, liar_of: int) -> int:
    if outcome in (Outcome.UNPAID, Outcome.PAID):
        return 0
    lost = draft.audit.seats[sitting.place].bond
    rewarded = lost // SHOWER_SHARE if outcome == Outcome.LIED else 0
    if outcome == Outcome.SILENT:
        lost = lost * draft.value(audit.version, "seat_silence_bps") // BPS
    if rewarded:
        draft.pay_bond(sitting.place, rewarded, audit.shower[liar_of])
    draft.burn_bond(sitting.place, lost - rewarded)
    return lost


def _pay(draft: Draft, audit: Audit, due: tuple[tuple[bytes, int], ...]) -> None:
    """Pay in this order what the audit account holds; the rest is owed."""
    left = draft.pay(audit.version, audit.asset, due)
    for account, amount in due:
        if amount > left:
            draft.owe(audit.asset, account, amount - left)
        left -= min(left, amount)


def collect(draft: Draft, action: Collect) -> None:
    """Pay what is owed, as far as the audit account holds it now; by anybody.

    Errors: "audit: nothing" (owed, or in the account), "batches: peer" (the version does not name this audit).
    """
    owed = draft.audit.owed.get((action.asset, action.account), 0)
    require(owed > 0, "audit: nothing")
    paid = draft.pay(action.version, action.asset, ((action.account, owed),))
    require(paid > 0, "audit: nothing")
    draft.owe(action.asset, action.account, -paid)
    draft.emit("ClaimPaid", asset=action.asset, account=action.account, amount=paid, owed=owed - paid)
