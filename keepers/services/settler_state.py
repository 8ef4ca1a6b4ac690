"""What the settler knows and what it may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keepers.services.profit import ProfitRule
from keepers.services.turns import Turns
from stun.chains.market import BatchRecord, Opening, Sealed
from stun.protocol.market.state import Terms
from stun.protocol.messages import Domain
from stun.protocol.trees.resolve import Resolution
from stun.protocol.trees.results import ResultsTree, Top


@dataclass(frozen=True, slots=True)
class SeenCommit:
    """A commitment from a pool; `signer` is the provider or its operator, as its signature shows."""

    provider: bytes
    commitment: bytes
    signature: bytes
    signer: bytes
    seen_at: int


@dataclass(frozen=True, slots=True)
class SeenPost:
    """A lone replica's signed result from a pool."""

    provider: bytes
    top: Top
    signature: bytes
    signer: bytes
    seen_at: int


@dataclass(frozen=True, slots=True)
class SeenOpening:
    """An opening from a pool; whether it opens anything is the decision's business."""

    provider: bytes
    top: Top
    salt: bytes
    seen_at: int


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """An unfinished batch: what the chain stores, what its match fixed, and all that pools and events add.

    `claims`: (outputs root, total units) by replica, from events; `trees`: results trees by replica, where known;
    `operators`: operator keys of its providers; `acting`: a duty of this keeper is under way for it.
    """

    record: BatchRecord
    terms: Terms
    claims: Mapping[int, tuple[bytes, int]] = field(default_factory=dict)
    commits: Sequence[SeenCommit] = ()
    posts: Sequence[SeenPost] = ()
    openings: Sequence[SeenOpening] = ()
    trees: Mapping[int, ResultsTree] = field(default_factory=dict)
    operators: Mapping[bytes, bytes] = field(default_factory=dict)
    acting: bool = False

    @property
    def batch_id(self) -> bytes:
        """The batch's id."""
        return self.record.batch_id


@dataclass(frozen=True, slots=True)
class SettlerPolicy:
    """How a settler works. `margin`: seconds before a deadline when it brings what there is (at most a quarter of the
    window)."""

    margin: int = 30
    turns: Turns = field(default_factory=Turns)
    profit: ProfitRule = field(default_factory=ProfitRule)


@dataclass(frozen=True, slots=True)
class SettlerState:
    """All that a decision knows."""

    keeper: bytes
    domain: Domain
    stun: bytes
    batches: Sequence[OpenBatch]
    policy: SettlerPolicy = field(default_factory=SettlerPolicy)


@dataclass(frozen=True, slots=True)
class BringPost:
    """Bring a lone replica's signed post."""

    batch_id: bytes
    top: Top
    signature: bytes


@dataclass(frozen=True, slots=True)
class BringDelivery:
    """Bring commitments and openings in one transaction."""

    batch_id: bytes
    commits: tuple[Sealed, ...]
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class CallTime:
    """Move a batch on whose deadline has passed."""

    batch_id: bytes


@dataclass(frozen=True, slots=True)
class SettleBatch:
    """End a batch with the root and units that its replicas agree on, zeros if they do not."""

    batch_id: bytes
    outputs_root: bytes = bytes(32)
    total_units: int = 0


@dataclass(frozen=True, slots=True)
class BringResolution:
    """Show in which tasks the replicas differ."""

    batch_id: bytes
    resolution: Resolution


SettlerAction = BringPost | BringDelivery | CallTime | SettleBatch | BringResolution


@dataclass(frozen=True, slots=True)
class Due:
    """An action that is due: since when, how long other keepers may be let go first, and the gas still ahead."""

    action: SettlerAction
    since: int
    patience: int
    gas: int
