"""`stun model quantize` and `verify`: files to register, a report, and exit codes for what is refused."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from exact_models import UnchunkedFloats, tiny_texts, write_tiny_bert

from stun.cli.main import main
from stun.models.exact import paths
from stun.models.manifest import NumericClass, parse_manifest
from stun.models.quantize import shipped
from stun.models.quantize.shipped import BITS, GRAPH_ROOT, WEIGHT_ROOT, shipped_float_model
from stun.protocol.graph.file import decode_graph

pytestmark = pytest.mark.unit


def stun(*arguments: str) -> Result:
    return CliRunner(mix_stderr=False).invoke(main, list(arguments))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    write_tiny_bert(folder)
    (tmp_path / "texts.txt").write_text("\n".join(tiny_texts()))
    return folder


def quantize(source: Path, *more: str) -> Result:
    texts = source.parent / "texts.txt"
    return stun(
        "--json", "model", "quantize", str(source), "--out", str(source.parent / "out"), "--texts", str(texts), *more
    )


def test_quantizing_makes_what_can_be_registered(source: Path) -> None:
    done = quantize(source, "--name", "tiny")

    record = json.loads(done.stdout)
    out = source.parent / "out"
    graph = decode_graph((out / "model.graph").read_bytes())
    manifest = parse_manifest((out / "manifest.json").read_bytes())
    assert done.exit_code == 0
    assert (manifest.name, manifest.numeric_class, manifest.runner) == ("tiny", NumericClass.EXACT, "exact-graph")
    assert (manifest.graph_root, manifest.weight_root) == (graph.graph_root, graph.weight_root)
    assert (record["graph_root"], record["judged_texts"], record["calibrated_texts"]) == (graph.graph_root.hex(), 8, 32)
    assert record["cosine_mean"] > 0.98
    assert [layer["name"] for layer in record["layers"]] == ["0.x", "0.y", "1.x", "1.y", "2.x"]
    assert (out / "report.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "report.json").read_text())["worst_text"] in tiny_texts()


def test_the_recipe_is_not_published(source: Path) -> None:
    quantize(source)
    manifest = parse_manifest((source.parent / "out" / "manifest.json").read_bytes())

    assert set(manifest.files) == {"graph", "tokenizer"}


def test_without_matplotlib_there_is_a_report_without_plots(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    done = quantize(source)

    assert (done.exit_code, json.loads(done.stdout)["plot"]) == (0, None)


def test_people_read_the_report(source: Path) -> None:
    done = stun("model", "quantize", str(source), "--out", str(source.parent / "out"))

    assert "rank correlation" in done.stdout
    assert "stun model register --manifest" in done.stdout


@pytest.mark.parametrize("damage", ["weights", "config", "tokenizer", "texts"])
def test_unfit_files_are_refused_by_name(source: Path, damage: str) -> None:
    path = {"weights": source / "model.safetensors", "config": source / "config.json",
            "tokenizer": source / "tokenizer.json", "texts": source.parent / "texts.txt"}[damage]  # fmt: skip
    path.write_bytes(b"\xff" * 40)

    failed = quantize(source)

    assert failed.exit_code == 2
    assert json.loads(failed.stderr.splitlines()[-1])["error"] in (
        "UnfitArchitecture",
        "TokenizerRefused",
        "UnfitTexts",
    )
    assert not (source.parent / "out" / "model.graph").exists()


def test_too_few_texts_are_refused(source: Path) -> None:
    (source.parent / "texts.txt").write_text("only one")

    assert quantize(source).exit_code == 2


def test_verify_prints_the_published_bits() -> None:
    done = stun("--json", "model", "verify")

    record = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (record["graph_root"], record["weight_root"]) == (GRAPH_ROOT, WEIGHT_ROOT)
    assert [row["path"] for row in record["paths"]] == ["native", "portable", "torch"]
    assert {row["bits"] for row in record["paths"][:2]} == {BITS}
    assert all(row["as_published"] for row in record["paths"][:2])


def test_verify_reads_a_graph_of_ones_own(source: Path) -> None:
    quantize(source)

    done = stun("--json", "model", "verify", str(source.parent / "out" / "model.graph"))

    bits = {row["bits"] for row in json.loads(done.stdout)["paths"] if row["bits"] is not None}
    assert (done.exit_code, len(bits)) == (0, 1)


@pytest.mark.parametrize("content", [b"", b"STUN", b"\x00" * 99])
def test_verify_refuses_what_is_no_graph(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)

    assert stun("model", "verify", str(tmp_path / "x")).exit_code == 2


def test_verify_fails_where_a_path_has_wrong_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    paths._verified.cache_clear()
    monkeypatch.setitem(paths._MAKERS, "native", UnchunkedFloats)

    failed = stun("--json", "model", "verify")
    paths._verified.cache_clear()

    assert failed.exit_code == 6
    assert json.loads(failed.stderr)["error"] == "BitsDiffer"
    assert "refused" in json.loads(failed.stdout)["paths"][0]["refused"]


def test_missing_weights_are_a_matter_of_set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shipped_float_model.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shipped, "_PACKAGE", "no-such-package-of-weights")

    assert stun("model", "verify").exit_code == 3


def test_float_goes_with_minilm() -> None:
    assert stun("model", "register", "--float", "somewhere").exit_code == 2
