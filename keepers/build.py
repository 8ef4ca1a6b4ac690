"""Putting a keeper together out of what reads, writes and remembers."""

from collections.abc import Callable, Sequence
from hashlib import sha256

from keepers.jobs.acting import Actor, Tell, tell
from keepers.jobs.matcher import MatcherJob, ReadRequirements, no_requirements
from keepers.jobs.results import OpenDeliveries
from keepers.jobs.settler import SettlerJob
from keepers.metrics import KeeperMetrics
from keepers.pools import MatcherPools, SettlerPools
from keepers.services.scoring import Scorer, SimpleScorer
from keepers.settings import KeeperSettings, account_of
from keepers.store.database import Database, open_database
from keepers.store.duties import DutyBook
from keepers.store.events import EventLog
from keepers.store.orders import OrderMemory
from stun.chains.market import MarketReader, MarketWriter
from stun.storage.blobs import BlobStore


def build_matcher(
    reader: MarketReader,
    writer: MarketWriter | None,
    pools: MatcherPools,
    settings: KeeperSettings,
    *,
    sign: Callable[[bytes], bytes] | None = None,
    scorer: Scorer | None = None,
    requirements: ReadRequirements = no_requirements,
    database: Database | None = None,
    tell: Tell = tell,
) -> MatcherJob:
    """Return a matcher whose `tick()` does one cycle.

    `sign` signs digests of asks with the writer's key. Without a writer it is a dry run: `tell` gets what would be
    sent, and neither asks nor matches leave.
    """
    account = account_of(settings.account) if writer is None else writer.account
    scope = scope_of("matcher", reader, account)
    database = database or open_database(settings.database)
    metrics = KeeperMetrics("matcher")
    return MatcherJob(
        reader=reader,
        pools=pools,
        actor=Actor(writer, DutyBook(database, scope), metrics, settings.patience, tell),
        account=account,
        orders=OrderMemory(database, scope),
        events=EventLog(database, scope, settings.first_block, settings.reorg_depth),
        metrics=metrics,
        policy=settings.matcher(),
        scorer=scorer or SimpleScorer(),
        sign=sign if writer is not None else None,
        requirements=requirements,
        facts_seconds=settings.facts_seconds,
    )


def build_settler(
    reader: MarketReader,
    writer: MarketWriter | None,
    pools: SettlerPools,
    settings: KeeperSettings,
    *,
    stores: Sequence[BlobStore] = (),
    database: Database | None = None,
    tell: Tell = tell,
) -> SettlerJob:
    """Return a settler whose `tick()` does one cycle; without a writer it only tells what it would send.

    `stores`: where open outputs are read to resolve disagreements.
    """
    account = account_of(settings.account) if writer is None else writer.account
    scope = scope_of("settler", reader, account)
    database = database or open_database(settings.database)
    metrics = KeeperMetrics("settler")
    return SettlerJob(
        reader=reader,
        pools=pools,
        actor=Actor(writer, DutyBook(database, scope), metrics, settings.patience, tell),
        account=account,
        events=EventLog(database, scope, settings.first_block, settings.reorg_depth),
        metrics=metrics,
        policy=settings.settler(),
        results=OpenDeliveries(pools, stores),
        facts_seconds=settings.facts_seconds,
    )


def scope_of(duty: str, reader: MarketReader, account: bytes) -> str:
    """Name the rows of one duty of one account in one market."""
    place = sha256(reader.domain.separator() + account).hexdigest()[:32]
    return f"{duty}:{reader.chain}:{place}"[:120]
