"""The store in a folder: whole blobs or none, on the local disk and on another file system."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stun.storage.blobs import (
    BlobCorrupt,
    BlobMissing,
    BlobTooLarge,
    DigestInvalid,
    StoreUnavailable,
    digest_of,
)
from stun.storage.folder import PARTIAL_FOLDER, FolderBlobStore

pytestmark = pytest.mark.unit
NewStore = Callable[[int], FolderBlobStore]

# Puts argv[3] bytes into the store argv[1], and is killed by SIGKILL inside the system call that argv[2] names.
KILLED_WRITER = """
import os, signal, sys
from stun.storage.folder import FolderBlobStore
place, call, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
setattr(os, call, lambda *arguments: os.kill(os.getpid(), signal.SIGKILL))
FolderBlobStore(place).put(b"x" * size)
"""

# Puts one blob after another and says so after each, until somebody kills it.
ENDLESS_WRITER = """
import sys
from stun.storage.folder import FolderBlobStore
store, number = FolderBlobStore(sys.argv[1]), 0
while True:
    digest = store.put(number.to_bytes(4, "big") * 250_000)
    sys.stdout.write(digest.hex() + "\\n")
    sys.stdout.flush()
    number += 1
"""


def _file_of(root: Path, digest: bytes) -> Path:
    return root / digest.hex()[:2] / digest.hex()


def _partials(root: Path) -> list[Path]:
    return list((root / PARTIAL_FOLDER).glob("*"))


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 4])
def test_put_then_get(new_store: NewStore, data: bytes) -> None:
    store = new_store(1024)
    assert not store.has(digest_of(data))
    assert store.put(data) == digest_of(data)
    assert store.has(digest_of(data))
    assert store.get(digest_of(data)) == data


@given(data=st.binary(max_size=300))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_come_back(folder_store: FolderBlobStore, data: bytes) -> None:
    assert folder_store.get(folder_store.put(data)) == data


def test_put_is_idempotent(folder_store: FolderBlobStore, tmp_path: Path) -> None:
    digest = folder_store.put(b"blob")
    before = _file_of(tmp_path / "blobs", digest).stat()
    assert folder_store.put(b"blob") == digest
    after = _file_of(tmp_path / "blobs", digest).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_missing_blob_is_named(new_store: NewStore) -> None:
    with pytest.raises(BlobMissing) as caught:
        new_store(1024).get(digest_of(b"never put"))
    assert caught.value.digest == digest_of(b"never put")


def test_limit_holds_for_put(new_store: NewStore) -> None:
    store = new_store(8)
    store.put(b"12345678")
    with pytest.raises(BlobTooLarge) as caught:
        store.put(b"123456789")
    assert (caught.value.size, caught.value.limit) == (9, 8)
    assert not store.has(digest_of(b"123456789"))


def test_limit_holds_for_get(new_store: NewStore) -> None:
    digest = new_store(1024).put(b"x" * 1024)
    with pytest.raises(BlobTooLarge) as caught:
        new_store(8).get(digest)
    assert (caught.value.size, caught.value.limit) == (9, 8)


@pytest.mark.parametrize("digest", [b"", b"../../../../etc/passwd", b"\0" * 31, b"\0" * 33])
def test_names_that_are_no_digest_touch_no_file(new_store: NewStore, digest: bytes) -> None:
    store = new_store(1024)
    with pytest.raises(DigestInvalid):
        store.get(digest)
    with pytest.raises(DigestInvalid):
        store.has(digest)


@pytest.mark.parametrize("damage", [b"", b"blo", b"blob and more", b"BLOB", b"x" * 2000])
def test_damaged_blob_is_never_returned_and_put_repairs_it(
    folder_store: FolderBlobStore, tmp_path: Path, damage: bytes
) -> None:
    digest = folder_store.put(b"blob")
    _file_of(tmp_path / "blobs", digest).write_bytes(damage)
    expected = BlobTooLarge if len(damage) > folder_store.max_bytes else BlobCorrupt
    with pytest.raises(expected) as caught:
        folder_store.get(digest)
    if isinstance(caught.value, BlobCorrupt):
        assert (caught.value.expected, caught.value.actual) == (digest, digest_of(damage))
    assert folder_store.put(b"blob") == digest
    assert folder_store.get(digest) == b"blob"


def test_a_folder_in_a_blobs_place_is_not_a_blob(folder_store: FolderBlobStore, tmp_path: Path) -> None:
    _file_of(tmp_path / "blobs", digest_of(b"blob")).mkdir(parents=True)
    assert not folder_store.has(digest_of(b"blob"))
    with pytest.raises(StoreUnavailable, match="IsADirectoryError"):
        folder_store.get(digest_of(b"blob"))
    with pytest.raises(StoreUnavailable):
        folder_store.put(b"blob")
    assert _partials(tmp_path / "blobs") == []


def test_a_file_in_the_roots_place_makes_the_store_unavailable(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_bytes(b"not a folder")
    store = FolderBlobStore(tmp_path / "blobs")
    with pytest.raises(StoreUnavailable) as caught:
        store.put(b"blob")
    assert caught.value.store == f"file:{tmp_path / 'blobs'}"


def test_full_disk_leaves_nothing(
    folder_store: FolderBlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        folder_store.put(b"blob")
    assert not folder_store.has(digest_of(b"blob"))
    assert _partials(tmp_path / "blobs") == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_writer_killed_in_the_middle_leaves_no_blob(tmp_path: Path, call: str) -> None:
    data = b"x" * 100_000
    writer = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(tmp_path), call, str(len(data))], check=False)
    assert writer.returncode == -signal.SIGKILL
    store = FolderBlobStore(tmp_path)
    assert len(_partials(tmp_path)) == 1
    assert not store.has(digest_of(data))
    with pytest.raises(BlobMissing):
        store.get(digest_of(data))
    assert store.get(store.put(data)) == data


def test_killed_writer_keeps_what_it_promised_and_nothing_half(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", ENDLESS_WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    promised = [bytes.fromhex(writer.stdout.readline().strip()) for _ in range(5)]
    writer.kill()
    promised += [bytes.fromhex(line) for line in writer.stdout.read().split("\n") if len(line) == 64]
    writer.wait()
    store = FolderBlobStore(tmp_path)
    assert all(len(store.get(digest)) == 1_000_000 for digest in promised)
    blobs = [path for path in tmp_path.glob("*/*") if path.parent.name != PARTIAL_FOLDER]
    assert len(blobs) >= len(promised)
    assert all(digest_of(path.read_bytes()).hex() == path.name for path in blobs)


def test_only_old_partial_files_are_removed(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    digest = store.put(b"blob")
    now = datetime.now(UTC)
    for name, age in (("old", timedelta(hours=2)), ("young", timedelta())):
        path = tmp_path / PARTIAL_FOLDER / name
        path.write_bytes(b"half a bl")
        os.utime(path, ((now - age).timestamp(), (now - age).timestamp()))
    assert store.remove_partials(now - timedelta(hours=1)) == 1
    assert [path.name for path in _partials(tmp_path)] == ["young"]
    assert store.get(digest) == b"blob"


def test_nothing_to_remove_in_a_fresh_store(new_store: NewStore) -> None:
    assert new_store(1024).remove_partials(datetime.now(UTC)) == 0


def test_partial_files_on_another_file_system_are_removed(new_store: NewStore) -> None:
    store = new_store(1024)
    store.put(b"blob")
    store._files.pipe_file(f"{store._root}/{PARTIAL_FOLDER}/left", b"half")
    assert store.remove_partials(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert store.remove_partials(datetime.now(UTC) + timedelta(hours=1)) == 1


def test_two_stores_over_one_folder_see_the_same_blobs(new_store: NewStore) -> None:
    digest = new_store(1024).put(b"blob")
    assert new_store(1024).get(digest) == b"blob"
