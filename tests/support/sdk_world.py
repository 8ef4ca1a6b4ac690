"""A client of the SDK on the market in memory, with providers that really work beside it."""

from pathlib import Path
from typing import Any

from fake_market import FAKE_USDC, FakeMarket
from model_archives import torchscript_members, write_zip
from provider_bench import Bench, FakePools, Party, ShoutWorkshop, settle_down
from stun_sdk import Model, Settings, StunClient, TaskResult
from stun_sdk.network import Connection
from stun_sdk.task import parse_id

from stun.pool.reading import PoolReading
from stun.protocol.market.state import Phase
from stun.provider.executor import ProviderService
from stun.provider.policy import BiddingPolicy, ModelPrice

PRICE = 10**6
INPUTS = (b"one", b"two", b"three")


class SdkPools(FakePools, PoolReading):
    """Pools in memory with the typed reads that a client uses."""


class SdkWorld:
    """A market, a requester's client, and providers; nothing happens unless `work` is called."""

    def __init__(self, folder: Path) -> None:
        market = FakeMarket(auditors=0)
        self.folder = folder
        self.bench = Bench(folder, market, SdkPools(market))
        self.market = self.bench.market
        self.pools: SdkPools = self.bench.pools
        self.store = self.bench.store
        self.requester = self.bench.requester
        self.providers: list[ProviderService] = []

    def client(self, party: Party | None = None, store: Any = None, **settings: Any) -> StunClient:
        """A client of the requester, or of another party."""
        who = party or self.requester
        limits = {"asset": "USDC", "poll_seconds": 0.01, "timeout_seconds": 5.0, "offer_seconds": 0.0}
        folder = self.folder / "state" / who.account.hex()
        chosen = store or self.store
        return StunClient(
            connection=Connection(
                self.market, self.pools, chosen, (), {"STUN": self.market.stun, "USDC": FAKE_USDC}, folder,
                Settings(**(limits | settings)), who.writer, who.signer, lambda _: chosen,
            )
        )  # fmt: skip

    def reader(self) -> StunClient:
        """A client without a key."""
        link = self.client().connection
        return StunClient(
            connection=Connection(
                link.market, link.pools, link.store, (), link.assets, self.folder / "state" / "nobody", link.settings
            )
        )

    def upload(self, client: StunClient) -> str:
        """Register a small model of class opaque; return its id."""
        self.market.mint(self.market.stun, self.requester.account, 10**13)
        return client.upload_model(Model.from_file(write_zip(self.folder / "my_model.pth", torchscript_members())))

    def add_provider(
        self, model_id: str | bytes, name: str, price: int = PRICE, workshop: Any = None, **spoil: Any
    ) -> ProviderService:
        """A provider that serves the model and advertises it, with workers of `workshop` or such as shout."""
        policy = BiddingPolicy((ModelPrice(parse_id(model_id, "model"), FAKE_USDC, price),))
        workshop = workshop or ShoutWorkshop(**spoil)
        party = Party(self.market, name).fund()
        provider = self.bench.provider(name, workshop, party, policy=policy, max_failures=1)
        provider.tick()
        self.providers.append(provider)
        return provider

    def match(self, result: TaskResult) -> None:
        """Every provider is asked and bids, the keeper matches."""
        self.bench.open_batch(result.order, self.providers)

    def finish(self, result: TaskResult) -> None:
        """Let the providers compute, bring what they signed, and let them deliver."""
        settle_down(self.providers)
        self.bench.bring(result.batch_id)
        settle_down(self.providers)

    def settle(self, result: TaskResult) -> None:
        """Let the window pass and end the batch."""
        status = result.status()
        assert self.bench.phase(result.batch_id) is Phase.RESULTS
        self.market.clock += 10_000
        root, units = status.agreed or (bytes(32), 0)
        terms = self.market.terms(result.batch_id)
        self.bench.keeper.writer.settle(f"settle:{result.id}", result.batch_id, terms, root, units)
