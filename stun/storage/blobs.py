"""What a content-addressed store is, and every error it may raise.

A blob is named by `sha256(content)`, 32 bytes. Whoever serves a blob is untrusted: each store checks the digest of what
it read before it returns, so that wrong bytes never reach a caller.
"""

import asyncio
import hashlib
from typing import ClassVar, Protocol

from stun.protocol.errors import StunError

DIGEST_BYTES = 32
DEFAULT_MAX_BYTES = 256 * 1024**2


class BlobError(StunError):
    """Base class of the errors of stores. `code` names the cause, module first, as in the contracts."""

    code: ClassVar[str]


class DigestInvalid(BlobError):
    """A name that is not 32 bytes (on the wire: 64 lowercase hexadecimal digits)."""

    code = "blobs: bad digest"

    def __init__(self, length: int) -> None:
        super().__init__(f"a blob is named by {DIGEST_BYTES} bytes (64 lowercase hex digits), not by {length} units")
        self.length = length


class BlobMissing(BlobError):
    """The store answered and does not hold the blob. Ask another store, or put the blob again."""

    code = "blobs: missing"

    def __init__(self, digest: bytes) -> None:
        super().__init__(f"no blob {digest.hex()} here; ask another store or put it again")
        self.digest = digest


class BlobCorrupt(BlobError):
    """The bytes do not hash to the name asked for; they were dropped. Ask another store, or put the blob again."""

    code = "blobs: corrupt"

    def __init__(self, expected: bytes, actual: bytes) -> None:
        super().__init__(f"bytes hash to {actual.hex()}, not to {expected.hex()}; do not trust where they came from")
        self.expected = expected
        self.actual = actual


class BlobTooLarge(BlobError):
    """The blob passes the limit. `size` (bytes) may be only what was read so far; `limit` is None if unknown."""

    code = "blobs: too large"

    def __init__(self, size: int, limit: int | None) -> None:
        bound = "the store's limit" if limit is None else f"{limit} bytes"
        super().__init__(f"{size} bytes pass {bound}; split the blob or raise the store's max_bytes")
        self.size = size
        self.limit = limit


class StoreUnavailable(BlobError):
    """The store did not answer in time, or answered with an error of its own. Nothing is known about the blob."""

    code = "blobs: unavailable"

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"{store}: {reason}; try again later or another store")
        self.store = store
        self.reason = reason


class BlobStore(Protocol):
    """A place that holds blobs. `name` is for people and logs and holds no credentials.

    `put` is idempotent. `get` returns only bytes whose digest was checked. `has` is a hint: it says that a blob is
    there, not that its bytes are right. All three raise BlobError only (StoreUnavailable when there is no answer).
    """

    @property
    def name(self) -> str: ...

    def put(self, data: bytes) -> bytes: ...

    def get(self, digest: bytes) -> bytes: ...

    def has(self, digest: bytes) -> bool: ...


class AsyncBlobStore(Protocol):
    """BlobStore for callers that run in an event loop; the same rules and errors."""

    @property
    def name(self) -> str: ...

    async def put(self, data: bytes) -> bytes: ...

    async def get(self, digest: bytes) -> bytes: ...

    async def has(self, digest: bytes) -> bool: ...


class ThreadedBlobStore:
    """An AsyncBlobStore over any BlobStore: each call runs in the event loop's pool of threads."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store

    @property
    def name(self) -> str:
        return self._store.name

    async def put(self, data: bytes) -> bytes:
        return await asyncio.to_thread(self._store.put, data)

    async def get(self, digest: bytes) -> bytes:
        return await asyncio.to_thread(self._store.get, digest)

    async def has(self, digest: bytes) -> bool:
        return await asyncio.to_thread(self._store.has, digest)


def digest_of(data: bytes) -> bytes:
    """Name a blob: sha256 of its content, 32 bytes."""
    return hashlib.sha256(data).digest()


def hex_name(digest: bytes) -> str:
    """Write a digest as paths and URLs do: 64 lowercase hexadecimal digits. Raises DigestInvalid."""
    if len(digest) != DIGEST_BYTES:
        raise DigestInvalid(len(digest))
    return digest.hex()


def digest_from_hex(name: str) -> bytes:
    """Read the one canonical spelling of a digest. Raises DigestInvalid for any other (upper case, blanks, signs)."""
    if len(name) != 2 * DIGEST_BYTES or not set(name) <= set("0123456789abcdef"):
        raise DigestInvalid(len(name))
    return bytes.fromhex(name)


def check_size(data: bytes, max_bytes: int) -> None:
    """Raise BlobTooLarge if the blob has more than `max_bytes` bytes."""
    if len(data) > max_bytes:
        raise BlobTooLarge(len(data), max_bytes)


def check_digest(data: bytes, digest: bytes) -> bytes:
    """Return `data` if it hashes to `digest`; raise BlobCorrupt otherwise."""
    actual = digest_of(data)
    if actual != digest:
        raise BlobCorrupt(digest, actual)
    return data
