"""Comparing a whole market with its record: every contract, how they name each other, roles, owners and config."""

from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.deployments import DeploymentFile
from stun.chains.evm.findings import Findings, Verification
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_deploy import CONTRACTS, NOBODY, OWNED
from stun.chains.evm.rpc import ChainReader, ChainView
from stun.chains.evm.verification import compare_contracts
from stun.chains.evm.verified_config import compare_config

NAMED = {
    "stun": "StunToken", "token": "StunToken", "config": "Config", "registry": "ModelRegistry", "staking": "Staking",
    "reputation": "Reputation", "settlement": "Settlement", "market": "Marketplace", "verdicts": "Verdicts",
    "court": "Court", "audit": "Audit", "beacon": "Beacon", "linear": "RefereeLinear", "rowwise": "RefereeRow",
}  # fmt: skip
PEERS = (("settlement", None), ("court", "Court"), ("audit", "Audit"), ("beacon", "Beacon"))
_OTHER_CODE = ("code", "source", "runtime code")


def inspect_market(file: DeploymentFile, reader: ChainReader, artifacts: ArtifactStore | None = None) -> Verification:
    """Everything on the chain that contradicts a market's record or the sources.

    Errors: Unreachable, EndpointsDisagree, EndpointRefused.
    """
    findings = Findings()
    if findings.same("", "chain id", str(file.chain_id), str(reader.chain_id)):
        view = reader.view()
        whole = _complete(file, findings)
        compare_contracts(file, view, artifacts or ArtifactStore(), findings)
        if whole and not any(mismatch.what in _OTHER_CODE for mismatch in findings.mismatches):
            _Market(file, view, findings).check()
        else:
            findings.doubt("roles, owners and config: other code would answer")
    return findings.outcome()


def _complete(file: DeploymentFile, findings: Findings) -> bool:
    """Whether the record has every contract, each of the source of its name, and each given the others' addresses."""
    told = []
    for name in CONTRACTS:
        item = file.contracts.get(name)
        told.append(findings.same(name, "record", name, "missing" if item is None else item.contract))
    for name, item in file.contracts.items():
        for argument, value in item.arguments.items():
            other = file.contracts.get(NAMED.get(argument.strip("_"), ""))
            if other is not None:
                findings.same(name, f"recorded {argument}", other.address, str(value))
    return all(told)


@dataclass(frozen=True, slots=True)
class _Market:
    """The state of one market under comparison."""

    file: DeploymentFile
    view: ChainView
    findings: Findings

    def check(self) -> None:
        """Compare roles, owners and config."""
        market = self.file.address("Marketplace")
        for name, getter in (("Staking", "is_slasher"), ("Reputation", "is_recorder")):
            self._same(name, f"{getter}(Marketplace)", "True", str(self._read(name, getter, market)))
        custodian = to_checksum_address(self._read("StunToken", "custodian"))
        self._same("StunToken", "custodian()", to_checksum_address(self.file.address("Staking")), custodian)
        for name in OWNED:
            self._owner(name)
        self._peers()
        compare_config(self.file, self.view, self.findings)

    def _peers(self) -> None:
        """That the version in force names the market's own court, audit and beacon, and nobody else."""
        named = self._read("Config", "peers", self._read("Config", "version"))
        for (role, contract), found in zip(PEERS, named, strict=True):
            own = NOBODY if contract is None else self.file.address(contract)
            self._same("Config", f"{role} in force", to_checksum_address(own), to_checksum_address(found))

    def _same(self, contract: str, what: str, expected: str, found: str) -> bool:
        return self.findings.same(contract, what, expected, found)

    def _read(self, contract: str, function: str, *arguments: Any) -> Any:
        return self.view.read(self.file.address(contract), interface(contract).function(function), *arguments)

    def _owner(self, name: str) -> None:
        """The recorded new owner, or who created the contract while the new one has not accepted."""
        given = [c for c in self.file.calls if (c.contract, c.function) == (name, "transfer_ownership")]
        owner = self._read(name, "owner")
        creation = self.view.reader.content(bytes.fromhex(self.file.contracts[name].transaction[2:]))
        deployer = None if creation is None else creation.sender
        heir = str(next(iter(given[-1].arguments.values()), "")) if given else ""
        if not given and deployer is None:
            self.findings.doubt(f"{name}: its owner {to_checksum_address(owner)}, its creation is not known")
        elif given and owner == deployer and to_checksum_address(self._read(name, "pending_owner")) == heir:
            self.findings.doubt(f"{name}: {heir} has not accepted the ownership, {to_checksum_address(owner)} has it")
        else:
            self._same(name, "owner()", heir or to_checksum_address(deployer or NOBODY), to_checksum_address(owner))
