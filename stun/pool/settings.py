"""How a pool server is set up; each field is also the environment variable `STUN_POOL_<FIELD>`."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

from pydantic_settings import BaseSettings, SettingsConfigDict

from stun.chains.market import MarketReader
from stun.pool.bounds import Bounds
from stun.pool.errors import PoolError


class MarketUnavailable(PoolError):
    """The configured factory of the market cannot be loaded."""

    code = "pool: market factory"


class PoolSettings(BaseSettings):
    """`market_factory` is `module:function(deployment: Path, urls: list[str]) -> MarketReader`, called once.

    Rates are requests a second of one client address; the pool trusts no forwarding header, so behind a proxy the
    proxy limits rates. Times in seconds, sizes in bytes.
    """

    model_config = SettingsConfigDict(env_prefix="STUN_POOL_")

    host: str = "127.0.0.1"
    port: int = 8646
    database: str = "sqlite:///pool.db"
    deployment: Path = Path("deployments/local/evm.json")
    rpc_urls: list[str] = ["http://127.0.0.1:8545"]
    market_factory: str = "stun.chains.evm.market:connect_market"
    max_entries: int = 500_000
    orders_per_requester: int = 1_000
    requests_per_second: float = 200.0
    burst: int = 2_000
    sweep_seconds: float = 2.0
    sweep_window: int = 64
    send_seconds: float = 10.0
    beat_seconds: float = 20.0
    body_seconds: float = 10.0
    listeners: int = 1_000
    listeners_per_address: int = 50

    def bounds(self) -> Bounds:
        """What the store holds at most."""
        return Bounds(entries=self.max_entries, orders_per_requester=self.orders_per_requester)

    def market(self) -> MarketReader:
        """Connect the market. Errors: MarketUnavailable, ChainError."""
        module, _, name = self.market_factory.partition(":")
        try:
            factory = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise MarketUnavailable(f"{self.market_factory!r} names no module:function ({error})") from error
        return cast(Callable[[Path, list[str]], MarketReader], factory)(self.deployment, self.rpc_urls)
