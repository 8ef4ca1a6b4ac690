"""Votes of the specification stepped beside token and staking: same outcome, same events, same past."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

from evm_machines import Machine, Outcome
from side_by_side import Divergence

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.artifacts import Artifact, ArtifactStore
from stun.chains.evm.endpoint import Log
from stun.protocol.errors import Rejected
from stun.protocol.governance import actions
from stun.protocol.governance.state import NOBODY, Votes
from stun.protocol.governance.votes import past_supply, past_votes, step
from stun.protocol.market.state import Event
from stun.protocol.parameters import PARAMETERS, U64, development

CONTRACTS = ("StunToken", "Config", "Staking", "Messenger")
START = 1_760_000_000
SUPPLY = 10**18
FIRST_BALANCE = 10**15
UNBONDING_SECONDS = development()[0]["unbonding_seconds"]
HOLDERS = 5


@cache
def artifacts() -> dict[str, Artifact]:
    """Return the compiled contracts."""
    return ArtifactStore().build(CONTRACTS)


def account(name: str) -> bytes:
    """Return an account of 32 bytes that stands for a name."""
    return widen(sha256(name.encode()).digest()[:20])


@dataclass
class Tally:
    """How often each action was accepted and refused, and each code seen."""

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Actions compared."""
        return self.accepted.total() + self.refused.total()

    def count(self, name: str, code: str | None) -> None:
        """Add one action; `code` if it was refused."""
        if code is None:
            self.accepted[name] += 1
        else:
            self.refused[name] += 1
            self.codes[code] += 1

    def table(self) -> str:
        """Return the counts as text."""
        names = sorted({*self.accepted, *self.refused})
        lines = [f"{name:<28}{self.accepted[name]:>8}{self.refused[name]:>8}" for name in names]
        rows = [f"{code:<28}{times:>8}" for code, times in sorted(self.codes.items())]
        return "\n".join([f"{self.total} actions: accepted, refused", *lines, "codes", *rows])


def same(what: str, got: object, expected: object) -> None:
    """Compare contract and specification. Errors: Divergence."""
    if got != expected:
        raise Divergence(f"{what}: contract {got!r}, specification {expected!r}")


class VotesWorld:
    """Token, config and staking on a machine beside the specification; `moments` are all that ever was."""

    def __init__(self, machine: Machine, tally: Tally | None = None) -> None:
        self.machine = machine
        self.tally = tally or Tally()
        self.now = START
        self.owner = account("owner")
        self.holders = [account(f"holder {i}") for i in range(HOLDERS)]
        self.addresses: dict[str, bytes] = {}
        self.moments = [START]
        self.gas: dict[str, int] = {}
        machine.set_clock(START)
        self._deploy()
        self.votes = self._first_votes()
        for holder in self.holders:
            self.act(actions.Transfer(self.owner, holder, FIRST_BALANCE))

    @property
    def accounts(self) -> tuple[bytes, ...]:
        """Everyone whose state is compared."""
        return (*self.holders, self.owner, self.votes.custodian, self.bridge)

    @property
    def bridge(self) -> bytes:
        """A contract that may be named as the bridge."""
        return widen(self.addresses["Messenger"])

    def pass_time(self, seconds: int) -> None:
        """Move both clocks on."""
        self.now += seconds
        self.machine.set_clock(self.now)
        if self.moments[-1] != self.now:
            self.moments.append(self.now)

    def act(self, action: actions.VoteAction) -> str | None:
        """Take one action on both sides and compare; return the code if both refuse. Errors: Divergence."""
        code, after, events = None, self.votes, ()
        try:
            after, events = step(self.votes, action, self.now)
        except Rejected as refusal:
            code = refusal.code
        outcome = self._send(action)
        name = type(action).__name__
        same(f"{action}", outcome.reason, code)
        self.tally.count(name, code)
        if code is None:
            self.gas[name] = outcome.gas
            self._same_events(name, outcome.logs, events)
            self.votes = after
        return code

    def compare(self) -> None:
        """Compare the whole present. Errors: Divergence."""
        for who in self.accounts:
            same("balance", self.word("balanceOf", who), self.votes.balance(who))
            same("held", self.word("held_of", who), self.votes.held(who))
            same("delegate", self.word("delegates", who), int.from_bytes(self.votes.delegate(who), "big"))
            same("votes", self.word("getVotes", who), self.votes.trace(who).latest)
        same("supply", self.word("totalSupply"), self.votes.supply)

    def compare_past(self, moment: int) -> None:
        """Compare what was at a moment that is over. Errors: Divergence."""
        for who in self.accounts:
            same("past votes", self.word("getPastVotes", who, moment), past_votes(self.votes, who, moment, self.now))
        supply = past_supply(self.votes, moment, self.now)
        same("past supply", self.word("getPastTotalSupply", moment), supply)

    def word(self, name: str, *arguments: bytes | int) -> int:
        """Read one word of the token."""
        words = [a if isinstance(a, bytes) else a.to_bytes(32, "big") for a in arguments]
        selector = artifacts()["StunToken"].interface.function(name).selector
        return int.from_bytes(self.machine.read(self.addresses["StunToken"], selector + b"".join(words)), "big")

    def call(self, sender: bytes, contract: str, name: str, *arguments: object) -> Outcome:
        """Call a contract as an account of 32 bytes."""
        data, to = artifacts()[contract].interface.function(name).encode(*arguments), self.addresses[contract]
        if sender == self.bridge:  # a contract sends nothing by itself
            data, to = artifacts()["Messenger"].interface.function("forward").encode(to, data), narrow(sender)
            sender = self.owner
        return self.machine.send(narrow(sender), to, data)

    def must(self, sender: bytes, contract: str, name: str, *arguments: object) -> None:
        """Call a contract and insist that it accepts."""
        outcome = self.call(sender, contract, name, *arguments)
        assert outcome.reason is None, f"{contract}.{name}: {outcome.reason}"

    def _send(self, action: actions.VoteAction) -> Outcome:
        contract, name, arguments = _call_of(action)
        return self.call(action.sender, contract, name, *arguments)

    def _same_events(self, name: str, logs: Iterable[Log], events: Iterable[Event]) -> None:
        known = artifacts()["StunToken"].interface.events()
        got = []
        for log in logs:
            event = known.get(log.topics[0]) if log.address == self.addresses["StunToken"] else None
            if event is not None and event.name not in ("Approval", "HeldChanged"):
                got.append((event.name, event.decode(log)))
        same(f"events of {name}", got, [(event.name, _narrowed(event.fields)) for event in events])

    def _first_votes(self) -> Votes:
        first = step(Votes(widen(self.addresses["Staking"])), actions.Mint(self.owner, self.owner, SUPPLY), START)
        return first[0]

    def _deploy(self) -> None:
        owner = narrow(self.owner)
        values, bounds = development()
        self._create("StunToken")
        self._create("Config", owner, [astuple(bound) for bound in bounds])
        self._create("Staking", self.addresses["StunToken"], self.addresses["Config"], owner)
        self._create("Messenger")
        self.must(self.owner, "Config", "publish", [values[p.name] for p in PARAMETERS], (bytes(20),) * 4)
        self.must(self.owner, "StunToken", "set_custodian", self.addresses["Staking"])
        self.must(self.owner, "StunToken", "set_minter", owner)
        self.must(self.owner, "Staking", "set_slasher", owner, True)
        for who in (*self.holders, self.owner):
            self.must(who, "StunToken", "approve", self.addresses["Staking"], 2**256 - 1)

    def _create(self, name: str, *arguments: object) -> None:
        built = artifacts()[name]
        code = built.deploy_bytecode + built.interface.encode_constructor(list(arguments))
        self.addresses[name] = self.machine.deploy(narrow(self.owner), code)


def _call_of(action: actions.VoteAction) -> tuple[str, str, tuple[Any, ...]]:
    """Return contract, function and arguments of an action."""
    match action:
        case actions.Transfer(_, to, amount):
            return "StunToken", "transfer", (narrow(to), amount)
        case actions.Mint(_, to, amount):
            return "StunToken", "mint", (narrow(to), amount)
        case actions.Burn(_, amount):
            return "StunToken", "burn", (amount,)
        case actions.Delegate(_, to):
            return "StunToken", "delegate", (narrow(to),)
        case actions.Stake(_, amount):
            return "Staking", "stake", (amount,)
        case actions.Unstake(_, amount, _):
            return "Staking", "unstake", (amount,)
        case actions.Collect(_, to):
            return "Staking", "collect", (narrow(to),)
        case actions.Slash(_, who, bps):
            return "Staking", "slash", (narrow(who), bps)
        case actions.SetBridge(_, bridge):
            return "StunToken", "set_bridge", (narrow(bridge),)


def _narrowed(fields: Any) -> dict[str, Any]:
    return {name: narrow(value) if isinstance(value, bytes) else value for name, value in fields.items()}


def check_votes(votes: Votes) -> None:
    """Hold that votes are delegated supply, recounted from who has what. Errors: AssertionError."""
    counted: Counter[bytes] = Counter()
    for who, amount in votes.balances.items():
        counted[votes.delegate(who)] += amount
    for who in votes.stakes:
        counted[votes.voter(who)] += votes.held(who)
    counted.pop(NOBODY, None)
    assert {who: trace.latest for who, trace in votes.traces.items() if trace.latest} == dict(+counted)
    assert votes.votable.latest == votes.supply - (votes.balance(votes.bridge) if votes.bridge != NOBODY else 0)
    assert sum(votes.balances.values()) == votes.supply <= U64
    assert votes.balance(votes.custodian) >= sum(map(votes.held, votes.stakes))
