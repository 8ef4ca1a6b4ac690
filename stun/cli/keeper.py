"""`stun keeper`: the bots that the contracts pay for permissionless duties."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click
from pydantic import ValidationError
from stun_sdk import SettingsInvalid, StunClient
from stun_sdk.network import DEVNET

from keepers.main import Means, make_matcher, make_settler
from keepers.settings import KeeperSettings
from keepers.supervisor import KeeperJob, Supervisor, run_cycle
from stun.chains.evm.accounts import EvmAccount
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.cli.session import Session, pass_session
from stun.pool.pool_set import PoolSet
from stun.storage.http import HttpBlobStore

_MAKE: dict[str, Callable[[Means], KeeperJob]] = {"matcher": make_matcher, "settler": make_settler}
# On a development network seconds count: its windows are short and nobody else serves it.
_DEVNET: dict[str, Any] = {
    "tick_seconds": 0.5,
    "bid_window": 2,
    "facts_seconds": 1,
    "deadline_margin": 8,
    "slot_seconds": 0,
}


@click.group()
def keeper() -> None:
    """Keep the market going, for a fee."""


@keeper.command()
@click.argument("duty", type=click.Choice(list(_MAKE)))
@click.option("--database", type=click.Path(path_type=Path), help="Where it remembers what it did.")
@click.option("--once", is_flag=True, help="Run one cycle and end.")
@pass_session
def start(session: Session, duty: str, database: Path | None, once: bool) -> None:
    """Start a keeper and run until it is stopped. Without a key it only tells what it would send.

    Everything else is set by STUN_KEEPER_* variables.
    """
    client = session.actor()
    settings = keeper_settings(client, database or client.connection.folder / f"{duty}.db")
    job = _MAKE[duty](make_means(session, client, settings))
    session.output.record({"keeper": duty, "dry_run": session.rehearsing}, f"{duty}{_dry(session)} is at work")
    if once:
        run_cycle(job)
        return
    if settings.metrics_port:
        job.metrics.serve(settings.metrics_port, settings.metrics_host)
    supervisor = Supervisor(job, settings.tick_seconds)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stop())
    click.get_current_context().exit(supervisor.run())


def keeper_settings(client: StunClient, database: Path) -> KeeperSettings:
    """The keeper's settings: this network's places, and what STUN_KEEPER_* says. Errors: SettingsInvalid."""
    settings = client.settings
    places: dict[str, Any] = {
        "deployment": settings.deployment, "rpc_urls": list(settings.rpc_urls), "pools": list(settings.pool_urls),
        "stores": list(settings.store_urls), "database": database, "first_block": client.connection.first_block,
    }  # fmt: skip
    try:
        said = KeeperSettings().model_dump(exclude_unset=True)
        defaults = _DEVNET if settings.network == DEVNET else {}
        return KeeperSettings(**(defaults | said | places))
    except ValidationError as error:
        fields = ", ".join(str(each["loc"][0]) for each in error.errors())
        raise SettingsInvalid(f"STUN_KEEPER_*: wrong values for {fields}") from None


def make_means(session: Session, client: StunClient, settings: KeeperSettings) -> Means:
    """What a keeper works with, out of a client."""
    market, signer, writer = client.market, client.connection.signer, client.connection.writer
    assert isinstance(market, EvmMarket), "the command connects EVM markets"
    stores = [HttpBlobStore(url) for url in client.settings.store_urls]
    pools = cast(PoolSet, client.connection.pools)
    if session.rehearsing:
        return Means(settings, market, pools, stores, None, None)
    assert isinstance(signer, EvmAccount), "an actor that acts has a key"
    assert isinstance(writer, EvmMarketWriter), "an actor that acts has a writer"
    return Means(settings, market, pools, stores, signer, writer)


def _dry(session: Session) -> str:
    return " (dry run)" if session.rehearsing else ""
