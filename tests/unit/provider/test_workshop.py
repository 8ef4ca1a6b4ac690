"""Models made ready: the registered manifest or none, files held while a worker lives, the least used one goes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stun.chains.market import ModelRecord
from stun.models.errors import ManifestError
from stun.models.manifest import Manifest
from stun.models.manifest import NumericClass as ManifestClass
from stun.protocol.parameters import NumericClass
from stun.provider.model_cache import ModelCache
from stun.provider.runners.base import TaskOutput
from stun.provider.sandbox import SandboxSettings
from stun.provider.sandbox_errors import ModelRefused
from stun.provider.workshop import ModelUnfit, SandboxWorkshop, read_manifest
from stun.storage.blobs import BlobMissing
from stun.storage.folder import FolderBlobStore

pytestmark = pytest.mark.unit


class IdleWorker:
    """A worker that notes its end."""

    def __init__(self) -> None:
        self.closed = False

    def validate(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[str | None]:
        return [None] * len(inputs)

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        return [TaskOutput(data, 1) for data in inputs]

    def close(self) -> None:
        self.closed = True


class Opener:
    """Opens idle workers, or refuses."""

    def __init__(self) -> None:
        self.made: list[IdleWorker] = []
        self.refusal: Exception | None = None

    def __call__(self, manifest: Manifest, files: Mapping[str, Path], settings: SandboxSettings) -> IdleWorker:
        assert all(path.exists() for path in files.values())
        if self.refusal is not None:
            raise self.refusal
        self.made.append(IdleWorker())
        return self.made[-1]


@pytest.fixture
def store(tmp_path: Path) -> FolderBlobStore:
    return FolderBlobStore(tmp_path / "store")


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def workshop(tmp_path: Path, store: FolderBlobStore, opener: Opener) -> SandboxWorkshop:
    return SandboxWorkshop(store, ModelCache(tmp_path / "cache", store), max_warm=2, open_session=opener)


def registered(store: FolderBlobStore, name: str, **changes: Any) -> ModelRecord:
    """A model whose manifest and one file are in the store."""
    data = store.put(b"data of " + name.encode())
    manifest = Manifest(name, "shout", "1", ManifestClass.TOKEN, "word", "text", "text", {"data": data})
    digest = store.put(manifest.to_json())
    record = ModelRecord(digest, bytes(32), digest, bytes(32), bytes(32), NumericClass.TOKEN, True)
    return replace(record, **changes)


def test_a_worker_stays_warm(workshop: SandboxWorkshop, store: FolderBlobStore, opener: Opener) -> None:
    record = registered(store, "model")
    assert workshop.worker(record) is workshop.worker(record)
    assert len(opener.made) == 1


def test_the_worker_unused_for_longest_goes(workshop: SandboxWorkshop, store: FolderBlobStore, opener: Opener) -> None:
    first, second, third = (registered(store, name) for name in ("one", "two", "three"))
    for record in (first, second, first, third):
        workshop.worker(record)
    assert [worker.closed for worker in opener.made] == [False, True, False]
    workshop.close()
    assert all(worker.closed for worker in opener.made)


def test_a_discarded_worker_is_started_anew(workshop: SandboxWorkshop, store: FolderBlobStore, opener: Opener) -> None:
    record = registered(store, "model")
    workshop.worker(record)
    workshop.discard(record.model_id)
    workshop.discard(record.model_id)
    workshop.worker(record)
    assert [worker.closed for worker in opener.made] == [True, False]


def test_a_refused_model_holds_no_files(
    tmp_path: Path, workshop: SandboxWorkshop, store: FolderBlobStore, opener: Opener
) -> None:
    opener.refusal = ModelRefused("no such runner")
    with pytest.raises(ModelRefused, match="no such runner"):
        workshop.worker(registered(store, "model"))
    small = ModelCache(tmp_path / "cache", store, max_bytes=20)
    with small.hold({"data": store.put(b"x" * 20)}):
        assert small.size() == 20


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"numeric_class": NumericClass.OPAQUE}, "registered in class OPAQUE"),
        ({"weight_root": b"\x01" * 32}, "the registered roots"),
        ({"graph_root": b"\x01" * 32}, "the registered roots"),
    ],
)
def test_a_manifest_that_is_not_the_registered_one_is_refused(
    store: FolderBlobStore, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ModelUnfit, match=reason):
        read_manifest(store, registered(store, "model", **changes))


def test_what_is_no_manifest_or_nowhere_is_refused(store: FolderBlobStore) -> None:
    record = registered(store, "model")
    with pytest.raises(ManifestError):
        read_manifest(store, replace(record, manifest_digest=store.put(b"{}")))
    with pytest.raises(BlobMissing):
        read_manifest(store, replace(record, manifest_digest=b"\x01" * 32))
