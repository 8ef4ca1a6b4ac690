"""What anybody can ask the court for. `value` is the native coin that comes along; what is not needed is credited."""

from dataclasses import dataclass
from typing import get_args

from stun.protocol.court.evidence import Evidence
from stun.protocol.court.state import Demand
from stun.protocol.graph.tensors import Shape
from stun.protocol.messages import Order
from stun.protocol.trees.results import Node


@dataclass(frozen=True, slots=True)
class Spec:
    """One task's spec: its three digests and its path under the order's specs root."""

    input_root: bytes
    params_digest: bytes
    json_digest: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One task's result and its path under the replica's outputs root."""

    task: int
    output_digest: bytes
    units: int
    path: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Parent:
    """An answered demand that a new one follows: the new one asks about node `item` of its answer."""

    demand: Demand
    nodes: tuple[Node, ...]
    item: int
    shape: Shape | None = None


@dataclass(frozen=True, slots=True)
class DemandTop:
    """Ask for the upper nodes of a replica's results tree, whose top node and units make its result."""

    sender: bytes
    value: int
    batch_id: bytes
    replica: int
    top: bytes
    units: int


@dataclass(frozen=True, slots=True)
class DemandBelow:
    """Ask about a node that an answer showed: its descendants, an operator's output, or a tensor's leaf."""

    sender: bytes
    value: int
    parent: Parent


@dataclass(frozen=True, slots=True)
class DemandTrace:
    """Ask for the trace of one task, whose leaf is proven by its path or was shown by an answer.

    `graph_top` is the top node of the model's graph tree under its crown.
    """

    sender: bytes
    value: int
    batch_id: bytes
    replica: int
    order: Order
    spec: Spec
    op_count: int
    graph_top: bytes
    leaf: Leaf | None = None
    parent: Parent | None = None


@dataclass(frozen=True, slots=True)
class AnswerNodes:
    """Open the descendants of a node. Anybody may bring it: the hashes say whether it is right."""

    sender: bytes
    demand: Demand
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnswerTrace:
    """Commit to a trace by its top descendants. Only the provider or its operator, since nothing else binds it."""

    sender: bytes
    demand: Demand
    nodes: tuple[Node, ...]
    cipher_root: bytes


@dataclass(frozen=True, slots=True)
class AnswerTensor:
    """Open a tensor's root: its shape and the nodes below its top; of a shape that no tensor has, the top itself."""

    sender: bytes
    demand: Demand
    shape: Shape
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """Show the bytes of a tensor's leaf."""

    sender: bytes
    demand: Demand
    leaf: bytes


@dataclass(frozen=True, slots=True)
class ExpireDemand:
    """End a replica that did not answer in time."""

    sender: bytes
    demand: Demand


@dataclass(frozen=True, slots=True)
class ClaimDeposit:
    """Send the deposit of a demand where it belongs, once the replica is out or its batch final."""

    sender: bytes
    demand: Demand


@dataclass(frozen=True, slots=True)
class Announce:
    """Announce evidence by its hash; holds the batch until it can be opened."""

    sender: bytes
    value: int
    batch_id: bytes
    replica: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Challenge:
    """Open announced evidence. `evidence_digest` is the hash of its encoding on the chain."""

    sender: bytes
    evidence: Evidence
    evidence_digest: bytes
    salt: bytes


@dataclass(frozen=True, slots=True)
class Lapse:
    """Send the deposit of an announcement that nobody opened where it belongs."""

    sender: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class TakeCredit:
    """Take native coin out."""

    sender: bytes
    to: bytes


Action = (
    DemandTop
    | DemandBelow
    | DemandTrace
    | AnswerNodes
    | AnswerTrace
    | AnswerTensor
    | AnswerRow
    | ExpireDemand
    | ClaimDeposit
    | Announce
    | Challenge
    | Lapse
    | TakeCredit
)
ACTIONS: tuple[type, ...] = get_args(Action)
