"""The market in memory walks a lone batch and one of two replicas from the deposit to the last balance."""

from hashlib import sha256

import pytest
from eth_account import Account
from fake_market import FAKE_USDC, FakeMarket
from fake_writer import FakeWriter

from stun.chains.evm.addresses import widen
from stun.chains.interface import IntentState
from stun.chains.market import MarketReader, MarketWriter, Offer, Opening, Sealed
from stun.protocol.errors import Rejected
from stun.protocol.market.state import Phase
from stun.protocol.messages import NOBODY, Bid, Commit, Message, Order, nonce_of
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import Result, ResultsTree
from stun.protocol.trees.specs import commitment


class Party:
    """An account with a key, money in the market and stake."""

    def __init__(self, market: FakeMarket, name: str) -> None:
        self.key = Account.from_key(sha256(name.encode()).digest())
        self.market = market
        self.writer = FakeWriter(market, widen(bytes.fromhex(self.key.address[2:])))
        market.mint(FAKE_USDC, self.account, 10**9)
        market.mint(market.stun, self.account, 10**12)
        self.writer.deposit("deposit", FAKE_USDC, 10**9, self.account)
        self.writer.stake("stake", 10**12)

    @property
    def account(self) -> bytes:
        return self.writer.account

    def sign(self, message: Message) -> bytes:
        return bytes(Account.unsafe_sign_hash(message.digest(self.market.domain), self.key.key).signature)


@pytest.fixture
def market() -> FakeMarket:
    return FakeMarket()


def order_of(market: FakeMarket, requester: Party, replicas: int, price: int = 10**6) -> Order:
    model = market.add_model(widen(b"\x77" * 20), bytes(31) + b"\x01", NumericClass.TOKEN)
    expires_at = market.now() + 3_600
    return Order(
        requester.account, FAKE_USDC, model, b"\x01" * 32, 2, 100, price, price, 0, 0, replicas, 500_000, 600, 60,
        200, 0, 0, bytes(32), NOBODY, NOBODY, 0, 0, expires_at, nonce_of(expires_at, 0, replicas),
    )  # fmt: skip


def open_batch(market: FakeMarket, requester: Party, providers: list[Party]) -> bytes:
    order = order_of(market, requester, len(providers))
    batch_id = order.digest(market.domain)
    bids = [Bid(provider.account, batch_id, 10**6, NOBODY, order.expires_at) for provider in providers]
    offers = [Offer(bid, provider.sign(bid)) for bid, provider in zip(bids, providers, strict=True)]
    stranger = Party(market, "stranger")
    stranger.writer.match("match", order, requester.sign(order), offers)
    return batch_id


def test_lone_batch_is_posted_and_settled(market: FakeMarket) -> None:
    requester, provider = Party(market, "requester"), Party(market, "provider")
    batch_id = open_batch(market, requester, [provider])
    terms = market.terms(batch_id)
    tree = ResultsTree([Result(b"\x01" * 32, 60), Result(b"\x02" * 32, 40)])
    provider.writer.post("post", batch_id, terms, tree.top)
    record = market.batch(batch_id)
    assert record is not None
    assert record.phase == Phase.RESULTS
    market.clock += 200
    intent = requester.writer.settle("settle", batch_id, terms, tree.root, 100)
    assert requester.writer.wait(intent).state is IntentState.INCLUDED
    assert requester.writer.settle("settle", batch_id, terms, tree.root, 100) is intent
    assert market.batch(batch_id) is None
    assert market.balance(FAKE_USDC, provider.account) == 10**9 + 80
    names = [event.name for event in market.events(1, market.head(), batch_id)]
    assert names == ["BatchOpened", "Posted", "Settled"]


def test_two_replicas_commit_and_reveal_through_a_stranger(market: FakeMarket) -> None:
    requester, providers = Party(market, "requester"), [Party(market, "one"), Party(market, "two")]
    batch_id = open_batch(market, requester, providers)
    tree = ResultsTree([Result(b"\x01" * 32, 60), Result(b"\x02" * 32, 40)])
    sealed, openings = [], []
    for k, provider in enumerate(providers):
        word = commitment(batch_id, provider.account, tree.root, 100, bytes([k]) * 32)
        sealed.append(Sealed(k, word, provider.sign(Commit(batch_id, provider.account, word))))
        openings.append(Opening(k, tree.top, bytes([k]) * 32))
    stranger = FakeWriter(market, widen(b"\x99" * 20))
    stranger.deliver("deliver", batch_id, market.terms(batch_id), sealed, openings)
    record = market.batch(batch_id)
    assert record is not None
    assert record.phase == Phase.RESULTS
    assert record.digests[0] == record.digests[1] != bytes(32)


def test_refusal_is_raised_and_kept_under_its_key(market: FakeMarket) -> None:
    requester, provider = Party(market, "requester"), Party(market, "provider")
    batch_id = open_batch(market, requester, [provider])
    terms = market.terms(batch_id)
    with pytest.raises(Rejected, match="batches: signer"):
        requester.writer.leave("leave", batch_id, terms, 0)
    failed = requester.writer.intents["leave"]
    assert failed.state is IntentState.FAILED
    with pytest.raises(Rejected, match="batches: signer"):
        requester.writer.wait(failed)


def test_forged_signature_is_no_signature(market: FakeMarket) -> None:
    requester, provider = Party(market, "requester"), Party(market, "provider")
    order = order_of(market, requester, 1)
    bid = Bid(provider.account, order.digest(market.domain), 10**6, NOBODY, order.expires_at)
    stranger = FakeWriter(market, widen(b"\x99" * 20))
    with pytest.raises(Rejected, match="orders: signature"):
        stranger.match("match", order, provider.sign(order), [Offer(bid, provider.sign(bid))])
    assert not market.is_signed_by(requester.account, order.digest(market.domain), provider.sign(order))


def test_a_wallet_pays_what_it_deposits(market: FakeMarket) -> None:
    writer = FakeWriter(market, widen(b"\x99" * 20))
    with pytest.raises(Exception, match="too little"):
        writer.deposit("deposit", FAKE_USDC, 5, writer.account)
    market.mint(FAKE_USDC, writer.account, 5)
    with pytest.raises(Rejected, match="ledger: nobody"):
        writer.deposit("nobody", FAKE_USDC, 5, NOBODY)
    assert market.wallet_balance(FAKE_USDC, writer.account) == 5
    writer.deposit("again", FAKE_USDC, 5, writer.account)
    writer.withdraw("out", FAKE_USDC, 3, writer.account)
    assert market.wallet_balance(FAKE_USDC, writer.account) == 3
    assert market.balance(FAKE_USDC, writer.account) == 2


def test_fake_has_the_shape_of_the_real_thing(market: FakeMarket) -> None:
    assert isinstance(market, MarketReader)
    assert isinstance(FakeWriter(market, widen(b"\x99" * 20)), MarketWriter)
