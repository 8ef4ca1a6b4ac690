"""The market's contracts on one chain: addresses and interfaces. The market's two halves answer at one address."""

from dataclasses import dataclass
from functools import cache

from stun.chains.evm.abi import Abi
from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.deployments import DeploymentFile


@cache
def interface(name: str) -> Abi:
    """Return a contract's interface; `Marketplace` has both halves of the market."""
    store = ArtifactStore()
    entries = list(store.load(name).abi)
    if name == "Marketplace":
        known = {(entry["type"], entry.get("name")) for entry in entries}
        entries += [e for e in store.load("Settlement").abi if (e["type"], e.get("name")) not in known]
        entries = [entry for entry in entries if entry["type"] not in ("fallback", "constructor")]
    return Abi(entries)


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
