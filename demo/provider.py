"""A provider of the demonstration as a process: honest, or one that swaps the model for a cheaper one.

`python -m demo.provider SETTINGS.json`; the key comes in STUN_KEY. The dishonest one runs the same bot with the workers
of demo/cheat.py.
"""

import json
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from demo.cheat import CheapModels, CheapWorkshop
from demo.network import STUN
from stun.chains.evm.accounts import from_environment
from stun.chains.evm.court import EvmCourts
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market import connect_market
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.sender import Sender
from stun.pool.client import PoolClient
from stun.pool.pool_set import PoolSet
from stun.provider.context import ProviderContext
from stun.provider.executor import ProviderService
from stun.provider.policy import BiddingPolicy, ModelPrice
from stun.provider.service import build_provider
from stun.provider.settings import ProviderSettings


def cheapen(honest: ProviderContext) -> ProviderService:
    """Return the same provider, saving on the model: before the requester, and before the court."""
    workshop = CheapWorkshop(honest.workshop, honest.stores, honest.settings.folder)
    return ProviderService(replace(honest, workshop=workshop, models=CheapModels(honest.stores)))


def main(path: str) -> None:
    """Run until asked to end."""
    given = json.loads(Path(path).read_text())
    account = from_environment()
    if account is None:
        raise SystemExit("STUN_KEY is not set")
    market = connect_market(Path(given["deployment"]), [given["rpc_url"]])
    folder = Path(given["folder"])
    writer = EvmMarketWriter(Sender(account, market.reader, IntentStore.open(folder / "intents.db")), market)
    price = ModelPrice(bytes.fromhex(given["model_id"]), market.stun, floor=given["price"])
    settings = ProviderSettings(
        folder=folder,
        policy=BiddingPolicy((price,), min_pay={market.stun: STUN // 1_000}),
        store_urls=(given["blob_url"],),
        poll_seconds=0.5,
    )
    pools = PoolSet([PoolClient(given["pool_url"], market)])
    courts = EvmCourts(market, writer.sender)
    service = build_provider(settings, market, writer, account, pools, courts=courts)
    if given["cheap"]:
        service = cheapen(service.context)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    service.run_forever(stop)


if __name__ == "__main__":
    main(sys.argv[1])
