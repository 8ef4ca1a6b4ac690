"""Sentences in, JSON lines out: both embeddings, in order."""

import io
import json

import numpy as np
import pytest

from stun.models.exact import embed
from stun.models.quantize.errors import WeightsMissing

pytestmark = pytest.mark.unit


def test_each_line_gets_both_embeddings() -> None:
    target = io.StringIO()

    status = embed.main(["--pack", "2"], io.StringIO("A cat sleeps.\n\n  \nThe cat is asleep\nStocks fell."), target)

    records = [json.loads(line) for line in target.getvalue().splitlines()]
    assert status == 0
    assert [record["text"] for record in records] == ["A cat sleeps.", "The cat is asleep", "Stocks fell."]
    for record in records:
        real, exact = np.array(record["float"]), np.array(record["exact"]) / 2**15
        assert real.shape == exact.shape == (384,)
        assert real @ exact > 0.985
        assert abs(np.linalg.norm(exact) - 1) < 2**-10


def test_paths_print_the_same_integers() -> None:
    printed = []
    for path in ("native", "portable"):
        target = io.StringIO()
        assert embed.main(["--path", path], io.StringIO("one line\nand a longer one"), target) == 0
        printed.append([json.loads(line)["exact"] for line in target.getvalue().splitlines()])

    assert printed[0] == printed[1]


def test_nothing_in_is_nothing_out() -> None:
    target = io.StringIO()

    assert embed.main([], io.StringIO(""), target) == 0
    assert target.getvalue() == ""


def test_missing_weights_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def missing(path: str | None) -> None:
        raise WeightsMissing("package x is not installed whole")

    monkeypatch.setattr(embed, "open_models", missing)

    assert embed.main([], io.StringIO("a"), io.StringIO()) == 2
    assert "make weights" in capsys.readouterr().err
