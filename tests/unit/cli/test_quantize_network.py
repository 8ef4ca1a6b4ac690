"""`stun model quantize` of an ONNX file: files to register that a provider's runner serves, a report, refusals."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from network_onnx import drawn_classes, run_onnx, save_onnx, train_mlp, write_cnn, write_mlp
from onnx import helper
from stun_sdk.forms import NumbersForm, array_reader, input_form

from stun.cli.main import main
from stun.models.manifest import NumericClass, parse_manifest
from stun.protocol.graph.file import decode_graph
from stun.provider.runners.exact_graph import ExactGraphRunner
from stun.provider.sandbox import SandboxSettings
from stun.provider.workshop import _open_session
from stun.storage.folder import FolderBlobStore

pytestmark = pytest.mark.unit

SHAPES = {"mlp": (1, 8, 8), "cnn": (3, 12, 12)}


def stun(*arguments: str) -> Result:
    return CliRunner(mix_stderr=False).invoke(main, list(arguments))


def quantize(folder: Path, kind: str, *more: str) -> Result:
    """A model and its samples are written into the folder; the integers come into `out` beside them."""
    samples, labels = drawn_classes(400, SHAPES[kind], 1, noise=1.5)
    np.save(folder / "samples.npy", samples)
    if kind == "mlp":
        write_mlp(folder / "mlp.onnx", train_mlp(samples, labels, (24,), 8), SHAPES[kind])
    else:
        write_cnn(folder / "cnn.onnx", SHAPES[kind])
    given = ["--inputs", str(folder / "samples.npy"), "--out", str(folder / "out"), *more]
    return stun("--json", "model", "quantize", str(folder / f"{kind}.onnx"), *given)


@pytest.mark.parametrize("kind", SHAPES)
def test_quantizing_makes_what_can_be_registered(tmp_path: Path, kind: str) -> None:
    done = quantize(tmp_path, kind)

    record, out = json.loads(done.stdout), tmp_path / "out"
    graph = decode_graph((out / "model.graph").read_bytes())
    manifest = parse_manifest((out / "manifest.json").read_bytes())
    assert done.exit_code == 0
    assert (manifest.name, manifest.numeric_class, manifest.runner) == (kind, NumericClass.EXACT, "exact-graph")
    assert (manifest.graph_root, manifest.weight_root) == (graph.graph_root, graph.weight_root)
    assert (record["graph_root"], record["judged_samples"], record["calibrated_samples"]) == (
        graph.graph_root.hex(), 80, 320,
    )  # fmt: skip
    assert record["agreement"] > 0.95
    assert record["error_mean"] < 0.04
    assert len(record["layers"]) == {"mlp": 2, "cnn": 5}[kind]
    assert (out / "report.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "report.json").read_text())["error_max"] == record["error_max"]


@pytest.mark.parametrize("kind", SHAPES)
def test_a_provider_serves_it_to_a_requester(tmp_path: Path, kind: str) -> None:
    """Floats in, through the registered formats and the sandboxed runner, floats out, near those of onnxruntime."""
    quantize(tmp_path, kind)
    manifest = parse_manifest((tmp_path / "out" / "manifest.json").read_bytes())
    samples, _ = drawn_classes(12, SHAPES[kind], 2, noise=1.5)
    form = input_form(manifest, FolderBlobStore(tmp_path / "blobs"))
    inputs = [form.write(sample) for sample in samples]
    worker = _open_session(manifest, {"graph": tmp_path / "out" / "model.graph"}, SandboxSettings())
    try:
        served = worker.run(inputs, {})
    finally:
        worker.close()
    alone = ExactGraphRunner()
    alone.load({"graph": tmp_path / "out" / "model.graph"})

    exact = np.stack([array_reader(manifest.output_format)(each.output) for each in served])
    real = run_onnx(tmp_path / f"{kind}.onnx", samples)
    assert isinstance(form, NumbersForm)
    assert [each.output for each in served] == [alone.run([each], {})[0].output for each in inputs]
    assert all(each.units == 1 for each in served)
    assert np.linalg.norm(exact - real) < 0.04 * np.linalg.norm(real)


def test_the_recipe_is_not_published(tmp_path: Path) -> None:
    """What is registered names the integers and the units of input and output; no scale, sample or float weight."""
    quantize(tmp_path, "mlp")
    document = json.loads((tmp_path / "out" / "manifest.json").read_bytes())

    assert set(document["files"]) == {"graph"}
    assert document["parameters"] == {}
    assert document["input_format"].startswith("tensor-int16-r1-1x8x8-q")
    assert document["output_format"].startswith("tensor-int32-r1-10-q")


def test_verify_finds_the_same_bits_on_every_path(tmp_path: Path) -> None:
    quantize(tmp_path, "cnn")

    done = stun("--json", "model", "verify", str(tmp_path / "out" / "model.graph"))

    bits = {row["bits"] for row in json.loads(done.stdout)["paths"] if row["bits"] is not None}
    assert (done.exit_code, len(bits)) == (0, 1)


def test_people_read_the_report(tmp_path: Path) -> None:
    quantize(tmp_path, "mlp")
    given = ["--inputs", str(tmp_path / "samples.npy"), "--out", str(tmp_path / "out")]

    told = stun("model", "quantize", str(tmp_path / "mlp.onnx"), *given).stdout

    assert "1 Gemm Relu" in told
    assert "error of a result: mean" in told
    assert "same largest value" in told
    assert f"stun model register --manifest {tmp_path / 'out' / 'manifest.json'} --file graph=" in told


def test_without_matplotlib_there_is_a_report_without_plots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    done = quantize(tmp_path, "mlp")

    assert (done.exit_code, json.loads(done.stdout)["plot"]) == (0, None)


@pytest.mark.parametrize("damage", ["model", "samples", "operator", "pickle"])
def test_unfit_files_are_refused_by_name(tmp_path: Path, damage: str) -> None:
    quantize(tmp_path, "mlp")
    model, samples = tmp_path / "mlp.onnx", tmp_path / "samples.npy"
    if damage == "model":
        model.write_bytes(model.read_bytes()[:-40])
    elif damage == "samples":
        np.save(samples, np.zeros((20, 3)))
    elif damage == "operator":
        save_onnx(model, [helper.make_node("Einsum", ["x", "x"], ["y"], equation="ab,cd")], {}, ["batch", 4], None)
    else:
        model.write_bytes(b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x05model\x94\x85\x94.")
    out = tmp_path / "other"

    failed = stun("--json", "model", "quantize", str(model), "--inputs", str(samples), "--out", str(out))

    error = json.loads(failed.stderr.splitlines()[-1])["error"]
    assert failed.exit_code == 2
    assert error == {
        "model": "MalformedModelFile", "samples": "UnfitSamples", "operator": "UnfitArchitecture",
        "pickle": "UnsafeModelFile",
    }[damage]  # fmt: skip
    assert not out.exists()


def test_a_file_wants_inputs_and_a_folder_none(tmp_path: Path) -> None:
    quantize(tmp_path, "mlp")
    model, samples, out = (str(tmp_path / name) for name in ("mlp.onnx", "samples.npy", "out"))

    assert stun("model", "quantize", model, "--out", out).exit_code == 2
    assert stun("model", "quantize", str(tmp_path), "--inputs", samples, "--out", out).exit_code == 2
    both = stun("model", "quantize", model, "--inputs", samples, "--texts", samples, "--out", out)
    assert (both.exit_code, "takes --texts" in both.stderr) == (2, True)
