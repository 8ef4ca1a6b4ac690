"""Runners on torch: TorchScript, torch.export, and BERT from safetensors. Without torch they say what to install."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from stun.models.errors import UnsafeModelFile
from stun.models.formats import ModelFormat, inspect_model_file
from stun.provider.runners.base import ERROR_RESULT, RuntimeMissing, UnfitModel
from stun.provider.runners.bert_torch import load_bert, read_config
from stun.provider.runners.registry import create_runner
from stun.provider.runners.tensors import read_npy

WIDTH, HEADS, LAYERS, WORDS = 8, 2, 2, 11
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "hidden_size": WIDTH,
    "layer_norm_eps": 1e-12,
}
X = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)


def npy(*tensors: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    for tensor in tensors:
        np.save(stream, tensor)
    return stream.getvalue()


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.fixture
def module(torch: Any) -> Any:
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()


@pytest.fixture
def bert_files(tmp_path: Path) -> dict[str, Path]:
    random = np.random.default_rng(1)
    names = {
        "embeddings.word_embeddings.weight": (WORDS, WIDTH),
        "embeddings.position_embeddings.weight": (16, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            names |= {f"{prefix}{name}.weight": (WIDTH, WIDTH), f"{prefix}{name}.bias": (WIDTH,)}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            names |= {f"{prefix}{name}.weight": (WIDTH,), f"{prefix}{name}.bias": (WIDTH,)}
        names |= {f"{prefix}intermediate.dense.weight": (16, WIDTH), f"{prefix}intermediate.dense.bias": (16,)}
        names |= {f"{prefix}output.dense.weight": (WIDTH, 16), f"{prefix}output.dense.bias": (WIDTH,)}
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    save_file({name: random.normal(size=shape).astype(np.float32) for name, shape in names.items()}, weights)
    config.write_text(json.dumps(CONFIG))
    return {"weights": weights, "config": config}


@pytest.mark.unit
@pytest.mark.parametrize("runner", ["torchscript", "torch-export"])
def test_missing_torch_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runner: str) -> None:
    from model_archives import export_members, torchscript_members, write_zip

    monkeypatch.setitem(sys.modules, "torch", None)
    members = torchscript_members() if runner == "torchscript" else export_members()
    with pytest.raises(RuntimeMissing, match=r"stun\[torch\]"):
        create_runner(runner, "1").load({"weights": write_zip(tmp_path / "m.pth", members)})


@pytest.mark.unit
def test_missing_torch_is_named_for_safetensors(monkeypatch: pytest.MonkeyPatch, bert_files: dict[str, Path]) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RuntimeMissing):
        load_bert(bert_files["weights"], bert_files["config"])


@pytest.mark.unit
@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "gpt2"},
        {"hidden_act": "relu"},
        {"num_attention_heads": 3},
        {"num_attention_heads": 0},
        {"num_hidden_layers": 65},
        {"hidden_size": "wide"},
        {"layer_norm_eps": None},
    ],
)
def test_config_of_another_architecture_is_unfit(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**CONFIG, **change}))
    with pytest.raises(UnfitModel):
        read_config(path)


@pytest.mark.torch
def test_torchscript_runs(torch: Any, module: Any, tmp_path: Path) -> None:
    path = tmp_path / "my_model.pth"
    torch.jit.save(torch.jit.trace(module, torch.from_numpy(X)), str(path))
    runner = create_runner("torchscript", "1")
    runner.load({"weights": path})
    good, _, wide, nothing = runner.run([npy(X), b"garbage", npy(np.ones((2, 5), np.float32)), npy(X, X)], {})
    assert read_npy(good.output)[0] == pytest.approx(module(torch.from_numpy(X)).detach().numpy())
    assert runner.run([npy(X)], {}) == [good]
    assert (wide, nothing) == (ERROR_RESULT, ERROR_RESULT)


@pytest.mark.torch
def test_torch_export_runs(torch: Any, module: Any, tmp_path: Path) -> None:
    path = tmp_path / "my_model.pt2"
    torch.export.save(torch.export.export(module, (torch.from_numpy(X),)), str(path))
    runner = create_runner("torch-export", "1")
    runner.load({"weights": path})
    good, other_shape = runner.run([npy(X), npy(X[:1])], {})
    assert read_npy(good.output)[0] == pytest.approx(module(torch.from_numpy(X)).detach().numpy())
    assert other_shape == ERROR_RESULT


@pytest.mark.torch
def test_files_as_torch_writes_them(torch: Any, module: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    for scripted in (module, torch.nn.LSTM(4, 5), torch.nn.TransformerEncoderLayer(8, 2).eval()):
        torch.jit.save(torch.jit.script(scripted), str(path))
        assert inspect_model_file(path).format is ModelFormat.TORCHSCRIPT
    for whole in (module, module.state_dict()):
        for as_zip in (True, False):
            torch.save(whole, str(path), _use_new_zipfile_serialization=as_zip)
            with pytest.raises(UnsafeModelFile):
                inspect_model_file(path)


@pytest.mark.torch
def test_wrong_format_is_unfit(torch: Any, module: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.jit.save(torch.jit.script(module), str(path))
    with pytest.raises(UnfitModel):
        create_runner("torch-export", "1").load({"weights": path})


@pytest.mark.torch
def test_bert_agrees_with_torchs_own_encoder(torch: Any, bert_files: dict[str, Path]) -> None:
    from safetensors.torch import load_file

    ids = np.array([[1, 5, 9, 2]])
    hidden = load_bert(bert_files["weights"], bert_files["config"])(ids)
    tensors = load_file(bert_files["weights"])
    expected = reference_embedding(torch, tensors, ids)
    for layer in range(LAYERS):
        expected = reference_layer(torch, tensors, f"encoder.layer.{layer}.")(expected)
    assert hidden == pytest.approx(expected.detach().numpy(), abs=1e-4)


@pytest.mark.torch
def test_bert_without_a_tensor_is_unfit(torch: Any, bert_files: dict[str, Path]) -> None:
    bert_files["config"].write_text(json.dumps({**CONFIG, "num_hidden_layers": LAYERS + 1}))
    with pytest.raises(UnfitModel):
        load_bert(bert_files["weights"], bert_files["config"])


def reference_embedding(torch: Any, tensors: dict[str, Any], ids: NDArray[np.int64]) -> Any:
    prefix = "embeddings."
    total = tensors[f"{prefix}word_embeddings.weight"][torch.from_numpy(ids)]
    total = total + tensors[f"{prefix}position_embeddings.weight"][: ids.shape[1]]
    total = total + tensors[f"{prefix}token_type_embeddings.weight"][0]
    norm = torch.nn.LayerNorm(WIDTH, eps=1e-12)
    norm.load_state_dict({kind: tensors[f"{prefix}LayerNorm.{kind}"] for kind in ("weight", "bias")})
    return norm(total)


def reference_layer(torch: Any, tensors: dict[str, Any], prefix: str) -> Any:
    layer = torch.nn.TransformerEncoderLayer(
        WIDTH, HEADS, 16, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
    )
    state = {}
    for kind in ("weight", "bias"):
        parts = [tensors[f"{prefix}attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
        state[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
        state[f"self_attn.out_proj.{kind}"] = tensors[f"{prefix}attention.output.dense.{kind}"]
        state[f"linear1.{kind}"] = tensors[f"{prefix}intermediate.dense.{kind}"]
        state[f"linear2.{kind}"] = tensors[f"{prefix}output.dense.{kind}"]
        state[f"norm1.{kind}"] = tensors[f"{prefix}attention.output.LayerNorm.{kind}"]
        state[f"norm2.{kind}"] = tensors[f"{prefix}output.LayerNorm.{kind}"]
    layer.load_state_dict(state)
    return layer.eval()
