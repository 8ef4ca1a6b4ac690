"""Pushing new entries to whoever listens. A listener has a cursor and reads pages from the store when woken.

So nothing piles up in memory, and nothing is lost between what is stored and what is pushed. A listener that takes
longer than `send_seconds` for one message is dropped; it comes back with the cursor it had.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from stun.pool.envelopes import Kind
from stun.pool.errors import PoolError
from stun.pool.store import PoolStore

PAGE = 200
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ListenersFull(PoolError):
    """Too many listen, from this address or all together."""

    code = "pool: listeners"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} listen already; try later or another pool")


class ListenerSlow(PoolError):
    """A listener that did not take a message in time."""

    code = "pool: slow listener"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"a message was not taken within {seconds:g} s; come back with your cursor")


class Hub:
    """Wakes the listeners of one process when there may be something new."""

    def __init__(self, all_listeners: int = 1_000, by_address: int = 50) -> None:
        self._all = all_listeners
        self._by_address = by_address
        self._waiting: set[asyncio.Event] = set()
        self._addresses: Counter[str] = Counter()

    def wake(self) -> None:
        """Tell every listener to look; call it in the event loop."""
        for event in self._waiting:
            event.set()

    @contextmanager
    def listen(self, address: str) -> Iterator[asyncio.Event]:
        """Count a listener in for the length of the block. Errors: ListenersFull."""
        if len(self._waiting) >= self._all:
            raise ListenersFull(self._all)
        if self._addresses[address] >= self._by_address:
            raise ListenersFull(self._by_address)
        event = asyncio.Event()
        self._waiting.add(event)
        self._addresses[address] += 1
        try:
            yield event
        finally:
            self._waiting.discard(event)
            self._addresses -= Counter({address: 1})


class Feed:
    """One listener's way through the entries of some kinds, from a cursor on, for ever."""

    def __init__(self, store: PoolStore, kinds: Sequence[Kind], after: int, clock: Callable[[], int]) -> None:
        self._store = store
        self._kinds = kinds
        self._clock = clock
        self.cursor = after

    async def run(self, woken: asyncio.Event, send: Send, send_seconds: float, beat_seconds: float) -> None:
        """Send every entry, and a heartbeat when nothing came for a while. Errors: ListenerSlow."""
        await _send(send, {"kind": "hello", "epoch": self._store.epoch, "cursor": self.cursor}, send_seconds)
        while True:
            woken.clear()
            if await self._send_page(send, send_seconds):
                continue
            try:
                async with asyncio.timeout(beat_seconds):
                    await woken.wait()
            except TimeoutError:
                await _send(send, {"kind": "heartbeat", "cursor": self.cursor}, send_seconds)

    async def _send_page(self, send: Send, send_seconds: float) -> bool:
        """Send what is new, at most one page; return whether there may be more."""
        page = await asyncio.to_thread(self._store.list_open, self._kinds, self.cursor, PAGE, self._clock())
        for entry in page:
            await _send(send, entry.to_json(), send_seconds)
            self.cursor = entry.cursor
        return len(page) == PAGE


async def _send(send: Send, message: dict[str, Any], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):  # wait_for may swallow a cancellation that comes as the message is taken
            await send(message)
    except TimeoutError as error:
        raise ListenerSlow(seconds) from error
