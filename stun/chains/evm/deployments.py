"""Putting contracts on a chain, and the record of what was put there: deployments/<network>/<chain>.json.

Amounts and all integers of constructor arguments are decimal text in the file, addresses and bytes 0x-hex.
"""

import hashlib
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import msgspec
from eth_utils.address import is_checksum_address, to_checksum_address
from eth_utils.crypto import keccak

from stun.chains.evm.abi import split_tuple
from stun.chains.evm.artifacts import MAX_CODE_BYTES, Artifact, ArtifactStore
from stun.chains.evm.rpc import ChainReader
from stun.chains.interface import ChainError, TransactionSender

ROOT = Path(__file__).resolve().parents[3]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_COMMIT = re.compile(r"[0-9a-f]{40}(-dirty)?|sources-[0-9a-f]{64}")
_MAX_BYTES, _MAX_DEPTH = 2**22, 16
_HASH = re.compile(r"0x[0-9a-f]{64}")


class DeploymentInvalid(ChainError):
    """A deployment file that does not keep to the schema; the message says where."""


class CodeTooLarge(ChainError):
    """A contract above the 24,576 bytes that EIP-170 allows."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A contract on the chain. `code_hash` is keccak-256 of the runtime code there, immutables included."""

    name: str
    contract: str
    address: bytes
    code_hash: bytes
    arguments: tuple[Any, ...]
    block: int
    transaction: bytes


@dataclass(frozen=True, slots=True)
class Called:
    """A call that set a contract up after its creation; `contract` is a name in the record."""

    contract: str
    function: str
    arguments: tuple[Any, ...]
    block: int
    transaction: bytes


class ContractRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One contract in the file; `contract` is the source's name, `arguments` by name in the constructor's order."""

    contract: str
    address: str
    code_hash: str
    arguments: dict[str, Any]
    block: int
    transaction: str


class CallRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call in the file; `arguments` by name in the function's order."""

    contract: str
    function: str
    arguments: dict[str, Any]
    block: int
    transaction: str


class DeploymentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. `commit` as `source_commit` says it; `calls` are what set the contracts up, in their order."""

    format: Literal[1]
    network: str
    chain_id: int
    commit: str
    contracts: dict[str, ContractRecord]
    calls: tuple[CallRecord, ...] = ()

    def address(self, name: str) -> bytes:
        """The address of a contract; raises DeploymentInvalid when the file has none of that name."""
        if name not in self.contracts:
            raise DeploymentInvalid(f"no contract {name} is deployed on {self.network} (chain {self.chain_id})")
        return bytes.fromhex(self.contracts[name].address[2:])


def check_code_size(artifact: Artifact) -> None:
    """Errors: CodeTooLarge."""
    if artifact.code_size > MAX_CODE_BYTES:
        raise CodeTooLarge(f"{artifact.name} has {artifact.code_size} bytes of {MAX_CODE_BYTES}")


def deploy_key(label: str, data: bytes) -> str:
    """The idempotency key of a creation: other code or other arguments are another creation."""
    return f"deploy:{label}:{hashlib.sha256(data).hexdigest()}"


def deploy(
    sender: TransactionSender,
    reader: ChainReader,
    contract: str,
    arguments: Sequence[Any] = (),
    *,
    name: str | None = None,
    artifacts: ArtifactStore | None = None,
    timeout: float = 120.0,
) -> Deployed:
    """Deploy a contract and wait until it is included; run again after a crash, it finds what it began.

    `name` tells two deployments of one contract apart. Errors: CodeTooLarge, Reverted, ChainError.
    """
    label = name or contract
    artifact = (artifacts or ArtifactStore()).load(contract)
    check_code_size(artifact)
    data = artifact.deploy_bytecode + artifact.interface.encode_constructor(arguments)
    intent = sender.wait(sender.submit(deploy_key(label, data), None, data), timeout=timeout)
    if intent.created is None or intent.block_number is None or intent.landed is None:
        raise ChainError(f"{label}: the transaction was included without creating a contract")
    code = reader.view().code(intent.created)
    if not code:
        raise ChainError(f"{label}: there is no code at its address; the chain was reorganised, deploy again")
    return Deployed(
        label, contract, intent.created, bytes(keccak(code)), tuple(arguments), intent.block_number, intent.landed
    )


def to_json(value: Any, kind: str) -> Any:
    """A constructor argument as it stands in the file, by its canonical ABI type."""
    if kind.endswith("]"):
        return [to_json(item, kind[: kind.rindex("[")]) for item in value]
    if kind.startswith("("):
        return [to_json(item, part) for item, part in zip(value, split_tuple(kind), strict=True)]
    if kind == "address":
        return to_checksum_address(value)
    if kind.startswith("bytes"):
        return "0x" + bytes(value).hex()
    return value if kind in ("bool", "string") else str(int(value))


def from_json(value: Any, kind: str) -> Any:
    """The inverse of `to_json`, addresses as 20 bytes. Errors: DeploymentInvalid."""
    try:
        if kind.endswith("]"):
            return tuple(from_json(item, kind[: kind.rindex("[")]) for item in _as(list, value))
        if kind.startswith("("):
            parts = zip(_as(list, value), split_tuple(kind), strict=True)
            return tuple(from_json(item, part) for item, part in parts)
        if kind == "address" or kind.startswith("bytes"):
            text = _as(str, value)
            return bytes.fromhex(text[2:] if text.startswith("0x") else "not hex")
        return value if kind in ("bool", "string") else int(_as(str, value))
    except (ValueError, TypeError) as error:
        raise DeploymentInvalid(f"{value!r} is no {kind}: {error}") from None


def _as(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}")
    return value


def record(
    network: str,
    chain_id: int,
    deployed: Sequence[Deployed],
    commit: str,
    artifacts: ArtifactStore | None = None,
    calls: Sequence[Called] = (),
) -> DeploymentFile:
    """The file's content for contracts just deployed and the calls that set them up, in their order."""
    store = artifacts or ArtifactStore()
    contracts = {}
    for item in deployed:
        inputs = store.load(item.contract).interface.constructor
        contracts[item.name] = ContractRecord(
            item.contract,
            to_checksum_address(item.address),
            "0x" + item.code_hash.hex(),
            named_json(inputs, item.arguments),
            item.block,
            "0x" + item.transaction.hex(),
        )
    sources = {item.name: item.contract for item in deployed}
    recorded = []
    for call in calls:
        function = store.load(sources[call.contract]).interface.function(call.function, len(call.arguments))
        arguments = named_json(list(zip(function.input_names, function.inputs, strict=True)), call.arguments)
        recorded.append(CallRecord(call.contract, call.function, arguments, call.block, "0x" + call.transaction.hex()))
    return _checked(DeploymentFile(1, network, chain_id, commit, contracts, tuple(recorded)))


def named_json(inputs: Sequence[tuple[str, str]], values: Sequence[Any]) -> dict[str, Any]:
    """Arguments by name as they stand in the file; `inputs` are names and canonical types."""
    return {name: to_json(value, kind) for (name, kind), value in zip(inputs, values, strict=True)}


def _checked(file: DeploymentFile) -> DeploymentFile:
    """The file if its values are well-formed. Errors: DeploymentInvalid."""
    rules = [
        (bool(_NAME.fullmatch(file.network)), "network"),
        (file.chain_id > 0, "chain_id"),
        (bool(_COMMIT.fullmatch(file.commit)), "commit"),
    ]
    for name, item in file.contracts.items():
        rules += [
            (bool(_NAME.fullmatch(name)), f"the name {name!r}"),
            (item.contract.isalnum() and item.contract[:1].isupper(), f"{name}.contract"),
            (is_checksum_address(item.address), f"{name}.address (EIP-55)"),
            (bool(_HASH.fullmatch(item.code_hash)), f"{name}.code_hash"),
            (bool(_HASH.fullmatch(item.transaction)), f"{name}.transaction"),
            (item.block >= 0, f"{name}.block"),
        ]
    for call in file.calls:
        rules += [
            (call.contract in file.contracts, f"the call of {call.contract!r}, which is not recorded,"),
            (call.function.isidentifier(), f"the call of {call.contract}.{call.function!r}"),
            (bool(_HASH.fullmatch(call.transaction)), f"{call.contract}.{call.function}: transaction"),
            (call.block >= 0, f"{call.contract}.{call.function}: block"),
        ]
    addresses = [item.address for item in file.contracts.values()]
    rules.append((len(set(addresses)) == len(addresses), "an address (it stands there twice)"))
    for holds, what in rules:
        if not holds:
            raise DeploymentInvalid(f"{what} is not well-formed")
    return file


def path_of(network: str, chain_id: int, root: Path = ROOT) -> Path:
    """Where the record of a network and chain stands."""
    if not _NAME.fullmatch(network):
        raise DeploymentInvalid(f"{network!r} is no name of a network")
    return root / "deployments" / network / f"{chain_id}.json"


def save(file: DeploymentFile, path: Path) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(_checked(file)), indent=2) + b"\n")
    os.replace(part, path)


def load(path: Path) -> DeploymentFile:
    """Read and check a file. Errors: DeploymentInvalid."""
    try:
        content = path.read_bytes()
        if len(content) > _MAX_BYTES or _depth(content) > _MAX_DEPTH:
            raise DeploymentInvalid("larger or deeper than any record")
        return _checked(msgspec.json.decode(content, type=DeploymentFile, strict=True))
    except OSError as error:
        raise DeploymentInvalid(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, DeploymentInvalid) as error:
        raise DeploymentInvalid(f"{path}: {error}") from None


def _depth(content: bytes) -> int:
    """How deep brackets are nested, those in strings counted too; deep JSON could exhaust the parser's stack."""
    opened = accumulate(1 if letter in b"[{" else -1 for letter in re.findall(rb"[][{}]", content))
    return max(opened, default=0)


def source_commit(root: Path = ROOT) -> str:
    """Which sources these are: git's commit id, "-dirty" added when contracts/ differs from it.

    Outside a checkout of its own (an unpacked archive), "sources-" and the hash over every source and the compiler's
    version that ArtifactStore.source_hash makes.
    """
    asked = ["rev-parse", "HEAD", "--show-prefix"], ["status", "--porcelain", "--", "contracts"]
    try:
        named, changes = (
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")
            for words in asked
        )
    except (OSError, subprocess.CalledProcessError):
        named, changes = ["", "no checkout"], []
    if named[1]:  # no checkout, or a folder inside somebody else's
        return f"sources-{ArtifactStore(root / 'contracts').source_hash()}"
    return named[0] + ("-dirty" if any(changes) else "")
