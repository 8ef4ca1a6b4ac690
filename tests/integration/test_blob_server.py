"""The blob server as it is run: granian in a process of its own, the client over a loopback port."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from servers import wait_for_port

from stun.chains.evm.nodes import free_port
from stun.storage.blobs import BlobCorrupt, BlobMissing, BlobTooLarge, StoreUnavailable, digest_of
from stun.storage.bundle import pack, unpack
from stun.storage.http import HttpBlobStore
from stun.storage.mirror import MirrorExhausted, MirrorStore, StoreFailure
from stun.storage.sealed import open_sealed, recipient_keypair, seal

pytestmark = pytest.mark.integration
MAX_BYTES = 2 * 1024**2
StartServer = Callable[[], tuple[str, subprocess.Popen[str]]]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start servers over one folder; each accepts connections when it is handed out. All are ended after the test."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[str, subprocess.Popen[str]]:
        port = free_port()
        settings = {"URL": str(tmp_path / "blobs"), "PORT": str(port), "MAX_BYTES": str(MAX_BYTES)}
        environment = os.environ | {f"STUN_BLOBS_{key}": value for key, value in settings.items()}
        server = subprocess.Popen(
            [sys.executable, "-m", "stun.storage.server"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(server)
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if "Started worker" in line:
                wait_for_port(port)
                return f"http://127.0.0.1:{port}", server
        raise AssertionError("the server ended: " + "".join(lines))

    yield start
    for server in started:
        server.terminate()
        server.wait(timeout=20)
        assert server.stdout is not None
        server.stdout.close()


@pytest.fixture
def new_client() -> Iterator[Callable[[str], HttpBlobStore]]:
    clients: list[HttpBlobStore] = []

    def make(address: str) -> HttpBlobStore:
        clients.append(HttpBlobStore(address, deadline_seconds=30))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@contextmanager
def _lying_server() -> Iterator[str]:
    """An HTTP server that claims every blob and serves the same other bytes for all."""

    class Liar(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "11")
            self.end_headers()
            self.wfile.write(b"other bytes")

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Liar)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_outputs_of_a_batch_travel_sealed_to_the_requester(
    start_server: StartServer, new_client: Callable[[str], HttpBlobStore]
) -> None:
    address, _ = start_server()
    requester = recipient_keypair(bytes(range(32)))
    outputs = [index.to_bytes(4, "big") for index in range(65_536)]
    digest = new_client(address).put(seal(pack(outputs), requester.public, b"batch"))
    fetched = new_client(address).get(digest)
    assert unpack(open_sealed(fetched, requester.private, b"batch")) == outputs


def test_limits_and_missing_blobs_over_the_wire(
    start_server: StartServer, new_client: Callable[[str], HttpBlobStore]
) -> None:
    client = new_client(start_server()[0])
    largest = bytes(MAX_BYTES)
    assert client.get(client.put(largest)) == largest
    with pytest.raises(BlobTooLarge) as caught:
        client.put(bytes(MAX_BYTES + 1))
    assert (caught.value.size, caught.value.limit) == (MAX_BYTES + 1, None)
    with pytest.raises((BlobTooLarge, StoreUnavailable)):
        client.put(bytes(20 * MAX_BYTES))
    with pytest.raises(BlobMissing):
        client.get(digest_of(b"never put"))
    assert not client.has(digest_of(b"never put"))
    assert client.has(digest_of(largest))


def test_many_threads_share_one_client(start_server: StartServer, new_client: Callable[[str], HttpBlobStore]) -> None:
    client = new_client(start_server()[0])
    blobs = [bytes([number]) * 10_000 for number in range(50)] * 2
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(client.put, blobs))
        assert list(pool.map(client.get, digests)) == blobs


def test_blobs_outlive_their_server(start_server: StartServer, new_client: Callable[[str], HttpBlobStore]) -> None:
    address, server = start_server()
    client = new_client(address)
    digest = client.put(b"blob")
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=20)
    with pytest.raises(StoreUnavailable):
        client.get(digest)
    assert new_client(start_server()[0]).get(digest) == b"blob"


def test_server_that_serves_other_bytes_is_skipped(
    start_server: StartServer, new_client: Callable[[str], HttpBlobStore]
) -> None:
    honest = new_client(start_server()[0])
    dead = new_client(f"http://127.0.0.1:{free_port()}")
    digest = honest.put(b"blob")
    with _lying_server() as address:
        liar = new_client(address)
        with pytest.raises(BlobCorrupt) as caught:
            liar.get(digest)
        assert caught.value.actual == digest_of(b"other bytes")
        reported: list[StoreFailure] = []
        assert MirrorStore([liar, dead, honest], reported.append).get(digest) == b"blob"
        with pytest.raises(MirrorExhausted):
            MirrorStore([liar, dead], reported.append).get(digest)
    causes = [(failure.store, type(failure.error)) for failure in reported]
    assert causes == [(liar.name, BlobCorrupt), (dead.name, StoreUnavailable)] * 2
