"""The HTTP client against servers that lie, stall, flood or speak no HTTP."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import httpx
import pytest

from stun.storage.blobs import (
    BlobCorrupt,
    BlobMissing,
    BlobStore,
    BlobTooLarge,
    DigestInvalid,
    StoreUnavailable,
    digest_of,
)
from stun.storage.folder import FolderBlobStore
from stun.storage.http import AsyncHttpBlobStore, HttpBlobStore
from stun.storage.server import create_app

pytestmark = pytest.mark.unit
DIGEST = digest_of(b"blob")
Speech = Callable[[asyncio.StreamWriter], Awaitable[None]]


def _answering(status: int, content: bytes = b"", **headers: str) -> AsyncHttpBlobStore:
    """A client of a server that gives one answer to everything."""
    transport = httpx.MockTransport(lambda request: httpx.Response(status, content=_stream(content), headers=headers))
    return AsyncHttpBlobStore("http://server", max_bytes=100, transport=transport)


async def _stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


@asynccontextmanager
async def _speaking(speech: Speech, **limits: float) -> AsyncIterator[AsyncHttpBlobStore]:
    """A client of a TCP server that reads the head of a request and then says what the test wants."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await speech(writer)
        finally:
            writer.close()

    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        stack.callback(server.close)
        port = server.sockets[0].getsockname()[1]
        store = AsyncHttpBlobStore(f"http://127.0.0.1:{port}", max_bytes=100, deadline_seconds=limits.get("seconds", 5))
        stack.push_async_callback(store.close)
        yield store


async def test_client_and_server_agree(folder_store: FolderBlobStore) -> None:
    store = AsyncHttpBlobStore("http://server/", transport=httpx.ASGITransport(create_app(folder_store, 1024)))
    assert not await store.has(DIGEST)
    with pytest.raises(BlobMissing):
        await store.get(DIGEST)
    assert await store.put(b"blob") == DIGEST
    assert await store.has(DIGEST)
    assert await store.get(DIGEST) == b"blob"
    with pytest.raises(BlobTooLarge) as caught:
        await store.put(b"x" * 1025)
    assert (caught.value.size, caught.value.limit) == (1025, None)


async def test_address_may_have_a_path() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=_stream(b"blob"))

    store = AsyncHttpBlobStore("https://server/stores/one", transport=httpx.MockTransport(answer))
    assert await store.get(DIGEST) == b"blob"
    assert asked == [f"https://server/stores/one/blobs/{DIGEST.hex()}"]


async def test_other_bytes_are_never_returned() -> None:
    with pytest.raises(BlobCorrupt) as caught:
        await _answering(200, b"other").get(DIGEST)
    assert (caught.value.expected, caught.value.actual) == (DIGEST, digest_of(b"other"))


async def test_bytes_above_the_limit_are_not_read() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 60
            yield b"x" * 60

    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=endless()))
    with pytest.raises(BlobTooLarge) as caught:
        await AsyncHttpBlobStore("http://server", max_bytes=100, transport=transport).get(DIGEST)
    assert (caught.value.size, caught.value.limit, sent) == (120, 100, 120)


async def test_own_limit_holds_before_anything_is_sent() -> None:
    with pytest.raises(BlobTooLarge) as caught:
        await _answering(201).put(b"x" * 101)
    assert caught.value.limit == 100


async def test_compressed_bodies_are_hashed_as_sent() -> None:
    bomb = bytes.fromhex("1f8b0800")
    with pytest.raises(BlobCorrupt) as caught:
        await _answering(200, bomb, **{"Content-Encoding": "gzip"}).get(DIGEST)
    assert caught.value.actual == digest_of(bomb)


@pytest.mark.parametrize("status", [201, 204, 301, 302, 400, 401, 403, 429, 500, 502, 503])
async def test_unexpected_statuses_are_failures_of_the_store(status: int) -> None:
    store = _answering(status, b"blob", Location=f"http://elsewhere/blobs/{DIGEST.hex()}")
    with pytest.raises(StoreUnavailable, match=f"answered {status}"):
        await store.get(DIGEST)
    with pytest.raises(StoreUnavailable, match=f"answered {status}"):
        await store.has(DIGEST)


async def test_refused_put_is_an_error() -> None:
    with pytest.raises(StoreUnavailable, match="answered 400"):
        await _answering(400, b'{"error": "blobs: body differs from name"}').put(b"blob")


async def test_words_of_a_hostile_server_are_escaped_and_cut() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await _answering(500, b"\x1b[2J\nforged log line \xff").get(DIGEST)
    assert caught.value.reason.isprintable()
    with pytest.raises(StoreUnavailable, match="a long answer"):
        await _answering(500, b"x" * 10_000).get(DIGEST)


@pytest.mark.parametrize("digest", [b"", bytes(31), bytes(33)])
async def test_names_that_are_no_digest_are_not_asked(digest: bytes) -> None:
    with pytest.raises(DigestInvalid):
        await _answering(200).get(digest)
    with pytest.raises(DigestInvalid):
        await _answering(200).has(digest)


@pytest.mark.parametrize("address", ["", "server", "ftp://server", "file:///etc", "http://", "http://a:b", "http://\0"])
def test_addresses_that_are_no_http_url_are_refused(address: str) -> None:
    with pytest.raises(StoreUnavailable):
        AsyncHttpBlobStore(address)


def test_credentials_stay_out_of_the_name() -> None:
    assert AsyncHttpBlobStore("http://user:word@server:80/path").name == "http://server/path"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 100,
        b"SSH-2.0-server\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nblob",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nblob",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nblob",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
        b"HTTP/1.1 302 Found\r\nLocation: http://[broken\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=\xff\r\nContent-Length: 5\r\n\r\nother",
    ],
)
async def test_answers_that_are_no_http_or_no_blob(answer: bytes) -> None:
    async def speech(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with _speaking(speech) as store:
        with pytest.raises((StoreUnavailable, BlobCorrupt)):
            await store.get(DIGEST)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n"])
async def test_dripping_server_is_left_at_the_deadline(head: bytes) -> None:
    async def speech(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await anyio.sleep(0.01)

    with anyio.fail_after(5):
        async with _speaking(speech, seconds=0.2) as store:
            with pytest.raises(StoreUnavailable, match=r"no whole answer in 0\.2 s"):
                await store.get(DIGEST)


async def test_nobody_listening() -> None:
    listener = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    store = AsyncHttpBlobStore(f"http://127.0.0.1:{port}")
    with pytest.raises(StoreUnavailable, match="ConnectError") as caught:
        await store.get(DIGEST)
    assert caught.value.store == f"http://127.0.0.1:{port}"


def test_plain_store_over_the_same_client(folder_store: FolderBlobStore) -> None:
    http = HttpBlobStore("http://server", transport=httpx.ASGITransport(create_app(folder_store, 1024)))
    store: BlobStore = http
    assert store.put(b"blob") == DIGEST
    assert store.has(DIGEST)
    assert store.get(DIGEST) == b"blob"
    with pytest.raises(BlobMissing):
        store.get(bytes(32))
    http.close()
    http.close()


async def test_plain_store_works_under_a_running_loop(folder_store: FolderBlobStore) -> None:
    store = HttpBlobStore("http://server", transport=httpx.ASGITransport(create_app(folder_store, 1024)))
    assert store.put(b"blob") == DIGEST
    store.close()


def test_forgotten_store_does_not_hold_the_interpreter() -> None:
    code = "from stun.storage.http import HttpBlobStore; store = HttpBlobStore('http://127.0.0.1:9')"
    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=30, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
