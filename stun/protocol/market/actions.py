"""What anybody can ask the market for. `sender` makes the call; `signer` is who a signature, if any, recovers to.

A native call of an account counts as its signature everywhere.
"""

from dataclasses import dataclass
from typing import get_args

from stun.protocol.messages import Accept, Bid, Operator, Order
from stun.protocol.trees.resolve import Resolution
from stun.protocol.trees.results import Top
from stun.protocol.trees.specs import Membership


@dataclass(frozen=True, slots=True)
class Deposit:
    """Credit `beneficiary` with tokens that `sender` pays in; `received` is the measured balance change."""

    sender: bytes
    asset: bytes
    received: int
    beneficiary: bytes


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Pay free balance of `sender` out to `to`."""

    sender: bytes
    asset: bytes
    amount: int
    to: bytes


@dataclass(frozen=True, slots=True)
class SetOperator:
    """Name the key that signs duties of the account, by its own call or its signed message."""

    sender: bytes
    message: Operator
    signer: bytes | None = None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Use up a nonce so that an order can no longer be matched."""

    sender: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class SignedBid:
    """A bid and who signed it."""

    bid: Bid
    signer: bytes | None
    membership: Membership | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Bring an order together with its bids."""

    sender: bytes
    order: Order
    signer: bytes | None
    bids: tuple[SignedBid, ...]


@dataclass(frozen=True, slots=True)
class PostResult:
    """A lone replica shows the top of its results tree."""

    sender: bytes
    batch_id: bytes
    top: Top
    signer: bytes | None = None


@dataclass(frozen=True, slots=True)
class SignedCommit:
    """A replica's commitment and who signed it."""

    replica: int
    commitment: bytes
    signer: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reveal:
    """The opening of a commitment; it needs no signature, since only its maker could have known the salt."""

    replica: int
    top: Top
    salt: bytes


@dataclass(frozen=True, slots=True)
class Deliver:
    """Bring commitments, reveals, or both at once (the cheap lane)."""

    sender: bytes
    batch_id: bytes
    commits: tuple[SignedCommit, ...] = ()
    reveals: tuple[Reveal, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaveBatch:
    """A replica that has not committed steps back for a small part of its bond."""

    sender: bytes
    batch_id: bytes
    replica: int


@dataclass(frozen=True, slots=True)
class Expire:
    """Move a batch on whose deadline has passed."""

    sender: bytes
    batch_id: bytes


@dataclass(frozen=True, slots=True)
class Settle:
    """End a batch; the claim names the root that the replicas agree on, and its units."""

    sender: bytes
    batch_id: bytes
    outputs_root: bytes = bytes(32)
    total_units: int = 0


@dataclass(frozen=True, slots=True)
class AcceptResult:
    """Pay a result at once on the requester's word.

    With `posted` a lone provider's post of the same result comes along, signed by `post_signer`.
    """

    sender: bytes
    message: Accept
    signer: bytes | None = None
    posted: bool = False
    post_signer: bytes | None = None


@dataclass(frozen=True, slots=True)
class Resolve:
    """Show in which tasks the replicas differ, and prove that all others are equal."""

    sender: bytes
    batch_id: bytes
    resolution: Resolution


@dataclass(frozen=True, slots=True)
class Hold:
    """The court or the audit keeps a batch from settling until a moment, at most MAX_HOLD past its window."""

    sender: bytes
    batch_id: bytes
    until: int


@dataclass(frozen=True, slots=True)
class Convict:
    """The court ends a replica: for a wrong result, or for failing a duty."""

    sender: bytes
    batch_id: bytes
    replica: int
    wrong: bool
    challenger: bytes


@dataclass(frozen=True, slots=True)
class Release:
    """The settlement peer (a verifier of proofs, later) pays every replica that revealed a root, at once."""

    sender: bytes
    batch_id: bytes
    outputs_root: bytes
    total_units: int
    settler: bytes


@dataclass(frozen=True, slots=True)
class SetDue:
    """The settlement peer fixes what each replica is due when their roots differ; three places, spare ones 0."""

    sender: bytes
    batch_id: bytes
    dues: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PayAudit:
    """The audit of a config version pays accounts, in their order, out of an asset's audit account: at most 8."""

    sender: bytes
    version: int
    asset: bytes
    payments: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class FundAudit:
    """Anybody gives free balance to an asset's audit account."""

    sender: bytes
    asset: bytes
    amount: int


Action = (
    Deposit
    | Withdraw
    | SetOperator
    | CancelOrder
    | Match
    | PostResult
    | Deliver
    | LeaveBatch
    | Expire
    | Settle
    | AcceptResult
    | Resolve
    | Hold
    | Convict
    | Release
    | SetDue
    | PayAudit
    | FundAudit
)
ACTIONS: tuple[type, ...] = get_args(Action)
