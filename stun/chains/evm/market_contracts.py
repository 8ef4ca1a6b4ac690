"""The market's contracts on one chain: addresses and interfaces. The market's two halves answer at one address."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stun.chains.evm.abi import Abi
from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.deployments import DeploymentFile
from stun.chains.interface import ChainError

INTERFACES = Path(__file__).parent / "interfaces"
CONTRACTS = (
    "Audit", "Beacon", "Config", "Court", "Marketplace", "ModelRegistry", "RefereeLinear", "RefereeRow", "Reputation",
    "Staking", "StunToken", "Usdc6", "Verdicts",
)  # fmt: skip


class InterfaceUnknown(ChainError):
    """There is no interface file of this contract; scripts/abi.py writes them."""


@cache
def interface(name: str) -> Abi:
    """Return a contract's interface; `Marketplace` has both halves of the market. Needs no compiler.

    Errors: InterfaceUnknown.
    """
    path = interface_path(name)
    if name not in CONTRACTS or not path.is_file():
        raise InterfaceUnknown(f"no interface of {name}; run scripts/abi.py")
    return Abi(json.loads(path.read_text()))


def interface_path(name: str) -> Path:
    """Where the checked-in interface of a contract stands."""
    return INTERFACES / f"{name}.json"


def compiled_interface(name: str, store: ArtifactStore | None = None) -> list[dict[str, Any]]:
    """Return the interface that the sources have now, as its file should say. Errors: CompilationFailed."""
    artifacts = store or ArtifactStore()
    entries = list(artifacts.load(name).abi)
    if name == "Marketplace":
        known = {(entry["type"], entry.get("name")) for entry in entries}
        entries += [e for e in artifacts.load("Settlement").abi if (e["type"], e.get("name")) not in known]
    return [entry for entry in entries if entry["type"] in ("function", "event")]


def write_interface(name: str) -> None:
    """Write the interface of a contract as it compiles now. Errors: CompilationFailed."""
    INTERFACES.mkdir(exist_ok=True)
    interface_path(name).write_text(json.dumps(compiled_interface(name), indent=1) + "\n")


@dataclass(frozen=True, slots=True)
class MarketContracts:
    """Where the contracts are (20-byte addresses) and from which block on their events are read."""

    token: bytes
    config: bytes
    registry: bytes
    staking: bytes
    reputation: bytes
    market: bytes
    first_block: int


def contracts_of(file: DeploymentFile) -> MarketContracts:
    """Return the contracts that a deployment file names. Errors: DeploymentInvalid."""
    return MarketContracts(
        token=file.address("StunToken"),
        config=file.address("Config"),
        registry=file.address("ModelRegistry"),
        staking=file.address("Staking"),
        reputation=file.address("Reputation"),
        market=file.address("Marketplace"),
        first_block=min(record.block for record in file.contracts.values()),
    )
