"""The ONNX runner: a creator's graph on tensors; malformed input has one result, whatever is wrong with it."""

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from stun.provider.runners.base import ERROR_RESULT, Runner, UnfitModel
from stun.provider.runners.registry import create_runner
from stun.provider.runners.tensors import TensorRefused, json_tensor, read_json, read_npy, write_npy

pytestmark = pytest.mark.unit

WEIGHT = np.array([[1, 2], [3, 4], [5, 6]], np.float32)


def save_model(path: Path, nodes: list[object], inputs: list[object], outputs: list[object], weights: object) -> Path:
    graph = helper.make_graph(nodes, "g", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def linear(tmp_path: Path) -> Runner:
    """y = x W for x [rows, 3]; z = first 2 entries of y's row number `row`."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Gather", ["y", "row"], ["z"])]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 3]),
        helper.make_tensor_value_info("row", TensorProto.INT64, []),
    ]
    outputs = [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 2]),
        helper.make_tensor_value_info("z", TensorProto.FLOAT, [2]),
    ]
    path = save_model(tmp_path / "m", nodes, inputs, outputs, [numpy_helper.from_array(WEIGHT, "w")])
    runner = create_runner("onnx", "1")
    runner.load({"weights": path})
    return runner


def npy(*tensors: NDArray[np.generic]) -> bytes:
    stream = io.BytesIO()
    for tensor in tensors:
        np.save(stream, tensor, allow_pickle=True)
    return stream.getvalue()


X = np.array([[1, 0, 1], [0, 1, 0]], np.float32)
ROW = np.array(1, np.int64)


def test_npy_in_npy_out(linear: Runner) -> None:
    [result] = linear.run([npy(X, ROW)], {})
    y, z = read_npy(result.output)
    assert result.units == 1
    assert (y == X @ WEIGHT).all()
    assert (z == (X @ WEIGHT)[1]).all()


def test_json_gives_the_same_bytes_as_npy(linear: Runner) -> None:
    document = json.dumps({"row": 1, "x": X.tolist()}).encode()
    assert linear.run([document], {}) == linear.run([npy(X, ROW)], {})


def test_fortran_order_and_big_endian_give_the_same_bytes(linear: Runner) -> None:
    other = npy(np.asfortranarray(X).astype(">f4"), ROW.astype(">i8"))
    assert linear.run([other], {}) == linear.run([npy(X, ROW)], {})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        npy(X),
        npy(X, ROW, ROW),
        npy(ROW, X),
        npy(X[:, :2], ROW),
        npy(X.ravel(), ROW),
        npy(X.astype(np.float64), ROW),
        npy(np.array([{"a": 1}], dtype=object), ROW),
        npy(np.array(["text"]), ROW),
        npy(np.zeros(1, [("a", "f4")]), ROW),
        npy(X, ROW)[:-1],
        npy(X, ROW) + b"\0",
        npy(X, np.array(99, np.int64)),
        json.dumps({"x": X.tolist()}).encode(),
        json.dumps({"x": X.tolist(), "row": 1, "w": WEIGHT.tolist()}).encode(),
        json.dumps({"x": [[1, 2, 3], [4, 5]], "row": 1}).encode(),
        json.dumps({"x": X.tolist(), "row": 1.5}).encode(),
        json.dumps({"x": X.tolist(), "row": True}).encode(),
        json.dumps({"x": X.tolist(), "row": 2**80}).encode(),
        json.dumps({"x": [["1", "2", "3"]], "row": 0}).encode(),
        b'{"x": [[NaN, 1, 2]], "row": 0}',
        b'{"x": [[1e999, 1, 2]], "row": 0}',
        b'{"x": [[1, 1, 2]], "row": 0, "row": 0}',
        b"[" * 100_000,
    ],
)
def test_malformed_input_has_the_error_result(linear: Runner, data: bytes) -> None:
    assert linear.run([data, npy(X, ROW)], {})[0] == ERROR_RESULT
    assert linear.run([data], {}) == [ERROR_RESULT]


def test_header_that_promises_more_takes_no_memory() -> None:
    data = npy(np.zeros((2, 3), np.float32)).replace(b"(2, 3)", b"(9999999999999, 3)", 1)
    with pytest.raises(TensorRefused):
        read_npy(data)


@pytest.mark.parametrize("shape", [b"(2,-3)", b"(2, 3", b"__import", b"(1e1,)", b"(2 3)", b"(,,,,)", b"[2, 3]"])
def test_forged_header_is_refused(shape: bytes) -> None:
    data = npy(np.zeros((2, 3), np.float32)).replace(b"(2, 3)", shape.ljust(6), 1)
    with pytest.raises(TensorRefused):
        read_npy(data)


def test_hostile_header_takes_linear_time() -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1" * 3000 + b" 1" * 400
    with pytest.raises(TensorRefused):
        read_npy(b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header)


@given(st.binary(max_size=200), st.integers(0, 127), st.integers(0, 3))
def test_altered_records_are_read_or_refused(noise: bytes, at: int, cut: int) -> None:
    data = npy(np.zeros((2, 3), np.float32))
    altered = data[:at] + noise[:cut] + data[at + cut :]
    for candidate in (altered, noise, data[:10] + noise):
        try:
            tensors = read_npy(candidate)
        except TensorRefused:
            continue
        assert all(each.dtype.kind in "biuf" for each in tensors)


@pytest.mark.parametrize("kind", ["bool", "int8", "uint16", "int64", "float16", "float64"])
def test_tensors_round_trip(kind: str) -> None:
    tensors = [np.array([[0, 1], [1, 0]]).astype(kind), np.array(1).astype(kind), np.zeros((0, 3)).astype(kind)]
    back = read_npy(write_npy(tensors))
    assert [(each.dtype, each.tolist()) for each in back] == [(each.dtype, each.tolist()) for each in tensors]


def test_json_numbers_must_fit_the_type() -> None:
    assert json_tensor([255], np.dtype(np.uint8)).tolist() == [255]
    for value, kind in (([256], np.uint8), ([-1], np.uint8), ([1e300], np.float32), ([0.5], np.int64)):
        with pytest.raises(TensorRefused):
            json_tensor(value, np.dtype(kind))


def test_json_with_repeated_keys_is_refused() -> None:
    with pytest.raises(TensorRefused):
        read_json(b'{"a": 1, "a": 2}')


def test_other_file_is_unfit(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(UnfitModel, match="pickle"):
        create_runner("onnx", "1").load({"weights": path})


def test_graph_with_unknown_operator_is_unfit(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    node = helper.make_node("RunShell", ["x"], ["y"], domain="evil.ops")
    path = save_model(tmp_path / "m", [node], [value], [out], [])
    with pytest.raises(UnfitModel):
        create_runner("onnx", "1").load({"weights": path})
