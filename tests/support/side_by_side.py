"""Steps the specification beside the contracts: same outcome, same events, same state after every action."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from deployed_market import SHARES, START, BatchWords, DeployedMarket
from evm_machines import Machine, Outcome
from fake_market import digests_of
from market_calls import Translator
from market_invariants import History, check_conservation, check_conviction_cost, check_signs
from market_outside import Outside, happen
from market_parties import Parties, parties

from stun.chains.evm.abi import AbiEvent
from stun.chains.evm.addresses import widen
from stun.chains.evm.endpoint import Log
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import terms_from_tuple
from stun.protocol import reputation
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.market.state import Batch, Event, Market
from stun.protocol.market.step import step
from stun.protocol.messages import NOBODY
from stun.protocol.reputation import Reputation
from stun.protocol.staking import Stake

NO_BATCH = BatchWords(bytes(32), 0, 0, 0, False, False, False, 0, (0, 0, 0), (bytes(32),) * 3, (0, 0, 0), 0)


class Divergence(AssertionError):
    """The contracts did not do what the specification does."""


@dataclass
class Tally:
    """How often each action was accepted and refused, and each code seen, over all runs of a test."""

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Actions compared."""
        return self.accepted.total() + self.refused.total()

    def table(self) -> str:
        """Return the counts as text."""
        names = [kind.__name__ for kind in actions.ACTIONS]
        lines = [f"{name:<16}{self.accepted[name]:>8}{self.refused[name]:>8}" for name in names]
        rows = [f"{code:<26}{times:>8}" for code, times in sorted(self.codes.items())]
        ends = [f"{end:<26}{times:>8}" for end, times in sorted(self.endings.items())]
        return "\n".join([f"{self.total} actions: accepted, refused", *lines, "codes", *rows, "replicas", *ends])


class World:
    """One market on both sides, at one clock. `log` holds what was done: (now, action or outside event)."""

    def __init__(
        self, machine: Machine, tally: Tally | None = None, auditors: int = 0, deployed: DeployedMarket | None = None
    ) -> None:
        self.people: Parties = parties()
        self.deployed = deployed or DeployedMarket(machine, self.people)
        self.market: Market = self.deployed.market(auditors)
        self.tally = tally or Tally()
        self.history = History()
        self.translator = Translator(self.deployed, self.history.opened)
        self.now = START
        self.log: list[tuple[int, actions.Action | Outside]] = []
        self.gas: dict[str, int] = {}
        self.accounts = tuple(dict.fromkeys((*self.people.all, NOBODY, self.people.owner)))

    @property
    def assets(self) -> tuple[bytes, bytes]:
        """STUN and the coin."""
        return self.deployed.stun, self.deployed.usdc

    def pass_time(self, until: int) -> None:
        """Move both clocks on."""
        self.now = max(self.now, until)
        self.deployed.machine.set_clock(self.now)

    def happen(self, what: Outside) -> None:
        """Let something happen around the market."""
        self.log.append((self.now, what))
        self.market = happen(self.market, self.deployed, what, self.now)

    def act(self, action: actions.Action) -> str | None:
        """Take one action on both sides and compare; return the code if both refuse. Errors: Divergence."""
        self.log.append((self.now, action))
        before = self.market
        code: str | None = None
        events: tuple[Event, ...] = ()
        try:
            after, events = step(before, action, self.now)
        except Rejected as refusal:
            code = refusal.code
        outcome = self._send(action)
        name = type(action).__name__
        if outcome.reason != code:
            raise Divergence(f"{name}: contract {outcome.reason!r}, specification {code!r}: {action}")
        self._count(name, code)
        if code is None:
            self.gas[name] = outcome.gas
            self._same_events(name, outcome.logs, events)
            self.market = after
            self._judge(before, action, events)
        return code

    def compare(self) -> None:
        """Compare the whole state. Errors: Divergence."""
        pairs = [(asset, account) for asset in self.assets for account in self.accounts]
        self._same_balances(pairs)
        self._same_accounts(self.accounts)
        for batch_id in self.history.opened:
            self._same_batch(batch_id)
        for account, nonce in self.market.nonces:
            word = self.deployed.word("Marketplace", "used_word", account, nonce >> 8)
            self._same("nonce", word >> (nonce & 255) & 1, 1)

    def _send(self, action: actions.Action) -> Outcome:
        call = self.translator.call(action)
        target = self.deployed.addresses[call.contract]
        return self.deployed.machine.send(call.sender[12:], target, call.data)

    def _count(self, name: str, code: str | None) -> None:
        if code is None:
            self.tally.accepted[name] += 1
        else:
            self.tally.refused[name] += 1
            self.tally.codes[code] += 1

    def _same_events(self, name: str, logs: Iterable[Log], events: Iterable[Event]) -> None:
        known = interface("Marketplace").events()
        market = self.deployed.addresses["Marketplace"]
        own = [(known[log.topics[0]], log) for log in logs if log.address == market]
        got = [(event.name, fields_of(event, log)) for event, log in own]
        expected = [(event.name, dict(event.fields)) for event in events]
        self._same(f"events of {name}", got, expected)

    def _judge(self, before: Market, action: actions.Action, events: tuple[Event, ...]) -> None:
        after = self.market
        ends = self.history.paid.copy()
        self.history.record(before, after, events, self.now)
        self.tally.endings.update(self.history.paid - ends)
        if isinstance(action, actions.Match):
            self.history.use_nonce(action.order.requester, action.order.nonce)
        if [event.name for event in events][:1] == ["Convicted"]:
            batch_id = events[0].fields["batch_id"]
            if events[-1].name != "Settled":
                check_conviction_cost(before, after, events[0], self.history.opened[batch_id])
        check_signs(after)
        for asset in self.assets:
            check_conservation(after, asset, after.held.get(asset, 0))
        self._compare_changes(before)

    def _compare_changes(self, before: Market) -> None:
        """Compare everything that the step changed in the specification, and the totals that nothing may change."""
        after = self.market
        keys = {*before.balances, *after.balances}
        pairs = [key for key in keys if before.balances.get(key) != after.balances.get(key)]
        self._same_balances(pairs)
        changed = _changed(before.stakes, after.stakes) | _changed(before.reputations, after.reputations)
        changed |= _changed(before.operators, after.operators) | _changed(before.operator_nonces, after.operator_nonces)
        self._same_accounts(changed)
        for batch_id in _changed(before.batches, after.batches):
            self._same_batch(batch_id)
        for account, nonce in after.nonces - before.nonces:
            word = self.deployed.word("Marketplace", "used_word", account, nonce >> 8)
            self._same("nonce", word >> (nonce & 255) & 1, 1)

    def _same_balances(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        for asset, account in pairs:
            got = self.deployed.word("Marketplace", "balance_of", asset, account)
            self._same(f"balance of {account.hex()}", got, self.market.balances.get((asset, account), 0))
        market = self.deployed.addresses["Marketplace"]
        for asset, token in zip(self.assets, ("StunToken", "Usdc6"), strict=True):
            for share in SHARES:
                got = self.deployed.word("Marketplace", f"{share}_of", asset)
                self._same(share, got, getattr(self.market, share).get(asset, 0))
            tokens = self.deployed.word(token, "balanceOf", market)
            self._same("tokens", tokens, self.market.held.get(asset, 0))

    def _same_accounts(self, accounts: Iterable[bytes]) -> None:
        for account in accounts:
            stake = self.market.stakes.get(account, Stake())
            expected = (stake.active, stake.unbonding, stake.unlock_at)
            self._same("stake", self.deployed.stake_position(account), expected)
            score = reputation.score(self.market.reputations.get(account, Reputation()), self.now)
            self._same("reputation", self.deployed.word("Reputation", "score", account), score)
            operator = self.deployed.word("Marketplace", "operator_of", account)
            self._same("operator", operator, int.from_bytes(self.market.operators.get(account, NOBODY), "big"))
            nonce = self.deployed.word("Marketplace", "operator_nonce_of", account)
            self._same("operator nonce", nonce, self.market.operator_nonces.get(account, 0))

    def _same_batch(self, batch_id: bytes) -> None:
        got = replace(self.deployed.batch(batch_id), terms_digest=bytes(32))
        batch = self.market.batches.get(batch_id)
        self._same("batch", got, NO_BATCH if batch is None else words_of(batch))

    def _same(self, what: str, got: Any, expected: Any) -> None:
        if got != expected:
            raise Divergence(f"{what}: contract {got!r}, specification {expected!r}")


def words_of(batch: Batch) -> BatchWords:
    """Return what the contract has to show of a batch."""
    missing = 3 - len(batch.replicas)
    dues = (0, 0, 0) if batch.dues is None else (*batch.dues, *(0,) * missing)
    return BatchWords(
        bytes(32), int(batch.phase), batch.phase_at, batch.hold_until, batch.posted, batch.tip_paid,
        batch.dues is not None, batch.seq, (*(int(r.state) for r in batch.replicas), *(0,) * missing),
        (*digests_of(batch), *(bytes(32),) * missing), dues, batch.round,
    )  # fmt: skip


def salt_of(batch_id: bytes, replica: int) -> bytes:
    """Return the salt that a replica uses."""
    return sha256(b"salt" + batch_id + bytes([replica])).digest()


def _changed(before: Any, after: Any) -> set[bytes]:
    return {key for key in {*before, *after} if before.get(key) is not after.get(key)}


def fields_of(event: AbiEvent, log: Log) -> dict[str, Any]:
    """Return a log's fields, addresses as accounts and terms as Terms."""
    kinds = {name: kind for name, kind, _ in event.fields}
    return {name: _value(name, kinds[name], value) for name, value in event.decode(log).items()}


def _value(name: str, kind: str, value: Any) -> Any:
    if name == "terms":
        return terms_from_tuple(value)
    return widen(value) if kind == "address" else value
