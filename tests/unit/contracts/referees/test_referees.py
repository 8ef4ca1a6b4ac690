"""The referee contracts beside the specification's: true and altered claims, altered evidence and leaves."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from graph_cases import (
    Case,
    add_norms,
    by_rows,
    gathers,
    linears,
    luts,
    matmuls,
    maxima,
    requants,
    turns,
    windows,
)
from graph_models import image, image_model, sentence, sentence_model
from hypothesis import given, settings
from hypothesis import strategies as st
from referee_bench import Question, bench, question, stand_alone

from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.evidence import leaf_evidence, shape_evidence
from stun.protocol.graph.executor import execute
from stun.protocol.graph.operators import Opcode
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import (
    Shape,
    Tensor,
    TensorTree,
    climb,
    leaf_count,
    row_bytes,
    rows_a_leaf,
    tensor_root,
)

pytestmark = pytest.mark.unit

ELEMENTS = 3
ROOT = bytes(range(32))


def models() -> list[tuple[Graph, Tensor]]:
    return [
        (sentence_model(), sentence(7)),
        (sentence_model(), sentence(32, seed=1)),
        (sentence_model(seed=5), sentence(1)),
        (image_model(), image()),
    ]


def places(shape: Shape, random: Random, count: int = ELEMENTS) -> Iterator[tuple[int, int]]:
    yield 0, 0
    yield shape.rows - 1, shape.cols - 1
    for _ in range(count):
        yield random.randrange(shape.rows), random.randrange(shape.cols)


def altered(tensor: Tensor, row: int, col: int) -> Tensor:
    """One element is one more, or one less where that does not fit."""
    shape = tensor.shape
    at = row * row_bytes(shape) + col * shape.dtype
    value = int.from_bytes(tensor.data[at : at + shape.dtype], "big", signed=True)
    other = value - 1 if value == 2 ** (8 * shape.dtype - 1) - 1 else value + 1
    changed = other.to_bytes(shape.dtype, "big", signed=True)
    return Tensor(shape, tensor.data[:at] + changed + tensor.data[at + shape.dtype :])


@pytest.mark.parametrize("which", range(4))
def test_every_operator_is_recomputed_and_every_altered_element_rejected(which: int) -> None:
    graph, task_input = models()[which]
    outputs = execute(graph, task_input)
    random = Random(which)
    judged = 0
    for index in range(1, len(graph.operators)):
        for row, col in places(outputs[index].shape, random):
            assert bench().both(question(graph, outputs, index, row, col)) is False
            claimed = altered(outputs[index], row, col)
            assert bench().both(question(graph, outputs, index, row, col, claimed)) is True
            judged += 1
    assert judged >= 5 * (len(graph.operators) - 1)


def questions() -> Iterator[tuple[Question, Opcode]]:
    """One question about every operator of two models."""
    for graph, task_input in (models()[0], models()[3]):
        outputs = execute(graph, task_input)
        random = Random(1)
        for index in range(1, len(graph.operators)):
            shape = outputs[index].shape
            row, col = random.randrange(shape.rows), random.randrange(shape.cols)
            yield question(graph, outputs, index, row, col), Opcode(graph.operators[index].opcode)


def test_every_altered_byte_of_evidence_gets_the_specifications_answer() -> None:
    random = Random(2)
    seen: set[bool | str] = set()
    for asked, _ in questions():
        evidence = asked.evidence
        spots = [*range(1, 40), *(random.randrange(len(evidence)) for _ in range(12))]
        for at in (spot for spot in spots if spot < len(evidence)):
            flipped = evidence[:at] + bytes([evidence[at] ^ 1 << random.randrange(8)]) + evidence[at + 1 :]
            seen.add(bench().both(replace(asked, evidence=flipped)))
    assert {False, "referee: path", "referee: element", "graph: shape"} <= seen


def test_truncated_and_spare_bytes_are_refused() -> None:
    random = Random(3)
    for asked, _ in questions():
        evidence = asked.evidence
        for size in {0, 1, 5, 9, 20, len(evidence) - 32, len(evidence) - 1, random.randrange(len(evidence))}:
            assert isinstance(bench().both(replace(asked, evidence=evidence[:size])), str)
        assert bench().both(replace(asked, evidence=evidence + b"\0")) == "referee: evidence"
        assert bench().both(replace(asked, evidence=evidence + bytes(32))) == "referee: evidence"


def test_other_roots_and_another_size_are_refused() -> None:
    for asked, opcode in questions():
        assert bench().both(replace(asked, output=ROOT)) == "referee: path"
        if asked.inputs:
            assert bench().both(replace(asked, inputs=(ROOT, *asked.inputs[1:]))) in ("referee: path", False)
        if len(asked.inputs) == 2 and asked.inputs[0] != asked.inputs[1]:
            assert bench().both(replace(asked, inputs=asked.inputs[::-1])) in ("referee: path", "graph: shape", False)
        answer = bench().both(replace(asked, n=asked.n + 1))
        assert answer is False or isinstance(answer, str), opcode
        bench().both(replace(asked, weights=ROOT))


def test_every_altered_byte_of_a_graph_leaf_gets_the_specifications_answer() -> None:
    for asked, _ in questions():
        for at in range(48):
            for bit in (0, 3, 7):
                leaf = asked.leaf[:at] + bytes([asked.leaf[at] ^ 1 << bit]) + asked.leaf[at + 1 :]
                if leaf[2] == asked.leaf[2]:  # another opcode may belong to the other referee
                    bench().both(replace(asked, leaf=leaf))


def test_leaves_that_are_none_are_refused() -> None:
    asked, _ = next(questions())
    for leaf in (asked.leaf[:2] + b"\x0e" + asked.leaf[3:], asked.leaf[:2] + b"\0" + asked.leaf[3:], asked.leaf[:-1]):
        assert bench().answers(replace(asked, leaf=leaf)) == ["graph: leaf"] * 2
    assert bench().both(replace(asked, leaf=asked.leaf[:2] + b"\x01" + asked.leaf[3:])) == "referee: opcode"


def test_another_shape_is_shown_by_the_crown() -> None:
    graph, task_input = models()[0]
    outputs = execute(graph, task_input)
    for index in range(1, len(graph.operators)):
        tree = TensorTree(outputs[index])
        asked = question(graph, outputs, index, 0, 0)
        true = tree.tensor.shape
        assert bench().both(replace(asked, evidence=shape_evidence(true, tree.top))) is False
        for other in (replace(true, rows=true.rows + 1), replace(true, cols=2**32 - 1), Shape(200, 0, 0)):
            root = tensor_root(other, tree.top)
            shown = replace(asked, output=root, evidence=shape_evidence(other, tree.top))
            assert bench().both(shown) is True
            assert bench().both(replace(shown, output=ROOT)) == "referee: path"
        assert bench().both(replace(asked, evidence=shape_evidence(true, tree.top) + b"\0")) == "referee: evidence"
        assert bench().both(replace(asked, evidence=shape_evidence(true, tree.top)[:-1])) == "referee: evidence"


def test_a_leaf_of_another_length_is_shown_by_its_path() -> None:
    graph, task_input = models()[1]
    outputs = execute(graph, task_input)
    for index in range(1, len(graph.operators)):
        tensor = outputs[index]
        tree, shape = TensorTree(tensor), tensor.shape
        asked = question(graph, outputs, index, 0, 0)
        opened = tree.open(shape.rows - 1)
        last = leaf_count(shape) - 1
        assert bench().both(replace(asked, evidence=leaf_evidence(last, opened.path, opened.leaf))) is False
        size = rows_a_leaf(shape) * row_bytes(shape)
        for leaf in (b"", bytes(size - 1), bytes(size + 1)):
            root = climb(shape, last, leaf, opened.path)
            shown = replace(asked, output=root, evidence=leaf_evidence(last, opened.path, leaf))
            assert bench().both(shown) is True
        outside = leaf_evidence(last + 1, opened.path, opened.leaf)
        assert bench().both(replace(asked, evidence=outside)) == "referee: element"


EXTREMES = (gathers, linears, matmuls, requants, luts, add_norms, by_rows, turns, windows, maxima)


@pytest.mark.parametrize("cases", EXTREMES)
@settings(max_examples=15)
@given(st.data())
def test_extreme_values_have_the_bits_of_the_specification(cases: Callable[[], Any], data: st.DataObject) -> None:
    case: Case = data.draw(cases())
    row = data.draw(st.integers(0, case.out.rows - 1))
    col = data.draw(st.integers(0, case.out.cols - 1))
    output = to_tensor(case.output(), case.operator.dtype)
    assert bench().both(stand_alone(case, output, row, col)) is False
    assert bench().both(stand_alone(case, altered(output, row, col), row, col)) is True
