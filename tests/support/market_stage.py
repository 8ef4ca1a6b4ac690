"""One deployed market with funded parties, for tests of single calls: fixed terms, so that every amount is known.

The terms of a batch unless a test changes them: 4 tasks of at most 100 units at 10^10 per 10^6 units, all in STUN.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any

from deployed_market import START, BatchWords, DeployedMarket, model_of
from evm_machines import BoaMachine, Machine, Outcome
from market_parties import Parties, parties, sign

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import message_tuple, resolve_arguments, terms_from_tuple, terms_tuple, top_tuple
from stun.protocol.config import match_rules
from stun.protocol.market.state import Terms
from stun.protocol.messages import NOBODY, Bid, Commit, Message, Order, nonce_of
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.resolve import Resolution
from stun.protocol.trees.results import Result, ResultsTree, Top, derive
from stun.protocol.trees.specs import commitment

DEPOSIT = 10**12
STAKE = 10**12
PRICE = 10**10
LOCKED = 4_000_000  # 4 tasks * 100 units * PRICE / 10^6
BOND = 12_000_000  # LOCKED * (2 / 0.5 - 1)
PREPAID = 15_950_000  # (2 auditors * (LOCKED + 10^7) + 10^6) * 0.5 * 1.1
POST_SECONDS = 600
CHALLENGE_SECONDS = 300
REVEAL_SECONDS = 60
RESOLVE_SECONDS = 120
AUDITORS = 2
UNITS = (70, 80, 90, 60)  # of an honest result: 300 in all, which earn 3,000,000


def honest_tree() -> ResultsTree:
    """Return the results that every honest replica has."""
    return tree_of(UNITS)


def tree_of(units: Sequence[int], wrong: Mapping[int, str] | None = None) -> ResultsTree:
    """Return results with these units; `wrong` gives single tasks another output."""
    texts = ((wrong or {}).get(task, f"output {task}") for task in range(len(units)))
    return ResultsTree(Result(sha256(t.encode()).digest(), u) for t, u in zip(texts, units, strict=True))


def salt_of(replica: int) -> bytes:
    """Return a replica's salt."""
    return sha256(b"salt %d" % replica).digest()


@dataclass(frozen=True, slots=True)
class Opened:
    """A batch that was opened: its id and the terms that BatchOpened published."""

    batch_id: bytes
    terms: Terms

    @property
    def about(self) -> tuple[bytes, tuple[Any, ...]]:
        """The two arguments with which every call about the batch begins."""
        return self.batch_id, terms_tuple(self.terms)


class Stage:
    """A market whose first requester and three providers have deposits and stake; the clock is set by hand."""

    def __init__(self, machine: Machine | None = None) -> None:
        self.people: Parties = parties()
        self.deployed = DeployedMarket(machine or BoaMachine(), self.people)
        config = self.deployed.market(AUDITORS).config
        self.now = START
        self.requester = self.people.requesters[0]
        self.providers = self.people.providers[:3]
        self.matcher = self.people.matchers[0]
        self.settler = self.people.stranger
        self.creator = self.people.creator
        self.stun = narrow(self.deployed.stun)
        self.usdc = narrow(self.deployed.usdc)
        self.market = self.deployed.addresses["Marketplace"]
        chosen = match_rules(config, self.deployed.stun)
        self.rules = (chosen.rules, chosen.asset_word)
        self._orders = 0
        for account in (self.requester, *self.providers):
            for asset in (self.stun, self.usdc):
                self.must(account, "deposit", asset, DEPOSIT, narrow(account))
        for provider in self.providers:
            self.deployed.must(provider, "Staking", "stake", STAKE)

    def travel(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds
        self.deployed.machine.set_clock(self.now)

    def send(self, sender: bytes, name: str, *arguments: Any) -> Outcome:
        """Call the market as an account."""
        return self.deployed.send(sender, "Marketplace", name, *arguments)

    def must(self, sender: bytes, name: str, *arguments: Any) -> list[tuple[str, dict[str, Any]]]:
        """Call the market, insist that it accepts, and return the market's events."""
        return self.events(self.deployed.must(sender, "Marketplace", name, *arguments))

    def refusal(self, sender: bytes, name: str, *arguments: Any) -> str | None:
        """Call the market and return the reason with which it refuses; None if it accepts."""
        return self.send(sender, name, *arguments).reason

    def events(self, outcome: Outcome) -> list[tuple[str, dict[str, Any]]]:
        """Return the market's own events, addresses as 20 bytes and terms as Terms."""
        known = interface("Marketplace").events()
        own = [log for log in outcome.logs if log.address == self.market]
        decoded = [(known[log.topics[0]].name, known[log.topics[0]].decode(log)) for log in own]
        return [(name, {k: terms_from_tuple(v) if k == "terms" else v for k, v in f.items()}) for name, f in decoded]

    def view(self, name: str, *arguments: Any) -> Any:
        """Read a view of the market."""
        function = interface("Marketplace").function(name)
        return function.decode_output(self.deployed.machine.read(self.market, function.encode(*arguments)))

    def balance(self, account: bytes, asset: bytes | None = None) -> int:
        """Return a free balance, in STUN unless another asset is given."""
        return int(self.view("balance_of", asset or self.stun, narrow(account)))

    def balances(self) -> tuple[int, ...]:
        """Return requester's, providers', matcher's, settler's and creator's free STUN."""
        who = (self.requester, *self.providers, self.matcher, self.settler, self.creator)
        return tuple(self.balance(account) for account in who)

    def share(self, which: str, asset: bytes | None = None) -> int:
        """Return the treasury's, insurance's or audit's share."""
        return int(self.view(f"{which}_of", asset or self.stun))

    def tokens(self, account: bytes, token: str = "StunToken") -> int:
        """Return tokens of an account outside the market."""
        return self.deployed.word(token, "balanceOf", narrow(account))

    def reputation(self, account: bytes) -> int:
        """Return a provider's reputation."""
        return self.deployed.word("Reputation", "score", account)

    def stake(self, account: bytes) -> int:
        """Return a provider's active stake."""
        return self.deployed.stake_position(account)[0]

    def batch(self, opened: Opened) -> BatchWords:
        """Return the stored part of a batch."""
        return self.deployed.batch(opened.batch_id)

    def sign(self, account: bytes, message: Message) -> bytes:
        """Return an account's signature of a message."""
        return sign(account, message.digest(self.deployed.domain))

    def order(self, replicas: int = 1, numeric_class: NumericClass = NumericClass.EXACT, **changes: Any) -> Order:
        """Return an order with a nonce of its own."""
        self._orders += 1
        expires_at = changes.get("expires_at", self.now + 3_600)
        order = Order(
            requester=self.requester, asset=self.deployed.stun, model_id=model_of(self.creator, numeric_class)[0],
            specs_root=sha256(b"specs").digest(), count=len(UNITS), max_units=100, start_price=PRICE, max_price=PRICE,
            ramp_start=0, ramp_seconds=0, replicas=replicas, audit_ppm=500_000, post_seconds=POST_SECONDS,
            task_seconds=10, challenge_seconds=CHALLENGE_SECONDS, tier=0, flags=0, recipient_key=NOBODY,
            matcher=NOBODY, providers_root=NOBODY, tip=0, config=0, expires_at=expires_at,
            nonce=nonce_of(expires_at, 0, self._orders),
        )  # fmt: skip
        return replace(order, **changes)

    def bids(self, order: Order, **changes: Any) -> list[Bid]:
        """Return a bid of each provider for an order."""
        digest = order.digest(self.deployed.domain)
        bids = [Bid(provider, digest, PRICE, self.matcher, self.now + 60) for provider in self.providers]
        return [replace(bid, **changes) for bid in bids[: order.replicas]]

    def match_arguments(
        self,
        order: Order,
        bids: Sequence[Bid] | None = None,
        words: Sequence[bytes] = (),
        signature: bytes | None = None,
        bid_signatures: bytes | None = None,
    ) -> tuple[Any, ...]:
        """Return the arguments of a match, everything signed by whom it should be unless given."""
        chosen = self.bids(order) if bids is None else bids
        if signature is None:
            signature = self.sign(order.requester, order)
        if bid_signatures is None:
            bid_signatures = b"".join(self.sign(bid.provider, bid) for bid in chosen)
        return message_tuple(order), signature, [message_tuple(bid) for bid in chosen], bid_signatures, list(words)

    def open(self, order: Order, bids: Sequence[Bid] | None = None) -> Opened:
        """Match an order and return the batch."""
        events = self.must(self.matcher, "match", *self.match_arguments(order, bids))
        return Opened(events[-1][1]["batch_id"], events[-1][1]["terms"])

    def sealed(self, opened: Opened, replica: int, tree: ResultsTree) -> tuple[tuple[int, bytes], bytes]:
        """Return a replica's commitment as an argument of `deliver`, and its signature."""
        return self.seal_of_top(opened, replica, tree.top)

    def seal_of_top(self, opened: Opened, replica: int, top: Top) -> tuple[tuple[int, bytes], bytes]:
        """Return the commitment to a result of which only the top node is known, and its signature."""
        provider = opened.terms.casts[replica].provider
        seal = commitment(opened.batch_id, provider, *derive(opened.terms.count, top), salt_of(replica))
        return (replica, seal), self.sign(provider, Commit(opened.batch_id, provider, seal))

    def delivery(self, opened: Opened, trees: Mapping[int, ResultsTree], reveal: bool = True) -> tuple[Any, ...]:
        """Return the arguments of a `deliver` that brings the results of some replicas, with their openings or not."""
        sealed = [self.sealed(opened, replica, tree) for replica, tree in trees.items()]
        reveals = [(replica, top_tuple(tree.top), salt_of(replica)) for replica, tree in trees.items()]
        signatures = b"".join(signature for _, signature in sealed)
        return *opened.about, [seal for seal, _ in sealed], signatures, reveals if reveal else []

    def post(self, opened: Opened, tree: ResultsTree) -> None:
        """Post a lone replica's result by its own call."""
        self.must(opened.terms.casts[0].provider, "post", *opened.about, top_tuple(tree.top), b"")

    def deliver(self, opened: Opened, *trees: ResultsTree) -> None:
        """Bring the results of the first replicas in one call."""
        self.must(self.settler, "deliver", *self.delivery(opened, dict(enumerate(trees))))

    def resolution(self, evidence: Resolution) -> tuple[Any, ...]:
        """Return the arguments of `resolve` behind the terms."""
        return resolve_arguments(evidence)


@cache
def _shared() -> tuple[BoaMachine, Stage]:
    machine = BoaMachine()
    return machine, Stage(machine)


@contextmanager
def fresh_stage() -> Iterator[Stage]:
    """Lend the one stage of this process and undo afterwards what was done on it: a machine a test would be slow."""
    machine, stage = _shared()
    with machine.anchored():
        lent = copy(stage)
        lent.travel(0)
        yield lent


def wide(address: bytes) -> bytes:
    """Return an address as an account."""
    return widen(address)
