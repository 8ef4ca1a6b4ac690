"""A provider on a real node with the deployed court, and somebody who asks it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from defence_bench import Asked, ExactWorkshop, inputs_of
from dispute_chain import PRICE, DisputeChain
from provider_bench import MACHINE, STORE_URL, FakePools

from scripts.bench.gas_chain import GasChain, Party
from stun.chains.evm.court import EvmCourts, EvmCourtWriter
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.sender import Sender
from stun.chains.market import ChainEvent, Offer
from stun.pool.envelopes import AskEnvelope, BidEnvelope, Kind, OrderEnvelope
from stun.protocol.court import actions
from stun.protocol.court.state import Demand, Stage
from stun.protocol.market.state import Phase
from stun.protocol.messages import NOBODY, Ask, Order, nonce_of
from stun.protocol.parameters import NumericClass
from stun.provider.executor import ProviderService
from stun.provider.policy import BiddingPolicy, ModelPrice
from stun.provider.service import build_provider
from stun.provider.settings import ProviderSettings
from stun.storage.packages import TaskPackage


class AskedCourt:
    """The deployed court as `Asked` uses it, with a party that acts before it."""

    def __init__(self, disputes: DisputeChain, party: Party) -> None:
        self._disputes = disputes
        self._writer = EvmCourtWriter(party.writer.sender, disputes.court)

    @property
    def log(self) -> Sequence[ChainEvent]:
        court = self._disputes.court
        return court.events(0, self._disputes.chain.market.head())

    def act(self, action: actions.Action) -> None:
        """Take an action and wait for its block. Errors: Rejected."""
        chain = self._disputes.chain
        named = getattr(action, "parent", None)
        batch_id = getattr(action, "batch_id", None) or named.demand.batch_id
        intent = self._writer.act(chain.key(), action, chain.market.terms(batch_id))
        self._writer.sender.wait(intent)

    def stage(self, demand: Demand) -> Stage | None:
        return self._disputes.court.stage(demand)

    def was_convicted(self, batch_id: bytes, replica: int) -> bool:
        return self._disputes.court.was_convicted(batch_id, replica)


class DefenceChain:
    """One provider, whose folder and keys outlive it, and a curious party."""

    def __init__(self, disputes: DisputeChain, folder: Path) -> None:
        self.disputes, self.folder = disputes, folder
        self.chain: GasChain = disputes.chain
        self.market = self.chain.market
        self.asker = self.chain.parties[8]
        self.court = AskedCourt(disputes, self.asker)
        self.pools = FakePools(self.market)  # type: ignore[arg-type]

    @property
    def sent(self) -> int:
        """How many transactions of the provider the chain has."""
        return self.market.view().nonce(self.chain.providers[0].account.address)

    def provider(self, on_step: Callable[[str], None] = lambda _: None) -> ProviderService:
        """The provider, begun or begun again."""
        account = self.chain.providers[0].account
        intents = IntentStore.open(self.folder / "intents.db")
        sender = Sender(account, self.market.reader, intents, on_step=on_step, poll=0.01)
        price = ModelPrice(self.disputes.model, self.market.stun, PRICE)
        settings = ProviderSettings(
            self.folder / "provider", policy=BiddingPolicy((price,), max_batches=64), native=True, retry_seconds=1
        )
        return build_provider(
            settings, self.market, EvmMarketWriter(sender, self.market), account, self.pools,
            [(STORE_URL, self.disputes.store)], courts=EvmCourts(self.market, sender),
            workshop=ExactWorkshop(self.folder / "work"), hardware=MACHINE,
            open_store=lambda _: self.disputes.store, on_step=on_step,
        )  # fmt: skip

    def with_results(self, provider: ProviderService, inputs: Sequence[bytes] | None = None) -> Asked:
        """Order, bid, match, compute and post."""
        tasks = inputs_of() if inputs is None else inputs
        order = self._order(tasks)
        batch_id = order.digest(self.market.domain)
        provider.tick()
        [bid] = [e for e in self.pools.read(Kind.BID, batch_id=batch_id) if isinstance(e, BidEnvelope)]
        matcher, requester = self.chain.matcher, self.chain.requester
        signature = self.chain.sign(requester, order)
        offers = [Offer(bid.bid, bid.signature)]
        matcher.writer.wait(matcher.writer.match(self.chain.key(), order, signature, offers))
        for _ in range(40):
            provider.tick()
            record = self.market.batch(batch_id)
            if record is not None and record.phase is Phase.RESULTS:
                return Asked(self, provider, order, tasks, self.asker.id)
        raise AssertionError("the provider posts nothing")

    def end(self, provider: ProviderService, asked: Asked) -> None:
        """Let window and holds pass until the provider has settled the batch."""
        for _ in range(20):
            self.chain.node.travel(120)
            provider.tick()
            if self.market.batch(asked.batch_id) is None:
                return
        raise AssertionError("the batch does not end")

    def _order(self, inputs: Sequence[bytes]) -> Order:
        self.disputes.orders += 1
        package = TaskPackage({}, {}, tuple(inputs), NumericClass.EXACT)
        expires_at = self.market.now() + 3_600
        changes: dict[str, Any] = {
            "model_id": self.disputes.model, "specs_root": package.specs_root, "count": len(inputs), "max_units": 100,
            "start_price": PRICE, "max_price": PRICE, "expires_at": expires_at,
        }  # fmt: skip
        order = Order(
            requester=self.chain.requester.id, asset=self.market.stun, ramp_start=0, ramp_seconds=0, replicas=1,
            audit_ppm=100_000, post_seconds=600, task_seconds=1, challenge_seconds=600, tier=0, flags=0,
            recipient_key=NOBODY, matcher=NOBODY, providers_root=NOBODY, tip=0, config=0,
            nonce=nonce_of(expires_at, 11, self.disputes.orders), **changes,
        )  # fmt: skip
        signature = self.chain.sign(self.chain.requester, order)
        self.pools.publish(OrderEnvelope(order, signature, package.put(self.disputes.store), (STORE_URL,)))
        ask = Ask(self.chain.matcher.id, self.chain.providers[0].id, order.digest(self.market.domain), expires_at)
        self.pools.publish(AskEnvelope(ask, self.chain.sign(self.chain.matcher, ask)))
        return order
