"""Steps court and market of the specification beside their contracts: same outcome, same events, same state."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from court_batch import Job
from deployed_court import CourtCalls, DeployedCourt, deployed_court
from evm_machines import Machine
from market_outside import StakeMore
from market_parties import parties
from side_by_side import Divergence, Tally, World, fields_of

from stun.chains.evm import court_encoding as encoding
from stun.chains.evm.addresses import narrow
from stun.chains.evm.court_events import CourtLog
from stun.chains.evm.endpoint import Log
from stun.chains.evm.market_contracts import interface
from stun.protocol import registry
from stun.protocol.court import actions
from stun.protocol.court.evidence import Evidence
from stun.protocol.court.state import Announcement, Chain, Court, Demand, Stage, Standing
from stun.protocol.court.step import step
from stun.protocol.errors import Rejected
from stun.protocol.graph.structure import Graph
from stun.protocol.market import actions as market_actions
from stun.protocol.market.state import Event
from stun.protocol.messages import Order
from stun.protocol.parameters import NumericClass, development
from stun.protocol.trees.specs import model_id

MONEY = 10**14
LIFE = 100_000
STAKE = 10**12
LEAST_STAKE = 2 * 10**11
OWN = ("Marketplace", "Court")


class CourtWorld(World):
    """A market with a court on both sides, at one clock; each of the court's actions is a block of its own."""

    deployed: DeployedCourt

    def __init__(self, machine: Machine, tally: Tally | None = None) -> None:
        super().__init__(machine, tally, deployed=deployed_court(machine, parties()))
        self.court = Court(self.deployed.court)
        self.announced: dict[bytes, Announcement] = {}
        self.calls = CourtCalls(self.history.opened, self.announced, self.deployed.domain)
        self.block = 1
        self._court_log = CourtLog()
        self.court_gas: dict[str, int] = {}
        self._orders = 0
        for account in (self.people.requesters[0], *self.people.providers):
            self.act(market_actions.Deposit(account, self.deployed.stun, MONEY, account))
        for account in self.people.providers:
            self.happen(StakeMore(account, STAKE))

    def register(self, graph: Graph) -> bytes:
        """Register a model of class exact; return its id."""
        creator, manifest = self.people.creator, graph.graph_root
        roots = (manifest, graph.weight_root, graph.graph_root)
        bond = development()[0]["model_bond"]
        name = model_id(creator, manifest)
        if name not in self.market.models:
            self.deployed.must(creator, "ModelRegistry", "register", *roots, 0)
            record = registry.register(None, creator, *roots, NumericClass.EXACT, bond)
            self.market = replace(self.market, models={**self.market.models, name: record})
        return name

    def restake(self) -> None:
        """Let providers stake again what convictions took."""
        for account in self.people.providers:
            if self.market.stakes[account].active < LEAST_STAKE:
                self.happen(StakeMore(account, STAKE))

    def order(self, job: Job, replicas: int) -> Order:
        """Return an order of a job, with a nonce of its own."""
        self._orders += 1
        model = self.register(job.graph)
        return job.order(model, replicas, self.now + LIFE, self.deployed.stun, self._orders)

    def pass_time(self, until: int) -> None:
        """Move both clocks on."""
        self.now = max(self.now, until)
        self.deployed.machine.set_clock(self.now, self.block)

    def judge(self, action: actions.Action, same_block: bool = False) -> tuple[str | None, tuple[Event, ...]]:
        """Take one action before the court on both sides; return the code if both refuse, or the events.

        Errors: Divergence.
        """
        self.block += not same_block
        self.deployed.machine.set_clock(self.now, self.block)
        before, code, events = self.market, None, ()
        call, value = self.calls.call(action)
        try:
            after = step(before, self.court, action, Chain(self.now, self.block, 0))
            events = after[2]
        except Rejected as refusal:
            code, after = refusal.code, (before, self.court, ())
        coin = self.deployed.machine.coin_of(narrow(call.sender))
        outcome = self.deployed.machine.send(narrow(call.sender), self.deployed.addresses["Court"], call.data, value)
        name = type(action).__name__
        if outcome.reason != code:
            raise Divergence(f"{name}: contract {outcome.reason!r}, specification {code!r}: {action}")
        self._count(name, code)
        if code is not None:
            return code, ()
        self.court_gas[name] = max(self.court_gas.get(name, 0), outcome.gas)
        self._same_court_events(name, outcome.logs, events)
        known, self.market, self.court = self.court, after[0], after[1]
        self.history.record(before, self.market, tuple(e for e in events if e.name in MARKET_EVENTS), self.now)
        self._compare_changes(before)
        self._compare_court(known)
        if not isinstance(action, actions.TakeCredit):
            self._same("coin sent", coin - self.deployed.machine.coin_of(narrow(call.sender)), value)
        return None, events

    def seal(self, evidence: Evidence) -> bytes:
        """Return the hash of evidence in the chain's encoding."""
        return self.calls.evidence_digest(evidence)

    def _compare_court(self, before: Court) -> None:
        """Compare everything that the step changed, and the coin inside."""
        for account, credit in self.court.credits.items():
            if before.credits.get(account) != credit:
                self._same("credit", self._read("credit_of", narrow(account)), credit)
        for demand, standing in self.court.demands.items():
            if before.demands.get(demand) != standing:
                self._same_demand(demand, standing)
        for batch_id, replica in self.court.convicted - before.convicted:
            self._same("convicted", bool(self._read("was_convicted", batch_id, replica)), True)
            wrong = self.court.was_wrong(batch_id, replica)
            self._same("wrong", bool(self._read("was_wrong", batch_id, replica)), wrong)
        coin = self.deployed.machine.coin_of(self.deployed.addresses["Court"])
        self._same("coin held", coin, self.court.held)

    def _same_demand(self, demand: Demand, standing: Standing) -> None:
        word = self._read("demand_state", encoding.demand_tuple(demand))
        if standing.stage == Stage.ANSWERED:
            self._same("answered at", word >> 216, standing.answered_at)
        else:
            self._same("demand", word, {Stage.OPEN: 1, Stage.CLOSED: 2}[standing.stage])

    def _read(self, name: str, *arguments: object) -> int:
        data = interface("Court").function(name).encode(*arguments)
        return int.from_bytes(self.deployed.machine.read(self.deployed.addresses["Court"], data), "big")

    def _same_court_events(self, name: str, logs: Iterable[Log], events: Iterable[Event]) -> None:
        places = {self.deployed.addresses[contract] for contract in OWN}
        got = [self._shown(log) for log in logs if log.address in places]
        self._same(f"events of {name}", got, [self._expected(event) for event in events])

    def _shown(self, log: Log) -> tuple[str, dict[str, Any]]:
        if log.address == self.deployed.addresses["Marketplace"]:
            event = interface("Marketplace").events()[log.topics[0]]
            return event.name, fields_of(event, log)
        [found] = self._court_log.decode([log])
        fields = {k: v for k, v in found.fields.items() if k != "batch_id"}
        if found.name == "ChallengeAnnounced":
            self.announced[fields["digest"]] = fields["announcement"]
        if found.name == "Demanded":
            fields.pop("case")
        return found.name, fields

    def _expected(self, event: Event) -> tuple[str, dict[str, Any]]:
        fields = dict(event.fields)
        if event.name not in MARKET_EVENTS:
            fields.pop("batch_id", None)
        return event.name, fields


MARKET_EVENTS = ("Held", "Convicted", "Settled", "ResolveVoided", "ReplicaOut")
