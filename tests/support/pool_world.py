"""A market in memory with funded parties that sign with keys of their own, and everything a pool takes in."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from fake_market import FakeMarket

from stun.chains.evm.accounts import EvmAccount, from_key
from stun.chains.evm.addresses import widen
from stun.pool.admission import Admission
from stun.pool.envelopes import (
    AskEnvelope,
    BidEnvelope,
    CommitEnvelope,
    DeliveryEnvelope,
    Envelope,
    Kind,
    OpeningEnvelope,
    OrderEnvelope,
    PostEnvelope,
    ProfileEnvelope,
    kind_of,
)
from stun.pool.profiles import profile_document
from stun.pool.store import Entry, PoolStore
from stun.pool.wire import encode
from stun.protocol.market import actions
from stun.protocol.messages import (
    NOBODY,
    Ask,
    Bid,
    Commit,
    Delivery,
    Message,
    Operator,
    Order,
    Post,
    Profile,
    nonce_of,
)
from stun.protocol.parameters import NumericClass
from stun.protocol.staking import Stake
from stun.protocol.trees.results import Result, ResultsTree
from stun.protocol.trees.specs import Membership, commitment, json_digest
from stun.storage.packages import PackageRef

STORES = ("http://127.0.0.1:8645",)
PACKAGE = PackageRef(b"\x0a" * 32, b"\x0b" * 32)
SALT = b"\x5a" * 32
PROVIDERS = ("provider 1", "provider 2", "provider 3")
MONEY = 10**15


def key(role: str) -> EvmAccount:
    """The key of a role, the same in every process."""
    return from_key(sha256(role.encode()).digest())


def account(role: str) -> bytes:
    """The account of a role."""
    return widen(key(role).address)


def tree(seed: int = 0, units: int = 5) -> ResultsTree:
    """Results of the four tasks of an order."""
    return ResultsTree(Result(sha256(b"%d %d" % (seed, index)).digest(), units) for index in range(4))


class PoolWorld:
    """One market; `market` is the reader that pools and their clients use."""

    def __init__(self) -> None:
        self.market = FakeMarket()
        self.model_id = self.market.add_model(account("creator"), b"\x33" * 32, NumericClass.TOKEN)
        for role in ("requester", *PROVIDERS):
            self.fund(role, MONEY)
        for role in PROVIDERS:
            self.market.set_stake(account(role), Stake(active=100 * 10**9))
        self._words = 0

    def fund(self, role: str, amount: int) -> None:
        self.market.apply(actions.Deposit(account(role), self.market.stun, amount, account(role)))

    def name_operator(self, role: str, operator: str) -> None:
        message = Operator(account(role), account(operator), 0, 0)
        self.market.apply(actions.SetOperator(account(role), message))

    def sign(self, role: str, message: Message) -> bytes:
        return key(role).sign_digest(message.digest(self.market.domain))

    def order(self, **changes: Any) -> Order:
        self._words += 1
        expires_at = changes.get("expires_at", self.market.clock + 3_600)
        order = Order(
            requester=account("requester"), asset=self.market.stun, model_id=self.model_id, specs_root=b"\x11" * 32,
            count=4, max_units=10, start_price=10**9, max_price=2 * 10**9, ramp_start=self.market.clock,
            ramp_seconds=1_000, replicas=2, audit_ppm=100_000, post_seconds=60, task_seconds=10, challenge_seconds=60,
            tier=0, flags=0, recipient_key=bytes(32), matcher=NOBODY, providers_root=NOBODY, tip=0, config=0,
            expires_at=expires_at, nonce=nonce_of(expires_at, self._words, 0),
        )  # fmt: skip
        return replace(order, **changes)

    def order_envelope(self, order: Order | None = None, signer: str = "requester", **changes: Any) -> OrderEnvelope:
        order = order or self.order(**changes)
        return OrderEnvelope(order, self.sign(signer, order), PACKAGE, STORES)

    def bid_envelope(
        self,
        order: Order,
        provider: str = "provider 1",
        signer: str | None = None,
        membership: Membership | None = None,
        **changes: Any,
    ) -> BidEnvelope:
        digest = order.digest(self.market.domain)
        bid = Bid(account(provider), digest, order.start_price, NOBODY, self.market.clock + 600)
        bid = replace(bid, **changes)
        return BidEnvelope(bid, self.sign(signer or provider, bid), membership)

    def ask_envelope(self, order: Order, signer: str = "matcher", **changes: Any) -> AskEnvelope:
        digest = order.digest(self.market.domain)
        ask = Ask(account("matcher"), account("provider 1"), digest, self.market.clock + 600)
        ask = replace(ask, **changes)
        return AskEnvelope(ask, self.sign(signer, ask))

    def profile_envelope(
        self, provider: str = "provider 1", signer: str | None = None, region: str = "eu", seconds: int = 3_600
    ) -> ProfileEnvelope:
        document = profile_document({"gpus": 0}, {self.model_id: {self.market.stun: 10**9}}, region)
        profile = Profile(account(provider), json_digest(document), self.market.clock + seconds)
        return ProfileEnvelope(profile, document, STORES, self.sign(signer or provider, profile))

    def match(self, order: Order, *providers: str) -> bytes:
        """Open a batch on the chain; its id is the order's digest."""
        bids = tuple(
            actions.SignedBid(self.bid_envelope(order, provider).bid, account(provider)) for provider in providers
        )
        self.market.apply(actions.Match(account("matcher"), order, account("requester"), bids))
        return order.digest(self.market.domain)

    def commit_envelope(
        self, batch_id: bytes, provider: str = "provider 1", signer: str | None = None, seed: int = 0
    ) -> CommitEnvelope:
        results = tree(seed)
        sealed = commitment(batch_id, account(provider), results.root, results.total_units, SALT)
        commit = Commit(batch_id, account(provider), sealed)
        return CommitEnvelope(commit, self.sign(signer or provider, commit))

    def opening(self, batch_id: bytes, provider: str = "provider 1", seed: int = 0) -> OpeningEnvelope:
        return OpeningEnvelope(batch_id, account(provider), tree(seed).top, SALT)

    def post_envelope(
        self, batch_id: bytes, provider: str = "provider 1", signer: str | None = None, seed: int = 0, units: int = 5
    ) -> PostEnvelope:
        results = tree(seed, units)
        post = Post(batch_id, account(provider), results.root, results.total_units)
        return PostEnvelope(post, results.top, self.sign(signer or provider, post))

    def delivery_envelope(
        self, batch_id: bytes, provider: str = "provider 1", signer: str | None = None
    ) -> DeliveryEnvelope:
        delivery = Delivery(batch_id, account(provider), b"\x99" * 32)
        return DeliveryEnvelope(delivery, STORES, self.sign(signer or provider, delivery))

    def every_kind(self) -> dict[Kind, Envelope]:
        """One good envelope of each kind; for the last five two batches are open on the chain."""
        order = self.order()
        several = self.match(self.order(), "provider 1", "provider 2")
        lone = self.match(self.order(replicas=1), "provider 1")
        return {
            Kind.ORDER: self.order_envelope(order),
            Kind.BID: self.bid_envelope(order),
            Kind.ASK: self.ask_envelope(order),
            Kind.PROFILE: self.profile_envelope(),
            Kind.COMMIT: self.commit_envelope(several),
            Kind.POST: self.post_envelope(lone),
            Kind.OPENING: self.opening(several),
            Kind.DELIVERY: self.delivery_envelope(several),
        }


class Door:
    """A pool without its server."""

    def __init__(self, world: PoolWorld, store: PoolStore) -> None:
        self.store = store
        self.admission = Admission(world.market, store)

    def admit(self, envelope: Envelope) -> tuple[Entry, bool]:
        return self.admission.admit(kind_of(envelope), encode(envelope))


def connect(deployment: Path, urls: list[str]) -> FakeMarket:
    """What a pool server's factory makes in its own process: the market that `PoolWorld().every_kind()` leaves."""
    world = PoolWorld()
    world.every_kind()
    return world.market
