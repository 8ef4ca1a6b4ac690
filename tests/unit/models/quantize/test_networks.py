"""An MLP and a small CNN from ONNX: quality on samples that calibrated nothing, and the same bits on every path."""

from pathlib import Path

import numpy as np
import pytest
from exact_models import differing, reference
from network_onnx import Array, drawn_classes, run_onnx, save_onnx, train_mlp, write_cnn, write_mlp
from onnx import helper

from stun.models.exact.engine import Engine
from stun.models.exact.native.backend import Native
from stun.models.exact.portable import Portable
from stun.models.quantize.errors import ReadingDiffers
from stun.models.quantize.networks import integers
from stun.models.quantize.networks.layers import Affine
from stun.models.quantize.networks.report import IntegerNetwork, NetworkReport, quantize_network
from stun.protocol.graph.arrays import stored_array, to_tensor
from stun.protocol.graph.file import decode_graph, encode_graph
from stun.protocol.graph.operators import Opcode
from stun.protocol.graph.tensors import Dtype

pytestmark = pytest.mark.unit

VECTOR, IMAGE = (1, 14, 14), (3, 16, 16)
KINDS = ("mlp", "product mlp", "cnn", "mean cnn")
BACKENDS = (Portable(), Native(), Native(use_vnni=False))


class Case:
    """A model's file, samples to quantize it with, others with their classes."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.path = folder / f"{kind}.onnx"
        self.shape = VECTOR if kind.endswith("mlp") else IMAGE
        self.samples, labels = drawn_classes(1000, self.shape, 1, noise=2)
        self.others, self.labels = drawn_classes(300, self.shape, 2, noise=2)
        if kind.endswith("mlp"):
            write_mlp(self.path, train_mlp(self.samples, labels), self.shape, kind == "product mlp")
        else:
            write_cnn(self.path, self.shape, "Flatten" if kind == "cnn" else "GlobalAveragePool")
        self.inputs = folder / f"{kind}.npy"
        np.save(self.inputs, self.samples)

    def quantize(self) -> tuple[IntegerNetwork, NetworkReport]:
        return quantize_network(self.path, self.inputs)


@pytest.fixture(scope="module", params=KINDS)
def case(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Case:
    return Case(tmp_path_factory.mktemp("networks"), request.param)


def tensors(network: IntegerNetwork, samples: Array) -> Array:
    return np.stack([stored_array(network.input_format.tensor_of(sample)) for sample in samples]).astype(np.int16)


def results(network: IntegerNetwork, samples: Array) -> Array:
    """As a requester gets them: written, computed, read."""
    form, engine = network.output_format, Engine(network.graph, Portable())
    return np.stack([form.values_of(to_tensor(out, form.dtype)) for out in engine.run(tensors(network, samples))])


def test_integers_keep_the_float_models_answers(case: Case) -> None:
    network, _ = case.quantize()
    real, exact = run_onnx(case.path, case.others), results(network, case.others)
    errors = np.linalg.norm(exact - real, axis=1) / np.linalg.norm(real, axis=1)

    assert errors.mean() < 0.04
    assert np.quantile(errors, 0.99) < 0.12
    if case.path.stem != "mean cnn":  # whose float model hardly tells the classes apart
        assert (real.argmax(1) == exact.argmax(1)).mean() > 0.98
        assert (exact.argmax(1) == case.labels).mean() > (real.argmax(1) == case.labels).mean() - 0.02 > 0.9


def test_the_report_says_so_too(case: Case) -> None:
    _, report = case.quantize()
    record = report.record()

    assert (record["calibrated_samples"], record["judged_samples"]) == (800, 200)
    assert record["error_mean"] < 0.04 < record["cosine_min"]
    assert record["error_mean"] < record["error_p99"] <= record["error_max"]
    assert record["worst_sample"] % 5 == 4
    assert 0 < record["reading_error"] < 1e-5
    assert all(0 < layer["error_mean"] < 0.05 and layer["at_limit"] < 0.01 for layer in record["layers"])
    assert [layer["name"][0] for layer in record["layers"]] == [str(n + 1) for n in range(len(record["layers"]))]


@pytest.mark.parametrize("layer", [1, 3])
def test_a_wrong_scale_would_be_seen(case: Case, layer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One layer whose step is a tenth larger than its weights say: the error passes what is tolerated."""
    count, right = 0, integers.quantize_linear

    def wrong(*given: Array) -> tuple[Array, Array, Array]:
        nonlocal count
        count += 1
        weights, bias, sums = right(*given)
        return weights, bias, sums * (1.1 if count == min(layer, 3) else 1.0)

    affine = 3
    monkeypatch.setattr(integers, "quantize_linear", wrong)
    network, report = case.quantize()
    errors = report.quality.errors

    assert count == affine
    assert errors.mean() > 0.04
    assert network.graph


def test_every_path_has_the_specifications_bits(case: Case) -> None:
    network, _ = case.quantize()
    inputs = tensors(network, case.others[:3])
    inputs[0] = 2**15 - 1
    inputs[1] = -(2**15)

    expected = reference(network.graph, inputs)

    assert decode_graph(encode_graph(network.graph)) == network.graph
    for backend in BACKENDS:
        assert differing(Engine(network.graph, backend), inputs, expected) == []


def test_equal_samples_make_equal_bytes_in_whatever_packs(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    network, _ = case.quantize()
    monkeypatch.setattr("stun.models.quantize.networks.samples.PACK_VALUES", 1)
    again, _ = case.quantize()

    assert encode_graph(again.graph) == encode_graph(network.graph)
    assert (again.input_format, again.output_format) == (network.input_format, network.output_format)


def test_what_the_operators_are(tmp_path: Path) -> None:
    opcodes = {
        kind: [o.opcode for o in Case(tmp_path, kind).quantize()[0].graph.operators] for kind in ("mlp", "mean cnn")
    }

    assert opcodes["mlp"] == [Opcode.INPUT, Opcode.REQUANT, *[Opcode.LINEAR] * 3]
    assert opcodes["mean cnn"] == [
        Opcode.INPUT, Opcode.REQUANT, Opcode.WINDOW, Opcode.LINEAR, Opcode.WINDOW, Opcode.MAX, Opcode.WINDOW,
        Opcode.LINEAR, Opcode.TRANSPOSE, Opcode.MEAN, Opcode.REQUANT, Opcode.LINEAR,
    ]  # fmt: skip


ENDS = {
    "probabilities": (["Gemm", "Softmax"], Dtype.INT16, (7,), 0.05),
    "sigmoid": (["Gemm", "Sigmoid"], Dtype.INT32, (7,), 0.03),
    "tanh between": (["Gemm", "Tanh", "Square"], Dtype.INT32, (7,), 0.06),
    "gelu between": (["Gemm", "Gelu", "Square"], Dtype.INT32, (7,), 0.06),
    "leaky between": (["Gemm", "LeakyRelu", "Square"], Dtype.INT32, (7,), 0.06),
    "many outputs": (["Many"], Dtype.INT16, (1500,), 0.03),
}


@pytest.mark.parametrize("name", ENDS)
def test_other_ends_and_activations(tmp_path: Path, name: str) -> None:
    operators, dtype, shape, most = ENDS[name]
    draw = np.random.default_rng(3)
    weights = {
        "Gemm": draw.normal(size=(20, 7)),
        "Square": draw.normal(size=(7, 7)),
        "Many": draw.normal(size=(20, 1500)),
    }
    nodes, current = [], "x"
    for place, operator in enumerate(operators):
        made = "y" if place == len(operators) - 1 else f"t{place}"
        kind, reads = ("Gemm", [current, operator]) if operator in weights else (operator, [current])
        nodes.append(helper.make_node(kind, reads, [made]))
        current = made
    constants = {key: each.astype(np.float32) for key, each in weights.items() if key in operators}
    save_onnx(tmp_path / "m", nodes, constants, ["batch", 20], None, opset=20)
    samples = draw.normal(size=(200, 20)).astype(np.float32)
    np.save(tmp_path / "in.npy", samples)

    network, report = quantize_network(tmp_path / "m", tmp_path / "in.npy")
    real = run_onnx(tmp_path / "m", samples)
    errors = np.linalg.norm(results(network, samples) - real, axis=1) / np.linalg.norm(real, axis=1)

    assert (network.output_format.dtype, network.output_format.shape) == (dtype, shape)
    assert errors.mean() < most
    assert abs(report.quality.errors.mean() - errors.mean()) < 0.01


def test_images_may_come_out(tmp_path: Path) -> None:
    filters = np.random.default_rng(4).normal(size=(4, 2, 3, 3)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    save_onnx(tmp_path / "m", [node], {"w": filters}, ["batch", 2, 5, 6], None)
    samples = np.random.default_rng(5).normal(size=(50, 2, 5, 6)).astype(np.float32)
    np.save(tmp_path / "in.npy", samples)

    network, _ = quantize_network(tmp_path / "m", tmp_path / "in.npy")

    assert network.output_format.word.startswith("tensor-int32-chw-4x5x6-q")
    real = run_onnx(tmp_path / "m", samples)
    assert np.abs(results(network, samples) - real).max() < 0.03 * np.abs(real).max()


def test_vectors_past_a_row_are_served(tmp_path: Path) -> None:
    weights = np.random.default_rng(6).normal(size=(3072, 5)).astype(np.float32)
    save_onnx(tmp_path / "m", [helper.make_node("Gemm", ["x", "w"], ["y"])], {"w": weights}, ["batch", 3072], None)
    samples = np.random.default_rng(7).normal(size=(40, 3072)).astype(np.float32)
    np.save(tmp_path / "in.npy", samples)

    network, report = quantize_network(tmp_path / "m", tmp_path / "in.npy")

    assert network.input_format.word.startswith("tensor-int16-r2-3072-q")
    assert report.quality.errors.mean() < 0.03
    np.testing.assert_allclose(results(network, samples), run_onnx(tmp_path / "m", samples), atol=8)


@pytest.mark.parametrize("kind", ["zero weights", "zero samples", "tiny", "huge", "one dead channel", "heavy bias"])
def test_extreme_magnitudes_still_make_a_valid_graph(tmp_path: Path, kind: str) -> None:
    draw = np.random.default_rng(9)
    weights, bias, samples = draw.normal(size=(6, 4)), draw.normal(size=4), draw.normal(size=(60, 6))
    if kind == "zero weights":
        weights *= 0
    elif kind == "zero samples":
        samples *= 0
    elif kind in ("tiny", "huge"):
        samples, bias = (each * (1e-12 if kind == "tiny" else 1e12) for each in (samples, bias))
    elif kind == "one dead channel":
        samples[:, 2] = 0
        weights[:, 1] = 0
    else:
        weights[:, 3], bias[3] = 1e-9, 1e5
    constants = {"w": weights.astype(np.float32), "b": bias.astype(np.float32)}
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["t"]), helper.make_node("Relu", ["t"], ["y"])]
    save_onnx(tmp_path / "m", nodes, constants, ["batch", 6], None)
    np.save(tmp_path / "in.npy", samples)

    network, _ = quantize_network(tmp_path / "m", tmp_path / "in.npy")

    real = run_onnx(tmp_path / "m", samples.astype(np.float32))
    largest = np.abs(real).max(0) if kind == "heavy bias" else np.abs(real).max()
    assert np.all(np.abs(results(network, samples) - real) <= 0.04 * largest + 1e-30)


def test_a_model_that_is_read_wrongly_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a Gemm's weights had been taken for turned ones."""
    case = Case(tmp_path, "mlp")
    right = Affine.run
    monkeypatch.setattr(Affine, "run", lambda self, values, *given: right(self, values[..., ::-1], *given))

    with pytest.raises(ReadingDiffers, match="away from its own library's"):
        case.quantize()
