"""ONNX files from strangers: damaged, disguised, pointing elsewhere or absurdly large ones are refused by name."""

import tracemalloc
from pathlib import Path
from random import Random

import numpy as np
import pytest
from model_onnx import make_onnx
from network_onnx import drawn_classes, save_onnx, train_mlp, write_mlp
from onnx import AttributeProto, TensorProto, helper, load, numpy_helper

from stun.models.errors import MalformedModelFile, ModelFileError, UnknownModelFile, UnsafeModelFile
from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks import onnx_file
from stun.models.quantize.networks.onnx_file import read_onnx
from stun.models.quantize.networks.onnx_layers import make_network

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    samples, labels = drawn_classes(64, (1, 3, 3), 1)
    return write_mlp(tmp_path_factory.mktemp("onnx") / "m", train_mlp(samples, labels, (5,), 1), (1, 3, 3)).read_bytes()


def network_of(path: Path, data: bytes) -> object:
    path.write_bytes(data)
    return make_network(read_onnx(path))


def test_every_cut_is_refused_or_read_as_less(tmp_path: Path, whole: bytes) -> None:
    for size in range(0, len(whole)):
        with pytest.raises((ModelFileError, UnfitArchitecture)):
            network_of(tmp_path / "m", whole[:size])


def test_altered_bytes_never_end_in_another_error(tmp_path: Path, whole: bytes) -> None:
    draw, refused = Random(1), 0
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            network_of(tmp_path / "m", bytes(data))
        except (ModelFileError, UnfitArchitecture):
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("data", [make_onnx(external=True), make_onnx(external=True, nested=True)])
def test_weights_in_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(UnsafeModelFile, match="external data"):
        network_of(tmp_path / "m", data)


def test_what_is_no_onnx_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelFile):
        network_of(tmp_path / "m", b"just some text, no model")
    with pytest.raises(UnsafeModelFile, match="pickle"):
        network_of(tmp_path / "m", b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x05model\x94\x85\x94.")


def test_files_past_the_limit_are_not_read(tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "MAX_BYTES", len(whole) - 1)

    with pytest.raises(UnfitArchitecture, match="larger than"):
        network_of(tmp_path / "m", whole)


def altered(whole: bytes, tmp_path: Path, change: str) -> bytes:
    (tmp_path / "source").write_bytes(whole)
    model = load(str(tmp_path / "source"))
    tensor = model.graph.initializer[0]
    if change == "shape past the data":
        tensor.dims[:] = [2**40, 2**20]
    elif change == "negative shape":
        tensor.dims[:] = [-5, -9]
    elif change == "no data":
        tensor.raw_data = b""
    elif change == "cut number":
        tensor.raw_data = tensor.raw_data[:-1]
    elif change == "two kinds of data":
        tensor.float_data.extend([1.0])
    elif change == "words":
        tensor.data_type = TensorProto.STRING
    elif change == "many axes":
        tensor.dims[:] = [1] * 60 + list(tensor.dims)
    elif change == "same name":
        model.graph.initializer.append(tensor)
    elif change == "two inputs":
        model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 2]))
    elif change == "two outputs":
        model.graph.output.append(model.graph.output[0])
    elif change == "functions":
        model.functions.append(helper.make_function("d", "f", ["a"], ["b"], [], [helper.make_opsetid("", 17)]))
    elif change == "old operator set":
        model.opset_import[0].version = 6
    elif change == "unborn operator set":
        model.opset_import[0].version = 999
    elif change == "sparse":
        model.graph.sparse_initializer.add()
    elif change == "many nodes":
        model.graph.node.extend([model.graph.node[0]] * onnx_file.MAX_NODES)
    data: bytes = model.SerializeToString()
    return data


CHANGES = [
    "shape past the data", "negative shape", "no data", "cut number", "two kinds of data", "words", "many axes",
    "same name", "two inputs", "two outputs", "functions", "old operator set", "unborn operator set", "sparse",
    "many nodes",
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_inconsistent_files_are_refused(tmp_path: Path, whole: bytes, change: str) -> None:
    with pytest.raises((MalformedModelFile, UnfitArchitecture)):
        network_of(tmp_path / "m", altered(whole, tmp_path, change))


def field(number: int, content: bytes) -> bytes:
    """A protobuf field of bytes."""
    size, encoded = len(content), b""
    while size > 127:
        encoded, size = encoded + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + encoded + bytes([size]) + content


MANY = 60_000
REPEATED = {
    "axes of a tensor": field(5, b"\x08\x01" * MANY),
    "axes of an input": field(11, field(2, field(1, field(2, b"\x0a\x00" * MANY)))),
    "names in a node": field(1, b"\x0a\x00" * MANY),
    "numbers in a setting": field(1, field(5, b"\x40\x01" * MANY)),
    "settings": field(1, b"".join(field(5, field(1, b"%d" % each) + b"\x18\x01") for each in range(5_000))),
    "outputs": b"\x62\x00" * MANY,
    "constants": b"".join(
        field(5, b"\x10\x01" + field(8, b"%d" % each) + field(9, b"\0\0\0\0")) for each in range(5_000)
    ),
}


@pytest.mark.parametrize("what", REPEATED)
def test_what_is_repeated_without_end_takes_no_memory(tmp_path: Path, what: str) -> None:
    """Two bytes of a file must not become an object of a hundred, as often as the file likes."""
    node, end = field(1, field(1, b"x") + field(2, b"y") + field(4, b"Relu")), field(12, field(1, b"y"))
    graph = node + REPEATED[what] + end
    (tmp_path / "m").write_bytes(b"\x08\x08" + field(8, b"\x10\x11") + field(7, graph))
    data = (tmp_path / "m").read_bytes()
    tracemalloc.start()
    try:
        with pytest.raises((MalformedModelFile, UnfitArchitecture)):
            read_onnx(tmp_path / "m")
        assert tracemalloc.get_traced_memory()[1] < 3 * len(data) + 4 * 2**20
    finally:
        tracemalloc.stop()


def test_graphs_within_nodes_are_refused_by_name(tmp_path: Path) -> None:
    branch = helper.make_graph([helper.make_node("Relu", ["x"], ["z"])], "b", [], [])
    node = helper.make_node("If", ["x"], ["y"])
    node.attribute.append(helper.make_attribute("then_branch", branch))
    save_onnx(tmp_path / "m", [node], {}, ["batch", 3], None)

    with pytest.raises(UnfitArchitecture, match=r"If \(node 'y'\) is not supported"):
        make_network(read_onnx(tmp_path / "m"))


def test_values_written_one_by_one_are_read_like_raw_ones(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "source").write_bytes(whole)
    model = load(str(tmp_path / "source"))
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        tensor.ClearField("raw_data")
        tensor.float_data.extend(values.ravel().tolist())
    (tmp_path / "typed").write_bytes(model.SerializeToString())

    raw, typed = read_onnx(tmp_path / "source"), read_onnx(tmp_path / "typed")

    assert raw.constants.keys() == typed.constants.keys()
    assert all(np.array_equal(raw.constants[name], typed.constants[name]) for name in raw.constants)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_widths_are_read(tmp_path: Path, dtype: type) -> None:
    values = np.arange(6, dtype=dtype).reshape(3, 2)
    save_onnx(tmp_path / "m", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": values}, ["batch", 3], None)

    assert np.array_equal(read_onnx(tmp_path / "m").constants["w"], values)


def test_a_zero_that_a_writer_left_out_is_a_zero(tmp_path: Path) -> None:
    """proto3 writers leave zeros out; the attribute's type says that there was one."""
    node = helper.make_node("Flatten", ["x"], ["y"], axis=0)
    node.attribute[0].ClearField("i")
    save_onnx(tmp_path / "m", [node], {}, ["batch", 3], None)

    assert node.attribute[0].type == AttributeProto.INT
    assert read_onnx(tmp_path / "m").nodes[0].settings == {"axis": 0}
