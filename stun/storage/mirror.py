"""Several stores as one: reads need one honest store, writes need all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from stun.storage.blobs import (
    BlobCorrupt,
    BlobError,
    BlobMissing,
    BlobStore,
    StoreUnavailable,
    check_digest,
    digest_of,
    hex_name,
)


@dataclass(frozen=True, slots=True)
class StoreFailure:
    """One store that did not serve: `action` is get, put or has; `error` says why."""

    store: str
    action: str
    digest: bytes
    error: BlobError


class MirrorExhausted(BlobError):
    """No store served the right bytes, and at least one failed otherwise than by not having them."""

    code = "blobs: no store served"

    def __init__(self, digest: bytes, failures: Sequence[StoreFailure]) -> None:
        super().__init__(f"no store served blob {digest.hex()}: {_listed(failures)}")
        self.digest = digest
        self.failures = tuple(failures)


class MirrorIncomplete(BlobError):
    """Some stores did not take the blob; the others hold it. Put again: it is idempotent."""

    code = "blobs: not on all stores"

    def __init__(self, digest: bytes, failures: Sequence[StoreFailure]) -> None:
        super().__init__(f"blob {digest.hex()} is not on every store; put it again: {_listed(failures)}")
        self.digest = digest
        self.failures = tuple(failures)


def log_failure(failure: StoreFailure) -> None:
    """Report a store that did not serve as one structured warning."""
    structlog.get_logger().warning(
        "blob_store_failed",
        store=failure.store,
        action=failure.action,
        digest=failure.digest.hex(),
        code=failure.error.code,
        reason=str(failure.error),
    )


class MirrorStore:
    """Stores in order of preference. A lying or dead one is skipped and reported; digests are checked here again."""

    def __init__(self, stores: Sequence[BlobStore], report: Callable[[StoreFailure], None] = log_failure) -> None:
        if not stores:
            raise StoreUnavailable("mirror", "it was given no store; configure at least one")
        self._stores = tuple(stores)
        self._report = report
        self.name = "mirror of " + ", ".join(store.name for store in self._stores)

    def put(self, data: bytes) -> bytes:
        """Put on every store, trying all before failing; return the digest. Raises MirrorIncomplete."""
        digest = digest_of(data)
        failures = []
        for store in self._stores:
            try:
                answered = store.put(data)
                if answered != digest:
                    raise BlobCorrupt(digest, answered)
            except BlobError as error:
                failures.append(self._failed(store, "put", digest, error))
        if failures:
            raise MirrorIncomplete(digest, failures)
        return digest

    def get(self, digest: bytes) -> bytes:
        """Return the blob from the first store that serves the right bytes.

        Raises DigestInvalid, BlobMissing (every store answered that it has none), MirrorExhausted.
        """
        hex_name(digest)
        failures = []
        for store in self._stores:
            try:
                return check_digest(store.get(digest), digest)
            except BlobError as error:
                failures.append(self._failed(store, "get", digest, error))
        if all(isinstance(failure.error, BlobMissing) for failure in failures):
            raise BlobMissing(digest)
        raise MirrorExhausted(digest, failures)

    def has(self, digest: bytes) -> bool:
        """Say whether any store claims the blob. Raises DigestInvalid, MirrorExhausted (no claim, and one is dead)."""
        hex_name(digest)
        failures = []
        for store in self._stores:
            try:
                if store.has(digest):
                    return True
            except BlobError as error:
                failures.append(self._failed(store, "has", digest, error))
        if failures:
            raise MirrorExhausted(digest, failures)
        return False

    def _failed(self, store: BlobStore, action: str, digest: bytes, error: BlobError) -> StoreFailure:
        """Record a failure and report it, unless it is the ordinary answer that a blob is not there."""
        failure = StoreFailure(store.name, action, digest, error)
        if not isinstance(error, BlobMissing):
            self._report(failure)
        return failure


def _listed(failures: Sequence[StoreFailure]) -> str:
    return "; ".join(f"{failure.store} ({failure.error.code})" for failure in failures)
