"""Models ready to run: manifest and files fetched and checked, one warm sandboxed worker each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from stun.chains.market import ModelRecord
from stun.models.exact.folders import warm_kernels
from stun.models.manifest import Manifest, NumericClass, parse_manifest
from stun.protocol.errors import StunError
from stun.provider.model_cache import BlobSource, HeldFiles, ModelCache
from stun.provider.runners.base import TaskOutput
from stun.provider.sandbox import SandboxSession, SandboxSettings


class ModelUnfit(StunError):
    """A registered model that this provider cannot run: its manifest or its graph is not the registered one."""


class Worker(Protocol):
    """A loaded model; SandboxSession is one. Errors: SandboxError."""

    def validate(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[str | None]:
        """For each input, why its task would be refused, or None."""

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        """Outputs in the order of the inputs."""

    def close(self) -> None:
        """End it."""


class Workshop(Protocol):
    """Where workers come from."""

    def worker(self, record: ModelRecord) -> Worker:
        """A warm worker of a model. Errors: ModelUnfit, ManifestError, CacheError, BlobError, SandboxError."""

    def discard(self, model_id: bytes) -> None:
        """End a model's worker, for it failed; the next call starts another."""

    def close(self) -> None:
        """End every worker."""


@dataclass(frozen=True, slots=True)
class _Bench:
    worker: Worker
    held: HeldFiles

    def clear(self) -> None:
        self.worker.close()
        self.held.release()


class SandboxWorkshop:
    """Workers in the sandbox, at most `max_warm` at a time; the one unused for longest goes. One thread only."""

    def __init__(
        self,
        source: BlobSource,
        cache: ModelCache,
        settings: SandboxSettings | None = None,
        max_warm: int = 2,
        open_session: Callable[[Manifest, Mapping[str, Path], SandboxSettings], Worker] | None = None,
    ) -> None:
        self._source = source
        self._cache = cache
        self._settings = settings or SandboxSettings()
        self._max_warm = max_warm
        self._open = open_session or _open_session
        self._benches: dict[bytes, _Bench] = {}

    def worker(self, record: ModelRecord) -> Worker:
        """A warm worker of a model."""
        bench = self._benches.pop(record.model_id, None) or self._start(record)
        self._benches[record.model_id] = bench
        return bench.worker

    def discard(self, model_id: bytes) -> None:
        """End a model's worker."""
        bench = self._benches.pop(model_id, None)
        if bench is not None:
            bench.clear()

    def close(self) -> None:
        """End every worker."""
        for model_id in list(self._benches):
            self.discard(model_id)

    def _start(self, record: ModelRecord) -> _Bench:
        while len(self._benches) >= self._max_warm:
            self.discard(next(iter(self._benches)))
        manifest = read_manifest(self._source, record)
        held = self._cache.hold(manifest.files)
        try:
            return _Bench(self._open(manifest, held.files, self._settings), held)
        except StunError:
            held.release()
            raise


def read_manifest(source: BlobSource, record: ModelRecord) -> Manifest:
    """The manifest of a registered model. Errors: ModelUnfit, ManifestError, errors of the source."""
    manifest = parse_manifest(source.get(record.manifest_digest))
    if manifest.digest() != record.manifest_digest:
        raise ModelUnfit("the stored manifest is not the registered one")
    if manifest.numeric_class.name != record.numeric_class.name:
        raise ModelUnfit(f"registered in class {record.numeric_class.name}, its manifest says {manifest.numeric_class}")
    if (manifest.weight_root, manifest.graph_root) != (record.weight_root, record.graph_root):
        raise ModelUnfit("the registered roots are not those of the manifest")
    return manifest


def _open_session(manifest: Manifest, files: Mapping[str, Path], settings: SandboxSettings) -> Worker:
    """Errors: SandboxError; ModelUnfit if a graph is not the registered one: whoever ran it would be convicted."""
    if manifest.numeric_class is NumericClass.EXACT:
        warm_kernels()
    session = SandboxSession(manifest.runner, manifest.runner_version, files, settings)
    report = session.start()
    registered = (manifest.graph_root.hex(), manifest.weight_root.hex())
    if manifest.numeric_class is NumericClass.EXACT and report.roots != registered:
        session.close()
        raise ModelUnfit("the graph file has other roots than the model is registered with")
    return session
