"""A running pool: its store, its door, its sweeper and its listeners, in one process."""

import asyncio
from contextlib import suppress

import structlog

from stun.chains.interface import ChainError
from stun.chains.market import MarketReader
from stun.pool.admission import Admission
from stun.pool.envelopes import Kind
from stun.pool.rates import Rates
from stun.pool.settings import PoolSettings
from stun.pool.store import Entry, PoolStore
from stun.pool.stream import Hub
from stun.pool.sweeper import Sweep, Sweeper

CHAIN_CALLS_AT_ONCE = 8


class PoolService:
    """What the routes share. `now` is the chain's clock as of the newest sweep or entry, in unix seconds."""

    def __init__(self, settings: PoolSettings, market: MarketReader, store: PoolStore) -> None:
        self.settings = settings
        self.market = market
        self.store = store
        self.rates = Rates(settings.requests_per_second, settings.burst)
        self.hub = Hub(settings.listeners, settings.listeners_per_address)
        self.swept: Sweep | None = None
        self.fault: str | None = None
        self._admission = Admission(market, store)
        self._sweeper = Sweeper(market, store, settings.sweep_window)
        self._slots = asyncio.Semaphore(CHAIN_CALLS_AT_ONCE)
        self._task: asyncio.Task[None] | None = None

    @property
    def now(self) -> int:
        """The chain's clock; 0 before the first sweep."""
        return 0 if self.swept is None else self.swept.now

    async def start(self) -> None:
        """Sweep once, and from then on every `sweep_seconds`."""
        await self._sweep_or_log()
        self._task = asyncio.create_task(self._sweep_for_ever())
        self._task.add_done_callback(self._note_end)

    async def stop(self) -> None:
        """Stop sweeping and close the store."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.store.close()

    async def admit(self, kind: Kind, raw: bytes) -> tuple[Entry, bool]:
        """Take in an envelope and wake the listeners. Errors: see `Admission.admit`."""
        async with self._slots:
            entry, created = await asyncio.to_thread(self._admission.admit, kind, raw)
        if created:
            self.hub.wake()
        return entry, created

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.settings.sweep_seconds)
            await self._sweep_or_log()

    async def _sweep_or_log(self) -> None:
        """Sweep once; a chain that cannot be read is logged and shown in /health, and asked again later."""
        try:
            self.swept = await asyncio.to_thread(self._sweeper.sweep)
            self.fault = None
        except ChainError as error:
            self.fault = "chain: unavailable"
            structlog.get_logger().warning("pool_sweep_failed", chain=self.market.chain, reason=str(error))
        if self.swept is not None and self.swept.reopened:
            self.hub.wake()

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        """A sweeper that ended by a bug is logged, and /health says 503 until the supervisor restarts the server."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fault = "pool: sweeper ended"
            structlog.get_logger().critical("pool_sweeper_ended", exc_info=error)
