"""`stun provider`: this machine as a provider."""

import json
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import click
from rich.live import Live
from stun_sdk import KeyMissing, StunClient, TaskInvalid
from stun_sdk.network import open_stores
from stun_sdk.task import parse_id

from stun.chains.evm.court import EvmCourts
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.cli.amounts import parse_amount
from stun.cli.names import address
from stun.cli.open_policy import ANY_MODEL, OpenPolicy
from stun.cli.session import Session, pass_session
from stun.pool.pool_set import PoolSet
from stun.provider.dashboard import render, take_snapshot
from stun.provider.executor import Cycle, ProviderService
from stun.provider.hardware import Cpu, Gpu, Hardware, detect_hardware
from stun.provider.policy import BiddingPolicy, ModelPrice
from stun.provider.service import build_provider
from stun.provider.settings import ProviderSettings, read_settings

_FRESH_SECONDS = 20  # lifetime of a profile that offers every model, so that new ones are soon in it


@click.group()
def provider() -> None:
    """Earn with this machine."""


@provider.command()
@click.option("--model", "models", multiple=True, metavar="ID", help="A model to serve.")
@click.option("--any-model", is_flag=True, help="Serve every registered model whose runner is here.")
@click.option("--price", help="Least price per 10^6 units.")
@click.option("--asset", help="STUN, USDC or a token's address.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Journal, blobs and model cache.")
@click.option("--settings", "file", type=click.Path(path_type=Path), help="All settings, as TOML.")
@click.option(
    "--hardware", type=click.Path(path_type=Path), help="Declared hardware, as JSON, instead of what is found."
)
@click.option(
    "--max-batches", type=click.IntRange(1), default=32, show_default=True, help="Most at once, until settled."
)
@click.option("--unasked", is_flag=True, help="Bid on every order, not only when a matcher asks.")
@click.option("--native", is_flag=True, help="Post by an own transaction at once, without waiting for a settler.")
@click.option("--once", is_flag=True, help="Run one cycle and end.")
@click.option("--plain", is_flag=True, help="No dashboard.")
@pass_session
def start(session: Session, /, once: bool, plain: bool, hardware: Path | None, **options: Any) -> None:
    """Start a provider and run until it is stopped (Ctrl-C); what was begun goes on at the next start.

    Without a key, or with --dry-run, it looks and decides, and sends nothing.
    """
    client = session.actor()
    if client.connection.signer is None:
        raise KeyMissing("a provider signs its bids, so it")
    settings = provider_settings(client, **options)
    service = _build(session, client, settings, detect_hardware() if hardware is None else read_hardware(hardware))
    who = address(service.context.account)
    record = {"provider": who, "models": len(settings.policy.listed()), "folder": str(settings.folder)}
    session.output.record(record, f"provider {who} in {settings.folder}")
    if once:
        service.tick()
        service.close()
        return
    serve(service, dashboard=not plain and not session.output.as_json)


def provider_settings(
    client: StunClient, models: tuple[str, ...], any_model: bool, price: str | None, asset: str | None,
    folder: Path | None, file: Path | None, max_batches: int, unasked: bool, native: bool,
) -> ProviderSettings:  # fmt: skip
    """The owner's settings from options or a file. Errors: TaskInvalid, SettingsInvalid."""
    place = folder or client.connection.folder / "provider"
    if file is not None:
        return read_settings(file)
    if not models and not any_model:
        raise TaskInvalid("model", "name models by --model, or serve every one by --any-model")
    wanted = client.accounts.asset(asset)
    if price is None:
        raise TaskInvalid("price", "say by --price what 10^6 units cost at least")
    floor = parse_amount(price, client.accounts.name_of(wanted), "price")
    prices = tuple(ModelPrice(parse_id(name, "model"), wanted, floor) for name in models)
    fallback = ModelPrice(ANY_MODEL, wanted, floor) if any_model else None
    prices = prices if fallback is None else (*prices, fallback)
    policy: BiddingPolicy = OpenPolicy(prices, max_batches, not unasked, fallback=fallback, models=client.market.models)
    urls = client.connection.store_urls
    settings = ProviderSettings(place, policy=policy, store_urls=urls, native=native, poll_seconds=0.5)
    return replace(settings, profile_seconds=_FRESH_SECONDS) if any_model else settings


def read_hardware(path: Path) -> Hardware:
    """Hardware as its owner declares it: {"gpus": [{"name", "memory" (bytes), "compute_capability" [8, 0]}], "memory",
    "tee"}. For machines whose devices cannot be seen from here; a provider that declares what it lacks earns nothing.

    Errors: TaskInvalid.
    """
    try:
        document = json.loads(path.read_text())
        gpus = tuple(_gpu(entry) for entry in document.get("gpus", []))
        found = detect_hardware()
        memory = int(document.get("memory", found.memory))
        return Hardware(
            gpus, Cpu(found.cpu.name, found.cpu.cores, found.cpu.flags), memory, str(document.get("tee", ""))
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TaskInvalid("hardware", f"{path} declares no hardware ({error})") from error


def serve(service: ProviderService, dashboard: bool) -> None:
    """Run until SIGINT or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if not dashboard:
        service.run_forever(stop)
        return
    try:
        with Live(render(take_snapshot(service, Cycle())), refresh_per_second=2) as live:
            while not stop.is_set():
                cycle = service.tick()
                live.update(render(take_snapshot(service, cycle)))
                stop.wait(0 if cycle.busy else service.context.settings.poll_seconds)
    finally:
        service.close()


def _build(session: Session, client: StunClient, settings: ProviderSettings, hardware: Hardware) -> ProviderService:
    signer, market = client.connection.signer, client.market
    assert signer is not None, "checked before"
    settings.folder.mkdir(parents=True, exist_ok=True)
    stores = list(zip(settings.store_urls, open_stores(client.settings)[-len(settings.store_urls) :], strict=False))
    pools = cast(PoolSet, client.connection.pools)
    assert isinstance(market, EvmMarket), "the command connects EVM markets"
    writer = None if session.dry_run else client.connection.writer
    courts = EvmCourts(market, writer.sender if isinstance(writer, EvmMarketWriter) else None)
    return build_provider(settings, market, writer, signer, pools, stores, courts=courts, hardware=hardware)


def _gpu(entry: dict[str, Any]) -> Gpu:
    capability = entry.get("compute_capability")
    pair = None if capability is None else (int(capability[0]), int(capability[1]))
    return Gpu(str(entry["name"]), int(entry["memory"]), pair)
