"""Records of the market's state machine. All are immutable; a step returns a new state."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Protocol

from stun.protocol import parameters
from stun.protocol.config import ConfigState
from stun.protocol.messages import Domain
from stun.protocol.parameters import AssetRules, NumericClass
from stun.protocol.registry import Model
from stun.protocol.reputation import Reputation
from stun.protocol.staking import Stake


class Phase(IntEnum):
    """Where a batch stands. A final batch has no record, so FINAL is not stored."""

    NONE = 0
    OPEN = 1
    REVEALING = 2
    RESULTS = 3


class ReplicaState(IntEnum):
    """Where a replica stands; the first three are live."""

    PENDING = 0
    COMMITTED = 1
    REVEALED = 2
    ACCEPTED = 3
    WITHDRAWN = 4
    SILENT = 5
    CONVICTED = 6


LIVE = frozenset({ReplicaState.PENDING, ReplicaState.COMMITTED, ReplicaState.REVEALED})


@dataclass(frozen=True, slots=True)
class Cast:
    """One replica's part in the terms: who, at which price per 10^6 units, whose match, which bond is held."""

    provider: bytes
    price: int
    matcher: bytes
    bond: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a match fixes for the life of a batch; later calls carry it and are checked against its digest.

    `rules` and `asset_rules` are the packed words of the config version the batch opened under.
    """

    requester: bytes
    asset: bytes
    creator: bytes
    count: int
    max_units: int
    opened_at: int
    post_seconds: int
    challenge_seconds: int
    numeric_class: NumericClass
    tip: int
    audit_prepaid: int
    rules: int
    asset_rules: int
    casts: tuple[Cast, ...]

    @property
    def unit_limit(self) -> int:
        """The most units that a replica may claim."""
        return self.count * self.max_units

    @property
    def post_by(self) -> int:
        """When posting or committing ends."""
        return self.opened_at + self.post_seconds

    def rule(self, name: str) -> int:
        """Return a governed parameter as it stood at the match."""
        return parameters.read(self.rules, name)

    def asset_rule(self) -> AssetRules:
        """Return the asset's rules as they stood at the match."""
        return parameters.asset_rules_from_word(self.asset_rules)


@dataclass(frozen=True, slots=True)
class Replica:
    """The changing part of one replica: its commitment while sealed, root and units once revealed."""

    state: ReplicaState = ReplicaState.PENDING
    commitment: bytes = b""
    outputs_root: bytes = b""
    total_units: int = 0

    @property
    def claim(self) -> tuple[bytes, int]:
        """Root and total units as revealed."""
        return self.outputs_root, self.total_units


@dataclass(frozen=True, slots=True)
class Batch:
    """The changing part of a batch. `phase_at` is committed_at while revealing and results_at with results.

    `round` is the beacon's round that decides whether the batch is audited: 0 where none does.
    """

    terms: Terms
    phase: Phase
    replicas: tuple[Replica, ...]
    phase_at: int = 0
    hold_until: int = 0
    posted: bool = False
    tip_paid: bool = False
    dues: tuple[int, ...] | None = None
    seq: int = 0
    round: int = 0

    @property
    def live(self) -> tuple[int, ...]:
        """Indices of the replicas that are not out."""
        return tuple(k for k, r in enumerate(self.replicas) if r.state in LIVE)

    @property
    def revealed(self) -> tuple[int, ...]:
        """Indices of the replicas that wait for a verdict."""
        return tuple(k for k, r in enumerate(self.replicas) if r.state == ReplicaState.REVEALED)

    @property
    def reveal_by(self) -> int:
        """When revealing ends (phase REVEALING)."""
        return self.phase_at + self.terms.rule("reveal_seconds")

    @property
    def window_end(self) -> int:
        """When the challenge window ends (phase RESULTS)."""
        return self.phase_at + self.terms.challenge_seconds

    @property
    def quiet_at(self) -> int:
        """The first moment at which a batch whose roots agree can be settled (phase RESULTS)."""
        return max(self.window_end, self.hold_until)

    @property
    def resolve_by(self) -> int:
        """When a disagreement that nobody resolved ends in refunds (phase RESULTS)."""
        return self.quiet_at + self.terms.rule("resolve_seconds")

    def with_replica(self, index: int, **changes: Any) -> "Batch":
        """Return the batch with one replica changed."""
        replicas = list(self.replicas)
        replicas[index] = replace(replicas[index], **changes)
        return replace(self, replicas=tuple(replicas))


@dataclass(frozen=True, slots=True)
class Event:
    """A protocol event: its name and fields; batch events carry the batch's running number `seq`."""

    name: str
    fields: Mapping[str, Any]


class Beacon(Protocol):
    """Public randomness by rounds (stun.protocol.beacon)."""

    def due_round(self, now: int) -> int:
        """The first round that nobody can know yet at a moment, however early a round came out."""

    def randomness(self, number: int) -> bytes:
        """The randomness of a round; 32 zero bytes if it was not brought."""


@dataclass(frozen=True, slots=True)
class Market:
    """Everything the market's contracts hold, on one chain.

    Money: `balances[(asset, account)]` free, `treasury`, `insurance`, `audit` by asset; `held` in tokens by the market;
    `burned` STUN; `beacons` by account. Settlement, court, audit and beacon are those of a batch's config version.
    """

    domain: Domain
    stun: bytes
    config: ConfigState
    owner: bytes
    balances: Mapping[tuple[bytes, bytes], int] = field(default_factory=dict)
    treasury: Mapping[bytes, int] = field(default_factory=dict)
    insurance: Mapping[bytes, int] = field(default_factory=dict)
    audit: Mapping[bytes, int] = field(default_factory=dict)
    held: Mapping[bytes, int] = field(default_factory=dict)
    burned: int = 0
    models: Mapping[bytes, Model] = field(default_factory=dict)
    stakes: Mapping[bytes, Stake] = field(default_factory=dict)
    reputations: Mapping[bytes, Reputation] = field(default_factory=dict)
    nonces: frozenset[tuple[bytes, int]] = frozenset()
    operators: Mapping[bytes, bytes] = field(default_factory=dict)
    operator_nonces: Mapping[bytes, int] = field(default_factory=dict)
    batches: Mapping[bytes, Batch] = field(default_factory=dict)
    beacons: Mapping[bytes, Beacon] = field(default_factory=dict)
