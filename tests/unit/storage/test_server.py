"""The blob server's answers, over the ASGI interface: statuses, JSON errors, and nothing held that should not be."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from stun.storage.blobs import BlobStore, digest_of
from stun.storage.folder import FolderBlobStore
from stun.storage.server import BlobServerSettings, create_app

pytestmark = pytest.mark.unit
BLOB = digest_of(b"blob").hex()


def _client(store: BlobStore, max_bytes: int = 1024) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(store, max_bytes)), base_url="http://server")


@pytest.fixture
async def client(folder_store: FolderBlobStore) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(folder_store) as client:
        yield client


def _error(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error", "message"}
    return answer.status_code, answer.json()["error"]


async def test_put_head_get(client: httpx.AsyncClient) -> None:
    assert (await client.head(f"/blobs/{BLOB}")).status_code == 404
    put = await client.put(f"/blobs/{BLOB}", content=b"blob")
    assert (put.status_code, put.json()) == (201, {"digest": BLOB})
    assert (await client.head(f"/blobs/{BLOB}")).status_code == 200
    got = await client.get(f"/blobs/{BLOB}")
    assert (got.status_code, got.content) == (200, b"blob")
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "sandbox"
    assert "immutable" in got.headers["cache-control"]


async def test_put_again_is_no_error(client: httpx.AsyncClient) -> None:
    answers = [await client.put(f"/blobs/{BLOB}", content=b"blob") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]


async def test_empty_blob_travels(client: httpx.AsyncClient) -> None:
    name = digest_of(b"").hex()
    assert (await client.put(f"/blobs/{name}", content=b"")).status_code == 201
    assert (await client.get(f"/blobs/{name}")).content == b""


@pytest.mark.parametrize("body", [b"", b"blo", b"blob\n", b"other"])
async def test_body_must_hash_to_its_name(
    client: httpx.AsyncClient, folder_store: FolderBlobStore, body: bytes
) -> None:
    answer = await client.put(f"/blobs/{BLOB}", content=body)
    assert _error(answer) == (400, "blobs: body differs from name")
    assert BLOB in answer.json()["message"]
    assert not folder_store.has(digest_of(b"blob"))
    assert not folder_store.has(digest_of(body))


@pytest.mark.parametrize(
    "name",
    [
        "x",
        BLOB[:-1],
        BLOB + "0",
        BLOB.upper(),
        "%20" + BLOB[:-1],
        "..",
        "%2e%2e",
        "%2e%2e%2fetc%2fpasswd",
        "0x" + BLOB[:-2],
    ],
)
async def test_names_that_are_no_digest(client: httpx.AsyncClient, name: str) -> None:
    for answer in (await client.get(f"/blobs/{name}"), await client.put(f"/blobs/{name}", content=b"blob")):
        assert _error(answer) in [(400, "blobs: bad digest"), (404, "server: not found")]
    assert (await client.head(f"/blobs/{name}")).status_code in (400, 404)


async def test_missing_blob(client: httpx.AsyncClient) -> None:
    assert _error(await client.get(f"/blobs/{BLOB}")) == (404, "blobs: missing")


async def test_announced_body_above_the_limit(client: httpx.AsyncClient, folder_store: FolderBlobStore) -> None:
    for size, status in ((1024, 201), (1025, 413)):
        body = b"x" * size
        answer = await client.put(f"/blobs/{digest_of(body).hex()}", content=body)
        assert answer.status_code == status
        assert folder_store.has(digest_of(body)) == (status == 201)
    assert _error(answer) == (413, "blobs: too large")


async def test_chunked_body_above_the_limit(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100

    assert _error(await client.put(f"/blobs/{BLOB}", content=endless())) == (413, "blobs: too large")


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
async def test_nonsense_in_content_length(client: httpx.AsyncClient, length: str) -> None:
    answer = await client.put(f"/blobs/{BLOB}", content=b"other", headers={"Content-Length": length})
    assert _error(answer)[0] == 400


async def test_other_paths_and_methods(client: httpx.AsyncClient) -> None:
    assert _error(await client.get("/blobs")) == (404, "server: not found")
    assert _error(await client.get("/schema")) == (404, "server: not found")
    assert _error(await client.get(f"/blobs/{BLOB}/more")) == (404, "server: not found")
    assert _error(await client.post(f"/blobs/{BLOB}", content=b"blob")) == (405, "server: method not allowed")
    assert _error(await client.delete(f"/blobs/{BLOB}")) == (405, "server: method not allowed")


async def test_damaged_blob_is_not_served(folder_store: FolderBlobStore, tmp_path: Path) -> None:
    folder_store.put(b"blob")
    (tmp_path / "blobs" / BLOB[:2] / BLOB).write_bytes(b"damaged")
    async with _client(folder_store) as client:
        answer = await client.get(f"/blobs/{BLOB}")
    assert _error(answer) == (502, "blobs: corrupt")
    assert b"damaged" not in answer.content


async def test_dead_store_is_logged_and_told_without_its_reasons(dead_store: Any) -> None:
    async with _client(dead_store) as client:
        with capture_logs() as logs:
            answer = await client.get(f"/blobs/{BLOB}")
    assert _error(answer) == (502, "blobs: unavailable")
    assert "refused" not in answer.text
    assert [(entry["event"], entry["code"]) for entry in logs] == [("blob_store_failed", "blobs: unavailable")]


async def test_bug_behind_the_server_is_logged_and_not_told() -> None:
    class BrokenStore:
        name = "broken"

        def put(self, data: bytes) -> bytes:
            raise ZeroDivisionError("a secret of the server")

        def get(self, digest: bytes) -> bytes:
            raise ZeroDivisionError("a secret of the server")

        def has(self, digest: bytes) -> bool:
            raise ZeroDivisionError("a secret of the server")

    async with _client(BrokenStore()) as client:
        with capture_logs() as logs:
            answer = await client.get(f"/blobs/{BLOB}")
    assert _error(answer) == (500, "server: internal server error")
    assert "secret" not in answer.text
    assert [entry["event"] for entry in logs] == ["blob_server_bug"]


def test_server_listens_on_loopback_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUN_BLOBS_HOST", raising=False)
    assert BlobServerSettings().host == "127.0.0.1"
    monkeypatch.setenv("STUN_BLOBS_PORT", "1234")
    assert BlobServerSettings().port == 1234
