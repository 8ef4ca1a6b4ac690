"""What checking a batch needs of one invocation: where to look, which court, and a challenger with its memory."""

import time
from collections.abc import Callable
from typing import Any

from stun_sdk import StunClient

from stun.chains.court import CourtReader
from stun.chains.evm.court import EvmCourts, NoCourt
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.posted_tops import find_posted_top
from stun.chains.interface import TransactionSender
from stun.checking.challenger import Challenger
from stun.checking.charges import Charge, Search
from stun.checking.material import Sources
from stun.checking.progress import Progress
from stun.checking.rerun import ExactModels
from stun.checking.store import DisputeStore
from stun.checking.tasks import Stores
from stun.cli.session import Session
from stun.pool.envelopes import DeliveryEnvelope, OpeningEnvelope, OrderEnvelope, PostEnvelope
from stun.protocol.market.state import Terms
from stun.protocol.parameters import version_of

DATABASE = "disputes.db"


class _KeptOrders:
    """Pools, and beside them the orders that this account made on this machine: pools may have dropped them."""

    def __init__(self, client: StunClient) -> None:
        self._client = client
        self._pools: Any = client.connection.pools

    def order(self, digest: bytes) -> list[OrderEnvelope]:
        """Every variant of an order, the kept one first. Errors: PoolError, SettingsInvalid."""
        kept = self._client.find_kept(digest)
        held: list[OrderEnvelope] = self._pools.order(digest)
        return held if kept is None else [kept.envelope, *held]

    def posts(self, batch_id: bytes) -> list[PostEnvelope]:
        """Posts of a batch."""
        return list(self._pools.posts(batch_id))

    def openings(self, batch_id: bytes) -> list[OpeningEnvelope]:
        """Openings of a batch."""
        return list(self._pools.openings(batch_id))

    def deliveries(self, batch_id: bytes) -> list[DeliveryEnvelope]:
        """Deliveries of a batch."""
        return list(self._pools.deliveries(batch_id))


def sources_of(client: StunClient) -> Sources:
    """Where this client looks: its pools and stores, and the stores that orders and providers name."""
    market, link = client.market, client.connection
    assert isinstance(market, EvmMarket), "the command connects EVM markets"
    return Sources(
        market, _KeptOrders(client), Stores(link.store, link.open_store), ExactModels(link.store), link.first_block,
        client.recipient_key, lambda event, count: find_posted_top(market, event, count),
    )  # fmt: skip


def court_of(client: StunClient, terms: Terms) -> CourtReader:
    """The court of a batch's config version. Errors: NoCourt, ChainError."""
    market, version = client.market, version_of(terms.rules)
    assert isinstance(market, EvmMarket), "the command connects EVM markets"
    court = EvmCourts(market).of(terms)
    if court is None:
        raise NoCourt(f"config version {version}, under which the batch opened, names no court")
    return court


def sender_of(session: Session, client: StunClient) -> TransactionSender:
    """What sends, or rehearses."""
    writer = session.writer(client)
    assert isinstance(writer, EvmMarketWriter), "the command connects EVM markets"
    return writer.sender


def make_challenger(session: Session, client: StunClient, terms: Terms, budget: int) -> Challenger:
    """A challenger of an actor's account; a rehearsing one remembers nothing. Errors: NoCourt, ChainError."""
    court, market = court_of(client, terms), client.market
    assert isinstance(market, EvmMarket), "the command connects EVM markets"
    store = DisputeStore.open(None if session.rehearsing else client.connection.folder / DATABASE)
    writer = EvmCourts(market, sender_of(session, client)).writer(court)
    assert writer is not None, "an actor has a sender, if only a rehearsing one"
    return Challenger(client.market, court, writer, store, budget, client.connection.first_block)


def pursue(
    challenger: Challenger, charge: Charge | Search, sender: TransactionSender, tell: Callable[[Progress], None],
    pause: float, timeout: float,
) -> Progress:  # fmt: skip
    """Advance a charge until it ends or `timeout` seconds are over; each change is told. Errors: as `advance`."""
    deadline = time.monotonic() + timeout
    last = ""
    while True:
        sender.tick()
        progress = challenger.advance(charge)
        if progress.said != last:
            tell(progress)
            last = progress.said
        if progress.done or time.monotonic() >= deadline:
            return progress
        time.sleep(pause)
