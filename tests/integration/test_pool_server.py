"""The pool server as it is run: granian in a process of its own, clients over HTTP and WebSocket on loopback."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from pool_world import PoolWorld
from servers import wait_for_port
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from stun.chains.evm.nodes import free_port
from stun.pool.client import PoolClient
from stun.pool.envelopes import Envelope, Kind
from stun.pool.errors import PoolError, PoolRefused, PoolUnavailable
from stun.pool.pool_set import PoolSet
from stun.pool.subscription import Place, follow, follow_all, listen

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
Process = subprocess.Popen[str]


class Pools:
    """Starts pool servers; all are ended after the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Process] = []

    def start(self, port: int = 0, database: str = "pool.db", **settings: Any) -> tuple[str, Process]:
        """Start a server over a database in the test's folder and return its address once it answers."""
        port = port or free_port()
        chosen = settings | {
            "PORT": port,
            "DATABASE": f"sqlite:///{self._folder / database}",
            "MARKET_FACTORY": "pool_world:connect",
        }
        environment = os.environ | {f"STUN_POOL_{key}": str(value) for key, value in chosen.items()}
        environment["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support'}"
        command = [sys.executable, "-m", "stun.pool.server"]
        server = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._started.append(server)
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if "Started worker" in line:
                wait_for_port(port)
                return f"http://127.0.0.1:{port}", server
        raise AssertionError("the server ended: " + "".join(lines))

    def end(self) -> None:
        for server in self._started:
            server.terminate()
            server.wait(timeout=20)
            assert server.stdout is not None
            server.stdout.close()


@pytest.fixture
def pool_servers(tmp_path: Path) -> Iterator[Pools]:
    pools = Pools(tmp_path)
    yield pools
    pools.end()


@pytest.fixture
def pool_market() -> PoolWorld:
    """The same market that the server's factory makes in its process."""
    world = PoolWorld()
    world.every_kind()
    return world


@pytest.fixture
def pool_envelopes() -> dict[Kind, Envelope]:
    return PoolWorld().every_kind()


@pytest.fixture
def pool_client(pool_market: PoolWorld) -> Iterator[Callable[[str], PoolClient]]:
    clients: list[PoolClient] = []

    def make(address: str) -> PoolClient:
        clients.append(PoolClient(address, pool_market.market, report=reported.append))
        return clients[-1]

    reported: list[PoolError] = []
    yield make
    for client in clients:
        client.close()


async def _take(entries: AsyncGenerator[Any, None], count: int) -> list[Any]:
    taken = []
    async with asyncio.timeout(30), aclosing(entries):
        async for entry in entries:
            taken.append(entry)
            if len(taken) == count:
                return taken
    raise AssertionError("the stream ended early")


def test_every_kind_over_http(
    pool_servers: Pools, pool_envelopes: dict[Kind, Envelope], pool_client: Callable[[str], PoolClient]
) -> None:
    client = pool_client(pool_servers.start()[0])
    assert client.health()["fault"] is None
    for kind, envelope in pool_envelopes.items():
        assert client.publish(envelope).created
        assert not client.publish(envelope).created
        assert client.read(kind) == [envelope]


def test_what_a_pool_took_outlives_it(
    pool_servers: Pools, pool_market: PoolWorld, pool_client: Callable[[str], PoolClient]
) -> None:
    address, server = pool_servers.start()
    envelope = pool_market.order_envelope()
    pool_client(address).publish(envelope)
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=20)
    with pytest.raises(PoolUnavailable):
        pool_client(address).orders()
    assert pool_client(pool_servers.start()[0]).orders() == [envelope]


def test_limits_over_the_wire(
    pool_servers: Pools, pool_market: PoolWorld, pool_client: Callable[[str], PoolClient]
) -> None:
    client = pool_client(pool_servers.start(REQUESTS_PER_SECOND="0.001", BURST="3")[0])
    with pytest.raises(PoolRefused) as caught:
        client.publish(pool_market.order_envelope(signer="stranger"))
    assert caught.value.code == "orders: signature"
    with pytest.raises((PoolRefused, PoolUnavailable)):
        client._ask("POST", "orders", b" " * 1_000_000)
    client.orders()
    with pytest.raises(PoolRefused) as caught:
        client.orders()
    assert caught.value.code == "pool: rate"


async def test_a_stream_resumes_where_it_broke_off(
    pool_servers: Pools, pool_market: PoolWorld, pool_client: Callable[[str], PoolClient]
) -> None:
    address, server = pool_servers.start()
    client = pool_client(address)
    orders = [pool_market.order_envelope() for _ in range(6)]
    place = Place()
    entries = follow(client, [Kind.ORDER], place)
    async with asyncio.timeout(60), aclosing(entries):
        for envelope in orders[:3]:
            await asyncio.to_thread(client.publish, envelope)
            assert (await anext(entries)).envelope == envelope
        server.send_signal(signal.SIGKILL)
        assert server.stdout is not None
        await asyncio.to_thread(server.stdout.read)
        waiting = asyncio.ensure_future(anext(entries))
        address, _ = await asyncio.to_thread(pool_servers.start, int(address.rsplit(":", 1)[1]))
        for envelope in orders[3:]:
            await asyncio.to_thread(client.publish, envelope)
        found = [await waiting, await anext(entries), await anext(entries)]
    assert [received.envelope for received in found] == orders[3:]
    resumed = await _take(listen(client, [Kind.ORDER], Place("", found[0].cursor)), 2)
    assert [received.envelope for received in resumed] == orders[4:]


def test_a_worker_ends_with_its_server(pool_servers: Pools) -> None:
    """An orphan would hold the port and the database: its end closes the pipe that it inherited."""
    address, server = pool_servers.start()
    server.send_signal(signal.SIGKILL)
    assert server.stdout is not None
    server.stdout.read()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])))


async def test_many_listeners_see_the_same_order(
    pool_servers: Pools, pool_market: PoolWorld, pool_client: Callable[[str], PoolClient]
) -> None:
    client = pool_client(pool_servers.start()[0])
    orders = [pool_market.order_envelope() for _ in range(20)]
    listeners = [asyncio.create_task(_take(listen(client, [Kind.ORDER], Place()), 20)) for _ in range(8)]
    await asyncio.gather(*(asyncio.to_thread(client.publish, envelope) for envelope in orders))
    seen = [[received.cursor for received in found] for found in await asyncio.gather(*listeners)]
    assert seen == [sorted(seen[0])] * 8


async def test_a_listener_is_told_why_it_is_refused(pool_servers: Pools) -> None:
    address, _ = pool_servers.start()
    async with connect(address.replace("http", "ws") + "/stream?kinds=color") as stream:
        with pytest.raises(ConnectionClosed) as caught:
            await stream.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason[:15]) == (1008, "pool: bad query")


async def test_a_set_of_pools_lives_with_dead_ones(
    pool_servers: Pools, pool_market: PoolWorld, pool_client: Callable[[str], PoolClient]
) -> None:
    first = pool_client(pool_servers.start(database="first.db")[0])
    second = pool_client(pool_servers.start(database="second.db")[0])
    dead = pool_client(f"http://127.0.0.1:{free_port()}")
    pools = PoolSet([dead, first, second])
    both, single = pool_market.order_envelope(), pool_market.order_envelope()
    published = await asyncio.to_thread(pools.publish, both)
    assert ([receipt.pool for receipt in published.receipts], len(published.failures)) == ([first.name, second.name], 1)
    await asyncio.to_thread(second.publish, single)
    assert await asyncio.to_thread(pools.orders) == [both, single]
    followed = await _take(follow_all(pools.pools, [Kind.ORDER]), 2)
    assert sorted(map(repr, followed)) == sorted(map(repr, (both, single)))
    await asyncio.to_thread(pools.close)
