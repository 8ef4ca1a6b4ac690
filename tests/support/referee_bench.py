"""Both referees in a machine, and the specification's beside them: same answer, same reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from evm_machines import RevmMachine
from graph_cases import Case

from stun.chains.evm.artifacts import ArtifactStore
from stun.protocol.errors import Rejected
from stun.protocol.graph import referee
from stun.protocol.graph.elements import element
from stun.protocol.graph.evidence import element_evidence
from stun.protocol.graph.operators import decode_operator
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Tensor, TensorTree, root_of, row_bytes
from stun.protocol.trees.merkle import MerkleTree
from stun.protocol.trees.tags import WEIGHTS

NAMES = ("RefereeLinear", "RefereeRow")
OWNER = b"\x01" * 20
NO_ROOT = bytes(32)
SELECTOR_BYTES = 4


@dataclass(frozen=True, slots=True)
class Question:
    """What a referee is asked."""

    leaf: bytes
    n: int
    inputs: tuple[bytes, ...]
    output: bytes
    weights: bytes
    evidence: bytes


class RefereeBench:
    """The contracts, deployed once."""

    def __init__(self) -> None:
        self.machine = RevmMachine()
        self.machine.set_clock(1_760_000_000)
        built = ArtifactStore().build(NAMES)
        self._function = built["RefereeRow"].interface.function("is_wrong")
        self.addresses = {name: self.machine.deploy(OWNER, built[name].deploy_bytecode) for name in NAMES}
        self.executed = 0  # gas of the last answer, without what its calldata costs

    def contract(self, question: Question) -> bool | str:
        """Return the answer of the contract that judges the operator, or the reason with which it refuses."""
        return self._ask(NAMES[0] if decode_operator(question.leaf).is_linear else NAMES[1], question)

    def answers(self, question: Question) -> list[bool | str]:
        """Return both contracts' answers."""
        return [self._ask(name, question) for name in NAMES]

    def _ask(self, name: str, question: Question) -> bool | str:
        padded = [*question.inputs, NO_ROOT, NO_ROOT][:2]
        data = self._function.encode(
            question.leaf, question.n, padded, question.output, question.weights, question.evidence
        )
        return self.raw(name, data[SELECTOR_BYTES:])

    def raw(self, name: str, arguments: bytes) -> bool | str:
        """Return a contract's answer to arguments that may be encoded in any way, or the reason of its refusal."""
        outcome = self.machine.send(OWNER, self.addresses[name], self._function.selector + arguments)
        if outcome.reason is not None:
            return outcome.reason
        self.executed = outcome.gas - _intrinsic(self._function.selector + arguments)
        return bool(self._function.decode_output(outcome.output))

    def both(self, question: Question) -> bool | str:
        """Ask both sides and return their one answer. Errors: AssertionError if they differ."""
        got, expected = self.contract(question), specification(question)
        what = f"leaf {question.leaf.hex()}, n {question.n}"
        assert got == expected, f"contract {got!r}, specification {expected!r}: {what}"
        return got


def _intrinsic(data: bytes) -> int:
    """Gas of a transaction before anything is executed, as the machine counts it: without the floor of EIP-7623."""
    return 21_000 + 16 * (len(data) - data.count(0)) + 4 * data.count(0)


def specification(question: Question) -> bool | str:
    """Return the specification's answer, or its code; like the court it gives a root for each predecessor."""
    try:
        named = len(decode_operator(question.leaf).predecessors)
        inputs = (*question.inputs, NO_ROOT, NO_ROOT)[:named]
        return referee.is_wrong(question.leaf, question.n, inputs, question.output, question.weights, question.evidence)
    except Rejected as refusal:
        return refusal.code


@cache
def bench() -> RefereeBench:
    """Return the one bench of this process."""
    return RefereeBench()


def question(
    graph: Graph, outputs: Sequence[Tensor], index: int, row: int, col: int, claimed: Tensor | None = None
) -> Question:
    """Return the question about one element of an operator; `claimed` is another output than the true one."""
    operator = graph.operators[index]
    shown = list(outputs)
    if claimed is not None:
        shown[index] = claimed
    return Question(
        operator.encode(),
        outputs[0].shape.rows,
        tuple(root_of(outputs[i]) for i in operator.predecessors),
        root_of(shown[index]),
        graph.weight_root,
        element_evidence(graph, shown, index, row, col),
    )


class _Recorder:
    """Rows of a single operator's case, with the openings that evidence holds."""

    def __init__(self, case: Case, weights: MerkleTree | None) -> None:
        self.out, self.reads = case.out, case.reads
        self.openings: list[bytes] = []
        self._case = case
        self._weights = weights

    def open_input(self, which: int, row: int) -> bytes:
        self.openings.append(opening(self._case.inputs[which], row))
        return self._case.inputs[which].row(row)

    def open_weight(self, which: int, row: int) -> bytes:
        assert self._weights is not None
        self.openings.append(opening(self._case.weights[which], row) + b"".join(self._weights.prove(which)))
        return self._case.weights[which].row(row)


def opening(tensor: Tensor, row: int) -> bytes:
    """Return a row's opening as evidence holds it."""
    opened = TensorTree(tensor).open(row)
    return b"".join([opened.leaf, *opened.path])


def with_element(case: Case, row: int, col: int, off: int = 0) -> Tensor:
    """Return an output that is right, or by so much off, in one element; all others are 0.

    The element is what the referee makes of bytes that no executor may meet, too.
    """
    shape = case.out
    low, high = -(2 ** (8 * shape.dtype - 1)), 2 ** (8 * shape.dtype - 1) - 1
    value = element(case.operator, case, row, col)
    claimed = value + off if low <= value + off <= high else value - off
    at = row * row_bytes(shape) + col * shape.dtype
    data = bytearray(shape.rows * row_bytes(shape))
    data[at : at + shape.dtype] = claimed.to_bytes(shape.dtype, "big", signed=True)
    return Tensor(shape, bytes(data))


def stand_alone(case: Case, output: Tensor, row: int, col: int) -> Question:
    """Return the question about one element of a single operator, whose output is claimed to be `output`."""
    weights = MerkleTree(WEIGHTS, [root_of(tensor) for tensor in case.weights]) if case.weights else None
    recorder = _Recorder(case, weights)
    element(case.operator, recorder, row, col)
    parts = [b"\x02", row.to_bytes(4, "big"), col.to_bytes(4, "big"), *(x.shape.encode() for x in case.inputs)]
    if weights is not None:
        parts.append(weights.count.to_bytes(2, "big"))
    parts += [*(w.shape.encode() for w in case.weights), opening(output, row), *recorder.openings]
    return Question(
        case.operator.encode(),
        case.n,
        tuple(root_of(x) for x in case.inputs),
        root_of(output),
        weights.root if weights else NO_ROOT,
        b"".join(parts),
    )
