"""Compiled contracts, cached under .build/ by a hash over every source there is.

The key covers modules, interfaces, mocks, snekmate and the compiler's version, not only the contract's own file: a
module that changes must never leave stale bytecode of its importers behind.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from stun.chains.evm.abi import Abi
from stun.chains.interface import ChainError

ROOT = Path(__file__).resolve().parents[3]
MAX_CODE_BYTES = 24_576  # EIP-170
_SOURCE_SUFFIXES = (".vy", ".vyi")
_FORMAT = 1
_ATTEMPTS = 4


class ContractUnknown(ChainError):
    """There is no such contract source."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self.name = name

    def __str__(self) -> str:
        return f"no {self.args[0]}.vy in {self.args[1]} or its mocks/"


class CompilationFailed(ChainError):
    """The compiler refused a contract; the message is the compiler's."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name = name

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]}"


class SourcesChanged(ChainError):
    """Somebody edited the sources while they were being compiled, several times over; try again."""


@dataclass(frozen=True, slots=True)
class Immutable:
    """Where an immutable stands in the section after the runtime code, in bytes."""

    name: str
    kind: str
    offset: int
    length: int


@dataclass(frozen=True)
class Artifact:
    """One compiled contract. On chain stands `runtime_bytecode` followed by `immutables_size` bytes of immutables."""

    name: str
    abi: list[dict[str, Any]]
    deploy_bytecode: bytes
    runtime_bytecode: bytes
    immutables: tuple[Immutable, ...]
    source_hash: str

    @cached_property
    def interface(self) -> Abi:
        """The ABI ready for encoding and decoding."""
        return Abi(self.abi)

    @property
    def immutables_size(self) -> int:
        """Bytes of the immutables section."""
        return max((item.offset + item.length for item in self.immutables), default=0)

    @property
    def code_size(self) -> int:
        """Bytes on chain; EIP-170 allows MAX_CODE_BYTES."""
        return len(self.runtime_bytecode) + self.immutables_size


def _site_packages() -> Path:
    found = find_spec("snekmate")
    if found is None or not found.submodule_search_locations:
        raise CompilationFailed("snekmate", "not installed; install requirements/runtime.txt")
    return Path(found.submodule_search_locations[0]).parent


def immutables_of(layout: dict[str, Any], prefix: str = "") -> tuple[Immutable, ...]:
    """The immutables in the compiler's code layout; those of modules are named `module.name`."""
    found: list[Immutable] = []
    for name, entry in layout.items():
        if "offset" in entry and "length" in entry:
            found.append(Immutable(prefix + name, str(entry["type"]), int(entry["offset"]), int(entry["length"])))
        else:
            found.extend(immutables_of(entry, f"{prefix}{name}."))
    return tuple(sorted(found, key=lambda item: item.offset))


def compile_source(name: str, source: str, folder: Path | None = None, path: Path | None = None) -> Artifact:
    """Compile Vyper source text, without cache; imports resolve in `folder` (contracts/) and site-packages.

    Errors: CompilationFailed.
    """
    from vyper import compile_from_file_input  # heavy; most runs find everything in the cache
    from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
    from vyper.exceptions import VyperException

    here = path or Path(f"{name}.vy")
    paths = [_site_packages(), folder or ROOT / "contracts"]  # the last has precedence
    text = FileInput(contents=source, source_id=-1, path=here, resolved_path=here)
    try:
        out = compile_from_file_input(
            text,
            input_bundle=FilesystemInputBundle(paths),
            output_formats=["abi", "bytecode", "bytecode_runtime", "layout"],
        )
    except (VyperException, OSError) as error:
        raise CompilationFailed(name, str(error)) from error
    code, runtime = (bytes.fromhex(out[part][2:]) for part in ("bytecode", "bytecode_runtime"))
    layout = immutables_of(out["layout"].get("code_layout", {}))
    return Artifact(name, list(out["abi"]), code, runtime, layout, hashlib.sha256(source.encode()).hexdigest())


def _compile_to(name: str, path: Path, folder: Path, source_hash: str, target: Path) -> None:
    built = compile_source(name, path.read_text(), folder, path)
    record = {
        "format": _FORMAT,
        "name": name,
        "abi": built.abi,
        "source_hash": source_hash,
        "deploy_bytecode": built.deploy_bytecode.hex(),
        "runtime_bytecode": built.runtime_bytecode.hex(),
        "immutables": [[item.name, item.kind, item.offset, item.length] for item in built.immutables],
    }
    if ArtifactStore(folder).source_hash() != source_hash:
        raise SourcesChanged(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=target.parent, suffix=".part", delete=False) as part:
        json.dump(record, part)
    os.replace(part.name, target)


class ArtifactStore:
    """The contracts of a source folder, compiled when asked for. Safe with several processes on one cache."""

    def __init__(self, sources: Path = ROOT / "contracts", cache: Path = ROOT / ".build" / "artifacts") -> None:
        self._sources = sources
        self._cache = cache

    def names(self) -> list[str]:
        """Every deployable contract and mock: the CamelCase files."""
        folders = (self._sources, self._sources / "mocks")
        return sorted(path.stem for folder in folders for path in folder.glob("*.vy") if path.stem[0].isupper())

    def source_hash(self) -> str:
        """SHA-256 in hex over the path and content of every source, the compiler's and snekmate's version."""
        digest = hashlib.sha256(f"{_FORMAT} {version('vyper')} {version('snekmate')}".encode())
        for path in sorted(p for p in self._sources.rglob("*") if p.suffix in _SOURCE_SUFFIXES):
            content = path.read_bytes()
            digest.update(f"\n{path.relative_to(self._sources).as_posix()} {len(content)}\n".encode() + content)
        return digest.hexdigest()

    def _path(self, name: str) -> Path:
        for path in (self._sources / f"{name}.vy", self._sources / "mocks" / f"{name}.vy"):
            if path.is_file() and name[:1].isupper() and name.isalnum():
                return path
        raise ContractUnknown(name, self._sources)

    def build(self, names: Iterable[str] | None = None, processes: int = 2) -> dict[str, Artifact]:
        """The artifacts of the contracts named (all by default); what the cache lacks is compiled in parallel.

        Errors: ContractUnknown, CompilationFailed, SourcesChanged.
        """
        wanted = sorted(set(self.names() if names is None else names))
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._build(wanted, processes)
            except SourcesChanged:
                continue
        return self._build(wanted, processes)

    def _build(self, wanted: list[str], processes: int) -> dict[str, Artifact]:
        paths = {name: self._path(name) for name in wanted}
        source_hash = self.source_hash()
        targets = {name: self._cache / source_hash[:32] / f"{name}.json" for name in wanted}
        missing = [name for name in wanted if not targets[name].is_file()]
        jobs = [(name, paths[name], self._sources, source_hash, targets[name]) for name in missing]
        if len(jobs) <= 1 or processes <= 1:
            for job in jobs:
                _compile_to(*job)
        else:
            with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
                for done in [pool.submit(_compile_to, *job) for job in jobs]:
                    done.result()
        return {name: _read(targets[name], source_hash) for name in wanted}

    def load(self, name: str) -> Artifact:
        """One contract's artifact, compiled if the cache lacks it."""
        return self.build([name])[name]


def _read(path: Path, source_hash: str) -> Artifact:
    record = json.loads(path.read_text())
    if record.get("format") != _FORMAT or record.get("source_hash") != source_hash:
        raise CompilationFailed(path.stem, f"{path} is not an artifact of these sources; delete it")
    return Artifact(
        record["name"],
        record["abi"],
        bytes.fromhex(record["deploy_bytecode"]),
        bytes.fromhex(record["runtime_bytecode"]),
        tuple(Immutable(*item) for item in record["immutables"]),
        source_hash,
    )


def load(name: str) -> Artifact:
    """The artifact of one of the project's contracts."""
    return ArtifactStore().load(name)
