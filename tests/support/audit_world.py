"""Steps audit and market of the specification beside their contracts: same outcome, same events, same state.

Court and beacon are mocks that do what they are told; seats are taken by accounts that are no party of any batch.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from deployed_market import SET_RANDOMNESS, START, DeployedMarket, SetBeacon
from evm_machines import Machine
from market_outside import StakeMore
from market_parties import Parties, parties, sign
from side_by_side import Divergence, Tally, World

from stun.chains.evm import audit_calls
from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.artifacts import Artifact, ArtifactStore
from stun.chains.evm.endpoint import Log
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import terms_tuple
from stun.protocol import config
from stun.protocol.audit import actions
from stun.protocol.audit.messages import SeatSeal, SeatVerdict
from stun.protocol.audit.state import AuditState
from stun.protocol.audit.step import step
from stun.protocol.errors import Rejected
from stun.protocol.market import actions as market_actions
from stun.protocol.market.state import Event
from stun.protocol.market.step import step as market_step

EPOCH_SECONDS = 600
MONEY = 10**13


@cache
def audit_artifacts() -> dict[str, Artifact]:
    """Return the compiled contracts."""
    return ArtifactStore().build(("Audit", "SetCourt"))


class DeployedAudit(DeployedMarket):
    """A market whose first config version names an audit and a court that are contracts."""

    def _deploy_all(self) -> None:
        super()._deploy_all()
        a = self.addresses
        court, audit = audit_artifacts()["SetCourt"], audit_artifacts()["Audit"]
        a["SetCourt"] = self.machine.deploy(self.owner, court.deploy_bytecode)
        names = ("Marketplace", "Config", "StunToken")
        arguments = audit.interface.encode_constructor([*(a[name] for name in names), EPOCH_SECONDS])
        a["Audit"] = self.machine.deploy(self.owner, audit.deploy_bytecode + arguments)

    def _wire(self) -> None:
        super()._wire()
        for account in self.people.all:
            self.must(account, "StunToken", "approve", self.addresses["Audit"], 2**256 - 1)

    def peers(self) -> config.Peers:
        """Return the peers of version 1."""
        return config.Peers(self.people.settlement, self.court, self.audit, self.beacon)

    @property
    def court(self) -> bytes:
        """The mock court as an account."""
        return widen(self.addresses["SetCourt"])

    @property
    def audit(self) -> bytes:
        """The audit as an account."""
        return widen(self.addresses["Audit"])

    def set_randomness(self, number: int, value: bytes) -> None:
        """Bring a round to the mock beacon."""
        data = SET_RANDOMNESS.encode(number, value)
        assert self.machine.send(self.owner, self.addresses["SetBeacon"], data).reason is None


@dataclass(frozen=True, slots=True)
class SetCourt:
    """The specification's side of the mock court."""

    convicted: Mapping[tuple[bytes, int], bool] = field(default_factory=dict)

    def was_convicted(self, batch_id: bytes, replica: int) -> bool:
        """Whether it was told to convict."""
        return (batch_id, replica) in self.convicted

    def was_wrong(self, batch_id: bytes, replica: int) -> bool:
        """Whether of a wrong result."""
        return self.convicted.get((batch_id, replica), False)


class AuditWorld(World):
    """A market with an audit on both sides, at one clock."""

    deployed: DeployedAudit

    def __init__(self, machine: Machine, tally: Tally | None = None, auditors: int = 2) -> None:
        people: Parties = parties()
        super().__init__(machine, tally, auditors, DeployedAudit(machine, people))
        self.audit = AuditState(self.deployed.audit, START, EPOCH_SECONDS)
        self.court = SetCourt()
        for account in (*people.requesters, *people.bidders):
            for asset in self.assets:
                self.must_act(market_actions.Deposit(account, asset, MONEY, account))
        for account in people.bidders:
            self.happen(StakeMore(account, 10**12))
        self.first_tokens = self.tokens()
        self.joined: Counter[bytes] = Counter()
        self.audit_gas: dict[str, int] = {}

    @property
    def judges(self) -> tuple[bytes, ...]:
        """Accounts that take seats."""
        people = self.people
        return (*people.operators, *people.matchers, people.challenger, people.creator, people.stranger, people.poor)

    def tokens(self) -> dict[bytes, int]:
        """Return STUN of every account outside the contracts."""
        return {who: self.deployed.word("StunToken", "balanceOf", narrow(who)) for who in self.people.all}

    def publish(self, peers: config.Peers) -> int:
        """Publish the same values with other peers on both sides; return the version."""
        self.deployed.publish(self.market.config.values, peers)
        changed = config.publish(self.market.config, self.market.config.values, peers, self.now)
        self.market = replace(self.market, config=changed)
        return changed.version

    def top_up(self) -> None:
        """Let providers that were slashed too often stake again, outside of what is looked at."""
        for account in self.people.bidders:
            if self.market.stakes[account].active < 3 * 10**11:
                self.happen(StakeMore(account, 10**12))
                self.first_tokens[account] -= 10**12

    def must_act(self, action: market_actions.Action) -> None:
        """Take an action of the market on both sides; it has to be accepted."""
        assert self.act(action) is None, action

    def bring(self, number: int, randomness: bytes) -> None:
        """Bring a round on both sides."""
        self.deployed.set_randomness(number, randomness)
        beacon = self.market.beacons[self.deployed.beacon]
        assert isinstance(beacon, SetBeacon)
        changed = replace(beacon, stored={**beacon.stored, number: randomness})
        self.market = replace(self.market, beacons={self.deployed.beacon: changed})

    def convict(self, batch_id: bytes, replica: int, wrong: bool) -> None:
        """Let the court convict a live replica on both sides."""
        terms, challenger = self.history.opened[batch_id], self.people.challenger
        verdict = market_actions.Convict(self.deployed.court, batch_id, replica, wrong, challenger)
        before = self.market
        self.market, events = market_step(before, verdict, self.now)
        arguments = (self.deployed.addresses["Marketplace"], batch_id, terms_tuple(terms), replica, wrong)
        data = audit_artifacts()["SetCourt"].interface.function("convict").encode(*arguments, narrow(challenger))
        outcome = self.deployed.machine.send(narrow(challenger), self.deployed.addresses["SetCourt"], data)
        assert outcome.reason is None, outcome.reason
        self._same_events("Convict", outcome.logs, events)
        self._judge(before, verdict, events)
        self.court = SetCourt({**self.court.convicted, (batch_id, replica): wrong})

    def take(self, action: actions.Action) -> str | None:
        """Take one action of the audit on both sides and compare; return the code if both refuse."""
        before = self.market
        code: str | None = None
        events: tuple[Event, ...] = ()
        try:
            courts = {self.deployed.court: self.court}
            after, audit, events = step(before, self.audit, action, self.now, courts)
        except Rejected as refusal:
            code = refusal.code
        terms = self.history.opened.get(action.batch_id) if isinstance(action, actions.Draw) else None
        terms = terms or next(iter(self.history.opened.values()), None)
        data = audit_calls.calldata(action, terms, self._signatures(action))
        outcome = self.deployed.machine.send(narrow(action.sender), self.deployed.addresses["Audit"], data)
        name = type(action).__name__
        if outcome.reason != code:
            raise Divergence(f"{name}: contract {outcome.reason!r}, specification {code!r}: {action}")
        self._count(name, code)
        if code is None:
            self.audit_gas[name] = outcome.gas
            self.joined.update({action.sender: action.bond} if isinstance(action, actions.Join) else {})
            self._same_audit_events(name, outcome.logs, events)
            self.market, self.audit = after, audit
            self.history.record(before, after, events, self.now)
            self._compare_changes(before)
            self.compare_audit()
        return code

    def _signatures(self, action: actions.Action) -> list[bytes]:
        """Return what who signed has signed: of an altered word or of nothing where nobody has."""
        if not isinstance(action, actions.Seal | actions.Reveal):
            return []
        batch_id, sittings = action.audit.batch_id, action.audit.sittings
        accounts = dict(enumerate(sitting.account for sitting in sittings))
        signed = []
        parts = action.seals if isinstance(action, actions.Seal) else action.openings
        for part in parts:
            account = accounts.get(part.seat, bytes(32))
            message = (
                SeatSeal(batch_id, account, part.seal)
                if isinstance(part, actions.Sealing)
                else SeatVerdict(batch_id, account, part.verdict, part.agrees & 255)
            )
            signed.append(b"" if part.signer is None else sign(part.signer, message.digest(self.deployed.domain)))
        return signed

    def compare_audit(self) -> None:
        """Compare everything that the audit holds, and where its STUN went."""
        read = interface("Audit")
        for place, seat in enumerate(self.audit.seats):
            found = self._view(read.function("seat_at"), place)
            self._same("seat", found, (narrow(seat.account), seat.bond, seat.joined, seat.left))
        self._same("seats", self.deployed.word("Audit", "seats"), len(self.audit.seats))
        for batch_id in self.history.opened:
            audit = self.audit.audits.get(batch_id)
            expected = bytes(32) if audit is None else audit_calls.audit_digest(audit)
            self._same("audit", self._view(read.function("audit_digest"), batch_id), expected)
        for account in self.people.all:
            for asset in self.assets:
                owed = self.deployed.word("Audit", "owed", asset, account)
                self._same("owed", owed, self.audit.owed.get((asset, account), 0))
        held = self.deployed.word("StunToken", "balanceOf", self.deployed.addresses["Audit"])
        self._same("held", held, self.audit.held)
        expected = {who: was - self.joined[who] + self.audit.paid.get(who, 0) for who, was in self.first_tokens.items()}
        self._same("tokens outside", self.tokens(), expected)
        joined = self.joined.total() - sum(self.audit.paid.values()) - self.audit.burned
        self._same("bonds", joined, self.audit.held)
        self._same("held by seats", sum(seat.bond for seat in self.audit.seats), self.audit.held)

    def _view(self, function: Any, *arguments: Any) -> Any:
        data = function.encode(*arguments)
        return function.decode_output(self.deployed.machine.read(self.deployed.addresses["Audit"], data))

    def _same_audit_events(self, name: str, logs: Iterable[Log], events: Iterable[Event]) -> None:
        own = {event.name for event in interface("Audit").events().values()}
        logs, events = list(logs), list(events)
        market = [event for event in events if event.name not in own]
        self._same_events(name, logs, market)
        mine = [log for log in logs if log.address == self.deployed.addresses["Audit"]]
        got = [(event.name, dict(event.fields)) for event in audit_calls.decode_logs(mine)]
        expected = [(event.name, dict(event.fields)) for event in events if event.name in own]
        self._same(f"audit events of {name}", got, expected)
