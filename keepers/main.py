"""`python -m keepers.main matcher|settler`: a keeper as a process. Settings come from STUN_KEEPER_* (settings.py).

Exit codes: 0 stopped; 2 wrong settings; 70 a defect ended it.
"""

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click
from pydantic import ValidationError

from keepers.build import build_matcher, build_settler
from keepers.jobs.requirements import StoredRequirements
from keepers.logs import configure_logs
from keepers.pool_mirror import PoolMirror
from keepers.settings import KeeperSettings
from keepers.supervisor import KeeperJob, Supervisor
from stun.chains.evm.accounts import EvmAccount, from_environment, from_keystore, passphrase_from_environment
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market import EvmMarket, connect_market
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.sender import Sender
from stun.pool.client import PoolClient
from stun.pool.pool_set import PoolSet
from stun.protocol.errors import StunError
from stun.storage.http import HttpBlobStore

EXIT_SETTINGS = 2


@dataclass(frozen=True)
class Means:
    """What a keeper works with; `writer` and `account` are None in a dry run."""

    settings: KeeperSettings
    market: EvmMarket
    pools: PoolSet
    stores: list[HttpBlobStore]
    account: EvmAccount | None
    writer: EvmMarketWriter | None


def tell(kind: str, what: dict[str, Any]) -> None:
    """Print what a dry run would send, one JSON object a line."""
    click.echo(json.dumps({"would": kind, **what}, default=str))


def connect(settings: KeeperSettings) -> Means:
    """Connect chain, pools and stores, and unlock the key if there is one. Errors: StunError."""
    market = connect_market(settings.deployment, settings.rpc_urls)
    account = _account(settings)
    writer = None
    if account is not None:
        intents = IntentStore.open(settings.database.with_suffix(".intents.db"))
        writer = EvmMarketWriter(Sender(account, market.reader, intents), market)
    pools = PoolSet([PoolClient(url, market) for url in settings.pools])
    return Means(settings, market, pools, [HttpBlobStore(url) for url in settings.stores], account, writer)


def make_matcher(means: Means) -> KeeperJob:
    """Put a matcher together."""
    mirror = PoolMirror(means.pools, means.market.domain, means.market.now)
    return build_matcher(
        means.market,
        means.writer,
        mirror,
        means.settings,
        sign=None if means.account is None else means.account.sign_digest,
        requirements=StoredRequirements(means.stores),
        tell=tell,
    )


def make_settler(means: Means) -> KeeperJob:
    """Put a settler together."""
    return build_settler(means.market, means.writer, means.pools, means.settings, stores=means.stores, tell=tell)


@click.group()
def main() -> None:
    """Run a keeper of the market."""


@main.command()
def matcher() -> None:
    """Bring orders together with bids."""
    sys.exit(_run(make_matcher))


@main.command()
def settler() -> None:
    """Bring results and end batches."""
    sys.exit(_run(make_settler))


def _run(make: Callable[[Means], KeeperJob]) -> int:
    configure_logs()
    try:
        settings = KeeperSettings()
        job = make(connect(settings))
    except (ValidationError, StunError) as error:
        click.echo(f"a keeper cannot start: {error}", err=True)
        return EXIT_SETTINGS
    if settings.metrics_port:
        job.metrics.serve(settings.metrics_port, settings.metrics_host)
    supervisor = Supervisor(job, settings.tick_seconds)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stop())
    return supervisor.run()


def _account(settings: KeeperSettings) -> EvmAccount | None:
    if settings.keystore is not None:
        return from_keystore(settings.keystore, passphrase_from_environment())
    return from_environment()


if __name__ == "__main__":
    main()
