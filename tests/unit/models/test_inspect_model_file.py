"""A model file is judged by its content; what could run code, is broken or disguised is refused."""

import io
import json
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from model_archives import (
    EMPTY_TUPLE,
    RUNS_A_COMMAND,
    TENSORS,
    export_members,
    export_program,
    torchscript_members,
    write_zip,
)
from model_onnx import make_onnx
from safetensors.numpy import save

from stun.models.errors import MalformedModelFile, ModelFileError, UnknownModelFile, UnsafeModelFile
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


def test_torchscript_is_served_whatever_its_extension(model_path: Path) -> None:
    write_zip(model_path, torchscript_members(), frozenset({"net/code/__torch__.py"}))
    assert inspect_model_file(model_path).format is ModelFormat.TORCHSCRIPT


def test_torch_export_is_served(model_path: Path) -> None:
    write_zip(model_path, export_members())
    assert inspect_model_file(model_path).format is ModelFormat.TORCH_EXPORT


def test_safetensors_is_served(model_path: Path) -> None:
    model_path.write_bytes(save({"w": np.ones(3, np.float32)}))
    assert inspect_model_file(model_path).format is ModelFormat.SAFETENSORS


@pytest.mark.parametrize("protocol", range(6))
def test_raw_pickle_of_every_protocol_is_unsafe(model_path: Path, protocol: int) -> None:
    error = refusal(model_path, pickle.dumps({"weight": [1.5, 2.5], "name": "net"}, protocol))
    assert isinstance(error, UnsafeModelFile)


@pytest.mark.parametrize("data", [b"cposix\nsystem\n(S'true'\ntR.", RUNS_A_COMMAND], ids=["text", "binary"])
def test_pickle_that_runs_a_command_is_unsafe(model_path: Path, data: bytes) -> None:
    assert isinstance(refusal(model_path, data), UnsafeModelFile)


def test_long_text_pickle_is_unsafe_from_its_head(model_path: Path) -> None:
    error = refusal(model_path, pickle.dumps(list(range(50_000)), 0))
    assert isinstance(error, UnsafeModelFile)


def test_refusal_says_what_to_export(model_path: Path) -> None:
    message = str(refusal(model_path, pickle.dumps({"weight": 1}, 4)))
    for way in ("torch.jit.save", "torch.export", "ONNX", "safetensors"):
        assert way in message


def test_checkpoint_of_torch_save_is_unsafe(model_path: Path) -> None:
    write_zip(model_path, {"net/data.pkl": TENSORS, "net/data/0": bytes(64), "net/version": b"3"})
    assert isinstance(refusal(model_path, model_path.read_bytes()), UnsafeModelFile)


def test_checkpoint_with_only_a_code_folder_is_unsafe(model_path: Path) -> None:
    write_zip(model_path, {"net/data.pkl": TENSORS, "net/code/x.py": b"pass", "net/version": b"3"})
    assert isinstance(refusal(model_path, model_path.read_bytes()), UnsafeModelFile)


@pytest.mark.parametrize("member", ["net/data.pkl", "net/constants.pkl"])
def test_pickle_of_code_disguised_as_torchscript_is_unsafe(model_path: Path, member: str) -> None:
    write_zip(model_path, {**torchscript_members(), member: RUNS_A_COMMAND})
    error = refusal(model_path, model_path.read_bytes())
    assert isinstance(error, UnsafeModelFile)
    assert "posix.system" in error.found


def test_stack_global_in_torchscript_is_unsafe(model_path: Path) -> None:
    hidden = b"\x80\x04\x8c\x05posix\x8c\x06system\x93."
    write_zip(model_path, {**torchscript_members(), "net/data.pkl": hidden})
    assert isinstance(refusal(model_path, model_path.read_bytes()), UnsafeModelFile)


def test_two_top_folders_are_unsafe(model_path: Path) -> None:
    write_zip(model_path, {**torchscript_members(), "other/data.pkl": RUNS_A_COMMAND})
    assert isinstance(refusal(model_path, model_path.read_bytes()), UnsafeModelFile)


def test_legacy_tar_is_unsafe(model_path: Path) -> None:
    for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=kind) as archive:
            archive.addfile(tarfile.TarInfo("pickle"), io.BytesIO())
        assert isinstance(refusal(model_path, stream.getvalue()), UnsafeModelFile)


def test_tar_without_magic_is_unsafe(model_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("sys_info"), io.BytesIO())
    block = bytearray(stream.getvalue())
    block[257:265] = bytes(8)
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block[:512]):06o}\0 ".encode()
    assert isinstance(refusal(model_path, bytes(block)), UnsafeModelFile)


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08\x00", b"BZh91AY&", b"\xfd7zXZ\x00", b"\x89HDF\r\n\x1a\n"])
def test_compressed_and_hdf5_containers_are_unsafe(model_path: Path, magic: bytes) -> None:
    assert isinstance(refusal(model_path, magic + bytes(64)), UnsafeModelFile)


@pytest.mark.parametrize("kept", [0.99, 0.6, 0.3])
@pytest.mark.parametrize("kind", ["torchscript", "export", "onnx", "safetensors"])
def test_truncated_file_is_malformed(model_path: Path, kind: str, kept: float) -> None:
    if kind in ("torchscript", "export"):
        write_zip(model_path, torchscript_members() if kind == "torchscript" else export_members())
        data = model_path.read_bytes()
    else:
        data = make_onnx() if kind == "onnx" else save({"w": np.ones(300, np.float32)})
    assert isinstance(refusal(model_path, data[: int(len(data) * kept)]), MalformedModelFile)


def test_zip_bomb_is_malformed(model_path: Path) -> None:
    members = {**torchscript_members(), "net/data/1": bytes(8 * 2**20)}
    write_zip(model_path, members, frozenset({"net/data/1"}))
    error = refusal(model_path, model_path.read_bytes())
    assert isinstance(error, MalformedModelFile)
    assert "zip bomb" in error.cause


def test_overlapping_members_are_malformed(model_path: Path) -> None:
    write_zip(model_path, torchscript_members())
    data = bytearray(model_path.read_bytes())
    with zipfile.ZipFile(model_path) as archive:
        first = archive.infolist()[0].header_offset
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 42 : entry + 46] = struct.pack("<I", first)
    error = refusal(model_path, bytes(data))
    assert isinstance(error, MalformedModelFile)
    assert error.cause == "members overlap"


def test_two_members_of_one_name_are_malformed(model_path: Path) -> None:
    write_zip(model_path, torchscript_members())
    with zipfile.ZipFile(model_path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("net/data.pkl", RUNS_A_COMMAND)
    error = refusal(model_path, model_path.read_bytes())
    assert isinstance(error, MalformedModelFile)
    assert error.cause == "two members of one name"


def test_local_header_that_names_another_member_is_malformed(model_path: Path) -> None:
    write_zip(model_path, torchscript_members())
    data = model_path.read_bytes().replace(b"net/version", b"net/verzion", 1)
    assert isinstance(refusal(model_path, data), MalformedModelFile)


def test_member_that_climbs_out_is_malformed(model_path: Path) -> None:
    write_zip(model_path, {**torchscript_members(), "net/../../evil": b"x"})
    assert isinstance(refusal(model_path, model_path.read_bytes()), MalformedModelFile)


def test_member_with_wrong_checksum_is_malformed(model_path: Path) -> None:
    write_zip(model_path, torchscript_members())
    data = model_path.read_bytes().replace(b"__torch__\nNet", b"__torch__\nNat", 1)
    assert isinstance(refusal(model_path, data), MalformedModelFile)


def test_zip_with_comment_is_malformed(model_path: Path) -> None:
    write_zip(model_path, torchscript_members())
    with zipfile.ZipFile(model_path, "a") as archive:
        archive.comment = b"hidden"
    assert isinstance(refusal(model_path, model_path.read_bytes()), MalformedModelFile)


def test_other_zip_is_unsafe(model_path: Path) -> None:
    write_zip(model_path, {"word/document.xml": b"<x/>"})
    assert isinstance(refusal(model_path, model_path.read_bytes()), UnsafeModelFile)


@pytest.mark.parametrize(
    "change",
    [
        {"graph_module": {"graph": {"nodes": [{"target": "torch.serialization.os.system"}]}}},
        {"graph_module": {"graph": {"nodes": [{"target": "torch.ops.aten.relu.default.__class__"}]}}},
        {"graph_module": {"graph": {"nodes": [{"target": "_operator.attrgetter"}]}}},
        {"graph_module": {"graph": {"nodes": [{"target": "torch.ops.higher_order.cond"}]}}},
        {"guards_code": ["__import__('os').system('true')"]},
        {"range_constraints": {"s0": {"min_val": 1, "max_val": 4}}},
        {"sizes": [{"as_expr": {"expr_str": "__import__('os')"}}]},
        {"inputs": [{"arg": {"as_custom_obj": {"name": "x"}}}]},
        {"in_spec": json.dumps([1, {"type": "collections.defaultdict", "context": '"os.system"'}])},
        {"in_spec": json.dumps([1, {"type": ["builtins.list"]}])},
    ],
    ids=["os", "attribute", "operator", "higher order", "guard", "range", "symbol", "object", "container", "type"],
)
def test_exported_program_that_reaches_further_is_unsafe(model_path: Path, change: dict[str, object]) -> None:
    write_zip(model_path, export_members({**export_program(), **change}))
    assert isinstance(refusal(model_path, model_path.read_bytes()), UnsafeModelFile)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("net/data/weights/model_weights_config.json", b'{"config": {"w": {"use_pickle": true}}}'),
        ("net/data/sample_inputs/model.pt", RUNS_A_COMMAND),
        ("net/data/aotinductor/model/kernel.so", b"\x7fELF"),
        ("net/data/constants/custom_obj_0", b"x"),
    ],
)
def test_export_archive_with_code_is_unsafe(model_path: Path, name: str, data: bytes) -> None:
    write_zip(model_path, {**export_members(), name: data})
    assert isinstance(refusal(model_path, model_path.read_bytes()), UnsafeModelFile)


def test_pickle_nested_in_sample_inputs_is_unsafe(tmp_path: Path, model_path: Path) -> None:
    nested = write_zip(tmp_path / "nested", {"model/data.pkl": RUNS_A_COMMAND}).read_bytes()
    write_zip(model_path, {**export_members(), "net/data/sample_inputs/model.pt": nested})
    assert isinstance(refusal(model_path, model_path.read_bytes()), UnsafeModelFile)


def test_sample_inputs_of_tensors_are_served(tmp_path: Path, model_path: Path) -> None:
    nested = write_zip(tmp_path / "nested", {"model/data.pkl": TENSORS, "model/version": b"3"}).read_bytes()
    write_zip(model_path, {**export_members(), "net/data/sample_inputs/model.pt": nested})
    assert inspect_model_file(model_path).format is ModelFormat.TORCH_EXPORT


def test_old_export_archive_is_unsafe(model_path: Path) -> None:
    write_zip(model_path, {"serialized_exported_program.json": b"{}", "serialized_state_dict.pt": EMPTY_TUPLE})
    assert isinstance(refusal(model_path, model_path.read_bytes()), UnsafeModelFile)


@pytest.mark.parametrize("data", [b"GGUF" + bytes(60), b"#!/bin/sh\necho hello\n", b"\x93NUMPY\x01\x00" + bytes(80)])
def test_other_content_is_unknown(model_path: Path, data: bytes) -> None:
    assert isinstance(refusal(model_path, data), UnknownModelFile)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04"])
def test_file_too_short_is_malformed(model_path: Path, data: bytes) -> None:
    assert isinstance(refusal(model_path, data), MalformedModelFile)
