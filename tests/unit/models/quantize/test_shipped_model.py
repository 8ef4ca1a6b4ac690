"""The shipped model: the published bytes on every machine, and nearly all of the float model's quality."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from exact_models import held_out_texts

from stun.models.exact.embed import open_models
from stun.models.quantize import shipped
from stun.models.quantize.calibration import calibrate, calibration_texts, load_calibration
from stun.models.quantize.errors import WeightsMissing
from stun.models.quantize.quality import judge
from stun.models.quantize.shipped import GRAPH_DIGEST, GraphDiffers, shipped_float_model, shipped_graph
from stun.models.texts import load_tokenizer

pytestmark = pytest.mark.unit


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_made_from_float_weights_it_has_the_published_bytes(empty_cache: Path) -> None:
    path = shipped_graph()

    assert sha256(path.read_bytes()).hexdigest() == GRAPH_DIGEST
    assert empty_cache in path.parents
    assert path.stat().st_size < 36 * 2**20


def test_a_kept_file_that_was_changed_is_made_again(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "make_graph", lambda: b"made again")
    path = empty_cache / "stun" / "models" / f"all-MiniLM-L6-v2-{GRAPH_DIGEST[:16]}.graph"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")

    assert shipped_graph().read_bytes() == b"made again"
    assert list(path.parent.iterdir()) == [path]


def test_other_bytes_than_published_are_not_passed_off_as_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "GRAPH_DIGEST", "00" * 32)

    with pytest.raises(GraphDiffers) as refused:
        shipped.make_graph()

    assert refused.value.digest == GRAPH_DIGEST


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped_float_model.cache_clear()
    monkeypatch.setattr(shipped, "_PACKAGE", "no-such-package-of-weights")

    with pytest.raises(WeightsMissing, match="make weights"):
        shipped_float_model()


def test_other_weights_than_pinned_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped_float_model.cache_clear()
    monkeypatch.setitem(shipped._PINNED, "config.json", "00" * 32)

    with pytest.raises(WeightsMissing, match="not the pinned file"):
        shipped_float_model()


def test_held_out_texts_are_none_of_the_calibration() -> None:
    texts = held_out_texts()

    assert len(texts) == 541
    assert set(texts) & set(calibration_texts()) == set()


def _judged(texts: list[str]) -> None:
    encoder, exact = open_models()
    quality = judge(encoder, exact.engine, exact.tokenizer, texts)

    assert quality.mean >= 0.995
    assert quality.least >= 0.97
    assert quality.rank_correlation >= 0.995


def test_quality_on_some_held_out_texts() -> None:
    _judged(held_out_texts()[::7])


@pytest.mark.slow
def test_quality_on_all_held_out_texts() -> None:
    _judged(held_out_texts())


@pytest.mark.slow
def test_calibrating_here_gives_the_kept_calibration() -> None:
    files = shipped_float_model()
    encoder = files.load()
    kept = load_calibration(shipped.CALIBRATION, encoder)

    found = calibrate(encoder, load_tokenizer(files.tokenizer, 256), calibration_texts())

    for name, peaks in kept.peaks.items():
        assert np.allclose(found.peaks[name], peaks, rtol=1e-3)
