"""Quantizing an encoder of one's own: a valid graph, its bits, its quality; files that are no encoder are refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from exact_models import differing, reference, tiny_texts, write_tiny_bert
from safetensors.numpy import load_file, save_file

from stun.models.errors import TokenizerRefused, UnfitTexts
from stun.models.exact.engine import Engine
from stun.models.exact.native.backend import Native
from stun.models.exact.portable import Portable
from stun.models.quantize.bert import BertQuantizer
from stun.models.quantize.calibration import calibrate, load_calibration
from stun.models.quantize.encoder import load_encoder
from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.quality import compare_layers, judge
from stun.models.texts import load_tokenizer, packs, read_texts
from stun.protocol.graph.file import decode_graph, encode_graph

pytestmark = pytest.mark.unit


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    return write_tiny_bert(tmp_path)


def _alter(weights: Path, name: str, value: np.ndarray | None) -> None:
    tensors = load_file(weights)
    if value is None:
        del tensors[name]
    else:
        tensors[name] = value
    save_file(tensors, weights)


def test_quantized_model_is_valid_and_every_path_agrees(files: tuple[Path, Path, Path]) -> None:
    encoder, tokenizer = load_encoder(*files[:2]), load_tokenizer(files[2], 256)
    graph = BertQuantizer(encoder, calibrate(encoder, tokenizer, tiny_texts())).build()

    assert decode_graph(encode_graph(graph)) == graph
    assert graph.header.max_rows == 24
    for _, ids in packs(tokenizer, tiny_texts(8)):
        inputs = ids[:, :, None].astype(np.int32)
        for backend in (Portable(), Native(), Native(use_vnni=False)):
            assert differing(Engine(graph, backend), inputs, reference(graph, inputs)) == []


def test_quality_is_told_by_text_and_by_layer(files: tuple[Path, Path, Path]) -> None:
    encoder, tokenizer = load_encoder(*files[:2]), load_tokenizer(files[2], 256)
    quantizer = BertQuantizer(encoder, calibrate(encoder, tokenizer, tiny_texts()))
    engine = Engine(quantizer.build(), Portable())

    quality = judge(encoder, engine, tokenizer, tiny_texts(60))
    layers = compare_layers(encoder, engine, quantizer.draft.names, tokenizer, tiny_texts(60))

    assert len(quality.cosines) == 60
    assert quality.mean > 0.98
    assert [layer.name for layer in layers] == ["0.x", "0.y", "1.x", "1.y", "2.x"]
    assert all(0.95 < layer.least <= layer.mean <= 1 + 1e-9 for layer in layers)


def test_one_texts_calibration_costs_quality(files: tuple[Path, Path, Path]) -> None:
    encoder, tokenizer = load_encoder(*files[:2]), load_tokenizer(files[2], 256)
    judged = []
    for texts in (tiny_texts(1), tiny_texts()):
        graph = BertQuantizer(encoder, calibrate(encoder, tokenizer, texts)).build()
        judged.append(judge(encoder, Engine(graph, Portable()), tokenizer, tiny_texts(60)).mean)

    assert judged[0] < judged[1]


def test_kept_calibration_makes_the_same_graph(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    encoder, tokenizer = load_encoder(*files[:2]), load_tokenizer(files[2], 256)
    calibration = calibrate(encoder, tokenizer, tiny_texts())
    calibration.save(tmp_path / "kept")

    kept = load_calibration(tmp_path / "kept", encoder)

    assert BertQuantizer(encoder, kept).build() == BertQuantizer(encoder, calibration).build()


@pytest.mark.parametrize("damage", ["truncated", "empty", "other", "negative", "garbage"])
def test_damaged_calibrations_are_refused(files: tuple[Path, Path, Path], tmp_path: Path, damage: str) -> None:
    encoder, tokenizer = load_encoder(*files[:2]), load_tokenizer(files[2], 256)
    path = tmp_path / "kept"
    calibrate(encoder, tokenizer, tiny_texts()).save(path)
    tensors = load_file(path)
    if damage == "other":
        save_file({name: each[:-1] for name, each in tensors.items()}, path)
    elif damage == "negative":
        save_file({name: each - 9 for name, each in tensors.items()}, path)
    else:
        path.write_bytes({"truncated": path.read_bytes()[:-3], "empty": b"", "garbage": b"\xff" * 99}[damage])

    with pytest.raises(UnfitTexts):
        load_calibration(path, encoder)


@pytest.mark.parametrize("name", ["encoder.layer.1.output.dense.weight", "embeddings.word_embeddings.weight"])
def test_missing_tensors_are_refused(files: tuple[Path, Path, Path], name: str) -> None:
    _alter(files[0], name, None)

    with pytest.raises(UnfitArchitecture):
        load_encoder(*files[:2])


@pytest.mark.parametrize(
    "value",
    [np.zeros((16, 15), np.float32), np.full((16, 16), np.nan, np.float32), np.zeros(16, np.float32)],
    ids=["shape", "nan", "axes"],
)
def test_unfit_tensors_are_refused(files: tuple[Path, Path, Path], value: np.ndarray) -> None:
    _alter(files[0], "encoder.layer.0.attention.self.key.weight", value)

    with pytest.raises(UnfitArchitecture, match=r"attention\.self\.key"):
        load_encoder(*files[:2])


@pytest.mark.parametrize(
    "change",
    [{"model_type": "gpt2"}, {"hidden_act": "relu"}, {"num_attention_heads": 3}, {"num_hidden_layers": 10**9},
     {"num_attention_heads": None}, {"num_hidden_layers": 3}, {"intermediate_size": 31}],
)  # fmt: skip
def test_unfit_configs_are_refused(files: tuple[Path, Path, Path], change: dict[str, object]) -> None:
    files[1].write_text(json.dumps(json.loads(files[1].read_text()) | change))

    with pytest.raises(UnfitArchitecture):
        load_encoder(*files[:2])


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("content", [b"", b"{", b"[" * 10_000, b"\x00" * 200, b"[]"])
def test_hostile_files_are_refused(files: tuple[Path, Path, Path], which: int, content: bytes) -> None:
    files[which].write_bytes(content)

    with pytest.raises(UnfitArchitecture):
        load_encoder(*files[:2])


def test_weights_of_zeros_still_make_a_valid_graph(files: tuple[Path, Path, Path]) -> None:
    save_file({name: np.zeros_like(each) for name, each in load_file(files[0]).items()}, files[0])
    encoder, tokenizer = load_encoder(*files[:2]), load_tokenizer(files[2], 256)

    graph = BertQuantizer(encoder, calibrate(encoder, tokenizer, tiny_texts())).build()

    assert Engine(graph, Portable()).run(np.zeros((1, 3, 1), np.int32)).any() == np.False_


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b"\x00" * 50])
def test_hostile_tokenizers_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)

    with pytest.raises(TokenizerRefused):
        load_tokenizer(tmp_path / "tokenizer.json", 8)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe", b"x" * 20_000])
def test_unfit_texts_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "texts").write_bytes(content)

    with pytest.raises(UnfitTexts):
        read_texts(tmp_path / "texts")
    with pytest.raises(UnfitTexts):
        read_texts(tmp_path / "no such file")
