"""Whole models: the executor's inputs and outputs, and what a trace commits."""

import numpy as np
import pytest
from graph_disputes import ACCOUNT, image_dispute, sentence_dispute
from graph_models import HIDDEN, INNER, image, image_model, sentence, sentence_model

from stun.protocol.errors import Rejected
from stun.protocol.graph.arrays import to_array, to_tensor
from stun.protocol.graph.executor import execute
from stun.protocol.graph.tensors import Dtype, Shape, Tensor, climb, root_of, rows_a_leaf
from stun.protocol.graph.trace import Trace, operator_data, trace_tree
from stun.protocol.graph.work import Work, work_of
from stun.protocol.trees.merkle import verify
from stun.protocol.trees.tags import OPS

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("tokens", [1, 2, 7, 31, 32])
def test_every_output_has_the_graphs_shape(tokens: int) -> None:
    graph = sentence_model()
    outputs = execute(graph, sentence(tokens))
    assert [x.shape for x in outputs] == [operator.shape(tokens) for operator in graph.operators]
    assert outputs[-1].shape == Shape(Dtype.INT16, 1, HIDDEN)


def test_outputs_depend_on_the_input_and_on_the_weights() -> None:
    one, other = (execute(sentence_model(), sentence(7, seed))[-1] for seed in (0, 1))
    assert one != other
    assert execute(sentence_model(5), sentence(7))[-1] != one
    assert execute(sentence_model(), sentence(7))[-1] == one


def test_no_layer_of_the_small_models_is_dead() -> None:
    """Else a skipped or altered operator would not show."""
    for dispute in (sentence_dispute(32), image_dispute()):
        for tensor in dispute.trace.outputs:
            assert len(np.unique(to_array(tensor))) > 4


@pytest.mark.parametrize(
    "bad",
    [
        sentence(33), to_tensor(np.zeros((3, 2), np.int64), Dtype.INT32),
        to_tensor(np.zeros((3, 1), np.int64), Dtype.INT16),
    ],
)  # fmt: skip
def test_an_input_of_another_shape_is_refused(bad: Tensor) -> None:
    with pytest.raises(Rejected, match=r"^graph: input$"):
        execute(sentence_model(), bad)


@pytest.mark.parametrize("tokens", [1, 7])
def test_the_work_of_a_task_is_counted(tokens: int) -> None:
    graph = sentence_model()
    outputs = execute(graph, sentence(tokens))
    products = tokens * (4 * HIDDEN * HIDDEN + 2 * INNER * HIDDEN)
    attention = 2 * tokens * tokens * HIDDEN
    assert work_of(graph, tokens) == Work(sum(len(x.data) for x in outputs), products + attention)


def test_an_image_of_another_size_or_with_a_minus_128_is_refused() -> None:
    graph, good = image_model(), image()
    assert execute(graph, good)[0] == good
    for bad in (Tensor(Shape(1, 35, 3), good.data[:-3]), Tensor(good.shape, b"\x80" + good.data[1:])):
        with pytest.raises(Rejected, match=r"^graph: input$"):
            execute(graph, bad)


def test_a_trace_commits_to_every_output_and_its_account() -> None:
    dispute = sentence_dispute(7)
    trace, count = dispute.trace, len(dispute.graph.operators)
    assert trace.output_roots == tuple(root_of(x) for x in trace.outputs)
    assert trace.output_digest == root_of(trace.outputs[-1])
    assert trace.output_roots[0] == root_of(sentence(7))
    for index, root in enumerate(trace.output_roots):
        data = ACCOUNT + index.to_bytes(4, "big") + root
        assert operator_data(ACCOUNT, index, root) == data
        verify(OPS, trace.root, count, index, data, trace.prove_operator(index))
    assert trace_tree(ACCOUNT, trace.output_roots).root == trace.root
    assert Trace(bytes(32), trace.outputs).root != trace.root


def test_a_row_of_a_trace_opens() -> None:
    trace = sentence_dispute(7).trace
    for index, tensor in enumerate(trace.outputs):
        row = tensor.shape.rows - 1
        opened = trace.open_row(index, row)
        assert (
            climb(tensor.shape, row // rows_a_leaf(tensor.shape), opened.leaf, opened.path) == trace.output_roots[index]
        )
    with pytest.raises(Rejected, match=r"^tensors: row$"):
        trace.open_row(0, 7)
    with pytest.raises(Rejected, match=r"^trees: index$"):
        trace.prove_operator(len(trace.outputs))


@pytest.mark.parametrize("account", [b"", bytes(20), bytes(33)])
def test_an_account_has_32_bytes(account: bytes) -> None:
    with pytest.raises(Rejected, match=r"^graph: account$"):
        trace_tree(account, [bytes(32)])
