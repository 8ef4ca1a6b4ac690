"""Provider, matcher and settler as processes of their own that can be killed (-9) at any durable write."""

import json
import os
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos_network import PRICE, Network
from provider_bench import MACHINE, ShoutWorkshop
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

import keepers.main
from stun.chains.evm.accounts import from_environment
from stun.chains.evm.court import EvmCourts
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market import connect_market
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.rpc import Finality
from stun.chains.evm.sender import Sender
from stun.cli.devnet_setup import named_keys
from stun.pool.client import PoolClient
from stun.pool.pool_set import PoolSet
from stun.provider.policy import BiddingPolicy, ModelPrice
from stun.provider.service import build_provider
from stun.provider.settings import ProviderSettings

KEEPER_MARGIN = 200  # seconds before a deadline at which the settler brings what there is


@dataclass(frozen=True)
class Part:
    """What one actor needs to play: its duty, its environment, and for a provider how it works."""

    name: str
    duty: str
    env: dict[str, str] = field(repr=False)
    log: Path
    means: dict[str, Any] = field(default_factory=dict)


def keeper_part(network: Network, duty: str, url: str | None = None, **settings: Any) -> Part:
    """A matcher or settler, set up by its environment as an owner does."""
    given = {
        "DEPLOYMENT": str(network.deployment), "RPC_URLS": json.dumps([url or network.url]),
        "POOLS": json.dumps([network.pool_url]), "STORES": json.dumps([network.store_url]),
        "DATABASE": str(network.folder / duty / "keeper.db"), "TICK_SECONDS": "0.4", "BID_WINDOW": "2",
        "FACTS_SECONDS": "1", "DEADLINE_MARGIN": str(KEEPER_MARGIN), "SLOT_SECONDS": "0", "PATIENCE": "5",
        "ASK_SECONDS": "30", "ASK_AGAIN": "30",
    }  # fmt: skip
    env = {f"STUN_KEEPER_{name}": value for name, value in (given | settings).items()}
    return Part(duty, duty, env | _key(duty), network.folder / f"{duty}.log")


def provider_part(network: Network, name: str, url: str | None = None, **means: Any) -> Part:
    """A provider that shouts. `native`: it posts by itself; `spoil`: inputs that it answers otherwise."""
    given: dict[str, Any] = {
        "deployment": str(network.deployment), "url": url or network.url, "pool": network.pool_url,
        "store": network.store_url, "folder": str(network.folder / name), "model": network.model_id,
        "prices": {asset: PRICE + index for index, asset in enumerate(network.assets)},
    }  # fmt: skip
    return Part(name, "provider", _key(name), network.folder / f"{name}.log", given | means)


def play(part: Part, fuse: int) -> None:
    """Be this actor until asked to end; killed (-9) before or after the `fuse`-th durable write (0: never)."""
    with part.log.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.update(part.env)
    if fuse:
        light(fuse)
    if part.duty == "provider":
        _provide(part.means)
    else:
        keepers.main.main.main([part.duty])


def light(fuse: int) -> None:
    """Kill this process at its `fuse`-th beginning or end of a database's commit."""
    left = fuse

    def burn(_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", burn)
    event.listen(Session, "after_commit", burn)


def _provide(means: dict[str, Any]) -> None:
    account, folder = from_environment(), Path(means["folder"])
    assert account is not None, "a provider has a key"
    market = connect_market(Path(means["deployment"]), [means["url"]], Finality(means.get("confirmations", 0)))
    writer = EvmMarketWriter(Sender(account, market.reader, IntentStore.open(folder / "intents.db")), market)
    prices = tuple(ModelPrice(means["model"], asset, price) for asset, price in means["prices"].items())
    settings = ProviderSettings(
        folder, policy=BiddingPolicy(prices, max_batches=512), store_urls=(means["store"],), poll_seconds=0.3,
        native=means.get("native", False), chunk_tasks=3, retry_seconds=2,
    )  # fmt: skip
    service = build_provider(
        settings, market, writer, account, PoolSet([PoolClient(means["pool"], market)]),
        courts=EvmCourts(market, writer.sender), workshop=ShoutWorkshop(means.get("spoil")), hardware=MACHINE,
    )  # fmt: skip
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    service.run_forever(stop)


def _key(name: str) -> dict[str, str]:
    return {"STUN_KEY": "0x" + named_keys()[name].hex()}
