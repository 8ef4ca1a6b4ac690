"""The working copy of an audit's step: the market beside it, its records, the STUN that it holds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stun.protocol import parameters
from stun.protocol.audit.state import Audit, AuditState, Seat, Sitting, Verdicts
from stun.protocol.errors import Rejected, require
from stun.protocol.market import actions as market_actions
from stun.protocol.market.state import Event, Market
from stun.protocol.market.step import step as market_step


class Draft:
    """A mutable copy of market and audit for one action at one moment; `courts` by account, only read."""

    def __init__(
        self, market: Market, audit: AuditState, courts: Mapping[bytes, Verdicts], sender: bytes, now: int
    ) -> None:
        self.market = market
        self.audit = audit
        self.courts = courts
        self.sender = sender
        self.now = now
        self.events: list[Event] = []

    def emit(self, name: str, **fields: Any) -> None:
        """Add an event."""
        self.events.append(Event(name, fields))

    def value(self, version: int, name: str) -> int:
        """Return a parameter of a config version."""
        words = self.market.config.versions[version - 1].words
        return parameters.read(words[parameters.BY_NAME[name].word], name)

    def on_market(self, action: market_actions.Hold | market_actions.PayAudit) -> None:
        """Use one of the market's hooks."""
        self.market, events = market_step(self.market, action, self.now)
        self.events.extend(events)

    def pay(self, version: int, asset: bytes, payments: tuple[tuple[bytes, int], ...]) -> int:
        """Pay out of the audit account, in this order, what it holds; return how much that was."""
        before = self.market.audit.get(asset, 0)
        self.on_market(market_actions.PayAudit(self.audit.account, version, asset, payments))
        return before - self.market.audit.get(asset, 0)

    def owe(self, asset: bytes, account: bytes, change: int) -> None:
        """Change what is owed to an account."""
        owed = self.audit.owed.get((asset, account), 0) + change
        others = {key: value for key, value in self.audit.owed.items() if key != (asset, account)}
        self.audit = replace(self.audit, owed={**others, (asset, account): owed} if owed else others)

    def put_seat(self, place: int, seat: Seat) -> None:
        """Change a seat of the list."""
        seats = list(self.audit.seats)
        seats[place] = seat
        self.audit = replace(self.audit, seats=tuple(seats))

    def pay_bond(self, place: int, amount: int, account: bytes) -> None:
        """Pay a part of a seat's bond out in tokens."""
        seat = self.audit.seats[place]
        self.put_seat(place, replace(seat, bond=seat.bond - amount))
        paid = {**self.audit.paid, account: self.audit.paid.get(account, 0) + amount}
        self.audit = replace(self.audit, held=self.audit.held - amount, paid=paid)

    def burn_bond(self, place: int, amount: int) -> None:
        """Destroy a part of a seat's bond."""
        seat = self.audit.seats[place]
        self.put_seat(place, replace(seat, bond=seat.bond - amount))
        self.audit = replace(self.audit, held=self.audit.held - amount, burned=self.audit.burned + amount)

    def put_audit(self, audit: Audit) -> None:
        """Store what an audit has come to."""
        self.audit = replace(self.audit, audits={**self.audit.audits, audit.batch_id: audit})

    def end_audit(self, batch_id: bytes) -> None:
        """Delete an audit that is over."""
        others = {key: value for key, value in self.audit.audits.items() if key != batch_id}
        self.audit = replace(self.audit, audits=others)

    def require_current(self, audit: Audit) -> None:
        """Refuse a record that is not what the audit has come to. Errors: "audit: unknown"."""
        if self.audit.audits.get(audit.batch_id) != audit:
            raise Rejected("audit: unknown")

    def sitting(self, audit: Audit, seat: int) -> Sitting:
        """Return a seat's part. Errors: "audit: seat"."""
        require(0 <= seat < len(audit.sittings), "audit: seat")
        return audit.sittings[seat]
