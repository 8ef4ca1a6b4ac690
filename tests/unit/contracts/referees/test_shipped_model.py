"""The referee contracts about the shipped model: elements of every operator, each true, one off, and spoiled."""

from functools import cache
from random import Random

import numpy as np
import pytest
from exact_models import minilm_graph
from referee_alterations import openings, questions_of, spoiled
from referee_bench import bench

from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.executor import execute
from stun.protocol.graph.operators import Opcode
from stun.protocol.graph.tensors import Dtype, Tensor

pytestmark = pytest.mark.unit

LEAST_ELEMENTS = 250
MAX_EXECUTED = 100_000  # gas without calldata; the court has as much again
SENTENCES = {21: 3, 1: 1, 128: 1}  # tokens: elements of each operator
REFUSALS = {"referee: path", "referee: evidence", "referee: element", "graph: shape"}


@cache
def outputs_of(tokens: int) -> tuple[Tensor, ...]:
    ids = np.random.default_rng(tokens).integers(1_000, 30_000, (tokens, 1))
    return execute(minilm_graph(), to_tensor(ids, Dtype.INT32))


def places(tokens: int, index: int, random: Random) -> list[tuple[int, int]]:
    shape = outputs_of(tokens)[index].shape
    corners = [(0, 0), (shape.rows - 1, shape.cols - 1)]
    drawn = (random.randrange(shape.rows), random.randrange(shape.cols))
    return [*corners, drawn][-SENTENCES[tokens] :]


def test_there_are_enough_elements_of_every_operator() -> None:
    operators = minilm_graph().operators[1:]
    assert len(operators) * sum(SENTENCES.values()) >= LEAST_ELEMENTS
    kinds = {Opcode(operator.opcode) for operator in operators}
    assert set(Opcode) - kinds == {Opcode.INPUT, Opcode.LUT, Opcode.WINDOW, Opcode.MAX}  # the small models have those


@pytest.mark.parametrize("tokens", SENTENCES)
def test_every_element_has_the_same_bits_and_a_false_one_is_convicted(tokens: int) -> None:
    graph, outputs, random = minilm_graph(), outputs_of(tokens), Random(tokens)
    judged = 0
    for index in range(1, len(graph.operators)):
        for row, col in places(tokens, index, random):
            true, lies = questions_of(graph, outputs, index, row, col)
            assert bench().both(true) is False
            assert [bench().both(lie) for lie in lies] == [True, True]
            judged += 1
    assert judged == SENTENCES[tokens] * (len(graph.operators) - 1)


def test_nothing_spoiled_convicts() -> None:
    graph, outputs, random = minilm_graph(), outputs_of(21), Random(7)
    seen: dict[str, set[bool | str]] = {}
    for index in range(1, len(graph.operators)):
        [(row, col)] = places(21, index, random)[-1:]
        true, _ = questions_of(graph, outputs, index, row, col)
        for name, asked in spoiled(true, openings(graph, outputs, index, row, col), random):
            answer = bench().both(asked)
            assert answer is not True, (index, name)
            seen.setdefault(name.rstrip("0123456789"), set()).add(answer)
    assert seen["leaf "] == {"referee: path"}
    assert seen["path "] == {"referee: path"}
    assert seen["spare byte"] == {"referee: evidence"}
    assert seen["another output root"] == {"referee: path"}
    assert set().union(*seen.values()) - {False} == REFUSALS


@pytest.mark.parametrize("tokens", [21, 128])
def test_no_judgement_executes_more_than_its_share_of_a_challenge(tokens: int) -> None:
    graph, outputs = minilm_graph(), outputs_of(tokens)
    for index in range(1, len(graph.operators)):
        shape = outputs[index].shape
        asked, _ = questions_of(graph, outputs, index, shape.rows - 1, shape.cols - 1)
        assert bench().both(asked) is False
        assert bench().executed <= MAX_EXECUTED, index
