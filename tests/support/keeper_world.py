"""A market in memory with a requester, providers, keepers and pools, for tests of keepers. Every signature is real."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from fake_market import FakeMarket
from fake_writer import FakeWriter

from keepers.build import build_matcher, build_settler
from keepers.jobs.matcher import MatcherJob
from keepers.jobs.settler import SettlerJob
from keepers.pool_mirror import PoolMirror
from keepers.settings import KeeperSettings
from keepers.store.database import Database
from stun.chains.evm.accounts import EvmAccount, from_key
from stun.chains.evm.addresses import widen
from stun.chains.market import Offer
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
from stun.protocol.market.state import Terms
from stun.protocol.messages import Bid, Commit, Message, Order, Post, Profile, nonce_of
from stun.protocol.parameters import NumericClass
from stun.protocol.staking import Stake
from stun.protocol.trees.results import Result, ResultsTree
from stun.protocol.trees.specs import commitment, json_digest
from stun.storage.packages import PackageRef

COUNT, MAX_UNITS = 4, 100
STUN = 10**9


def key_of(role: str) -> EvmAccount:
    """The key of a role; the same in every run."""
    return from_key(sha256(f"keeper world {role}".encode()).digest())


def account(role: str) -> bytes:
    """The account of a role, 32 bytes."""
    return widen(key_of(role).address)


def results(seed: str, units: int = 50, differing: Sequence[int] = ()) -> ResultsTree:
    """A results tree; tasks in `differing` have other outputs."""
    names = (f"{seed} odd {k}" if k in differing else f"task {k}" for k in range(COUNT))
    return ResultsTree(Result(sha256(name.encode()).digest(), units) for name in names)


class MemoryPools:
    """Pools that hold whatever they are given, checked by nobody: readers see lies as they see truth."""

    def __init__(self) -> None:
        self.held: dict[Kind, list[Any]] = {kind: [] for kind in Kind}

    def publish(self, envelope: Envelope) -> None:
        """Take anything."""
        self.held[kind_of(envelope)].append(envelope)

    def follower(self) -> "Follower":
        """A reader with its own cursors."""
        return Follower(self)

    def commits(self, batch_id: bytes) -> list[CommitEnvelope]:
        """Commitments of a batch."""
        return [found for found in self.held[Kind.COMMIT] if found.commit.batch_id == batch_id]

    def posts(self, batch_id: bytes) -> list[PostEnvelope]:
        """Posts of a batch."""
        return [found for found in self.held[Kind.POST] if found.post.batch_id == batch_id]

    def openings(self, batch_id: bytes) -> list[OpeningEnvelope]:
        """Openings of a batch."""
        return [found for found in self.held[Kind.OPENING] if found.batch_id == batch_id]

    def deliveries(self, batch_id: bytes) -> list[DeliveryEnvelope]:
        """Deliveries of a batch."""
        return [found for found in self.held[Kind.DELIVERY] if found.delivery.batch_id == batch_id]


class Follower:
    """One reader's view of MemoryPools."""

    def __init__(self, pools: MemoryPools) -> None:
        self._pools = pools
        self._cursors: dict[Kind, int] = {}

    def updates(self, kind: Kind) -> list[Envelope]:
        """What came since the last call."""
        after = self._cursors.get(kind, 0)
        self._cursors[kind] = len(self._pools.held[kind])
        return self._pools.held[kind][after:]

    def publish(self, envelope: Envelope) -> None:
        """Bring an envelope."""
        self._pools.publish(envelope)


class KeeperWorld:
    """Roles: `requester`, `provider 0` .. `provider 4`, `creator`; keepers are made on demand."""

    def __init__(self, numeric_class: NumericClass = NumericClass.TOKEN) -> None:
        self.market = FakeMarket(min_stake=1, reveal_seconds=60, resolve_seconds=120)
        self.pools = MemoryPools()
        self.asset = self.market.stun
        self.model_id = self.market.add_model(account("creator"), sha256(b"manifest").digest(), numeric_class)
        self.providers = [account(f"provider {k}") for k in range(5)]
        for party in (account("requester"), *self.providers):
            self.fund(party, 10_000 * STUN)
        for provider in self.providers:
            self.market.set_stake(provider, Stake(active=1_000 * STUN))
        self._nonces = 0
        self.salts: dict[bytes, bytes] = {}

    def fund(self, party: bytes, amount: int) -> None:
        """Give an account free balance in the market."""
        self.market.mint(self.asset, party, amount)
        FakeWriter(self.market, party).deposit("deposit", self.asset, amount, party)

    def sign(self, role: str, message: Message) -> bytes:
        """A role's signature."""
        return key_of(role).sign_digest(message.digest(self.market.domain))

    def order(self, **changes: Any) -> Order:
        """A valid order of two replicas, with fields changed."""
        expires_at = changes.get("expires_at", self.market.clock + 3_600)
        self._nonces += 1
        order = Order(
            requester=account("requester"), asset=self.asset, model_id=self.model_id, specs_root=b"\x51" * 32,
            count=COUNT, max_units=MAX_UNITS, start_price=STUN, max_price=2 * STUN, ramp_start=self.market.clock,
            ramp_seconds=100, replicas=2, audit_ppm=1_000_000, post_seconds=100, task_seconds=5,
            challenge_seconds=40, tier=0, flags=0, recipient_key=bytes(32), matcher=bytes(32),
            providers_root=bytes(32), tip=1_000, config=0, expires_at=expires_at,
            nonce=nonce_of(expires_at, self._nonces >> 8, self._nonces & 255),
        )  # fmt: skip
        return replace(order, **changes)

    def publish_order(self, order: Order, role: str = "requester") -> bytes:
        """Sign an order, bring it to the pools, and return its digest."""
        package = PackageRef(b"\x01" * 32, b"\x02" * 32)
        self.pools.publish(OrderEnvelope(order, self.sign(role, order), package, ()))
        return order.digest(self.market.domain)

    def publish_profile(self, number: int, price: int, **hardware: Any) -> None:
        """Advertise a provider."""
        document = profile_document(hardware, {self.model_id: {self.asset: price}})
        profile = Profile(self.providers[number], json_digest(document), self.market.clock + 3_600)
        self.pools.publish(ProfileEnvelope(profile, document, (), self.sign(f"provider {number}", profile)))

    def publish_bid(self, number: int, order_digest: bytes, price: int, matcher: bytes, **changes: Any) -> Bid:
        """Bid with a provider's signature."""
        bid = replace(Bid(self.providers[number], order_digest, price, matcher, self.market.clock + 600), **changes)
        self.pools.publish(BidEnvelope(bid, self.sign(f"provider {number}", bid)))
        return bid

    def answer_asks(self, prices: Sequence[int]) -> None:
        """Let every provider that was asked bid its price, once for each order."""
        bidden = {(held.bid.provider, held.bid.order_digest) for held in self.pools.held[Kind.BID]}
        for envelope in self.pools.held[Kind.ASK]:
            ask = envelope.ask
            if (ask.provider, ask.order_digest) not in bidden:
                number = self.providers.index(ask.provider)
                self.publish_bid(number, ask.order_digest, prices[number], ask.matcher)

    def open_batch(self, numbers: Sequence[int] = (0, 1), **changes: Any) -> bytes:
        """Match an order of these providers directly; return the batch's id."""
        order = self.order(replicas=len(numbers), **changes)
        digest = order.digest(self.market.domain)
        writer = FakeWriter(self.market, account("requester"))
        offers = []
        for number in numbers:
            bid = Bid(self.providers[number], digest, STUN, account("matcher"), self.market.clock + 600)
            offers.append(Offer(bid, self.sign(f"provider {number}", bid)))
        writer.match(digest.hex(), order, self.sign("requester", order), offers)
        return digest

    def publish_commit(self, number: int, batch_id: bytes, tree: ResultsTree) -> bytes:
        """Let a provider commit to a tree in the pools; returns the commitment."""
        salt = sha256(batch_id + self.providers[number] + tree.root).digest()
        sealed = commitment(batch_id, self.providers[number], tree.root, tree.total_units, salt)
        message = Commit(batch_id, self.providers[number], sealed)
        self.pools.publish(CommitEnvelope(message, self.sign(f"provider {number}", message)))
        self.salts[sealed] = salt
        return sealed

    def publish_opening(self, number: int, batch_id: bytes, tree: ResultsTree) -> None:
        """Let a provider release its opening."""
        salt = sha256(batch_id + self.providers[number] + tree.root).digest()
        self.pools.publish(OpeningEnvelope(batch_id, self.providers[number], tree.top, salt))

    def publish_post(self, number: int, batch_id: bytes, tree: ResultsTree) -> None:
        """Let a lone provider hand its signed post to the pools."""
        message = Post(batch_id, self.providers[number], tree.root, tree.total_units)
        self.pools.publish(PostEnvelope(message, tree.top, self.sign(f"provider {number}", message)))

    def reveal_all(self, batch_id: bytes, trees: dict[int, ResultsTree]) -> None:
        """Let these providers commit and open at once, in the pools."""
        for number, tree in trees.items():
            self.publish_commit(number, batch_id, tree)
        for number, tree in trees.items():
            self.publish_opening(number, batch_id, tree)

    def terms(self, batch_id: bytes) -> Terms:
        """The terms of a batch."""
        return self.market.terms(batch_id)

    def settings(self, **changes: Any) -> KeeperSettings:
        """Settings in which nothing is remembered for long and everybody acts at once."""
        chosen: dict[str, Any] = {"slot_seconds": 0, "facts_seconds": 0, "bid_window": 5} | changes
        return KeeperSettings(**chosen)

    def matcher(self, database: Database, role: str = "matcher", writer: Any = None, **changes: Any) -> MatcherJob:
        """A matcher of a role; `writer` None: a writer on the market in memory."""
        mirror = PoolMirror(self.pools.follower(), self.market.domain, self.market.now)
        return build_matcher(
            self.market, writer or FakeWriter(self.market, account(role)), mirror, self.settings(**changes),
            sign=key_of(role).sign_digest, database=database,
        )  # fmt: skip

    def settler(self, database: Database, role: str = "settler", writer: Any = None, **changes: Any) -> SettlerJob:
        """A settler of a role."""
        return build_settler(
            self.market, writer or FakeWriter(self.market, account(role)), self.pools, self.settings(**changes),
            database=database,
        )  # fmt: skip

    def asks(self) -> list[AskEnvelope]:
        """Every ask in the pools."""
        return list(self.pools.held[Kind.ASK])
