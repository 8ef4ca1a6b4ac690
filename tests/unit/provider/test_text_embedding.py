"""The embedding runner: vectors that mean something, the same bytes whatever is around, one error result for all."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stun.models.manifest import NumericClass, parse_manifest
from stun.provider.runners.base import ERROR_RESULT, UnfitModel, UnknownRunner
from stun.provider.runners.minilm import EMBEDDING_WIDTH, PackagedModel, minilm_model
from stun.provider.runners.registry import create_runner
from stun.provider.runners.text_embedding import MAX_TEXT_BYTES, TextEmbeddingRunner
from stun.provider.sandbox import SandboxSession, SandboxSettings

pytestmark = pytest.mark.unit

TEXTS = [
    b"A cat is sleeping on the warm windowsill.",
    b"The kitten naps in the sunny window.",
    b"The central bank raised interest rates by half a percent.",
    b"Monetary policy was tightened again to fight inflation.",
    "Zażółć gęślą jaźń, naïve café 日本語 😀".encode(),
]
SENTENCES = Path(__file__).parents[3] / "demo" / "sentences.txt"


@pytest.fixture(scope="module")
def model() -> PackagedModel:
    return minilm_model()


@pytest.fixture(scope="module")
def runner(model: PackagedModel) -> TextEmbeddingRunner:
    created = create_runner(model.manifest.runner, model.manifest.runner_version)
    assert isinstance(created, TextEmbeddingRunner)
    created.load(model.files)
    return created


def embed(runner: TextEmbeddingRunner, text: str) -> NDArray[np.float32]:
    return np.frombuffer(runner.run([text.encode()], {})[0].output, "<f4")


def test_manifest_of_the_demonstration_model(model: PackagedModel) -> None:
    assert model.manifest.numeric_class is NumericClass.OPAQUE
    assert parse_manifest(model.manifest.to_json()) == model.manifest
    assert set(model.files) == set(model.manifest.files) == {"weights", "tokenizer"}


def test_similar_sentences_are_closer_than_unrelated(runner: TextEmbeddingRunner) -> None:
    cat, kitten, bank, policy = (np.frombuffer(each.output, "<f4") for each in runner.run(TEXTS[:4], {}))
    assert cat @ kitten > 0.5 > cat @ bank + 0.3
    assert bank @ policy > kitten @ policy + 0.2


def test_output_is_a_unit_vector_of_384_floats(runner: TextEmbeddingRunner) -> None:
    for result in runner.run(TEXTS, {}):
        assert (len(result.output), result.units) == (4 * EMBEDDING_WIDTH, 1)
        assert np.linalg.norm(np.frombuffer(result.output, "<f4")) == pytest.approx(1.0, abs=1e-5)


def test_raw_vector_has_the_same_direction(runner: TextEmbeddingRunner) -> None:
    raw = np.frombuffer(runner.run(TEXTS[:1], {"normalize": False})[0].output, "<f4")
    unit = np.frombuffer(runner.run(TEXTS[:1], {})[0].output, "<f4")
    assert raw / np.linalg.norm(raw) == pytest.approx(unit, abs=1e-6)
    assert abs(np.linalg.norm(raw) - 1) > 0.01


def test_same_bytes_twice_and_in_another_order(runner: TextEmbeddingRunner, model: PackagedModel) -> None:
    first = runner.run(TEXTS, {})
    assert runner.run(TEXTS, {}) == first
    assert runner.run(TEXTS[::-1], {})[::-1] == first
    assert [runner.run([text], {})[0] for text in TEXTS] == first
    another = create_runner("text-embedding", "1")
    another.load(model.files)
    assert another.run(TEXTS, {}) == first


@pytest.mark.parametrize(
    "data",
    [b"", b"   \n\t", b"\xff\xfe", b"cut \xe2\x82", b"\xed\xa0\x80", b"zero\0byte", b"a" * (MAX_TEXT_BYTES + 1)],
    ids=["empty", "blank", "not utf-8", "truncated", "surrogate", "zero", "huge"],
)
def test_malformed_text_has_the_error_result(runner: TextEmbeddingRunner, data: bytes) -> None:
    assert runner.validate({}, data) is not None
    assert runner.run([TEXTS[0], data], {})[1] == ERROR_RESULT
    assert runner.run([data, TEXTS[0]], {})[1] == runner.run([TEXTS[0]], {})[0]


@pytest.mark.parametrize("params", [{"normalize": 1}, {"batch": 4}, [], None])
def test_wrong_parameters_have_the_error_result(runner: TextEmbeddingRunner, params: object) -> None:
    assert runner.validate(params, TEXTS[0]) is not None
    assert runner.run(TEXTS[:2], params) == [ERROR_RESULT] * 2


def test_long_text_is_cut_at_256_tokens(runner: TextEmbeddingRunner) -> None:
    words = "harbour " * 254
    assert (embed(runner, words) == embed(runner, words + "volcano " * 100)).all()
    assert (embed(runner, words) != embed(runner, "volcano " + words)).any()


def test_special_tokens_in_the_text_are_served(runner: TextEmbeddingRunner) -> None:
    assert runner.run([b"[CLS] [SEP] [MASK] [PAD] <s> \x7f \xc2\x85 x"], {})[0].units == 1


def test_missing_role_is_unfit(model: PackagedModel) -> None:
    with pytest.raises(UnfitModel, match="'tokenizer'"):
        create_runner("text-embedding", "1").load({"weights": model.files["weights"]})


def test_broken_tokenizer_is_unfit(model: PackagedModel, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(model.files["tokenizer"].read_bytes()[:1000])
    with pytest.raises(UnfitModel, match="tokenizer"):
        create_runner("text-embedding", "1").load({"weights": model.files["weights"], "tokenizer": path})


def test_unknown_version_is_refused() -> None:
    with pytest.raises(UnknownRunner):
        create_runner("text-embedding", "2")


def test_sandbox_gives_the_same_bytes(runner: TextEmbeddingRunner, model: PackagedModel) -> None:
    inputs = [*TEXTS, b"\xff"]
    for use_bubblewrap in (True, False):
        settings = SandboxSettings(use_bubblewrap=use_bubblewrap)
        with SandboxSession("text-embedding", "1", model.files, settings) as session:
            assert session.run(inputs, {}) == runner.run(inputs, {})
            assert session.validate(inputs, {})[:5] == [None] * 5


def test_demonstration_sentences_are_varied() -> None:
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len({line.lower() for line in lines}) == 256
    assert all(6 <= len(line.split()) <= 30 and line == line.strip() and line.isprintable() for line in lines)
    openings = sorted(" ".join(line.split()[:3]).lower() for line in lines)
    assert sum(one == other for one, other in pairwise(openings)) <= 8


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("How do bees tell each other where food is?", "bee"),
        ("baking bread at home", "bread"),
        ("a court must hear both sides", "court"),
        ("the first programmable computer", "program"),
    ],
)
def test_search_over_the_demonstration_sentences_finds_hits(runner: TextEmbeddingRunner, query: str, word: str) -> None:
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()
    vectors = np.stack([embed(runner, line) for line in lines])
    best = np.argsort(-(vectors @ embed(runner, query)))[:5]
    assert any(word in lines[index].lower() for index in best)
