"""A market in memory with a requester, pools and a store, for providers to work in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from eth_account import Account
from fake_market import FAKE_USDC, FakeMarket
from fake_writer import FakeWriter

from stun.chains.court import Courts
from stun.chains.evm.accounts import EvmAccount
from stun.chains.evm.addresses import widen
from stun.chains.market import ModelRecord, Offer, Opening, Sealed
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
    kind_of,
)
from stun.pool.inspection import fields_of
from stun.pool.wire import decode, encode
from stun.protocol.market.state import Phase
from stun.protocol.messages import NOBODY, Ask, Message, Order, nonce_of
from stun.protocol.parameters import NumericClass
from stun.provider.executor import ProviderService
from stun.provider.hardware import Cpu, Hardware
from stun.provider.policy import BiddingPolicy, ModelPrice
from stun.provider.runners.base import ERROR_RESULT, TaskOutput
from stun.provider.sandbox_errors import WorkerCrashed
from stun.provider.service import build_provider
from stun.provider.settings import ProviderSettings
from stun.storage.blobs import BlobStore
from stun.storage.folder import FolderBlobStore
from stun.storage.packages import TaskPackage

PRICE = 10**6
STORE_URL = "http://store.test"
MACHINE = Hardware((), Cpu("test", 2, ()), 2**33)


class Party:
    """An account with a key and a writer."""

    def __init__(self, market: FakeMarket, name: str) -> None:
        self.signer = EvmAccount(Account.from_key(sha256(name.encode()).digest()))
        self.market = market
        self.writer = FakeWriter(market, widen(self.signer.address))

    @property
    def account(self) -> bytes:
        return self.writer.account

    def fund(self, money: int = 10**9, stake: int = 10**12) -> "Party":
        """Deposit money and stake STUN."""
        self.market.mint(FAKE_USDC, self.account, money)
        self.market.mint(self.market.stun, self.account, stake)
        self.writer.deposit("deposit", FAKE_USDC, money, self.account)
        self.writer.stake("stake", stake)
        return self

    def sign(self, message: Message) -> bytes:
        return self.signer.sign_digest(message.digest(self.market.domain))


class FakePools:
    """Pools that take everything well formed and hide nothing; `closed` makes them refuse all."""

    def __init__(self, market: FakeMarket) -> None:
        self._market = market
        self.held: list[bytes] = []
        self.kinds: list[Kind] = []
        self.closed: Exception | None = None

    def publish(self, envelope: Envelope) -> None:
        if self.closed is not None:
            raise self.closed
        body = encode(envelope)
        if body not in self.held:
            self.held.append(body)
            self.kinds.append(kind_of(envelope))

    def read(
        self, kind: Kind, *, account: bytes | None = None, recipient: bytes | None = None, batch_id: bytes | None = None
    ) -> Sequence[Envelope]:
        if self.closed is not None:
            raise self.closed
        held = zip(self.kinds, self.held, strict=True)
        found = [decode(kind, body) for held_kind, body in held if held_kind is kind]
        wanted = {"account": account, "recipient": recipient, "batch_id": batch_id}
        return [e for e in found if all(v is None or self._field(e, name) == v for name, v in wanted.items())]

    def order(self, digest: bytes) -> Sequence[OrderEnvelope]:
        orders = [e for e in self.read(Kind.ORDER) if isinstance(e, OrderEnvelope)]
        return [e for e in orders if e.order.digest(self._market.domain) == digest]

    def _field(self, envelope: Envelope, name: str) -> Any:
        fields = fields_of(envelope)
        if name == "batch_id" and isinstance(envelope, AskEnvelope):
            return envelope.ask.order_digest
        if name == "batch_id" and isinstance(envelope, BidEnvelope):
            return envelope.bid.order_digest
        return fields.get(name)


class ShoutWorker:
    """A model that answers in upper case, one unit a task; it refuses inputs with `bad` in them."""

    def __init__(self, spoil: Mapping[bytes, bytes], fails: bool) -> None:
        self._spoil = spoil
        self._fails = fails
        self.ran: list[int] = []

    def validate(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[str | None]:
        return ["a bad input" if b"bad" in data else None for data in inputs]

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        if self._fails:
            raise WorkerCrashed(1, "it broke")
        self.ran.append(len(inputs))
        return [self._answer(data) for data in inputs]

    def close(self) -> None:
        return None

    def _answer(self, data: bytes) -> TaskOutput:
        if b"bad" in data:
            return ERROR_RESULT
        return TaskOutput(self._spoil.get(data, data.upper()), 1)


class ShoutWorkshop:
    """Hands out one ShoutWorker; `spoil` replaces answers, `fails` makes every run fail."""

    def __init__(self, spoil: Mapping[bytes, bytes] | None = None, fails: bool = False) -> None:
        self.made = ShoutWorker(spoil or {}, fails)
        self.discarded = 0

    def worker(self, record: ModelRecord) -> ShoutWorker:
        return self.made

    def discard(self, model_id: bytes) -> None:
        self.discarded += 1

    def close(self) -> None:
        return None


class Bench:
    """One market with a model, a funded requester, pools, a shared store and a keeper's account."""

    def __init__(self, folder: Path, market: Any = None, pools: Any = None) -> None:
        self.folder = folder
        self.market = FakeMarket(auditors=0) if market is None else market
        self.pools = FakePools(self.market) if pools is None else pools
        self.store: BlobStore = FolderBlobStore(folder / "store")
        self.requester = Party(self.market, "requester").fund()
        self.keeper = Party(self.market, "keeper")
        self.model_id = self.market.add_model(widen(b"\x77" * 20), sha256(b"manifest").digest(), NumericClass.TOKEN)
        self._nonce = self._match_count = 0

    def policy(self, **changes: Any) -> BiddingPolicy:
        price = ModelPrice(self.model_id, FAKE_USDC, PRICE)
        return replace(BiddingPolicy(prices=(price,)), **changes)

    def provider(self, name: str, workshop: Any = None, party: Party | None = None, **changes: Any) -> ProviderService:
        """A funded provider that works in a folder of its own."""
        chosen = party or Party(self.market, name).fund()
        settings = ProviderSettings(self.folder / name, policy=self.policy(), chunk_tasks=2)
        on_step = changes.pop("on_step", lambda _: None)
        open_store = changes.pop("open_store", lambda _: self.store)
        return build_provider(
            replace(settings, **changes), self.market, chosen.writer, chosen.signer, self.pools,
            [(STORE_URL, self.store)], courts=self.courts(chosen),
            workshop=workshop or ShoutWorkshop(), hardware=MACHINE, open_store=open_store, on_step=on_step,
        )  # fmt: skip

    def courts(self, party: Party) -> Courts | None:
        """The courts that a party's provider knows; none here."""
        return None

    def order(self, replicas: int = 1, inputs: Sequence[bytes] = (b"one", b"two", b"three"), **changes: Any) -> Order:
        """A signed order in the pools, its tasks in the store."""
        record = self.market.model(self.model_id)
        chosen = changes.pop("package_class", record.numeric_class)
        package = TaskPackage({}, changes.pop("document", {}), tuple(inputs), chosen)
        ref = package.put(self.store)
        expires_at = self.market.now() + 3_600
        self._nonce += 1
        order = Order(
            self.requester.account, FAKE_USDC, self.model_id, package.specs_root, len(inputs), 100, PRICE, PRICE, 0, 0,
            replicas, 500_000, 600, 60, 200, 0, 0, NOBODY, NOBODY, NOBODY, 0, 0, expires_at,
            nonce_of(expires_at, 0, self._nonce),
        )  # fmt: skip
        order = replace(order, **changes)
        stores = (STORE_URL,)
        self.pools.publish(OrderEnvelope(order, self.requester.sign(order), ref, stores))
        return order

    def ask(self, order: Order, provider: bytes) -> None:
        """The keeper asks a provider for a bid."""
        ask = Ask(self.keeper.account, provider, order.digest(self.market.domain), order.expires_at)
        self.pools.publish(AskEnvelope(ask, self.keeper.sign(ask)))

    def match(self, order: Order) -> bytes:
        """The keeper matches an order with the bids in the pools; returns the batch."""
        digest = order.digest(self.market.domain)
        bids = [e for e in self.pools.read(Kind.BID, batch_id=digest) if isinstance(e, BidEnvelope)]
        newest = {e.bid.provider: e for e in bids}
        offers = [Offer(e.bid, e.signature, e.membership) for e in list(newest.values())[: order.replicas]]
        key = f"match:{digest.hex()}:{self._match_count}"
        self._match_count += 1
        self.keeper.writer.match(key, order, self.requester.sign(order), offers)
        return digest

    def open_batch(self, order: Order, providers: Sequence[ProviderService]) -> bytes:
        """Ask, let the providers bid, and match."""
        for provider in providers:
            self.ask(order, provider.context.account)
            provider.tick()
        return self.match(order)

    def bring(self, batch_id: bytes) -> None:
        """The keeper brings what the pools hold for a batch."""
        terms = self.market.terms(batch_id)
        place = {cast.provider: k for k, cast in enumerate(terms.casts)}
        key = f"bring:{batch_id.hex()}:{self.market.head()}"
        if len(terms.casts) == 1:
            (post,) = [e for e in self.pools.read(Kind.POST, batch_id=batch_id) if isinstance(e, PostEnvelope)]
            self.keeper.writer.post(key, batch_id, terms, post.top, post.signature)
            return
        commits = [e for e in self.pools.read(Kind.COMMIT, batch_id=batch_id) if isinstance(e, CommitEnvelope)]
        openings = [e for e in self.pools.read(Kind.OPENING, batch_id=batch_id) if isinstance(e, OpeningEnvelope)]
        sealed = [Sealed(place[e.commit.provider], e.commit.commitment, e.signature) for e in commits]
        opened = [Opening(place[e.provider], e.top, e.salt) for e in openings]
        self.keeper.writer.deliver(key, batch_id, terms, sealed, opened)

    def deliveries(self, batch_id: bytes) -> list[DeliveryEnvelope]:
        """What the pools say of outputs."""
        found = self.pools.read(Kind.DELIVERY, batch_id=batch_id)
        return [e for e in found if isinstance(e, DeliveryEnvelope)]

    def phase(self, batch_id: bytes) -> Phase:
        """The stored phase, NONE if the batch is not there."""
        record = self.market.batch(batch_id)
        return Phase.NONE if record is None else Phase(record.phase)


def settle_down(providers: Sequence[ProviderService], ticks: int = 12) -> None:
    """Let every provider tick in turn."""
    for _ in range(ticks):
        for provider in providers:
            provider.tick()
