"""Which contracts make a market on an EVM chain, and in which order they are deployed and wired."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.beacon import constructor_arguments
from stun.chains.evm.deployments import Deployed, DeploymentFile, deploy, record, source_commit
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.rpc import ChainReader
from stun.chains.interface import IntentState, TransactionSender
from stun.protocol.beacon.networks import EVMNET_KEY, development_key, development_schedule, evmnet_schedule
from stun.protocol.beacon.rounds import Schedule
from stun.protocol.parameters import (
    PARAMETERS,
    AssetRules,
    Bound,
    defaults,
    development,
    production_bounds,
)

NOBODY = bytes(20)
_STUN = 10**9
_USDC = 10**6


@dataclass(frozen=True, slots=True)
class BeaconPlan:
    """Whose rounds a network uses (a key of 128 bytes), and which of them count."""

    key: bytes
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Plan:
    """What a network wants: parameter values and bounds, each asset's rules, and its beacon.

    `assets` maps a token to its rules: `stun` is the token deployed here, `usdc` a development coin deployed here, any
    other key a 20-byte address as 0x-hex. `owner` (20 bytes) ends up with every role; the deployer if empty.
    """

    values: Mapping[str, int]
    bounds: Sequence[Bound]
    assets: Mapping[str, AssetRules]
    beacon: BeaconPlan
    owner: bytes = b""
    development_coin: bool = False


def development_plan() -> Plan:
    """Return the plan of a development network: short windows, STUN and a mintable 6-decimals coin."""
    values, bounds = development()
    assets = {
        "stun": AssetRules(
            1_000,
            1_000,
            10_000 * _STUN,
            _STUN,
            audit_fee=_STUN // 100,
            report_fee=_STUN // 100,
            audit_cover=_STUN * 1_000,
        ),
        "usdc": AssetRules(
            1, 1, 10_000 * _USDC, _USDC, audit_fee=_USDC // 100, report_fee=_USDC // 100, audit_cover=_USDC * 1_000
        ),
    }
    beacon = BeaconPlan(development_key(), development_schedule())
    return Plan(values, bounds, assets, beacon, development_coin=True)


def production_plan(usdc: str, owner: bytes) -> Plan:
    """Return the plan of a real network: default parameters within production bounds, STUN and the given USDC."""
    assets = {
        "stun": AssetRules(_STUN, 10 * _STUN, 100_000 * _STUN, 10 * _STUN, _STUN, 3 * _STUN, 1_000 * _STUN),
        usdc: AssetRules(_USDC // 10, _USDC, 10_000 * _USDC, _USDC, _USDC // 10, 3 * _USDC // 10, 100 * _USDC),
    }
    return Plan(defaults(), production_bounds(), assets, BeaconPlan(EVMNET_KEY, evmnet_schedule()), owner)


class MarketDeployment:
    """Deploys one market; run again after a crash, it goes on where it stopped."""

    def __init__(
        self, sender: TransactionSender, reader: ChainReader, plan: Plan, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._sender = sender
        self._reader = reader
        self._plan = plan
        self._tell = tell
        self._artifacts = ArtifactStore()
        self.deployed: dict[str, Deployed] = {}

    def run(self, network: str) -> DeploymentFile:
        """Deploy, wire and return the record. Errors: Reverted, ChainError."""
        names = ["StunToken", "Config", "ModelRegistry", "Staking", "Reputation", "Settlement", "Marketplace", "Beacon"]
        self._artifacts.build([*names, *(["Usdc6"] if self._plan.development_coin else [])])
        deployer = self._sender.account
        token = self._deploy("StunToken")
        config = self._deploy("Config", deployer, [tuple(_bound(bound)) for bound in self._plan.bounds])
        registry = self._deploy("ModelRegistry", token, config)
        staking = self._deploy("Staking", token, config, deployer)
        reputation = self._deploy("Reputation", deployer)
        settlement = self._deploy("Settlement", token, config, staking, reputation)
        market = self._deploy("Marketplace", deployer, token, config, registry, staking, reputation, settlement)
        self._deploy("Beacon", *constructor_arguments(self._plan.beacon.key, self._plan.beacon.schedule))
        usdc = self._deploy("Usdc6") if self._plan.development_coin else NOBODY
        self._call("Config", "publish", [self._plan.values[p.name] for p in PARAMETERS], (NOBODY,) * 4)
        for name, rules in self._plan.assets.items():
            asset = {"stun": token, "usdc": usdc}.get(name) or bytes.fromhex(name.removeprefix("0x"))
            self._call("Config", "list_asset", asset, *astuple(rules), label=name)
        self._call("Staking", "set_slasher", market, True)
        self._call("Reputation", "set_recorder", market, True)
        self._hand_over(deployer)
        return record(network, self._reader.chain_id, list(self.deployed.values()), source_commit())

    def _hand_over(self, deployer: bytes) -> None:
        if self._plan.owner and self._plan.owner != deployer:
            for name in ("StunToken", "Config", "Staking", "Reputation", "Marketplace"):
                self._call(name, "transfer_ownership", self._plan.owner)

    def _deploy(self, contract: str, *arguments: Any) -> bytes:
        self._tell(f"deploying {contract}")
        done = deploy(self._sender, self._reader, contract, arguments, artifacts=self._artifacts)
        self.deployed[contract] = done
        return done.address

    def _call(self, contract: str, name: str, *arguments: Any, label: str = "") -> None:
        self._tell(f"{contract}.{name} {label}".rstrip())
        target = self.deployed[contract].address
        data = interface(contract).function(name).encode(*arguments)
        intent = self._sender.submit(f"wire:{target.hex()}:{name}:{label}", target, data)
        self._sender.wait(intent, IntentState.INCLUDED, 120.0)


def _bound(bound: Bound) -> tuple[int, int, int, int]:
    return bound.minimum, bound.maximum, bound.max_step, bound.cooldown
