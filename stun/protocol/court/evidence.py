"""What convicts a replica. Each kind is judged alone; a conviction needs one.

Paths have one 32-byte hash a step and must be consumed exactly. Source: PROTOCOL.md sections 6.3 and 9.
"""

from dataclasses import dataclass
from hashlib import sha256

from stun.protocol.court.state import Trace
from stun.protocol.graph.tensors import Shape
from stun.protocol.messages import Commit
from stun.protocol.trees.tags import EVIDENCE


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator's output root and its path under the trace root."""

    index: int
    output_root: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class GraphLeaf:
    """One leaf of the model's graph and its path under the graph root."""

    data: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Input:
    """The shape of a task's input and the top node that its root crowns."""

    shape: Shape
    top: bytes


@dataclass(frozen=True, slots=True)
class BadInput:
    """The trace does not begin with the task's input: operator 0's root is not the spec's."""

    trace: Trace
    operator: Operator


@dataclass(frozen=True, slots=True)
class BadOutput:
    """The trace does not end in the posted result: the last operator's root is not behind the output digest."""

    trace: Trace
    operator: Operator


@dataclass(frozen=True, slots=True)
class BadUnits:
    """The posted units are not what the graph's rule makes of the input."""

    trace: Trace
    header: GraphLeaf
    input: Input


@dataclass(frozen=True, slots=True)
class BadStep:
    """One operator's output has a wrong shape or a wrong element; `opened` is what the referee needs to see that.

    `predecessors` are the operators that the graph leaf names, in its order.
    """

    trace: Trace
    operator: Operator
    predecessors: tuple[Operator, ...]
    leaf: GraphLeaf
    input: Input
    opened: bytes


@dataclass(frozen=True, slots=True)
class Equivocation:
    """Two commitments of one provider for one batch, and who signed them."""

    batch_id: bytes
    replica: int
    first: Commit
    first_signer: bytes | None
    second: Commit
    second_signer: bytes | None


Evidence = BadInput | BadOutput | BadUnits | BadStep | Equivocation


def place_of(evidence: Evidence) -> tuple[bytes, int]:
    """Return the batch and the replica that evidence is about."""
    if isinstance(evidence, Equivocation):
        return evidence.batch_id, evidence.replica
    return evidence.trace.case.batch_id, evidence.trace.case.replica


def seal(challenger: bytes, evidence_digest: bytes, salt: bytes) -> bytes:
    """Hash what an announcement hides: sha256(0x16 | challenger 32 | evidence digest | salt 32)."""
    return sha256(EVIDENCE + challenger + evidence_digest + salt).digest()
