"""Comparing what is on a chain with the record of it and with a fresh compile of the sources.

Vyper puts immutables after the runtime code. Their values are found by simulating the creation with the recorded
arguments, twice, from different senders and on different blocks: bytes that come out the same both times are implied
by the arguments and must be on the chain; the others depend on the address, the sender or the time, and are reported
as unproven. The recorded code hash covers them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from stun.chains.evm.artifacts import Artifact, ArtifactStore, ContractUnknown, Immutable
from stun.chains.evm.deployments import ContractRecord, DeploymentFile, DeploymentInvalid, from_json, load, to_json
from stun.chains.evm.errors import EndpointRefused, Reverted
from stun.chains.evm.rpc import ChainReader, ChainView

_PROBES = (bytes.fromhex("51" * 20), bytes.fromhex("a3" * 20))


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as recorded: `what` of which contract, both values as text."""

    contract: str
    what: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome: what contradicts the record, and what could be neither proved nor refuted."""

    mismatches: tuple[Mismatch, ...]
    unproven: tuple[str, ...]


def verify(file: Path | DeploymentFile, reader: ChainReader, artifacts: ArtifactStore | None = None) -> list[Mismatch]:
    """Everything on the chain that contradicts the record or the sources; empty when all holds.

    Errors: DeploymentInvalid, Unreachable, EndpointsDisagree.
    """
    return list(inspect(file, reader, artifacts).mismatches)


def inspect(file: Path | DeploymentFile, reader: ChainReader, artifacts: ArtifactStore | None = None) -> Verification:
    """As `verify`, with the list of immutables and getters that prove nothing either way."""
    record = load(file) if isinstance(file, Path) else file
    if reader.chain_id != record.chain_id:
        wrong = Mismatch("", "chain id", str(record.chain_id), str(reader.chain_id))
        return Verification((wrong,), ())
    view = reader.view()
    store = artifacts or ArtifactStore()
    mismatches: list[Mismatch] = []
    unproven: list[str] = []
    for name, item in record.contracts.items():
        found = _Contract(name, item, view, mismatches, unproven)
        try:
            artifact = store.load(item.contract)
        except ContractUnknown:
            mismatches.append(Mismatch(name, "source", item.contract, "none"))
            continue
        found.check(artifact)
    return Verification(tuple(mismatches), tuple(unproven))


@dataclass(frozen=True, slots=True)
class _Contract:
    """One contract under comparison; findings go into the two lists."""

    name: str
    record: ContractRecord
    view: ChainView
    mismatches: list[Mismatch]
    unproven: list[str]

    def check(self, artifact: Artifact) -> None:
        address = bytes.fromhex(self.record.address[2:])
        code = self.view.code(address)
        if not self._same("code", "present", "present" if code else "none"):
            return
        self._same("code hash", self.record.code_hash, "0x" + keccak(code).hex())
        size = len(artifact.runtime_bytecode)
        self._same("code size", str(artifact.code_size), str(len(code)))
        self._same("runtime code", _digest(artifact.runtime_bytecode), _digest(code[:size]))
        arguments = self._arguments(artifact)
        if arguments is None:
            return
        if len(code) == artifact.code_size:
            self._immutables(artifact, arguments, code[size:])
        self._getters(artifact, arguments, address)

    def _same(self, what: str, expected: str, found: str) -> bool:
        if expected != found:
            self.mismatches.append(Mismatch(self.name, what, expected, found))
        return expected == found

    def _arguments(self, artifact: Artifact) -> tuple[Any, ...] | None:
        inputs = artifact.interface.constructor
        names = [name for name, _ in inputs]
        if not self._same("arguments", ", ".join(names), ", ".join(self.record.arguments)):
            return None
        try:
            return tuple(from_json(self.record.arguments[name], kind) for name, kind in inputs)
        except DeploymentInvalid as error:
            self.mismatches.append(Mismatch(self.name, "arguments", "well-formed", str(error)))
            return None

    def _immutables(self, artifact: Artifact, arguments: Sequence[Any], found: bytes) -> None:
        if not artifact.immutables:
            return
        data = artifact.deploy_bytecode + artifact.interface.encode_constructor(arguments)
        earlier = self.view.reader.view(max(0, self.view.block.number - 1))
        size = len(artifact.runtime_bytecode)
        try:
            first = self.view.call(None, data, _PROBES[0])[size:]
            second = earlier.call(None, data, _PROBES[1])[size:]
        except (Reverted, EndpointRefused) as error:
            self.unproven.append(f"{self.name}: no immutable, its creation cannot be simulated ({error})")
            return
        for item in artifact.immutables:
            self._immutable(item, first, second, found)

    def _immutable(self, item: Immutable, first: bytes, second: bytes, found: bytes) -> None:
        part = slice(item.offset, item.offset + item.length)
        if first[part] != second[part]:
            self.unproven.append(f"{self.name}: immutable {item.name} depends on more than the arguments")
            return
        self._same(f"immutable {item.name}", "0x" + first[part].hex(), "0x" + found[part].hex())

    def _getters(self, artifact: Artifact, arguments: Sequence[Any], address: bytes) -> None:
        for (name, kind), value in zip(artifact.interface.constructor, arguments, strict=True):
            bare = name.strip("_")
            getters = [g for g in (name, bare, bare.upper()) if artifact.interface.has(g)]
            for getter in dict.fromkeys(getters):
                function = artifact.interface.function(getter)
                if function.inputs or function.outputs != (kind,):
                    continue
                now = self.view.read(address, function)
                self._same(f"{getter}()", str(to_json(value, kind)), str(to_json(now, kind)))


def _digest(code: bytes) -> str:
    return f"{len(code)} bytes, keccak 0x{keccak(code).hex()}"
