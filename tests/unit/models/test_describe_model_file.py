"""A creator's file becomes a manifest whose runner ships with every provider."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from model_archives import export_members, torchscript_members, write_zip
from onnx import TensorProto, helper
from safetensors.numpy import save_file

from stun.models.errors import ManifestError, UnsafeModelFile
from stun.models.manifest import NumericClass, compute_weight_root, parse_manifest
from stun.models.packaging import ArchitectureMissing, describe_model_file
from stun.provider.runners.registry import RUNNERS

pytestmark = pytest.mark.unit


def write_onnx(path: Path) -> Path:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


@pytest.mark.parametrize("runner", ["torchscript", "torch-export", "onnx"])
def test_runner_follows_from_the_content(tmp_path: Path, runner: str) -> None:
    path = tmp_path / "my_model.pth"
    if runner == "onnx":
        write_onnx(path)
    else:
        write_zip(path, torchscript_members() if runner == "torchscript" else export_members())
    manifest = describe_model_file(path, "my model")
    assert (manifest.runner, manifest.runner_version) in RUNNERS
    assert manifest.runner == runner
    assert manifest.numeric_class is NumericClass.OPAQUE
    assert manifest.files == {"weights": sha256(path.read_bytes()).digest()}
    assert manifest.weight_root == compute_weight_root(path)
    assert manifest.unit == RUNNERS[manifest.runner, "1"]().unit
    assert parse_manifest(manifest.to_json()) == manifest


def test_weights_alone_need_an_architecture(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"w": np.ones(3, np.float32)}, path)
    with pytest.raises(ArchitectureMissing, match="registered architecture"):
        describe_model_file(path, "my model")


def test_checkpoint_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "my_model.pth", {"m/data.pkl": b"\x80\x02}.", "m/version": b"3"})
    with pytest.raises(UnsafeModelFile):
        describe_model_file(path, "my model")


def test_name_out_of_bounds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError):
        describe_model_file(write_onnx(tmp_path / "m"), "two\nlines")
