"""Records of the court. All are immutable; a step returns a new state.

Native coin is in its smallest unit, times in seconds, accounts and digests 32 bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256

from stun.protocol.graph.tensors import Shape
from stun.protocol.trees.results import Node
from stun.protocol.trees.tags import CASE, TRACED


class Kind(IntEnum):
    """What a demand asks a replica to open."""

    RESULTS = 1  # a node of its results tree: up to 16 descendants
    TRACE = 2  # the trace root of one task, with its top descendants
    OPERATORS = 3  # a node of a committed trace: up to 16 descendants
    TENSOR = 4  # a tensor whose root a trace names: its shape and up to 32 nodes below its top
    ROWS = 5  # a node of that tensor: up to 32 descendants
    ROW = 6  # a leaf of that tensor: its bytes


class Stage(IntEnum):
    """Where a demand stands."""

    OPEN = 1
    ANSWERED = 2
    CLOSED = 3  # its deposit has gone where it belongs


@dataclass(frozen=True, slots=True)
class Case:
    """All that a dispute about one task rests on, proven once when its trace is demanded.

    `op_count` operators; `private`: the output digest binds a ciphertext too.
    """

    batch_id: bytes
    replica: int
    task: int
    op_count: int
    input_root: bytes
    output_digest: bytes
    units: int
    graph_root: bytes
    weight_root: bytes
    private: bool

    def digest(self) -> bytes:
        """Return the 32 bytes that stand for the case on chain."""
        place = self.replica.to_bytes(1, "big") + self.task.to_bytes(4, "big") + self.op_count.to_bytes(4, "big")
        roots = self.input_root + self.output_digest + self.units.to_bytes(8, "big")
        model = self.graph_root + self.weight_root + bytes([self.private])
        return sha256(CASE + self.batch_id + place + roots + model).digest()


def trace_digest(case_digest: bytes, trace_root: bytes, cipher_root: bytes) -> bytes:
    """Hash a committed trace: sha256(0x18 | case digest | trace root | cipher root)."""
    return sha256(TRACED + case_digest + trace_root + cipher_root).digest()


@dataclass(frozen=True, slots=True)
class Trace:
    """A case and the trace that the replica committed to; `cipher_root` is zero unless the case is private."""

    case: Case
    trace_root: bytes
    cipher_root: bytes

    def digest(self) -> bytes:
        """Return what the court stores of it."""
        return trace_digest(self.case.digest(), self.trace_root, self.cipher_root)


@dataclass(frozen=True, slots=True)
class Demand:
    """A question to one replica. Published whole by its event; later calls carry it.

    `subject`: hash of the node, digest of the case (TRACE), root of the tensor (TENSOR). `level` and `position` place
    the node in a tree of `count` leaves (level 0 are the leaves). `operator` names whose output a tensor is. `links`
    counts the demands it follows. `due` is exclusive.
    """

    batch_id: bytes
    replica: int
    provider: bytes
    asker: bytes
    kind: Kind
    subject: bytes
    units: int
    task: int
    operator: int
    level: int
    position: int
    count: int
    links: int
    deposit: int
    due: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The changing part of a demand: what the answer opened, and of a tensor its shape."""

    stage: Stage = Stage.OPEN
    answered_at: int = 0
    nodes: tuple[Node, ...] = ()
    shape: Shape | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """Evidence announced as a hash, with a deposit that is lost unless it convicts; `open_until` is exclusive."""

    challenger: bytes
    batch_id: bytes
    replica: int
    provider: bytes
    deposit: int
    open_until: int
    block: int


@dataclass(frozen=True, slots=True)
class OpenDemands:
    """How many demands wait for an answer of one replica, and how many of them for a trace."""

    total: int = 0
    traces: int = 0


@dataclass(frozen=True, slots=True)
class Chain:
    """What a step reads of the chain: seconds, block number, the base fee of a unit of gas."""

    now: int
    block: int
    basefee: int


@dataclass(frozen=True, slots=True)
class Court:
    """Everything the court holds. `traces` has a digest by (batch, replica, task), empty while the trace is demanded.

    `credits` is native coin that an account may take out; `held` all native coin inside; `wrong` those of the convicted
    whose result was shown to be wrong.
    """

    account: bytes
    demands: Mapping[Demand, Standing] = field(default_factory=dict)
    open: Mapping[tuple[bytes, int], OpenDemands] = field(default_factory=dict)
    traces: Mapping[tuple[bytes, int, int], bytes] = field(default_factory=dict)
    announcements: Mapping[bytes, Announcement] = field(default_factory=dict)
    convicted: frozenset[tuple[bytes, int]] = frozenset()
    credits: Mapping[bytes, int] = field(default_factory=dict)
    held: int = 0
    wrong: frozenset[tuple[bytes, int]] = frozenset()

    def was_convicted(self, batch_id: bytes, replica: int) -> bool:
        """Whether a replica was convicted, for whatever reason."""
        return (batch_id, replica) in self.convicted

    def was_wrong(self, batch_id: bytes, replica: int) -> bool:
        """Whether a replica was convicted of a wrong result."""
        return (batch_id, replica) in self.wrong
