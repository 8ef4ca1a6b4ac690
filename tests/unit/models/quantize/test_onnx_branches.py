"""Residual sums: laid beside the longer branch, they compute what onnxruntime computes, also in integers."""

from pathlib import Path

import numpy as np
import pytest
from exact_models import differing, reference
from network_onnx import Array, drawn, node, run_onnx, same, save_onnx
from onnx import NodeProto

from stun.models.exact.engine import Engine
from stun.models.exact.native.backend import Native
from stun.models.exact.portable import Portable
from stun.models.quantize.networks.layers import Affine
from stun.models.quantize.networks.quality import to_integers
from stun.models.quantize.networks.reading import read_model
from stun.models.quantize.networks.report import quantize_network
from stun.models.quantize.networks.samples import lay

pytestmark = pytest.mark.unit

Block = tuple[list[NodeProto], dict[str, Array]]
SAME = {"pads": [1, 1, 1, 1]}


def block(name: str, source: str, channels: int, out: int, stride: int = 1, end: str = "relu") -> Block:
    """Two convolutions with ReLU between, the input (through one pixel if the size changes) added, ReLU behind."""
    weights = {
        f"{name}1": drawn(out, channels, 3, 3) / 4,
        f"{name}2": drawn(out, out, 3, 3) / 6,
        f"{name}b": drawn(out),
    }
    nodes = [
        node("Conv", source, f"{name}1", f"{name}b", strides=[stride] * 2, out=f"{name}c", **SAME),
        node("Relu", f"{name}c", out=f"{name}r"),
        node("Conv", f"{name}r", f"{name}2", out=f"{name}d", **SAME),
    ]
    beside = source
    if stride > 1 or channels != out:
        weights |= {f"{name}s": drawn(out, channels, 1, 1), f"{name}t": drawn(out) / 3}
        nodes.append(node("Conv", source, f"{name}s", f"{name}t", strides=[stride] * 2, out=f"{name}e"))
        beside = f"{name}e"
    sums = [node("Add", f"{name}d", beside, out=f"{name}f"), node("Relu", f"{name}f", out=f"{name}y")]
    return [*nodes, *(sums if end == "relu" else sums[:1])], weights


def resnet() -> Block:
    """A stem, three blocks, of which the second halves the image, a mean and a Gemm."""
    first, second, third = block("a", "r", 4, 4), block("b", "ay", 4, 6, stride=2), block("c", "by", 6, 6)
    nodes = [node("Conv", "x", "k", out="s", **SAME), node("Relu", "s", out="r"), *first[0], *second[0], *third[0]]
    nodes += [node("GlobalAveragePool", "cy", out="m"), node("Flatten", "m", out="v"), node("Gemm", "v", "w", out="y")]
    weights = {"k": drawn(4, 3, 3, 3) / 3, "w": drawn(6, 5), **first[1], **second[1], **third[1]}
    return nodes, weights


def renamed(made: Block, last: str) -> Block:
    """The tensor called `last` becomes the output."""
    for each in made[0]:
        for names in (each.input, each.output):
            for place, name in enumerate(names):
                names[place] = "y" if name == last else name
    return made


def normalized_before() -> Block:
    """Normalization and ReLU before the convolutions: what is carried may be negative."""
    nodes = [
        node("Conv", "x", "k", out="s", **SAME),
        node("BatchNormalization", "s", "g", "g", "g", "v", out="n"),
        node("Relu", "n", out="r"),
        node("Conv", "r", "a", out="c", **SAME),
        node("Relu", "c", out="d"),
        node("Conv", "d", "a", out="e", **SAME),
        node("Add", "s", "e"),
    ]
    return nodes, {"k": drawn(4, 3, 3, 3), "a": drawn(4, 4, 3, 3), "g": drawn(4), "v": np.abs(drawn(4)) + 0.5}


BRANCHES = {
    "on the input": renamed(block("a", "x", 3, 3), "ay"),
    "on the input, with an end that may be negative": renamed(block("a", "x", 3, 3, end="sum"), "af"),
    "through a pixel": renamed(block("a", "x", 3, 5), "ay"),
    "through a pixel, with strides": renamed(block("a", "x", 3, 5, stride=2), "ay"),
    "normalized before": normalized_before(),
    "one layer and nothing": (
        [node("Conv", "x", "k", out="c", **SAME), node("Add", "c", "x")], {"k": drawn(3, 3, 3, 3)}
    ),
    "one layer and a pixel": (
        [node("Conv", "x", "k", out="c", **SAME), node("Conv", "x", "p", "b", out="d"), node("Add", "d", "c")],
        {"k": drawn(5, 3, 3, 3), "p": drawn(5, 3, 1, 1), "b": drawn(5)},
    ),
    "two pixels": (
        [node("Conv", "x", "k", out="c"), node("Conv", "x", "p", out="d"), node("Add", "d", "c")],
        {"k": drawn(5, 3, 1, 1), "p": drawn(5, 3, 1, 1) * 2},
    ),
    "behind a maximum": (
        [node("Relu", "x", out="r"), node("MaxPool", "r", kernel_shape=[2, 2], out="m"),
         node("Conv", "m", "k", out="c", **SAME), node("Relu", "c", out="d"), node("Conv", "d", "k", out="e", **SAME),
         node("Add", "m", "e")],
        {"k": drawn(3, 3, 3, 3)},
    ),
    "three blocks": resnet(),
}  # fmt: skip


@pytest.mark.parametrize("name", BRANCHES)
def test_sums_compute_what_onnxruntime_computes(tmp_path: Path, name: str) -> None:
    same(tmp_path / "m", *BRANCHES[name])


def test_vectors_are_summed_too(tmp_path: Path) -> None:
    nodes = [
        node("Gemm", "x", "a", out="s"),
        node("Relu", "s", out="r"),
        node("Gemm", "r", "b", out="t"),
        node("Add", "t", "x"),
    ]
    same(tmp_path / "m", nodes, {"a": drawn(12, 9), "b": drawn(9, 12)}, shape=("batch", 12))


def test_branches_that_lead_nowhere_are_left_out(tmp_path: Path) -> None:
    nodes = [node("Tanh", "x", out="t"), node("Conv", "x", "k", out="y"), node("Relu", "t", out="nowhere")]
    network = same(tmp_path / "m", nodes, {"k": drawn(4, 3, 3, 3)})

    assert len(network.layers) == 1


def test_what_is_not_negative_is_carried_once(tmp_path: Path) -> None:
    def widest(name: str) -> int:
        save_onnx(tmp_path / "m", *BRANCHES[name], ("batch", 3, 7, 6), None)
        return max(len(each.weights) for each in read_model(tmp_path / "m").network.layers if isinstance(each, Affine))

    assert widest("behind a maximum") == 3 + 3
    assert widest("on the input") == 3 + 2 * 3


def test_integers_of_a_residual_network(tmp_path: Path) -> None:
    save_onnx(tmp_path / "m", *resnet(), ("batch", 3, 12, 12), None)
    draw = np.random.default_rng(2)
    samples = draw.normal(size=(150, 3, 12, 12)).astype(np.float32)
    np.save(tmp_path / "in.npy", samples)

    network, report = quantize_network(tmp_path / "m", tmp_path / "in.npy")
    reading = read_model(tmp_path / "m").network
    others = draw.normal(size=(40, 3, 12, 12)).astype(np.float32)
    inputs = to_integers(lay(reading, others), network.input_format)
    exact = Engine(network.graph, Portable()).run(inputs)[:, 0] * 2.0**-network.output_format.exponent
    real = run_onnx(tmp_path / "m", others)

    assert report.quality.errors.mean() < 0.03
    assert np.linalg.norm(exact - real) < 0.03 * np.linalg.norm(real)
    expected = reference(network.graph, inputs[:2])
    for backend in (Portable(), Native()):
        assert differing(Engine(network.graph, backend), inputs[:2], expected) == []
