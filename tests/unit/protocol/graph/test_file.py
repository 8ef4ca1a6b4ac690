"""Graph files: written and read back, and every kind of bad file refused with its own code."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from graph_models import image_model, sentence_model
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.errors import Rejected
from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.file import decode_graph, encode_graph
from stun.protocol.graph.operators import NONE, Opcode, Operator, per_row
from stun.protocol.graph.structure import Graph, Header
from stun.protocol.graph.tensors import Dtype, Shape, Tensor, root_of
from stun.protocol.trees.merkle import verify
from stun.protocol.trees.tags import GRAPH, WEIGHTS

pytestmark = pytest.mark.unit

MODEL = sentence_model()
RAW = encode_graph(MODEL)
OPERATORS_AT = 18
SHAPES_AT = OPERATORS_AT + 48 * len(MODEL.operators)
DATA_AT = SHAPES_AT + 9 * len(MODEL.weights)


def refused(code: str, data: bytes) -> None:
    with pytest.raises(Rejected) as error:
        decode_graph(data)
    assert error.value.code == code


def read(data: bytes) -> Graph | str:
    """The graph, or the code that refuses it."""
    try:
        return decode_graph(data)
    except Rejected as refusal:
        return refusal.code


@pytest.mark.parametrize("model", [sentence_model(), image_model()], ids=["sentence", "image"])
def test_a_file_is_read_back_with_the_same_roots(model: Graph) -> None:
    data = encode_graph(model)
    again = decode_graph(data)
    assert (again.header, again.operators, again.weights) == (model.header, model.operators, model.weights)
    assert encode_graph(again) == data
    assert (again.graph_root, again.weight_root) == (model.graph_root, model.weight_root)


def test_the_roots_are_over_header_and_operators_and_over_the_weights() -> None:
    count = len(MODEL.operators) + 1
    verify(GRAPH, MODEL.graph_root, count, 0, MODEL.header.encode(), MODEL.tree.prove(0))
    for index, operator in enumerate(MODEL.operators):
        verify(GRAPH, MODEL.graph_root, count, index + 1, operator.encode(), MODEL.tree.prove(index + 1))
    for index, tensor in enumerate(MODEL.weights):
        path = MODEL.weight_tree.prove(index)
        verify(WEIGHTS, MODEL.weight_root, len(MODEL.weights), index, root_of(tensor), path)


def test_a_graph_without_weights_has_a_root_too() -> None:
    operators = (Operator(0, Opcode.INPUT, 2, per_row(1), 4), Operator(1, Opcode.SOFTMAX, 2, per_row(1), 4, a=0))
    bare = Graph(Header(0, 2, 0, 1, 9), operators, ())
    verify(WEIGHTS, bare.weight_root, 1, 0, bytes(32), ())
    assert decode_graph(encode_graph(bare)) == bare


@given(st.integers(0, len(RAW) - 1))
def test_a_truncated_file_is_refused(length: int) -> None:
    refused("graph: header" if length < OPERATORS_AT else "graph: length", RAW[:length])


def test_bytes_to_spare_are_refused() -> None:
    refused("graph: length", RAW + b"\0")
    refused("graph: length", RAW + RAW)


@given(st.integers(0, DATA_AT - 1), st.integers(1, 255))
def test_a_changed_byte_of_the_structure_is_another_graph_or_none(at: int, change: int) -> None:
    changed = RAW[:at] + bytes([RAW[at] ^ change]) + RAW[at + 1 :]
    graph = read(changed)
    if isinstance(graph, str):
        assert graph.split(":")[0] in ("graph", "tensors")
    else:
        assert encode_graph(graph) == changed
        assert graph.graph_root != MODEL.graph_root


@given(st.integers(DATA_AT, len(RAW) - 1), st.integers(1, 255))
def test_a_changed_weight_is_another_model(at: int, change: int) -> None:
    changed = RAW[:at] + bytes([RAW[at] ^ change]) + RAW[at + 1 :]
    graph = read(changed)
    assert graph == "graph: weight" if isinstance(graph, str) else graph.weight_root != MODEL.weight_root


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: RAW[:18] + tail))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected, match=r"^(graph|tensors): "):
        decode_graph(data)


def at_operator(index: int, offset: int, value: bytes) -> bytes:
    at = OPERATORS_AT + 48 * index + offset
    return RAW[:at] + value + RAW[at + len(value) :]


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("graph: leaf", at_operator(3, 2, b"\0")),
        ("graph: leaf", at_operator(3, 2, b"\x63")),
        ("graph: leaf", at_operator(3, 47, b"\1")),  # a byte that no field uses
        ("graph: unused", at_operator(3, 44, b"\1")),  # an AddNorm has no padding
        ("graph: unused", at_operator(3, 18, b"\0\0")),  # nor a second weight
        ("graph: order", at_operator(3, 0, b"\0\4")),  # numbered as the next
        ("graph: order", at_operator(3, 12, b"\0\3")),  # reads itself: a cycle
        ("graph: order", at_operator(3, 12, b"\0\7")),  # reads a later one
        ("graph: order", at_operator(3, 12, b"\xff\xff")),  # `b` without `a`
        ("graph: order", at_operator(3, 16, b"\x0f\xff")),  # a weight that is not there
        ("graph: order", at_operator(3, 16, len(MODEL.weights).to_bytes(2, "big"))),  # nor the next after the last
        ("graph: order", at_operator(11, 16, b"\xff\xff\0\0")),  # `w1` without `w0`
        ("graph: input", at_operator(3, 2, b"\1")),  # a second input
        ("graph: input", at_operator(0, 2, b"\2")),  # none at the front
        ("graph: input", at_operator(0, 4, b"\0\0\0\1")),  # an input of one row only
        ("graph: input", at_operator(0, 8, b"\x80\0\0\1")),  # an input as wide as it is long
        ("graph: shape", at_operator(3, 8, b"\0\0\0\x19")),
        ("graph: shape", at_operator(3, 8, b"\xff\xff\xff\xff")),  # dims that overflow
        ("graph: shape", at_operator(3, 4, b"\xff\xff\xff\xff")),
        ("graph: shape", at_operator(3, 3, b"\1")),
        ("graph: shape", at_operator(3, 3, b"\3")),
        ("graph: scalar", at_operator(3, 21, b"\0")),
        ("graph: scalar", at_operator(3, 21, b"\x3f")),
    ],
)  # fmt: skip
def test_a_bad_operator_has_its_code(code: str, data: bytes) -> None:
    assert data != RAW
    refused(code, data)


@pytest.mark.parametrize(
    ("code", "header"),
    [
        ("graph: header", replace(MODEL.header, min_rows=0)),
        ("graph: header", replace(MODEL.header, min_rows=33)),
        ("graph: header", replace(MODEL.header, max_rows=2**20 + 1)),
        ("graph: header", replace(MODEL.header, unit_rule=2)),
        ("graph: length", replace(MODEL.header, op_count=65_535)),
        ("graph: length", replace(MODEL.header, weight_count=65_535)),
        ("graph: shape", replace(MODEL.header, max_rows=33)),  # more rows than places
        ("graph: shape", replace(MODEL.header, max_rows=2**20)),
    ],
)
def test_a_bad_header_has_its_code(code: str, header: Header) -> None:
    refused(code, header.encode() + RAW[OPERATORS_AT:])


@pytest.mark.parametrize("counts", [(21, 22), (19, 22)])
def test_counts_that_leave_bytes_over_or_out(counts: tuple[int, int]) -> None:
    header = replace(MODEL.header, op_count=counts[0], weight_count=counts[1])
    with pytest.raises(Rejected, match=r"^graph: "):
        decode_graph(header.encode() + RAW[OPERATORS_AT:])


def test_a_graph_of_the_input_alone_or_of_too_much_is_refused() -> None:
    single = (Operator(0, Opcode.INPUT, 2, per_row(1), 4),)
    for operators in (
        (),
        single,
        single + tuple(Operator(i, Opcode.SOFTMAX, 2, per_row(1), 4, a=0) for i in range(1, 4_097)),
    ):
        with pytest.raises(Rejected, match=r"^graph: count$"):
            Graph(Header(0, len(operators), 0, 1, 9), operators, ())
    weights = (to_tensor(np.zeros((1, 1), np.int64), Dtype.INT8),) * 4_097
    with pytest.raises(Rejected, match=r"^graph: count$"):
        Graph(Header(0, 2, 4_097, 1, 9), (*single, Operator(1, Opcode.SOFTMAX, 2, per_row(1), 4, a=0)), weights)
    with pytest.raises(Rejected, match=r"^graph: count$"):
        replace(MODEL, header=replace(MODEL.header, op_count=5))


def test_the_most_operators_and_weights_are_kept() -> None:
    first = Operator(0, Opcode.INPUT, 2, per_row(1), 4)
    operators = (first, *(Operator(i, Opcode.SOFTMAX, 2, per_row(1), 4, a=0) for i in range(1, 4_096)))
    weights = (to_tensor(np.zeros((1, 1), np.int64), Dtype.INT8),) * 4_096
    graph = Graph(Header(0, 4_096, 4_096, 1, 9), operators, weights)
    assert decode_graph(encode_graph(graph)).graph_root == graph.graph_root


@pytest.mark.parametrize("shape", [Shape(3, 1, 1), Shape(1, 0, 5), Shape(1, 2, 4_097)])
def test_a_weight_of_no_shape_is_refused(shape: Shape) -> None:
    refused("graph: shape", RAW[:SHAPES_AT] + shape.encode() + RAW[SHAPES_AT + 9 :])


def test_a_weight_with_more_rows_than_the_file_has_is_not_allocated() -> None:
    refused("graph: length", RAW[:SHAPES_AT] + Shape(1, 2**32 - 1, 4_096).encode() + RAW[SHAPES_AT + 9 :])


def with_weight(index: int, change: Callable[[bytearray], Any]) -> None:
    tensor = MODEL.weights[index]
    data = bytearray(tensor.data)
    change(data)
    weights = list(MODEL.weights)
    weights[index] = Tensor(tensor.shape, bytes(data))
    replace(MODEL, weights=tuple(weights))


def of(opcode: Opcode, with_lut: bool = False) -> int:
    found = (op for op in MODEL.operators if op.opcode == opcode and (op.w1 != NONE) == with_lut)
    return next(found).w0


@pytest.mark.parametrize(
    ("index", "at", "value"),
    [
        (of(Opcode.LINEAR), 0, "80"), (of(Opcode.LINEAR), 24, "40000001"), (of(Opcode.LINEAR), 24, "bfffffff"),
        (of(Opcode.LINEAR), 28, "80000000"), (of(Opcode.LINEAR, True), 32, "ffffffff"),
        (of(Opcode.REQUANT), 4, "ffffffff"), (of(Opcode.MATMUL), 0, "80000000"),
    ],
)  # fmt: skip
def test_a_weight_out_of_its_range_is_refused(index: int, at: int, value: str) -> None:
    raw = bytes.fromhex(value)
    with pytest.raises(Rejected, match=r"^graph: weight$"):
        with_weight(index, lambda data: data.__setitem__(slice(at, at + len(raw)), raw))


@pytest.mark.parametrize(
    ("at", "value"), [(0, "81"), (24, "40000000"), (24, "c0000000"), (28, "7fffffff"), (28, "00000000")]
)
def test_a_weight_at_its_bound_is_kept(at: int, value: str) -> None:
    raw = bytes.fromhex(value)
    with_weight(of(Opcode.LINEAR), lambda data: data.__setitem__(slice(at, at + len(raw)), raw))


def test_a_multiplier_may_be_zero() -> None:
    with_weight(of(Opcode.REQUANT), lambda data: data.__setitem__(slice(0, 4), bytes(4)))
    with_weight(of(Opcode.MATMUL), lambda data: data.__setitem__(slice(0, 4), bytes(4)))


def test_a_weight_that_two_kinds_of_operators_share_is_checked_for_both() -> None:
    """-5 may stand in a table and is no multiplier."""
    weights = (to_tensor(np.array([[-5]]), Dtype.INT32),)
    first = Operator(0, Opcode.INPUT, 4, per_row(1), 1)
    table = Operator(1, Opcode.GATHER, 4, per_row(1), 1, a=0, w0=0)
    Graph(Header(0, 3, 1, 1, 1), (first, table, replace(table, index=2)), weights)
    scaled = Operator(2, Opcode.REQUANT, 4, per_row(1), 1, a=0, w0=0, shift=1)
    with pytest.raises(Rejected, match=r"^graph: weight$"):
        Graph(Header(0, 3, 1, 1, 1), (first, table, scaled), weights)


def test_an_int8_table_holds_no_minus_128() -> None:
    operators = (
        Operator(0, Opcode.INPUT, 4, per_row(1), 1),
        Operator(1, Opcode.GATHER, 1, per_row(1), 2, a=0, w0=0),
    )
    for low, good in ((-127, True), (-128, False)):
        weights = (to_tensor(np.array([[low, 5]]), Dtype.INT8),)
        if good:
            Graph(Header(0, 2, 1, 1, 1), operators, weights)
        else:
            with pytest.raises(Rejected, match=r"^graph: weight$"):
                Graph(Header(0, 2, 1, 1, 1), operators, weights)
