"""Files of models on disk, by digest: fetched once, checked always, the least recently used dropped first.

Safe for many threads and processes on one folder. Layout: `<hex>` a file; `<hex>.used` held shared by its users, so
that it is never dropped under them, and touched at each use; `<hex>.fetch` held by who fetches it; `cache.lock` held
while room is made and a file written; `incoming/` what is being written.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from types import TracebackType
from typing import Protocol

from stun.protocol.errors import StunError

DEFAULT_MAX_BYTES = 64 * 2**30
DIGEST_BYTES = 32


class BlobSource(Protocol):
    """Where files come from; a BlobStore is one."""

    def get(self, digest: bytes) -> bytes: ...


class CacheError(StunError):
    """A file that cannot be had."""


class WrongBytes(CacheError):
    """The source gave other bytes than the digest names."""

    def __init__(self, digest: bytes) -> None:
        super().__init__(f"the source gave other bytes than {digest.hex()}; ask another store")
        self.digest = digest


class CacheFull(CacheError):
    """The file does not fit: too large for the cache, or all the rest is in use."""

    def __init__(self, size: int, max_bytes: int) -> None:
        super().__init__(f"{size} bytes do not fit in a cache of {max_bytes} with what is in use; raise its limit")
        self.size = size
        self.max_bytes = max_bytes


@dataclass(frozen=True, slots=True)
class HeldFiles:
    """Files of a model by role; they stay until `release` (or the end of a `with` block)."""

    files: Mapping[str, Path]
    _locks: ExitStack

    def release(self) -> None:
        """Let the cache drop the files again. Safe to call twice."""
        self._locks.close()

    def __enter__(self) -> Mapping[str, Path]:
        return self.files

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


class ModelCache:
    """Holds at most `max_bytes` of files in `folder`; what it lacks it gets from `source`."""

    def __init__(self, folder: Path, source: BlobSource, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._folder = folder
        self._source = source
        self._max_bytes = max_bytes
        self._checked: dict[bytes, tuple[int, int, int]] = {}
        (folder / "incoming").mkdir(parents=True, exist_ok=True)
        with _locked(folder / "cache.lock", fcntl.LOCK_EX):
            for partial in (folder / "incoming").iterdir():
                partial.unlink()  # left by a process that was killed while it wrote

    def hold(self, digests: Mapping[str, bytes]) -> HeldFiles:
        """The files of a model by role, present and checked, until they are released.

        Errors of the source pass through; WrongBytes, CacheFull.
        """
        locks = ExitStack()
        try:
            paths = {digest: self._hold_one(digest, locks) for digest in set(digests.values())}
        except BaseException:
            locks.close()
            raise
        return HeldFiles({role: paths[digest] for role, digest in digests.items()}, locks)

    def get(self, digest: bytes) -> bytes:
        """The bytes of one file, kept from then on as every other. Errors as `hold`."""
        with self.hold({"": digest}) as files:
            return files[""].read_bytes()

    def size(self) -> int:
        """Bytes of the files held now."""
        return sum(status.st_size for _, status in self._entries())

    def _hold_one(self, digest: bytes, locks: ExitStack) -> Path:
        if len(digest) != DIGEST_BYTES:
            raise ValueError(f"a digest has {DIGEST_BYTES} bytes, not {len(digest)}")
        path = self._folder / digest.hex()
        used = _used_path(path)
        locks.enter_context(_locked(used, fcntl.LOCK_SH))
        os.utime(used)
        if not self._is_intact(path, digest):
            with _locked(path.with_suffix(".fetch"), fcntl.LOCK_EX):
                if not self._is_intact(path, digest):
                    self._fetch(path, digest)
        return path

    def _is_intact(self, path: Path, digest: bytes) -> bool:
        """Whether the file is there with the right bytes; they are read again only if the file changed since."""
        try:
            with path.open("rb") as file:
                identity = _identity(os.fstat(file.fileno()))
                if self._checked.get(digest) == identity:
                    return True
                if file_digest(file, "sha256").digest() != digest:
                    return False
        except FileNotFoundError:
            return False
        self._checked[digest] = identity
        return True

    def _fetch(self, path: Path, digest: bytes) -> None:
        data = self._source.get(digest)
        if sha256(data).digest() != digest:
            raise WrongBytes(digest)
        with _locked(self._folder / "cache.lock", fcntl.LOCK_EX):
            self._make_room(path, len(data))
            _write_durably(self._folder, path, data)

    def _make_room(self, wanted: Path, size: int) -> None:
        """Drop files until `size` more bytes fit beside all others; a broken file at `wanted` does not count."""
        entries = sorted((entry for entry in self._entries() if entry[0] != wanted), key=_last_used)
        used = sum(status.st_size for _, status in entries)
        for path, status in entries:
            if used + size <= self._max_bytes:
                break
            if self._drop(path):
                used -= status.st_size
        if used + size > self._max_bytes:
            raise CacheFull(size, self._max_bytes)

    def _drop(self, path: Path) -> bool:
        """Remove a file that nobody holds; False if it is in use."""
        try:
            with _locked(_used_path(path), fcntl.LOCK_EX | fcntl.LOCK_NB):
                path.unlink(missing_ok=True)
        except BlockingIOError:
            return False
        return True

    def _entries(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._folder.iterdir():
            if len(path.name) == 2 * DIGEST_BYTES and not path.suffix:
                try:
                    yield path, path.stat()
                except FileNotFoundError:
                    continue  # dropped by another process since the listing


@contextmanager
def _locked(path: Path, operation: int) -> Iterator[None]:
    """Hold a lock file; BlockingIOError if it is held by another and `operation` says not to wait."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)


def _used_path(path: Path) -> Path:
    return path.with_suffix(".used")


def _last_used(entry: tuple[Path, os.stat_result]) -> int:
    path, status = entry
    used = _used_path(path)
    return used.stat().st_mtime_ns if used.exists() else status.st_mtime_ns


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _write_durably(folder: Path, path: Path, data: bytes) -> None:
    descriptor, partial = tempfile.mkstemp(dir=folder / "incoming")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(path)
    except OSError:
        Path(partial).unlink(missing_ok=True)
        raise
