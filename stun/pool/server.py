"""A pool over HTTP and WebSocket: `python -m stun.pool.server`; settings are environment variables `STUN_POOL_*`.

`POST /<kind>s` takes one envelope: 201 when new, 200 when held already. `GET /<kind>s?after=&limit=` pages through open
entries by their cursor, filtered by `batch`, `account` (who signed) and `recipient`; `WS /stream?kinds=&after=` pushes
new ones. Errors are JSON `{"error": code, "message": text}`. One process: its listeners are woken from within.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from granian.constants import Interfaces
from granian.server.mp import MPServer
from litestar import Litestar
from litestar.datastructures import State

from stun.chains.market import MarketReader
from stun.pool.answers import EXCEPTION_HANDLERS
from stun.pool.live import stream
from stun.pool.routes import ROUTES
from stun.pool.service import PoolService
from stun.pool.settings import PoolSettings
from stun.pool.store import PoolStore
from stun.protocol.errors import StunError

PARENT_SECONDS = 0.5


def create_app(settings: PoolSettings, market: MarketReader, store: PoolStore, parent: int | None = None) -> Litestar:
    """Make the ASGI application of one pool; it closes the store when it ends.

    With `parent`, the id of the process that started this one, the process ends when that one is gone: an orphan would
    hold the port and the database.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        service = PoolService(settings, market, store)
        app.state.pool = service
        await service.start()
        watch = None if parent is None else asyncio.create_task(_end_with(parent))
        try:
            yield
        finally:
            if watch is not None:
                watch.cancel()
            await service.stop()

    return Litestar(
        route_handlers=[*ROUTES, stream],
        state=State(deep_copy=False),
        lifespan=[lifespan],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        request_max_body_size=None,
    )


def app_from_environment() -> Litestar:
    """Make the application that the environment describes, in the server's worker."""
    settings = PoolSettings()
    store = PoolStore.open(settings.database, settings.bounds())
    return create_app(settings, settings.market(), store, parent=os.getppid())


def serve(settings: PoolSettings) -> None:
    """Run the server until SIGINT or SIGTERM; its worker learns the settings through the environment."""
    written = settings.model_dump(mode="json")
    texts = {key: json.dumps(value) if isinstance(value, list) else str(value) for key, value in written.items()}
    os.environ.update({f"STUN_POOL_{key.upper()}": text for key, text in texts.items()})
    MPServer(
        "stun.pool.server:app_from_environment",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        workers=1,
        workers_kill_timeout=10,
    ).serve()


async def _end_with(parent: int) -> None:
    while True:
        await asyncio.sleep(PARENT_SECONDS)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Run the server as the environment describes it; 3 if it names no market that can be read."""
    settings = PoolSettings()
    try:
        settings.market()
    except StunError as error:
        sys.stderr.write(f"the pool has no market to verify orders with: {error}\n")
        sys.stderr.write("set STUN_POOL_DEPLOYMENT and STUN_POOL_RPC_URLS, see docs/operator.md\n")
        return 3
    serve(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
