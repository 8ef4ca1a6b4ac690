"""The client of an HTTP blob server. The server is untrusted: size, time and digest are checked here.

A call ends within `deadline_seconds` however slowly the server drips bytes. Redirects are not followed and bodies are
never decompressed: the bytes that are hashed are the bytes that were sent.
"""

import weakref
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import anyio
import httpx
from anyio.from_thread import start_blocking_portal

from stun.storage.blobs import (
    DEFAULT_MAX_BYTES,
    BlobError,
    BlobMissing,
    BlobTooLarge,
    StoreUnavailable,
    check_digest,
    check_size,
    digest_of,
    hex_name,
)

CONNECT_SECONDS = 5.0
DEADLINE_SECONDS = 60.0
MAX_REASON_BYTES = 1024


class AsyncHttpBlobStore:
    """An AsyncBlobStore on `<base_url>/blobs/<hex>`. Use it in one event loop and close it there."""

    def __init__(
        self,
        base_url: str,
        max_bytes: int = DEFAULT_MAX_BYTES,
        deadline_seconds: float = DEADLINE_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        url = _checked_url(base_url)
        self.name = str(url.copy_with(username=None, password=None))
        self.max_bytes = max_bytes
        self.deadline_seconds = deadline_seconds
        self._client = httpx.AsyncClient(
            base_url=url,
            transport=transport,
            timeout=httpx.Timeout(deadline_seconds, connect=min(CONNECT_SECONDS, deadline_seconds)),
            headers={"Accept-Encoding": "identity"},
        )

    async def put(self, data: bytes) -> bytes:
        """Upload a blob and return its digest. Raises BlobTooLarge, StoreUnavailable."""
        check_size(data, self.max_bytes)
        digest = digest_of(data)
        async with self._ask("PUT", digest, data) as answer:
            if answer.status_code == 413:
                raise BlobTooLarge(len(data), None)
            if answer.status_code not in (200, 201):
                raise await self._refusal(answer)
        return digest

    async def get(self, digest: bytes) -> bytes:
        """Download a blob. Raises DigestInvalid, BlobMissing, BlobCorrupt, BlobTooLarge, StoreUnavailable."""
        async with self._ask("GET", digest) as answer:
            if answer.status_code == 404:
                raise BlobMissing(digest)
            if answer.status_code != 200:
                raise await self._refusal(answer)
            return check_digest(await _read_at_most(answer, self.max_bytes), digest)

    async def has(self, digest: bytes) -> bool:
        """Ask whether the server claims to hold a blob. Raises DigestInvalid, StoreUnavailable."""
        async with self._ask("HEAD", digest) as answer:
            if answer.status_code not in (200, 404):
                raise await self._refusal(answer)
            return answer.status_code == 200

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def _ask(self, method: str, digest: bytes, content: bytes | None = None) -> AsyncIterator[httpx.Response]:
        """Send one request and hand out its answer, body unread. Transport errors and lateness: StoreUnavailable."""
        path = f"blobs/{hex_name(digest)}"
        try:
            with anyio.fail_after(self.deadline_seconds):
                async with self._client.stream(method, path, content=content) as answer:
                    yield answer
        except TimeoutError as error:
            raise StoreUnavailable(self.name, f"no whole answer in {self.deadline_seconds} s") from error
        except httpx.HTTPError as error:
            raise StoreUnavailable(self.name, f"{type(error).__name__}: {error}") from error

    async def _refusal(self, answer: httpx.Response) -> BlobError:
        """Make an error of an unexpected status; the server's words are cut and escaped, for they may end in a log."""
        try:
            words = ascii((await _read_at_most(answer, MAX_REASON_BYTES)).decode("utf-8", "replace"))
        except BlobTooLarge:
            words = "(a long answer)"
        return StoreUnavailable(self.name, f"answered {answer.status_code} {words}")


class HttpBlobStore:
    """The BlobStore over AsyncHttpBlobStore, for code without an event loop; safe to share between threads.

    One background thread runs its requests. `close` ends it; so does the garbage collector, and the interpreter's exit.
    Do not carry it across a fork.
    """

    def __init__(
        self,
        base_url: str,
        max_bytes: int = DEFAULT_MAX_BYTES,
        deadline_seconds: float = DEADLINE_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._remote = AsyncHttpBlobStore(base_url, max_bytes, deadline_seconds, transport)
        self.name = self._remote.name
        stack, remote = ExitStack(), self._remote
        portal = stack.enter_context(start_blocking_portal(name="blob-client"))
        stack.callback(lambda: portal.call(AsyncHttpBlobStore.close, remote))
        self._portal = portal
        self._shut = weakref.finalize(self, stack.close)

    def put(self, data: bytes) -> bytes:
        """Upload a blob and return its digest. Raises BlobTooLarge, StoreUnavailable."""
        return self._portal.call(self._remote.put, data)

    def get(self, digest: bytes) -> bytes:
        """Download a blob. Raises DigestInvalid, BlobMissing, BlobCorrupt, BlobTooLarge, StoreUnavailable."""
        return self._portal.call(self._remote.get, digest)

    def has(self, digest: bytes) -> bool:
        """Ask whether the server claims to hold a blob. Raises DigestInvalid, StoreUnavailable."""
        return self._portal.call(self._remote.has, digest)

    def close(self) -> None:
        """Close the connections and end the background thread; a second call does nothing."""
        self._shut()


def _checked_url(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise StoreUnavailable("blob server", f"its address is no URL ({error})") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise StoreUnavailable("blob server", "its address must be http://host or https://host")
    return url


async def _read_at_most(answer: httpx.Response, limit: int) -> bytes:
    """Read a body as sent. Raises BlobTooLarge as soon as it passes `limit` bytes."""
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > limit:
            raise BlobTooLarge(len(body), limit)
    return bytes(body)
