"""Which contracts make a market on an EVM chain, and in which order they are deployed and wired."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass

from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.beacon import constructor_arguments
from stun.chains.evm.building import WAIT_SECONDS, ChainSite, Site
from stun.chains.evm.deployments import DeploymentFile, record, source_commit
from stun.chains.evm.rpc import ChainReader
from stun.chains.interface import TransactionSender
from stun.protocol.beacon.networks import EVMNET_KEY, development_key, development_schedule, evmnet_schedule
from stun.protocol.beacon.rounds import Schedule
from stun.protocol.parameters import (
    DAY_SECONDS,
    PARAMETERS,
    AssetRules,
    Bound,
    defaults,
    development,
    production_bounds,
)

NOBODY = bytes(20)
CONTRACTS = (
    "StunToken", "Config", "ModelRegistry", "Staking", "Reputation", "Settlement", "Marketplace", "Beacon",
    "RefereeLinear", "RefereeRow", "Verdicts", "Court", "Audit",
)  # fmt: skip
OWNED = ("StunToken", "Config", "Staking", "Reputation", "Marketplace")
_DEVELOPMENT_EPOCH_SECONDS = 100  # the least that the audit takes
_STUN = 10**9
_USDC = 10**6


@dataclass(frozen=True, slots=True)
class BeaconPlan:
    """Whose rounds a network uses (a key of 128 bytes), and which of them count."""

    key: bytes
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Plan:
    """What a network wants: parameter values and bounds, each asset's rules, its beacon, how long an epoch of seats is.

    `assets` maps a token to its rules: `stun` is the token deployed here, `usdc` a development coin deployed here, any
    other key a 20-byte address as 0x-hex. `owner` (20 bytes) ends up with every role; the deployer if empty.
    """

    values: Mapping[str, int]
    bounds: Sequence[Bound]
    assets: Mapping[str, AssetRules]
    beacon: BeaconPlan
    epoch_seconds: int
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
    return Plan(values, bounds, assets, beacon, _DEVELOPMENT_EPOCH_SECONDS, development_coin=True)


def production_plan(usdc: str, owner: bytes) -> Plan:
    """Return the plan of a real network: default parameters within production bounds, STUN and the given USDC."""
    assets = {
        "stun": AssetRules(_STUN, 10 * _STUN, 100_000 * _STUN, 10 * _STUN, _STUN, 3 * _STUN, 1_000 * _STUN),
        usdc: AssetRules(_USDC // 10, _USDC, 10_000 * _USDC, _USDC, _USDC // 10, 3 * _USDC // 10, 100 * _USDC),
    }
    beacon = BeaconPlan(EVMNET_KEY, evmnet_schedule())
    return Plan(defaults(), production_bounds(), assets, beacon, DAY_SECONDS, owner)


def contracts_in(plan: Plan) -> tuple[str, ...]:
    """Return what a plan deploys, in this order."""
    return (*CONTRACTS, *(["Usdc6"] if plan.development_coin else []))


def lay_out(site: Site, plan: Plan) -> None:
    """Deploy and wire one market on a site, step by step. Errors: those of the site."""
    site.prepare(contracts_in(plan))
    deployer = site.account
    token = site.create("StunToken")
    config = site.create("Config", deployer, [tuple(_bound(bound)) for bound in plan.bounds])
    registry = site.create("ModelRegistry", token, config)
    staking = site.create("Staking", token, config, deployer)
    reputation = site.create("Reputation", deployer)
    settlement = site.create("Settlement", token, config, staking, reputation)
    market = site.create("Marketplace", deployer, token, config, registry, staking, reputation, settlement)
    peers = _peers(site, plan, _Base(market, config, registry, token))
    usdc = site.create("Usdc6") if plan.development_coin else NOBODY
    site.call("Config", "publish", [plan.values[p.name] for p in PARAMETERS], peers)
    for name, rules in plan.assets.items():
        asset = {"stun": token, "usdc": usdc}.get(name) or bytes.fromhex(name.removeprefix("0x"))
        site.call("Config", "list_asset", asset, *astuple(rules), label=name)
    site.call("StunToken", "set_custodian", staking)
    site.call("Staking", "set_slasher", market, True)
    site.call("Reputation", "set_recorder", market, True)
    if plan.owner and plan.owner != deployer:
        for name in OWNED:
            site.call(name, "transfer_ownership", plan.owner)


@dataclass(frozen=True, slots=True)
class _Base:
    """What the peers are built on, 20-byte addresses."""

    market: bytes
    config: bytes
    registry: bytes
    token: bytes


def _peers(site: Site, plan: Plan, base: _Base) -> tuple[bytes, bytes, bytes, bytes]:
    """Deploy beacon, court and audit; return what a version names: (settlement, court, audit, beacon).

    Nobody may release or set dues: no contract for a proof or a jury exists yet.
    """
    beacon = site.create("Beacon", *constructor_arguments(plan.beacon.key, plan.beacon.schedule))
    linear, rowwise = site.create("RefereeLinear"), site.create("RefereeRow")
    verdicts = site.create("Verdicts", base.market, base.registry, linear, rowwise)
    court = site.create("Court", base.market, base.config, verdicts)
    audit = site.create("Audit", base.market, base.config, base.token, plan.epoch_seconds)
    return NOBODY, court, audit, beacon


class MarketDeployment:
    """Deploys one market; run again after a crash, it goes on where it stopped."""

    def __init__(
        self,
        sender: TransactionSender,
        reader: ChainReader,
        plan: Plan,
        tell: Callable[[str], None] = lambda _: None,
        timeout: float = WAIT_SECONDS,
    ) -> None:
        self._sender = sender
        self._reader = reader
        self._plan = plan
        self._tell = tell
        self._timeout = timeout

    def run(self, network: str) -> DeploymentFile:
        """Deploy, wire and return the record. Errors: Reverted, ChainError."""
        artifacts = ArtifactStore()
        site = ChainSite(self._sender, self._reader, self._tell, artifacts, self._timeout)
        lay_out(site, self._plan)
        deployed = list(site.deployed.values())
        return record(network, self._reader.chain_id, deployed, source_commit(), artifacts, site.called)


def _bound(bound: Bound) -> tuple[int, int, int, int]:
    return bound.minimum, bound.maximum, bound.max_step, bound.cooldown
