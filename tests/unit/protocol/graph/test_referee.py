"""The referee: an honest element is never wrong, an altered one always is, and bad evidence decides nothing."""

from dataclasses import replace
from hashlib import sha256

import pytest
from graph_disputes import ACCOUNT, Case, Dispute, image_dispute, sentence_dispute
from graph_models import sentence, sentence_model
from hypothesis import given, settings
from hypothesis import strategies as st

from stun.protocol.errors import Rejected
from stun.protocol.graph import referee
from stun.protocol.graph.arrays import to_array
from stun.protocol.graph.evidence import element_evidence, expected_element, leaf_evidence, shape_evidence
from stun.protocol.graph.executor import execute
from stun.protocol.graph.operators import Opcode
from stun.protocol.graph.referee import Judgement, Verdict, is_wrong, judge
from stun.protocol.graph.shapes import MAX_ROWS
from stun.protocol.graph.tensors import Shape, TensorTree, climb, path_length, row_bytes, rows_a_leaf
from stun.protocol.graph.trace import Trace

pytestmark = pytest.mark.unit

DISPUTES = {
    "one token": sentence_dispute(1),
    "7": sentence_dispute(7),
    "32": sentence_dispute(32),
    "image": image_dispute(),
}
HONEST = DISPUTES["7"]
PLACES = list(HONEST.places(1))


def refusal(case: Case) -> str | None:
    try:
        judge(*case.arguments)
    except Rejected as refused:
        return refused.code
    return None


@pytest.mark.parametrize("dispute", DISPUTES.values(), ids=DISPUTES)
def test_an_honest_element_is_never_wrong(dispute: Dispute) -> None:
    for index, row, col in dispute.places(12):
        true = int(to_array(dispute.trace.outputs[index])[row, col])
        assert judge(*dispute.element(index, row, col).arguments) == Judgement(None, row, col, true, true)
        assert expected_element(dispute.graph, dispute.trace.outputs, index, row, col) == true


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 32))
def test_nor_is_one_of_any_model(seed: int, tokens: int) -> None:
    graph = sentence_model(seed)
    dispute = Dispute(graph, Trace(ACCOUNT, execute(graph, sentence(tokens, seed))))
    assert not any(is_wrong(*dispute.element(*place).arguments) for place in dispute.places(1))


@pytest.mark.parametrize("dispute", DISPUTES.values(), ids=DISPUTES)
@pytest.mark.parametrize("by", [1, 100])
def test_an_altered_element_always_is(dispute: Dispute, by: int) -> None:
    for index, row, col in dispute.places(3):
        lie = dispute.lie(index, row, col, by)
        true, told = (int(to_array(d.trace.outputs[index])[row, col]) for d in (dispute, lie))
        judgement = judge(*lie.element(index, row, col).arguments)
        assert judgement == Judgement(Verdict.BAD_OP, row, col, true, told)
        assert is_wrong(*lie.element(index, row, col).arguments)


def test_evidence_is_made_from_true_outputs_and_a_claimed_row() -> None:
    """As a challenger makes it: who holds none of the provider's tensors but the one row."""
    index, row, col = PLACES[5]
    lie = HONEST.lie(index, row, col)
    claimed = TensorTree(lie.trace.outputs[index]).open(row)
    evidence = element_evidence(HONEST.graph, HONEST.trace.outputs, index, row, col, claimed)
    assert evidence == lie.element(index, row, col).evidence
    assert is_wrong(*lie.case(index, evidence).arguments)


def test_the_other_elements_of_a_lie_are_right() -> None:
    index, row, col = PLACES[3]
    lie = HONEST.lie(index, row, col)
    assert not is_wrong(*lie.element(index, row, (col + 1) % lie.trace.outputs[index].shape.cols).arguments)


def test_every_operator_of_the_set_is_judged() -> None:
    judged = {op.opcode for dispute in DISPUTES.values() for op in dispute.graph.operators[1:]}
    assert judged == set(Opcode) - {Opcode.INPUT}


@given(st.sampled_from(PLACES), st.data())
def test_no_altered_byte_of_evidence_convicts(place: tuple[int, int, int], data: st.DataObject) -> None:
    """Every byte is bound, or names another honest element."""
    case = HONEST.element(*place)
    at = data.draw(st.integers(0, len(case.evidence) - 1))
    flipped = bytearray(case.evidence)
    flipped[at] ^= data.draw(st.integers(1, 255))
    altered = replace(case, evidence=bytes(flipped))
    assert refusal(altered) is not None or not is_wrong(*altered.arguments)


@given(st.sampled_from(PLACES), st.data())
def test_truncated_evidence_is_refused(place: tuple[int, int, int], data: st.DataObject) -> None:
    case = HONEST.element(*place)
    length = data.draw(st.integers(0, len(case.evidence) - 1))
    assert refusal(replace(case, evidence=case.evidence[:length])) in ("referee: evidence", "referee: path")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: Opcode(HONEST.graph.operators[place[0]].opcode).name)
def test_spare_bytes_are_refused(place: tuple[int, int, int]) -> None:
    case = HONEST.element(*place)
    assert refusal(replace(case, evidence=case.evidence + b"\0")) == "referee: evidence"
    assert refusal(replace(case, evidence=case.evidence + bytes(32))) == "referee: evidence"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: Opcode(HONEST.graph.operators[place[0]].opcode).name)
def test_evidence_for_other_roots_is_refused(place: tuple[int, int, int]) -> None:
    case = HONEST.element(*place)
    other = bytes(32)
    assert refusal(replace(case, output_root=other)) == "referee: path"
    for at in range(len(case.input_roots)):
        roots = (*case.input_roots[:at], other, *case.input_roots[at + 1 :])
        assert refusal(replace(case, input_roots=roots)) == "referee: path"
    reads_weights = bool(HONEST.graph.operators[place[0]].weights)
    assert refusal(replace(case, weight_root=other)) == ("referee: path" if reads_weights else None)
    assert refusal(replace(case, input_roots=(*case.input_roots, other))) == "referee: roots"
    assert refusal(replace(case, input_roots=case.input_roots[:-1])) == ("referee: roots" if case.input_roots else None)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: Opcode(HONEST.graph.operators[place[0]].opcode).name)
def test_a_place_out_of_range_is_refused(place: tuple[int, int, int]) -> None:
    case = HONEST.element(*place)
    shape = HONEST.trace.outputs[place[0]].shape
    for at, bound in ((1, shape.rows), (5, shape.cols)):
        for value in (bound, 2**32 - 1):
            changed = case.evidence[:at] + value.to_bytes(4, "big") + case.evidence[at + 4 :]
            assert refusal(replace(case, evidence=changed)) == "referee: element"
    with pytest.raises(Rejected, match=r"^referee: element$"):
        element_evidence(HONEST.graph, HONEST.trace.outputs, place[0], shape.rows, 0)
    with pytest.raises(Rejected, match=r"^referee: element$"):
        element_evidence(HONEST.graph, HONEST.trace.outputs, place[0], 0, shape.cols)


def test_weights_of_another_model_are_refused() -> None:
    index = next(i for i, op in enumerate(HONEST.graph.operators) if op.opcode == Opcode.LINEAR)
    case = HONEST.element(index, 0, 0)
    count_at = 9 + 9
    for count in (len(HONEST.graph.weights) - 1, len(HONEST.graph.weights) + 1, 1, 0, 65_535):
        changed = case.evidence[:count_at] + count.to_bytes(2, "big") + case.evidence[count_at + 2 :]
        assert refusal(replace(case, evidence=changed)) in ("referee: path", "referee: evidence")


def test_what_has_no_referee_is_refused() -> None:
    case = HONEST.element(*PLACES[0])
    assert refusal(replace(case, graph_leaf=HONEST.graph.operators[0].encode(), input_roots=())) == "referee: opcode"
    assert refusal(replace(case, graph_leaf=case.graph_leaf[:-1])) == "graph: leaf"
    assert refusal(replace(case, evidence=b"")) == "referee: evidence"
    assert refusal(replace(case, evidence=b"\3" + case.evidence[1:])) == "referee: evidence"
    assert refusal(replace(case, evidence=bytes(16_385))) == "referee: evidence"


@pytest.mark.parametrize(
    "shape", [Shape(2, 7, 25), Shape(2, 8, 24), Shape(1, 7, 24), Shape(2, 2**32 - 1, 24), Shape(9, 0, 2**32 - 1)]
)
def test_an_output_of_another_shape_is_wrong(shape: Shape) -> None:
    index = next(i for i, op in enumerate(HONEST.graph.operators) if op.opcode == Opcode.ADD_NORM)
    top = sha256(b"whatever").digest()
    case = HONEST.case(index, shape_evidence(shape, top))
    assert refusal(case) == "referee: path"
    lie = replace(case, output_root=sha256(b"\x24\x02" + shape.encode() + top).digest())
    assert judge(*lie.arguments) == Judgement(Verdict.BAD_SHAPE)
    assert refusal(replace(lie, evidence=lie.evidence + b"\0")) == "referee: evidence"
    assert refusal(replace(lie, evidence=lie.evidence[:-1])) == "referee: evidence"


def test_the_true_shape_is_not_wrong() -> None:
    for index, tensor in enumerate(HONEST.trace.outputs[1:], 1):
        case = HONEST.case(index, shape_evidence(tensor.shape, TensorTree(tensor).top))
        assert judge(*case.arguments) == Judgement(None)


@pytest.mark.parametrize("length", [0, 1, 47, 49, 8_000])
def test_a_leaf_of_another_length_is_wrong(length: int) -> None:
    """A provider that commits a leaf too short or too long to hold its rows has not escaped the referee."""
    index = next(i for i, op in enumerate(HONEST.graph.operators) if op.opcode == Opcode.ADD_NORM)
    shape = HONEST.trace.outputs[index].shape
    assert rows_a_leaf(shape) * row_bytes(shape) == 48
    path = tuple(bytes([at]) * 32 for at in range(path_length(shape, 6)))
    leaf = bytes(length)
    case = replace(HONEST.case(index, leaf_evidence(6, path, leaf)), output_root=climb(shape, 6, leaf, path))
    assert judge(*case.arguments) == Judgement(Verdict.BAD_SHAPE)
    assert refusal(replace(case, evidence=case.evidence + b"\0")) == "referee: path"
    outside = leaf_evidence(7, path, leaf)
    assert refusal(replace(case, evidence=outside)) == "referee: element"
    assert refusal(replace(case, evidence=case.evidence[: 5 + 32 * len(path) - 1])) == "referee: evidence"


def test_a_whole_leaf_is_not_wrong() -> None:
    for index, tensor in enumerate(HONEST.trace.outputs[1:], 1):
        opened = TensorTree(tensor).open(tensor.shape.rows - 1)
        last = (tensor.shape.rows - 1) // rows_a_leaf(tensor.shape)
        case = HONEST.case(index, leaf_evidence(last, opened.path, opened.leaf))
        assert judge(*case.arguments) == Judgement(None)


def test_evidence_is_read_up_to_its_limit() -> None:
    case = HONEST.case(3, b"")
    for size, code in ((16_384, "referee: path"), (16_385, "referee: evidence")):
        evidence = leaf_evidence(0, (), bytes(size - 5))
        assert refusal(replace(case, evidence=evidence)) == code


def test_the_longest_output_is_judged() -> None:
    leaf = replace(HONEST.graph.operators[3], rows=MAX_ROWS).encode()
    shape, top = Shape(2, 1, 1), bytes(32)
    root = sha256(b"\x24\x02" + shape.encode() + top).digest()
    case = replace(HONEST.case(3, shape_evidence(shape, top)), graph_leaf=leaf, output_root=root)
    assert judge(*case.arguments) == Judgement(Verdict.BAD_SHAPE, row=0, col=0, expected=0, claimed=0)


def test_inputs_of_a_wrong_shape_decide_nothing() -> None:
    """The operator before is to blame then, and nobody else."""
    index, row, col = next(p for p in PLACES if HONEST.graph.operators[p[0]].opcode == Opcode.SOFTMAX)
    case = HONEST.element(index, row, col)
    for shape in (Shape(2, 22, 7), Shape(2, 21, 8), Shape(4, 21, 7), Shape(0, 21, 7), Shape(2, 21, 0)):
        changed = case.evidence[:9] + shape.encode() + case.evidence[18:]
        assert refusal(replace(case, evidence=changed)) == "graph: shape"


def test_a_graph_with_absurd_dims_convicts_nobody() -> None:
    index, _, _ = PLACES[3]
    operator = HONEST.graph.operators[index]
    for change in (
        {"rows": 0},
        {"rows": 2**31 - 1},
        {"rows": 2**32 - 1},
        {"cols": 0},
        {"cols": 4_097},
        {"dtype": 0},
        {"dtype": 3},
    ):
        case = replace(HONEST.element(*PLACES[3]), graph_leaf=replace(operator, **change).encode())
        assert refusal(case) == "graph: shape"
        top = bytes(32)
        shape = Shape(1, 1, 1)
        root = sha256(b"\x24\x02" + shape.encode() + top).digest()
        assert refusal(replace(case, output_root=root, evidence=shape_evidence(shape, top))) == "graph: shape"
    assert refusal(replace(HONEST.element(*PLACES[3]), n=MAX_ROWS + 1)) == "graph: shape"


def test_the_longest_evidence_fits() -> None:
    """The longest rows and paths that a valid graph allows, for the operator that opens the most."""
    longest_path = 32 * (MAX_ROWS - 1).bit_length()
    of_weights = 32 * (4_096 - 1).bit_length()
    header = 1 + 8 + 9 + 2 + 2 * 9
    table = 512 + 32 * (2**16 // 256 - 1).bit_length()
    linear = header + 3 * (4_096 + longest_path) + table + 2 * of_weights
    matmul = header + 9 + 3 * (4_096 + longest_path) + 512 + longest_path + of_weights
    assert max(linear, matmul) <= referee.MAX_EVIDENCE_BYTES
