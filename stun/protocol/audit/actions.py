"""What anybody can ask the audit for. An audit is named by its whole record, as its last event told it."""

from dataclasses import dataclass
from typing import get_args

from stun.protocol.audit.state import Audit
from stun.protocol.messages import Order
from stun.protocol.trees.results import Node, Result


@dataclass(frozen=True, slots=True)
class Join:
    """Take a seat with a bond of STUN, which the sender has approved."""

    sender: bytes
    bond: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Give the seat up; it can still be drawn for batches of this epoch."""

    sender: bytes


@dataclass(frozen=True, slots=True)
class TakeBond:
    """Take the bond of a seat that was given up out to an account."""

    sender: bytes
    to: bytes


@dataclass(frozen=True, slots=True)
class Draw:
    """Show that a round draws a batch."""

    sender: bytes
    batch_id: bytes
    order: Order


@dataclass(frozen=True, slots=True)
class Sealing:
    """One seat's seal, and who signed it; nobody if the seat itself calls."""

    seat: int
    seal: bytes
    signer: bytes | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """Seats commit themselves to their verdicts; anybody may bring them, signed."""

    sender: bytes
    audit: Audit
    seals: tuple[Sealing, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """How one seat opens its seal: its verdict, and with which replicas that agrees (bit r for replica r)."""

    seat: int
    agrees: int
    verdict: bytes
    salt: bytes
    signer: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reveal:
    """Seats open their seals; anybody may bring them, signed."""

    sender: bytes
    audit: Audit
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class Show:
    """Anybody proves what a replica's results of the drawn tasks are."""

    sender: bytes
    audit: Audit
    replica: int
    outputs_root: bytes
    total_units: int
    leaves: tuple[Result, ...]
    siblings: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Close:
    """End an audit: who is due money is paid, who broke its word loses of its bond."""

    sender: bytes
    audit: Audit


@dataclass(frozen=True, slots=True)
class Collect:
    """Pay what the audit account owed, as far as it holds it now; `version` names a config with this audit."""

    sender: bytes
    version: int
    asset: bytes
    account: bytes


Action = Join | Leave | TakeBond | Draw | Seal | Reveal | Show | Close | Collect
ACTIONS: tuple[type, ...] = get_args(Action)
