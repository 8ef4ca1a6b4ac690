"""Mirrors: one honest store is enough to read, all are needed to write, and every failure is reported."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from stun.storage.blobs import BlobCorrupt, BlobMissing, BlobTooLarge, DigestInvalid, StoreUnavailable, digest_of
from stun.storage.folder import FolderBlobStore
from stun.storage.mirror import MirrorExhausted, MirrorIncomplete, MirrorStore, StoreFailure

pytestmark = pytest.mark.unit


@pytest.fixture
def other_store(tmp_path: Path) -> FolderBlobStore:
    return FolderBlobStore(tmp_path / "others", max_bytes=1024)


def test_reads_skip_and_report_lying_and_dead_stores(
    folder_store: FolderBlobStore, lying_store: Any, dead_store: Any
) -> None:
    digest = folder_store.put(b"blob")
    reported: list[StoreFailure] = []
    assert MirrorStore([lying_store, dead_store, folder_store], reported.append).get(digest) == b"blob"
    assert [(failure.store, failure.action, type(failure.error)) for failure in reported] == [
        ("lying", "get", BlobCorrupt),
        ("dead", "get", StoreUnavailable),
    ]


def test_first_honest_store_is_not_passed_over(folder_store: FolderBlobStore, lying_store: Any) -> None:
    digest = folder_store.put(b"blob")
    reported: list[StoreFailure] = []
    assert MirrorStore([folder_store, lying_store], reported.append).get(digest) == b"blob"
    assert reported == []


def test_missing_here_and_held_there_is_no_failure(folder_store: FolderBlobStore, other_store: FolderBlobStore) -> None:
    digest = other_store.put(b"blob")
    reported: list[StoreFailure] = []
    mirror = MirrorStore([folder_store, other_store], reported.append)
    assert mirror.get(digest) == b"blob"
    assert mirror.has(digest)
    assert reported == []


def test_missing_everywhere_is_missing(folder_store: FolderBlobStore, other_store: FolderBlobStore) -> None:
    mirror = MirrorStore([folder_store, other_store])
    assert not mirror.has(digest_of(b"blob"))
    with pytest.raises(BlobMissing):
        mirror.get(digest_of(b"blob"))


def test_no_right_bytes_anywhere_names_every_failure(
    folder_store: FolderBlobStore, lying_store: Any, dead_store: Any
) -> None:
    reported: list[StoreFailure] = []
    mirror = MirrorStore([lying_store, folder_store, dead_store], reported.append)
    with pytest.raises(MirrorExhausted) as caught:
        mirror.get(digest_of(b"blob"))
    causes = [(failure.store, type(failure.error)) for failure in caught.value.failures]
    assert causes == [("lying", BlobCorrupt), (folder_store.name, BlobMissing), ("dead", StoreUnavailable)]
    assert [failure.store for failure in reported] == ["lying", "dead"]


def test_writes_need_every_store_and_try_all(
    folder_store: FolderBlobStore, other_store: FolderBlobStore, dead_store: Any, lying_store: Any
) -> None:
    assert MirrorStore([folder_store, other_store]).put(b"first") == digest_of(b"first")
    assert folder_store.get(digest_of(b"first")) == other_store.get(digest_of(b"first")) == b"first"
    with pytest.raises(MirrorIncomplete) as caught:
        MirrorStore([dead_store, lying_store, folder_store], lambda failure: None).put(b"second")
    assert [(failure.store, type(failure.error)) for failure in caught.value.failures] == [
        ("dead", StoreUnavailable),
        ("lying", BlobCorrupt),
    ]
    assert folder_store.get(digest_of(b"second")) == b"second"


def test_a_store_with_a_lower_limit_fails_the_write_alone(tmp_path: Path, folder_store: FolderBlobStore) -> None:
    small = FolderBlobStore(tmp_path / "small", max_bytes=2)
    with pytest.raises(MirrorIncomplete) as caught:
        MirrorStore([small, folder_store], lambda failure: None).put(b"blob")
    assert [type(failure.error) for failure in caught.value.failures] == [BlobTooLarge]
    assert folder_store.has(digest_of(b"blob"))


def test_presence_is_unknown_while_a_store_is_dead(folder_store: FolderBlobStore, dead_store: Any) -> None:
    mirror = MirrorStore([dead_store, folder_store], lambda failure: None)
    with pytest.raises(MirrorExhausted):
        mirror.has(digest_of(b"blob"))
    folder_store.put(b"blob")
    assert mirror.has(digest_of(b"blob"))


def test_bad_names_reach_no_store(dead_store: Any) -> None:
    reported: list[StoreFailure] = []
    mirror = MirrorStore([dead_store], reported.append)
    with pytest.raises(DigestInvalid):
        mirror.get(b"short")
    with pytest.raises(DigestInvalid):
        mirror.has(b"short")
    assert reported == []


def test_a_mirror_of_nothing_is_refused() -> None:
    with pytest.raises(StoreUnavailable, match="configure at least one"):
        MirrorStore([])


def test_failures_are_logged_by_default(folder_store: FolderBlobStore, lying_store: Any) -> None:
    digest = folder_store.put(b"blob")
    with capture_logs() as logs:
        MirrorStore([lying_store, folder_store]).get(digest)
    assert [(entry["event"], entry["store"], entry["code"]) for entry in logs] == [
        ("blob_store_failed", "lying", "blobs: corrupt")
    ]
