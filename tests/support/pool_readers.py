"""Readers of pools without a network: an honest pool application, and pools that answer whatever a test says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from litestar.testing import TestClient
from pool_world import PoolWorld

from stun.pool.client import PoolClient
from stun.pool.envelopes import Envelope, kind_of
from stun.pool.errors import PoolError
from stun.pool.server import create_app
from stun.pool.settings import PoolSettings
from stun.pool.store import PoolStore
from stun.pool.wire import to_json

Answer = Callable[[httpx.Request], httpx.Response]


class InProcess(httpx.BaseTransport):
    """Answers without a network, the body unread as a socket leaves it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._answer(request)
        return httpx.Response(answer.status_code, stream=httpx.ByteStream(answer.content))


class Reports:
    """What clients reported."""

    def __init__(self) -> None:
        self.errors: list[PoolError] = []

    def __call__(self, error: PoolError) -> None:
        self.errors.append(error)

    @property
    def codes(self) -> list[str]:
        return [error.code for error in self.errors]


@contextmanager
def honest_pool(world: PoolWorld, folder: Path, reports: Reports) -> Iterator[PoolClient]:
    """A client of a real pool application, without a network."""
    store = PoolStore.open(f"sqlite:///{folder / 'honest.db'}")
    with TestClient(create_app(PoolSettings(sweep_seconds=3_600), world.market, store)) as server:

        def forward(request: httpx.Request) -> httpx.Response:
            target = request.url.raw_path.decode()
            answer = server.request(request.method, target, content=request.read())
            return httpx.Response(answer.status_code, content=answer.content)

        client = PoolClient("http://honest", world.market, reports, transport=InProcess(forward))
        yield client
        client.close()


def pool_of(world: PoolWorld, reports: Reports, answer: Answer, name: str = "hostile") -> PoolClient:
    """A client of a pool that answers so."""
    return PoolClient(f"http://{name}", world.market, reports, transport=InProcess(answer))


def item_of(envelope: Envelope, cursor: int, **changes: Any) -> dict[str, Any]:
    """An entry of a pool as it is served, with changes."""
    kind = kind_of(envelope)
    item = {"cursor": cursor, "kind": kind.value, "state": "open", "digest": "0x", "conflict": False, "received_at": 0}
    return item | {"envelope": to_json(envelope)} | changes


def serving(*items: Any, epoch: str = "e") -> Answer:
    """A pool that answers every question with these entries."""
    return lambda request: httpx.Response(200, json={"epoch": epoch, "items": list(items), "next": len(items)})


def dead(request: httpx.Request) -> httpx.Response:
    """No answer at all."""
    raise httpx.ConnectError("refused", request=request)
