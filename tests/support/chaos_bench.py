"""Provider, matcher and settler in the test's own process on a real node, moved by hand, each behind a node of its own
choice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from chaos_network import PRICE, Network
from provider_bench import MACHINE, ShoutWorkshop

from keepers.build import build_matcher, build_settler
from keepers.jobs.matcher import MatcherJob
from keepers.jobs.settler import SettlerJob
from keepers.pool_mirror import PoolMirror
from keepers.settings import KeeperSettings
from keepers.store.database import open_database
from keepers.supervisor import run_cycle
from stun.chains.evm.court import EvmCourts
from stun.chains.evm.market import EvmMarket
from stun.pool.pool_set import PoolSet
from stun.provider.executor import ProviderService
from stun.provider.policy import BiddingPolicy, ModelPrice
from stun.provider.service import build_provider
from stun.provider.settings import ProviderSettings
from stun.storage.http import HttpBlobStore

TICKS = 40


@dataclass
class ChaosBench:
    """Actors of one network, each over the endpoints it is given, the honest node by default."""

    network: Network
    providers: list[ProviderService] = field(default_factory=list)
    keepers: list[MatcherJob | SettlerJob] = field(default_factory=list)
    pools: list[PoolSet] = field(default_factory=list)

    def provider(
        self, name: str, *urls: str, spoil: Mapping[bytes, bytes] | None = None, native: bool = False
    ) -> ProviderService:
        """A provider that shouts; `spoil` makes it answer otherwise, `native` makes it post by itself."""
        network = self.network
        market = network.connect(*urls)
        prices = tuple(ModelPrice(network.model_id, asset, PRICE) for asset in network.assets)
        settings = ProviderSettings(
            network.folder / name, policy=BiddingPolicy(prices, max_batches=64), store_urls=(network.store_url,),
            native=native, retry_seconds=1,
        )  # fmt: skip
        writer = network.writer(name, market)
        service = build_provider(
            settings, market, writer, network.accounts[name], self._pools(market),
            courts=EvmCourts(market, writer.sender), workshop=ShoutWorkshop(spoil), hardware=MACHINE,
        )  # fmt: skip
        self.providers.append(service)
        return service

    def matcher(self, *urls: str) -> MatcherJob:
        """The matcher."""
        market = self.network.connect(*urls)
        mirror = PoolMirror(self._pools(market), market.domain, market.now)
        job = build_matcher(
            market, self.network.writer("matcher", market), mirror, self._settings(),
            sign=self.network.accounts["matcher"].sign_digest,
            database=open_database(self.network.folder / "matcher" / "keeper.db"),
        )  # fmt: skip
        self.keepers.append(job)
        return job

    def settler(self, *urls: str) -> SettlerJob:
        """The settler."""
        market = self.network.connect(*urls)
        job = build_settler(
            market, self.network.writer("settler", market), self._pools(market), self._settings(),
            stores=[HttpBlobStore(self.network.store_url)],
            database=open_database(self.network.folder / "settler" / "keeper.db"),
        )  # fmt: skip
        self.keepers.append(job)
        return job

    def tick(self) -> None:
        """Let everybody do one cycle; a keeper's error of the world is tried again, as its supervisor does."""
        for keeper in self.keepers:
            run_cycle(keeper)
        for provider in self.providers:
            provider.tick()

    def until(self, done: Callable[[], bool], ticks: int = TICKS, seconds: int = 1) -> None:
        """Tick until something is so, `seconds` of the chain's clock apart."""
        for _ in range(ticks):
            if done():
                return
            self.tick()
            self.network.travel(seconds)
        assert done(), f"it did not come to pass within {ticks} cycles"

    def close(self) -> None:
        """Let go of every journal and connection."""
        for provider in self.providers:
            provider.close()
        for pool in self.pools:
            pool.close()

    def _pools(self, market: EvmMarket) -> PoolSet:
        self.pools.append(self.network.connect_pools(market))
        return self.pools[-1]

    @staticmethod
    def _settings() -> KeeperSettings:
        return KeeperSettings(slot_seconds=0, facts_seconds=0, bid_window=1, patience=2, ask_again=1, ask_seconds=30)


@contextmanager
def chaos_bench(network: Network) -> Iterator[ChaosBench]:
    """A bench whose actors are let go of at the end."""
    bench = ChaosBench(network)
    try:
        yield bench
    finally:
        bench.close()


def names_of(network: Network, batch_id: bytes) -> Sequence[str]:
    """The names of a batch's events, in order."""
    return [event.name for event in network.market.events(0, network.market.head(), batch_id)]
