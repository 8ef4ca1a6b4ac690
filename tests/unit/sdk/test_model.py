"""A model is told by its content; what could run code is refused with what to export instead."""

import pickle
from pathlib import Path

import pytest
from model_archives import RUNS_A_COMMAND, export_members, torchscript_members, write_zip
from sdk_world import SdkWorld
from stun_sdk import Model, TaskInvalid

from stun.models.errors import ModelFileError, UnsafeModelFile
from stun.models.manifest import parse_manifest
from stun.protocol.parameters import NumericClass

pytestmark = pytest.mark.unit


def test_pth_with_torchscript_inside_is_taken(tmp_path: Path) -> None:
    model = Model.from_file(str(write_zip(tmp_path / "my_model.pth", torchscript_members())))

    assert (model.manifest.runner, model.manifest.name) == ("torchscript", "my_model")
    assert model.numeric_class is NumericClass.OPAQUE


def test_pth_with_an_exported_program_inside_is_taken(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "my_model.pth", export_members())

    assert Model.from_file(path, "named").manifest.runner == "torch-export"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pth_that_is_a_pickle_is_refused_with_advice(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "my_model.pth"
    path.write_bytes(pickle.dumps({"weights": [1.0] * 100}, protocol))

    with pytest.raises(UnsafeModelFile) as caught:
        Model.from_file(path)
    for advice in ("TorchScript", "torch.export", "ONNX", "safetensors"):
        assert advice in str(caught.value)


def test_pth_as_torch_save_writes_it_is_refused_and_not_run(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "my_model.pth", {"net/data.pkl": RUNS_A_COMMAND, "net/version": b"3\n"})

    with pytest.raises(ModelFileError):
        Model.from_file(path)


@pytest.mark.parametrize("size", [0, 7, 100, 700])
def test_truncated_file_is_refused(tmp_path: Path, size: int) -> None:
    whole = write_zip(tmp_path / "whole.pth", torchscript_members()).read_bytes()
    path = tmp_path / "my_model.pth"
    path.write_bytes(whole[:size])

    with pytest.raises(ModelFileError):
        Model.from_file(path)


def test_files_are_those_of_the_manifest(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "my_model.pth", torchscript_members())
    manifest = Model.from_file(path).manifest

    assert Model.from_manifest(manifest, {"weights": path}).files["weights"] == path
    with pytest.raises(TaskInvalid, match="files"):
        Model.from_manifest(manifest, {"weights": path, "tokenizer": path})


def test_file_that_changed_after_it_was_described_is_not_uploaded(world: SdkWorld, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "my_model.pth", torchscript_members())
    model = Model.from_file(path)
    path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(TaskInvalid, match="changed"):
        world.client().upload_model(model)
    assert len(world.client().models()) == 1


def test_stored_manifest_is_the_registered_one(world: SdkWorld) -> None:
    client = world.client()
    record = client.model(world.upload(client))

    assert parse_manifest(world.store.get(record.manifest_digest)).digest() == record.manifest_digest
