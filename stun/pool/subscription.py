"""Following pools live over WebSocket: every entry is checked, connections come back with their cursor."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from stun.chains.interface import ChainError
from stun.pool.client import PoolClient
from stun.pool.envelopes import Envelope, Kind
from stun.pool.errors import PoolLied, PoolUnavailable, WireInvalid
from stun.pool.inspection import Received, is_current
from stun.pool.pool_set import Seen
from stun.pool.wire import parse

MAX_MESSAGE_BYTES = 128 * 1024
SILENCE_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
QUEUE = 256


@dataclass
class Place:
    """How far a reader has come in one pool."""

    epoch: str = ""
    cursor: int = 0


async def listen(pool: PoolClient, kinds: Sequence[Kind], place: Place) -> AsyncGenerator[Received, None]:
    """Yield checked entries past `place`, which moves along, until the connection ends.

    A pool whose database is another than `place` was in is read from its start. Errors: PoolUnavailable at the end
    of the connection, PoolLied for what is no stream; ChainError.
    """
    try:
        async with connect(_address(pool, kinds, place), max_size=MAX_MESSAGE_BYTES, max_queue=16) as socket:
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    message = _parsed(pool, await socket.recv())
                if message.get("kind") == "hello" and _moved(pool, message, place):
                    return
                if message.get("kind") in ("hello", "heartbeat"):
                    continue
                received = await asyncio.to_thread(_checked, pool, message, tuple(kinds), place)
                if received is not None:
                    yield received
    except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
        raise PoolUnavailable(pool.name, f"{type(error).__name__}: {error}") from error


async def follow(pool: PoolClient, kinds: Sequence[Kind], place: Place | None = None) -> AsyncGenerator[Received, None]:
    """Like `listen`, for ever: failures are reported, and the connection comes back after a growing pause."""
    place = place or Place()
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            async with aclosing(listen(pool, kinds, place)) as entries:
                async for received in entries:
                    pause = FIRST_PAUSE_SECONDS
                    yield received
        except (PoolUnavailable, PoolLied) as error:
            pool.report(error)
        except ChainError as error:
            pool.report(PoolUnavailable(pool.name, f"its entries cannot be checked: {error}"))
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def follow_all(pools: Sequence[PoolClient], kinds: Sequence[Kind]) -> AsyncGenerator[Envelope, None]:
    """What comes to any of the pools, each envelope once, for ever; a dead or lying pool holds up no other."""
    queue: asyncio.Queue[Envelope] = asyncio.Queue(QUEUE)
    seen = {kind: Seen() for kind in kinds}

    async def forward(pool: PoolClient) -> None:
        async with aclosing(follow(pool, kinds)) as entries:
            async for received in entries:
                if seen[received.kind].first_time(received.envelope):
                    await queue.put(received.envelope)

    tasks = [asyncio.create_task(forward(pool)) for pool in pools]
    try:
        while True:
            getting = asyncio.create_task(queue.get())
            done, _ = await asyncio.wait([getting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            if getting in done:
                yield getting.result()
                continue
            getting.cancel()
            for task in done:
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _address(pool: PoolClient, kinds: Sequence[Kind], place: Place) -> str:
    scheme = "wss" if pool.url.scheme == "https" else "ws"
    query = {"kinds": ",".join(kind.value for kind in kinds), "after": str(place.cursor)}
    return str(pool.url.copy_with(scheme=scheme).join("stream").copy_merge_params(query))


def _parsed(pool: PoolClient, message: str | bytes) -> dict[str, Any]:
    try:
        document = parse(message.encode() if isinstance(message, str) else message, MAX_MESSAGE_BYTES)
    except WireInvalid as error:
        raise PoolLied(pool.name, f"its stream is not JSON ({error.reason})") from error
    if not isinstance(document, dict):
        raise PoolLied(pool.name, f"its stream says {json.dumps(document)[:40]}")
    return document


def _moved(pool: PoolClient, hello: dict[str, Any], place: Place) -> bool:
    """Note the pool's epoch; return whether `place` was in another database and the reader must start again."""
    epoch = hello.get("epoch")
    if not isinstance(epoch, str) or len(epoch) > 64:
        raise PoolLied(pool.name, "its stream has no epoch")
    moved = place.cursor > 0 and place.epoch not in ("", epoch)
    if moved:
        place.cursor = 0
    place.epoch = epoch
    return moved


def _checked(pool: PoolClient, message: dict[str, Any], kinds: tuple[Kind, ...], place: Place) -> Received | None:
    """Check one entry and move the place past it, so that a bad one is not met again."""
    received = pool.check(message, kinds, place.cursor)
    cursor = message.get("cursor")
    if type(cursor) is int and place.cursor < cursor < 1 << 63:
        place.cursor = cursor
    if received is None or not is_current(pool.market, received.envelope, pool.market.now()):
        return None
    return received
