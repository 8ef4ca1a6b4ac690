"""ONNX and safetensors files: weights within the file, one graph, consistent shapes, or they are refused."""

import struct
from pathlib import Path

import onnx
import pytest
from model_onnx import make_onnx
from onnx import helper

from stun.models.errors import MalformedModelFile, ModelFileError, UnsafeModelFile
from stun.models.formats import ModelFormat, inspect_model_file

pytestmark = pytest.mark.unit


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    return tmp_path / "model.pth"


def refusal(path: Path, data: bytes) -> ModelFileError:
    path.write_bytes(data)
    with pytest.raises(ModelFileError) as caught:
        inspect_model_file(path)
    return caught.value


def test_onnx_is_served(model_path: Path) -> None:
    model_path.write_bytes(make_onnx())
    found = inspect_model_file(model_path)
    assert (found.format, found.size) == (ModelFormat.ONNX, model_path.stat().st_size)


@pytest.mark.parametrize("nested", [False, True], ids=["initializer", "constant node"])
def test_onnx_with_external_data_is_unsafe(model_path: Path, nested: bool) -> None:
    assert isinstance(refusal(model_path, make_onnx(external=True, nested=nested)), UnsafeModelFile)


def test_onnx_without_graph_is_malformed(model_path: Path) -> None:
    model = onnx.ModelProto(ir_version=8)
    model.opset_import.append(helper.make_opsetid("", 17))
    assert isinstance(refusal(model_path, model.SerializeToString()), MalformedModelFile)


def test_onnx_with_foreign_field_is_malformed(model_path: Path) -> None:
    assert isinstance(refusal(model_path, make_onnx() + b"\xfa\x3f\x01x"), MalformedModelFile)


def test_onnx_with_two_graphs_is_malformed(model_path: Path) -> None:
    assert isinstance(refusal(model_path, make_onnx() + b"\x3a\x00"), MalformedModelFile)


def test_onnx_nested_without_end_is_malformed(model_path: Path) -> None:
    graph = b""
    for _ in range(40):
        attribute = b"\x32" + _length(graph) + graph
        node = b"\x2a" + _length(attribute) + attribute
        graph = b"\x0a" + _length(node) + node
    data = b"\x08\x08\x42\x00\x3a" + _length(graph) + graph
    error = refusal(model_path, data)
    assert isinstance(error, MalformedModelFile)
    assert "nested" in error.cause


@pytest.mark.parametrize(
    "header",
    [
        b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,8]}}',
        b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}',
        b'{"w":{"dtype":"OBJ","shape":[2],"data_offsets":[0,8]}}',
        b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        b'{"w":',
    ],
    ids=["shape", "gap", "type", "overlap", "json"],
)
def test_inconsistent_safetensors_is_malformed(model_path: Path, header: bytes) -> None:
    data = struct.pack("<Q", len(header)) + header + bytes(8)
    assert isinstance(refusal(model_path, data), MalformedModelFile)


def _length(data: bytes) -> bytes:
    value, encoded = len(data), b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])
