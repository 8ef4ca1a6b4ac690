"""The pool's WebSocket: `/stream?kinds=order,bid&after=<cursor>` pushes entries as JSON, oldest first, then live.

The first message is `{"kind": "hello", "epoch", "cursor"}`; `{"kind": "heartbeat", "cursor"}` comes when nothing else
did. A refused or dropped listener is told why in the reason of the close frame.
"""

import asyncio
from typing import Any

from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect

from stun.pool.envelopes import Kind
from stun.pool.errors import PoolError, QueryInvalid
from stun.pool.routes import MAX_CURSOR, address_of, number
from stun.pool.service import PoolService
from stun.pool.stream import Feed

REFUSED = 1008
TRY_LATER = 1013
AnySocket = WebSocket[Any, Any, Any]


@websocket("/stream")
async def stream(socket: AnySocket) -> None:
    """Serve one listener until it leaves, says more than a listener should, or is too slow."""
    pool = socket.app.state.pool
    await socket.accept()
    try:
        address = address_of(socket)
        pool.rates.take(address)
        with pool.hub.listen(address) as woken:
            await _serve(socket, pool, _feed(socket, pool), woken)
    except QueryInvalid as error:
        await socket.close(REFUSED, _reason(error))
    except PoolError as error:
        await socket.close(TRY_LATER, _reason(error))
    except WebSocketDisconnect:
        return


async def _serve(socket: AnySocket, pool: PoolService, feed: Feed, woken: asyncio.Event) -> None:
    """Push until either side ends; listening beside it notices a client that is gone."""
    settings = pool.settings
    pushing = asyncio.create_task(feed.run(woken, socket.send_json, settings.send_seconds, settings.beat_seconds))
    hearing = asyncio.create_task(_hear(socket))
    try:
        done, _ = await asyncio.wait({pushing, hearing}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (pushing, hearing):
            task.cancel()
        await asyncio.gather(pushing, hearing, return_exceptions=True)


async def _hear(socket: AnySocket) -> None:
    """Wait for the client to leave; anything it says ends the stream. Errors: WebSocketDisconnect, QueryInvalid."""
    await socket.receive_data(mode="text")
    raise QueryInvalid("a listener only listens")


def _feed(socket: AnySocket, pool: PoolService) -> Feed:
    query = socket.query_params
    names = [name for name in query.get("kinds", "").split(",") if name]
    unknown = set(names) - {kind.value for kind in Kind}
    if unknown:
        raise QueryInvalid(f"{ascii(min(unknown))[:40]} is no kind")
    kinds = [Kind(name) for name in dict.fromkeys(names)] or list(Kind)
    after = number(query.get("after"), "after", 0, MAX_CURSOR)
    return Feed(pool.store, kinds, after, lambda: pool.now)


def _reason(error: PoolError) -> str:
    return f"{error.code}: {error}"[:120]
