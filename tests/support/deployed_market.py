"""The market's contracts in a machine, as a development network has them, and what can be read of them."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import cache
from hashlib import sha256

from evm_machines import Machine, Outcome
from fake_market import STUN_RULES, USDC_RULES
from market_parties import Parties

from stun.chains.evm.abi import AbiFunction
from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.artifacts import Artifact, ArtifactStore
from stun.chains.evm.market_contracts import interface
from stun.protocol import config, registry
from stun.protocol.market.state import Market
from stun.protocol.messages import Domain
from stun.protocol.parameters import PARAMETERS, NumericClass, development
from stun.protocol.trees.specs import model_id

CONTRACTS = (
    "StunToken", "Usdc6", "Config", "ModelRegistry", "Staking", "Reputation", "Settlement", "Marketplace",
    "SetBeacon",
)  # fmt: skip
START = 1_760_000_000
TOKENS = 2**56
SHARES = ("treasury", "insurance", "audit")
SET_ROUND = AbiFunction("set_round", ("uint256",), ())
SET_RANDOMNESS = AbiFunction("set_randomness", ("uint256", "bytes32"), ())
FIRST_ROUND = 7


@cache
def artifacts() -> dict[str, Artifact]:
    """Return the compiled contracts."""
    return ArtifactStore().build(CONTRACTS)


def model_of(creator: bytes, numeric_class: NumericClass) -> tuple[bytes, registry.Model]:
    """Return id and record of the model of a class that every run registers."""
    manifest, weights, graph = (sha256(f"{part} {numeric_class.name}".encode()).digest() for part in ("m", "w", "g"))
    bond = development()[0]["model_bond"]
    record = registry.register(None, creator, manifest, weights, graph, numeric_class, bond)
    return model_id(creator, manifest), record


@dataclass(frozen=True, slots=True)
class SetBeacon:
    """The specification's side of the mock beacon: the round that was set, whatever the time."""

    round: int = FIRST_ROUND
    stored: Mapping[int, bytes] = field(default_factory=dict)

    def due_round(self, now: int) -> int:
        """The round that was set."""
        return self.round

    def randomness(self, number: int) -> bytes:
        """What was set for a round."""
        return self.stored.get(number, bytes(32))


@dataclass(frozen=True, slots=True)
class BatchWords:
    """A batch as the contract shows it, with places of no replica as zeros."""

    terms_digest: bytes
    phase: int
    phase_at: int
    hold_until: int
    posted: bool
    tip_paid: bool
    resolved: bool
    seq: int
    states: tuple[int, ...]
    digests: tuple[bytes, ...]
    dues: tuple[int, ...]
    round: int


class DeployedMarket:
    """Every contract deployed and wired; `addresses` by contract name, 20 bytes each."""

    def __init__(self, machine: Machine, people: Parties) -> None:
        self.machine = machine
        self.people = people
        self.addresses: dict[str, bytes] = {}
        self.owner = narrow(people.owner)
        machine.set_clock(START)
        self._deploy_all()
        self._wire()

    @property
    def stun(self) -> bytes:
        """STUN as an asset."""
        return widen(self.addresses["StunToken"])

    @property
    def usdc(self) -> bytes:
        """The 6-decimals coin as an asset."""
        return widen(self.addresses["Usdc6"])

    @property
    def domain(self) -> Domain:
        """The domain of the market's messages."""
        return Domain(self.machine.chain_id, self.addresses["Marketplace"])

    def peers(self) -> config.Peers:
        """Return the peers of version 1: keys that the test holds."""
        return config.Peers(self.people.settlement, self.people.court, self.people.auditor, self.beacon)

    @property
    def beacon(self) -> bytes:
        """The mock beacon."""
        return widen(self.addresses["SetBeacon"])

    def set_round(self, due: int) -> None:
        """Set the mock beacon's round."""
        outcome = self.machine.send(self.owner, self.addresses["SetBeacon"], SET_ROUND.encode(due))
        assert outcome.reason is None

    def send(self, sender: bytes, contract: str, name: str, *arguments: object) -> Outcome:
        """Call a contract as an account of 32 bytes."""
        data = interface(contract).function(name).encode(*arguments)
        return self.machine.send(narrow(sender), self.addresses[contract], data)

    def must(self, sender: bytes, contract: str, name: str, *arguments: object) -> Outcome:
        """Call a contract and insist that it accepts."""
        outcome = self.send(sender, contract, name, *arguments)
        assert outcome.reason is None, f"{contract}.{name}: {outcome.reason}"
        return outcome

    def publish(self, values: Sequence[int], peers: config.Peers) -> None:
        """Publish a config version as its owner."""
        addresses = tuple(narrow(account) for account in astuple(peers))
        self.must(self.people.owner, "Config", "publish", list(values), addresses)

    def market(self, auditors: int = 0) -> Market:
        """Return the specification's state that these contracts start from, after publishing the first version."""
        values, bounds = development()
        values |= {"auditors": auditors}
        chosen = [values[p.name] for p in PARAMETERS]
        self.publish(chosen, self.peers())
        state = config.publish(config.ConfigState(bounds), chosen, self.peers(), START)
        for asset, rules in ((self.stun, STUN_RULES), (self.usdc, USDC_RULES)):
            self.must(self.people.owner, "Config", "list_asset", narrow(asset), *astuple(rules))
            state = config.list_asset(state, asset, rules)
        self.set_round(FIRST_ROUND)
        market = Market(self.domain, self.stun, state, self.people.owner, beacons={self.beacon: SetBeacon()})
        return replace(market, models=dict(self._register(kind) for kind in NumericClass))

    def word(self, contract: str, name: str, *arguments: bytes | int) -> int:
        """Read a view of one word, its arguments given as words."""
        words = [a.rjust(32, b"\0") if isinstance(a, bytes) else a.to_bytes(32, "big") for a in arguments]
        selector = interface(contract).function(name).selector
        return int.from_bytes(self.machine.read(self.addresses[contract], selector + b"".join(words)), "big")

    def batch(self, batch_id: bytes) -> BatchWords:
        """Read a batch."""
        selector = interface("Marketplace").function("batch").selector
        raw = self.machine.read(self.addresses["Marketplace"], selector + batch_id)
        cells = [raw[at : at + 32] for at in range(0, len(raw), 32)]
        number = [int.from_bytes(cell, "big") for cell in cells]
        return BatchWords(
            cells[0], number[1], number[2], number[3], bool(number[4]), bool(number[5]), bool(number[6]), number[7],
            tuple(number[8:11]), tuple(cells[11:14]), tuple(number[14:17]), number[17],
        )  # fmt: skip

    def stake_position(self, account: bytes) -> tuple[int, int, int]:
        """Read active stake, unbonding stake and its release."""
        raw = self.machine.read(
            self.addresses["Staking"], interface("Staking").function("position_of").selector + account
        )
        active, unbonding, unlock_at = (int.from_bytes(raw[at : at + 32], "big") for at in (0, 32, 64))
        return active, unbonding, unlock_at

    def _deploy_all(self) -> None:
        a = self.addresses
        plans: dict[str, tuple[str, ...]] = {
            "StunToken": (), "Usdc6": (), "Config": ("owner", "bounds"), "ModelRegistry": ("StunToken", "Config"),
            "Staking": ("StunToken", "Config", "owner"), "Reputation": ("owner",),
            "Settlement": ("StunToken", "Config", "Staking", "Reputation"),
            "Marketplace": (
                "owner", "StunToken", "Config", "ModelRegistry", "Staking", "Reputation", "Settlement"
            ),
            "SetBeacon": (),
        }  # fmt: skip
        fixed = {"owner": self.owner, "bounds": [astuple(bound) for bound in development()[1]]}
        for name, needs in plans.items():
            built = artifacts()[name]
            arguments = built.interface.encode_constructor([{**fixed, **a}[need] for need in needs])
            a[name] = self.machine.deploy(self.owner, built.deploy_bytecode + arguments)

    def _wire(self) -> None:
        owner = self.people.owner
        self.must(owner, "StunToken", "set_custodian", self.addresses["Staking"])
        self.must(owner, "Staking", "set_slasher", self.addresses["Marketplace"], True)
        self.must(owner, "Reputation", "set_recorder", self.addresses["Marketplace"], True)
        self.must(owner, "Usdc6", "mint", narrow(self.people.requesters[0]), 2**70)
        for account in self.people.all:
            self.must(owner, "StunToken", "transfer", narrow(account), 10**15)
            self.must(owner, "Usdc6", "mint", narrow(account), TOKENS)
            for token in ("StunToken", "Usdc6"):
                for spender in ("Marketplace", "Staking", "ModelRegistry"):
                    self.must(account, token, "approve", self.addresses[spender], 2**256 - 1)

    def _register(self, numeric_class: NumericClass) -> tuple[bytes, registry.Model]:
        name, record = model_of(self.people.creator, numeric_class)
        roots = (record.manifest_digest, record.weight_root, record.graph_root)
        self.must(self.people.creator, "ModelRegistry", "register", *roots, int(numeric_class))
        return name, record
