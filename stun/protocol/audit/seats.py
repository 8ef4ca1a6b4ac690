"""Seats: an append-only list by epochs. A seat is drawn only for batches whose results came after its epoch."""

from dataclasses import replace

from stun.protocol import config
from stun.protocol.audit.actions import Join, Leave, TakeBond
from stun.protocol.audit.draft import Draft
from stun.protocol.audit.state import Seat
from stun.protocol.errors import require
from stun.protocol.messages import NOBODY

MAX_BOND = 2**48 - 1
MAX_SEATS = 2**32 - 1


def join(draft: Draft, action: Join) -> None:
    """Take a seat; one account holds one that is not empty.

    Errors: "audit: bond" (below the current `seat_bond`, or above 48 bits), "audit: joined".
    """
    audit = draft.audit
    least = config.value(draft.market.config, "seat_bond")
    require(max(1, least) <= action.bond <= MAX_BOND, "audit: bond")
    held = audit.place_of.get(action.sender)
    require(held is None or audit.seats[held].bond == 0, "audit: joined")
    epoch, place = audit.epoch(draft.now), len(audit.seats)
    draft.audit = replace(
        audit,
        seats=(*audit.seats, Seat(action.sender, action.bond, epoch)),
        listed_before={epoch: place} | dict(audit.listed_before),
        place_of={**audit.place_of, action.sender: place},
        held=audit.held + action.bond,
    )
    draft.emit("SeatJoined", account=action.sender, place=place, bond=action.bond, epoch=epoch)


def leave(draft: Draft, action: Leave) -> None:
    """Give the seat up, from the epoch after it joined on.

    Errors: "audit: seat" (the sender has none), "audit: left" (already), "audit: epoch".
    """
    place, seat = _own(draft, action.sender)
    require(seat.left == 0, "audit: left")
    epoch = draft.audit.epoch(draft.now)
    require(epoch > seat.joined, "audit: epoch")
    draft.put_seat(place, replace(seat, left=epoch))
    draft.emit("SeatLeft", account=seat.account, place=place, epoch=epoch)


def take_bond(draft: Draft, action: TakeBond) -> None:
    """Take the bond out, `unbonding_seconds` after the epoch of leaving: longer than any audit it was drawn for.

    Errors: "audit: receiver" (nobody), "audit: seat", "audit: early" (not left, or too soon).
    """
    require(action.to != NOBODY, "audit: receiver")
    place, seat = _own(draft, action.sender)
    unbonding = config.value(draft.market.config, "unbonding_seconds")
    require(seat.left > 0 and draft.now >= draft.audit.begins(seat.left + 1) + unbonding, "audit: early")
    draft.pay_bond(place, seat.bond, action.to)
    draft.emit("BondTaken", account=seat.account, place=place, to=action.to, amount=seat.bond)


def is_free(seat: Seat, epoch: int, seat_bond: int, parties: frozenset[bytes]) -> bool:
    """Whether a seat can judge a batch whose results came in an epoch: it joined before, and had not left before.

    Half of the version's `seat_bond` must be left of its bond, and it must be no party of the batch.
    """
    present = seat.joined < epoch and (seat.left == 0 or seat.left >= epoch)
    return present and seat.bond > 0 and 2 * seat.bond >= seat_bond and seat.account not in parties


def _own(draft: Draft, account: bytes) -> tuple[int, Seat]:
    place = draft.audit.place_of.get(account)
    require(place is not None and draft.audit.seats[place].bond > 0, "audit: seat")
    assert place is not None
    return place, draft.audit.seats[place]
