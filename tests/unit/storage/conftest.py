"""Stores that the storage tests share: honest ones, a lying one and a dead one."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from stun.storage.blobs import StoreUnavailable, digest_of
from stun.storage.folder import FolderBlobStore


class LyingStore:
    """Claims every blob and serves the same bytes for all, without checking anything."""

    def __init__(self, served: bytes = b"other bytes") -> None:
        self.name = "lying"
        self._served = served

    def put(self, data: bytes) -> bytes:
        return digest_of(self._served)

    def get(self, digest: bytes) -> bytes:
        return self._served

    def has(self, digest: bytes) -> bool:
        return True


class DeadStore:
    """Answers nothing."""

    def __init__(self) -> None:
        self.name = "dead"

    def put(self, data: bytes) -> bytes:
        raise StoreUnavailable(self.name, "refused")

    def get(self, digest: bytes) -> bytes:
        raise StoreUnavailable(self.name, "refused")

    def has(self, digest: bytes) -> bool:
        raise StoreUnavailable(self.name, "refused")


@pytest.fixture
def lying_store() -> LyingStore:
    return LyingStore()


@pytest.fixture
def dead_store() -> DeadStore:
    return DeadStore()


@pytest.fixture
def folder_store(tmp_path: Path) -> FolderBlobStore:
    return FolderBlobStore(tmp_path / "blobs", max_bytes=1024)


@pytest.fixture(params=["local", "memory"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[int], FolderBlobStore]:
    """Make stores with a given size limit over one fresh place, on each file system."""
    place = str(tmp_path / "blobs") if request.param == "local" else f"memory://blobs-{secrets.token_hex(8)}"
    return lambda max_bytes: FolderBlobStore(place, max_bytes)
