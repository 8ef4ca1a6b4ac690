"""What the referees must fit and what they are given: code size, the longest evidence, calldata of any shape."""

from dataclasses import replace

import numpy as np
import pytest
from graph_cases import Case
from graph_models import sentence, sentence_model
from referee_bench import NAMES, OWNER, Question, bench, question, stand_alone, with_element

from stun.chains.evm.artifacts import ArtifactStore
from stun.protocol.graph import operators as ops
from stun.protocol.graph.arrays import pack_records
from stun.protocol.graph.executor import execute
from stun.protocol.graph.operators import NONE, Opcode, Operator, decode_operator
from stun.protocol.graph.referee import MAX_EVIDENCE_BYTES
from stun.protocol.graph.tensors import Dtype, Shape, Tensor

pytestmark = pytest.mark.unit

MAX_CODE_BYTES = 24_576
WORD = 32
HEAD_WORDS = 7  # offset of the leaf, n, two input roots, output root, weight root, offset of the evidence


@pytest.mark.parametrize("name", NAMES)
def test_the_code_fits_eip_170(name: str) -> None:
    assert ArtifactStore().build(NAMES)[name].code_size <= MAX_CODE_BYTES


def wide_linear() -> Case:
    """One whose rows are all about as wide as a row may be."""
    depth, tokens = 4_084, 1_024
    x = Tensor(Shape(Dtype.INT8, tokens, depth), bytes(tokens * depth))
    records = pack_records(np.ones((2, depth), np.int64), np.array([5, 6]), np.array([2, 2]))
    scalars = {"a": 0, "w0": 0, "mode": ops.TRANSPOSED, "shift": 1, "lo": -(2**31), "hi": 2**31 - 1}
    return Case(Operator(2, Opcode.LINEAR, Dtype.INT32, 2, ops.per_row(1), **scalars), (x,), (records,), tokens)


def test_evidence_of_rows_of_four_kilobytes_is_judged() -> None:
    case = wide_linear()
    true = stand_alone(case, with_element(case, 1, 1_000), 1, 1_000)
    assert 12_288 < len(true.evidence) <= MAX_EVIDENCE_BYTES
    assert bench().both(true) is False
    assert bench().both(stand_alone(case, with_element(case, 1, 1_000, off=1), 1, 1_000)) is True


def test_evidence_of_the_greatest_length_is_read_and_a_longer_one_refused() -> None:
    asked = small_question()
    longest = replace(asked, evidence=asked.evidence.ljust(MAX_EVIDENCE_BYTES, b"\0"))
    assert bench().both(longest) == "referee: evidence"
    longer = replace(longest, evidence=longest.evidence + b"\0")
    assert all(isinstance(answer, str) for answer in bench().answers(longer))


def test_a_second_weight_without_a_first_is_refused() -> None:
    asked = small_question()
    operator = decode_operator(asked.leaf)
    moved = replace(operator, w0=NONE, w1=operator.w0)
    assert bench().both(replace(asked, leaf=moved.encode())) == "graph: shape"


def small_question(claimed: int = 0) -> Question:
    """About a Linear of a small model; `claimed` is added to the last byte of its output."""
    graph, outputs = sentence_model(), execute(sentence_model(), sentence(5))
    index = next(i for i, o in enumerate(graph.operators) if o.opcode == Opcode.LINEAR)
    shape, data = outputs[index].shape, outputs[index].data
    changed = Tensor(shape, data[:-1] + bytes([data[-1] ^ claimed]))
    return question(graph, outputs, index, shape.rows - 1, shape.cols - 1, changed)


def encoded(asked: Question, evidence_first: bool, spare: int, padding: bytes) -> bytes:
    """Calldata as a caller of its own may lay it out: either tail first, words of rubbish between and behind."""
    leaf, evidence = (
        len(data).to_bytes(WORD, "big") + data + bytes(-len(data) % WORD) for data in (asked.leaf, asked.evidence)
    )
    gap = b"\xff" * (WORD * spare)
    tails = (evidence, gap, leaf) if evidence_first else (leaf, gap, evidence)
    first = WORD * HEAD_WORDS
    second = first + len(tails[0]) + len(gap)
    leaf_at, evidence_at = (second, first) if evidence_first else (first, second)
    inputs = [*asked.inputs, bytes(WORD), bytes(WORD)][:2]
    head = [leaf_at.to_bytes(WORD, "big"), asked.n.to_bytes(WORD, "big"), *inputs, asked.output, asked.weights]
    return b"".join([*head, evidence_at.to_bytes(WORD, "big"), *tails, padding])


@pytest.mark.parametrize("evidence_first", [False, True])
@pytest.mark.parametrize("spare", [0, 1, 5])
@pytest.mark.parametrize("padding", [b"", b"\xff", b"\xff" * 64])
@pytest.mark.parametrize("claimed", [0, 1])
def test_evidence_is_found_wherever_it_lies_in_the_calldata(
    evidence_first: bool, spare: int, padding: bytes, claimed: int
) -> None:
    data = encoded(small_question(claimed), evidence_first, spare, padding)
    assert bench().raw(NAMES[0], data) is bool(claimed)


def test_calldata_that_is_cut_off_or_points_outside_is_refused() -> None:
    data = encoded(small_question(1), False, 0, b"")
    for size in (0, 31, WORD * HEAD_WORDS - 1, WORD * HEAD_WORDS, len(data) // 2, len(data) - WORD):
        assert isinstance(bench().raw(NAMES[0], data[:size]), str)
    at = WORD * (HEAD_WORDS - 1)
    for offset in (len(data), len(data) - WORD + 1, 2**255, 2**256 - WORD, 2**256 - 1):
        pointed = data[:at] + offset.to_bytes(WORD, "big") + data[at + WORD :]
        assert isinstance(bench().raw(NAMES[0], pointed), str)


def test_evidence_that_lies_over_the_head_convicts_nobody() -> None:
    data = encoded(small_question(1), False, 0, b"")
    at = WORD * (HEAD_WORDS - 1)
    for offset in range(0, at + WORD, 8):
        pointed = data[:at] + offset.to_bytes(WORD, "big") + data[at + WORD :]
        assert bench().raw(NAMES[0], pointed) is not True


def test_no_referee_takes_coin() -> None:
    for name in NAMES:
        assert bench().machine.send(OWNER, bench().addresses[name], b"", value=1).reason is not None
