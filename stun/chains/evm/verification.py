"""Comparing what is on a chain with the record of it and with a fresh compile of the sources.

A creation whose transaction carries exactly the sources' code and the recorded arguments settles the immutables: what a
constructor leaves follows from them. Where the node does not have the transaction any more, the creation is simulated
with the recorded arguments, twice, from different senders and on different blocks: bytes that come out the same both
times are implied by the arguments and must be on the chain (Vyper puts immutables after the runtime code); the others
depend on the address, the sender or the time, and are reported as unproven. The recorded code hash covers them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.exceptions import EncodingError
from eth_utils.crypto import keccak

from stun.chains.evm.artifacts import Artifact, ArtifactStore, ContractUnknown, Immutable
from stun.chains.evm.deployments import ContractRecord, DeploymentFile, DeploymentInvalid, from_json, load, to_json
from stun.chains.evm.errors import BlockVanished, EndpointRefused, Reverted
from stun.chains.evm.findings import Findings, Mismatch, Verification
from stun.chains.evm.rpc import ChainReader, ChainView
from stun.chains.evm.verified_history import check_call, check_creation, digest_of

_PROBES = (bytes.fromhex("51" * 20), bytes.fromhex("a3" * 20))


def verify(file: Path | DeploymentFile, reader: ChainReader, artifacts: ArtifactStore | None = None) -> list[Mismatch]:
    """Everything on the chain that contradicts the record or the sources; empty when all holds.

    Errors: DeploymentInvalid, Unreachable, EndpointsDisagree.
    """
    return list(inspect(file, reader, artifacts).mismatches)


def inspect(file: Path | DeploymentFile, reader: ChainReader, artifacts: ArtifactStore | None = None) -> Verification:
    """As `verify`, with what proves nothing either way."""
    record = load(file) if isinstance(file, Path) else file
    findings = Findings()
    if findings.same("", "chain id", str(record.chain_id), str(reader.chain_id)):
        compare_contracts(record, reader.view(), artifacts or ArtifactStore(), findings)
    return findings.outcome()


def compare_contracts(record: DeploymentFile, view: ChainView, store: ArtifactStore, findings: Findings) -> None:
    """Compare every contract and every call of a record with the chain at one block."""
    sources: dict[str, Artifact] = {}
    moved = {call.contract for call in record.calls if call.function == "transfer_ownership"}
    for name, item in record.contracts.items():
        try:
            sources[name] = store.load(item.contract)
        except ContractUnknown:
            findings.same(name, "source", item.contract, "none")
            continue
        _Contract(name, item, view, findings).check(sources[name], ("owner",) if name in moved else ())
    for call in record.calls:
        if call.contract in sources:
            address = bytes.fromhex(record.contracts[call.contract].address[2:])
            check_call(call, address, sources[call.contract], view.reader, findings)


@dataclass(frozen=True, slots=True)
class _Contract:
    """One contract under comparison."""

    name: str
    record: ContractRecord
    view: ChainView
    findings: Findings

    def check(self, artifact: Artifact, passed_on: Sequence[str]) -> None:
        """Compare it; getters named in `passed_on` answer what a later recorded call made of the argument."""
        address = bytes.fromhex(self.record.address[2:])
        code = self.view.code(address)
        if not self._same("code", "present", "present" if code else "none"):
            return
        self._same("code hash", self.record.code_hash, "0x" + keccak(code).hex())
        size = len(artifact.runtime_bytecode)
        self._same("code size", str(artifact.code_size), str(len(code)))
        known = self._same("runtime code", digest_of(artifact.runtime_bytecode), digest_of(code[:size]))
        arguments = self._arguments(artifact)
        if arguments is None:
            return
        proven = check_creation(self.name, self.record, artifact, arguments, self.view.reader, self.findings)
        if len(code) == artifact.code_size:
            self._immutables(artifact, arguments, code[size:], proven)
        if known:  # other code may answer what it likes
            self._getters(artifact, arguments, address, passed_on)

    def _same(self, what: str, expected: str, found: str) -> bool:
        return self.findings.same(self.name, what, expected, found)

    def _arguments(self, artifact: Artifact) -> tuple[Any, ...] | None:
        inputs = artifact.interface.constructor
        names = [name for name, _ in inputs]
        if not self._same("arguments", ", ".join(names), ", ".join(self.record.arguments)):
            return None
        try:
            arguments = tuple(from_json(self.record.arguments[name], kind) for name, kind in inputs)
            artifact.interface.encode_constructor(arguments)
        except (DeploymentInvalid, EncodingError) as error:
            self._same("arguments", "well-formed", str(error))
            return None
        return arguments

    def _immutables(self, artifact: Artifact, arguments: Sequence[Any], found: bytes, proven: bool) -> None:
        if not artifact.immutables:
            return
        data = artifact.deploy_bytecode + artifact.interface.encode_constructor(arguments)
        size = len(artifact.runtime_bytecode)
        try:
            first, second = (code[size:] for code in self._simulated(data))
        except (Reverted, EndpointRefused) as error:
            if not proven:
                self.findings.doubt(f"{self.name}: no immutable, its creation cannot be simulated ({error})")
            return
        for item in artifact.immutables:
            self._immutable(item, first, second, found, proven)

    def _simulated(self, data: bytes) -> tuple[bytes, bytes]:
        """What a creation would leave: at the block of the real one (its clock too), and now, by somebody else.

        A node that lacks that block or its state is asked one block back. Errors: Reverted, EndpointRefused.
        """
        now = self.view.call(None, data, _PROBES[1])
        try:
            return self.view.reader.view(self.record.block).call(None, data, _PROBES[0]), now
        except (Reverted, EndpointRefused, BlockVanished):
            earlier = self.view.reader.view(max(0, self.view.block.number - 1))
            return earlier.call(None, data, _PROBES[0]), now

    def _immutable(self, item: Immutable, first: bytes, second: bytes, found: bytes, proven: bool) -> None:
        part = slice(item.offset, item.offset + item.length)
        if first[part] == second[part]:
            self._same(f"immutable {item.name}", "0x" + first[part].hex(), "0x" + found[part].hex())
        elif not proven:
            self.findings.doubt(f"{self.name}: immutable {item.name} depends on more than the arguments")

    def _getters(self, artifact: Artifact, arguments: Sequence[Any], address: bytes, passed_on: Sequence[str]) -> None:
        for (name, kind), value in zip(artifact.interface.constructor, arguments, strict=True):
            bare = name.strip("_")
            getters = [g for g in (name, bare, bare.upper()) if artifact.interface.has(g) and g not in passed_on]
            for getter in dict.fromkeys(getters):
                function = artifact.interface.function(getter)
                if function.inputs or function.outputs != (kind,):
                    continue
                now = self.view.read(address, function)
                self._same(f"{getter}()", str(to_json(value, kind)), str(to_json(now, kind)))
