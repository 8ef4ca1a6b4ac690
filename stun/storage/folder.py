"""A store in a folder: the local disk by default, any file system that fsspec knows by its URL."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from stun.storage.blobs import (
    DEFAULT_MAX_BYTES,
    BlobMissing,
    BlobTooLarge,
    StoreUnavailable,
    check_digest,
    check_size,
    digest_of,
    hex_name,
)

PARTIAL_FOLDER = "partial"


class FolderBlobStore:
    """Blobs as files `<root>/<first two hex digits>/<64 hex digits>`.

    A write goes to a new file in `<root>/partial` and is renamed into place, so that a reader sees a whole blob or
    none. On the local disk file and folder are synced first: a blob whose `put` returned survives a crash of the
    machine. Elsewhere (`memory://`, `s3://` ...) it is as durable, and the rename as atomic, as that file system makes
    it; reads check the digest in any case, and putting a damaged blob again repairs it.
    """

    def __init__(self, url: str | Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._files, root = url_to_fs(str(url))
        self._root = str(root).rstrip("/")
        self._local = isinstance(self._files, LocalFileSystem)
        self.max_bytes = max_bytes
        scheme = self._files.protocol
        self.name = f"{scheme if isinstance(scheme, str) else scheme[0]}:{self._root}"

    def put(self, data: bytes) -> bytes:
        """Hold a blob and return its digest. Raises BlobTooLarge, StoreUnavailable."""
        check_size(data, self.max_bytes)
        digest = digest_of(data)
        path = self._path(digest)
        with self._failures_named():
            if self._read(path) != data:
                self._write(path, data)
        return digest

    def get(self, digest: bytes) -> bytes:
        """Return a blob. Raises DigestInvalid, BlobMissing, BlobCorrupt, BlobTooLarge, StoreUnavailable."""
        path = self._path(digest)
        with self._failures_named():
            data = self._read(path)
        if data is None:
            raise BlobMissing(digest)
        if len(data) > self.max_bytes:
            raise BlobTooLarge(len(data), self.max_bytes)
        return check_digest(data, digest)

    def has(self, digest: bytes) -> bool:
        """Say whether a file of that name is there; its bytes are not read. Raises DigestInvalid, StoreUnavailable."""
        path = self._path(digest)
        with self._failures_named():
            try:
                return bool(self._files.info(path)["type"] == "file")
            except FileNotFoundError:
                return False

    def remove_partials(self, before: datetime) -> int:
        """Delete what interrupted writes left before that (aware) time; return how many files. Raises StoreUnavailable.

        Pass a time older than the longest write: a file that a living writer still needs must not go.
        """
        removed = 0
        with self._failures_named():
            for path in self._partials():
                if _aware(self._files.modified(path)) < before:
                    self._files.rm_file(path)
                    removed += 1
        return removed

    def _path(self, digest: bytes) -> str:
        name = hex_name(digest)
        return f"{self._root}/{name[:2]}/{name}"

    def _partials(self) -> list[str]:
        try:
            return list(self._files.ls(f"{self._root}/{PARTIAL_FOLDER}", detail=False))
        except FileNotFoundError:
            return []

    def _read(self, path: str) -> bytes | None:
        """Return at most `max_bytes` + 1 bytes of the file, None if there is none."""
        try:
            with self._files.open(path, "rb") as file:
                return bytes(file.read(self.max_bytes + 1))
        except FileNotFoundError:
            return None

    def _write(self, path: str, data: bytes) -> None:
        partial = f"{self._root}/{PARTIAL_FOLDER}/{path.rpartition('/')[2]}.{secrets.token_hex(8)}"
        for file_path in (partial, path):
            self._files.makedirs(file_path.rpartition("/")[0], exist_ok=True)
        if self._local:
            _replace_durably(Path(partial), Path(path), data)
        else:
            self._files.pipe_file(partial, data)
            self._files.mv(partial, path)

    @contextlib.contextmanager
    def _failures_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(self.name, f"{type(error).__name__}: {error}") from error


def _replace_durably(partial: Path, path: Path, data: bytes) -> None:
    """Write and sync `partial`, then rename it to `path` in one step; on failure nothing is left behind."""
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    for folder in (path.parent, path.parent.parent):
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
