"""Small networks as ONNX files, trained here with NumPy on drawn classes, and single nodes of every kind."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from stun.models.quantize.networks.layers import Network
from stun.models.quantize.networks.onnx_file import read_onnx
from stun.models.quantize.networks.onnx_layers import make_network
from stun.models.quantize.networks.samples import lay

Array = NDArray[Any]
CLASSES = 10
IMAGE = ("batch", 3, 7, 6)


def save_onnx(
    path: Path, nodes: Sequence[NodeProto], weights: dict[str, Array], shape: Sequence[int | str],
    out: Sequence[int | str] | None, opset: int = 17,
) -> Path:  # fmt: skip
    """Write a model that reads "x" and makes "y", both float32."""
    made = [numpy_helper.from_array(each, name) for name, each in weights.items()]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", shape), ("y", out))]
    graph = helper.make_graph(list(nodes), "g", ends[:1], ends[1:], made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def drawn(*shape: int) -> Array:
    """Normal float32 numbers, the same for the same shape."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def node(operator: str, *inputs: str, out: str = "y", **settings: Any) -> NodeProto:
    """A node with one output."""
    return helper.make_node(operator, list(inputs), [out], **settings)


def drawn_classes(count: int, shape: tuple[int, ...], seed: int, noise: float = 1.0) -> tuple[Array, Array]:
    """Samples around one smooth prototype a class, float32, and their classes."""
    prototypes = np.random.default_rng(99).normal(size=(CLASSES, *shape))
    for axis in range(2, len(shape) + 1):
        prototypes = prototypes + np.roll(prototypes, 1, axis) + np.roll(prototypes, 2, axis)
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, CLASSES, count)
    samples = prototypes[labels] / prototypes.std() + draw.normal(size=(count, *shape)) * noise
    return samples.astype(np.float32), labels


def train_mlp(
    samples: Array, labels: Array, hidden: Sequence[int] = (64, 32), epochs: int = 6
) -> list[tuple[Array, Array]]:
    """Weights [out, in] and biases of a ReLU network, by plain gradient descent on the cross entropy."""
    draw = np.random.default_rng(4711)  # not the samples' seed: equal streams would correlate
    flat = samples.reshape(len(samples), -1)
    sizes = [flat.shape[1], *hidden, CLASSES]
    layers = [(draw.normal(size=(o, i)) * np.sqrt(2 / i), np.zeros(o)) for i, o in pairwise(sizes)]
    for _ in range(epochs):
        for part in np.array_split(draw.permutation(len(flat)), len(flat) // 32):
            layers = _descend(layers, flat[part], labels[part])
    return [(weights.astype(np.float32), bias.astype(np.float32)) for weights, bias in layers]


def _descend(
    layers: list[tuple[Array, Array]], x: Array, labels: Array, rate: float = 0.02
) -> list[tuple[Array, Array]]:
    seen = [x]
    for weights, bias in layers[:-1]:
        seen.append(np.maximum(seen[-1] @ weights.T + bias, 0))
    scores = seen[-1] @ layers[-1][0].T + layers[-1][1]
    chances = np.exp(scores - scores.max(1, keepdims=True))
    slope = chances / chances.sum(1, keepdims=True) - np.eye(CLASSES)[labels]
    changed = []
    for (weights, bias), inputs in zip(reversed(layers), reversed(seen), strict=True):
        step = slope / len(x)
        changed.append((weights - rate * step.T @ inputs, bias - rate * step.sum(0)))
        slope = (slope @ weights) * (inputs > 0)
    return changed[::-1]


def write_mlp(
    path: Path, layers: Sequence[tuple[Array, Array]], shape: tuple[int, ...], as_matmul: bool = False
) -> Path:
    """Flatten, then Gemm (or MatMul and Add) with ReLU between."""
    nodes, weights, current = [helper.make_node("Flatten", ["x"], ["flat"])], {}, "flat"
    for place, (matrix, bias) in enumerate(layers):
        made = "y" if place == len(layers) - 1 else f"sum{place}"
        weights |= {f"w{place}": matrix.T.copy() if as_matmul else matrix, f"b{place}": bias}
        if as_matmul:
            nodes.append(helper.make_node("MatMul", [current, f"w{place}"], [f"product{place}"]))
            nodes.append(helper.make_node("Add", [f"product{place}", f"b{place}"], [made]))
        else:
            nodes.append(helper.make_node("Gemm", [current, f"w{place}", f"b{place}"], [made], transB=1))
        if made != "y":
            nodes.append(helper.make_node("Relu", [made], [f"act{place}"]))
        current = f"act{place}"
    return save_onnx(path, nodes, weights, ["batch", *shape], ["batch", CLASSES])


def write_cnn(path: Path, shape: tuple[int, int, int], end: str = "Flatten") -> Path:
    """Two padded convolutions with ReLU and maxima, then `end` and a Gemm.

    Filters are drawn; the last layer is fitted to samples of `drawn_classes` by ridge regression on what comes before.
    """
    draw = np.random.default_rng(8)
    weights: dict[str, Array] = {
        "k1": draw.normal(size=(8, shape[0], 3, 3)) / 3, "c1": draw.normal(size=8) / 4,
        "k2": draw.normal(size=(12, 8, 3, 3)) / 7, "c2": draw.normal(size=12) / 4,
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "k1", "c1"], ["a1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["m1"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["m1", "k2", "c2"], ["a2"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["a2"], ["r2"]),
        helper.make_node(end, ["r2"], ["e" if end == "Flatten" else "p"]),
    ]
    if end != "Flatten":
        nodes.append(helper.make_node("Flatten", ["p"], ["e"]))
    weights = {name: each.astype(np.float32) for name, each in weights.items()}
    features = [*nodes[:-1], helper.make_node(nodes[-1].op_type, nodes[-1].input, ["y"])]
    weights |= _fit(save_onnx(path, features, weights, ["batch", *shape], None), shape)
    nodes.append(helper.make_node("Gemm", ["e", "w", "b"], ["y"]))
    return save_onnx(path, nodes, weights, ["batch", *shape], ["batch", CLASSES])


def run_onnx(path: Path, samples: Array) -> Array:
    """What onnxruntime makes of them."""
    result: Array = onnxruntime.InferenceSession(str(path)).run(None, {"x": samples})[0]
    return result


def _fit(path: Path, shape: tuple[int, ...]) -> dict[str, Array]:
    samples, labels = drawn_classes(1500, shape, 31)
    seen = run_onnx(path, samples).astype(np.float64)
    seen = np.concatenate([seen, np.ones((len(seen), 1))], 1)
    wanted = 4 * np.eye(CLASSES)[labels] - 1
    solved = np.linalg.solve(seen.T @ seen + 20 * np.eye(seen.shape[1]), seen.T @ wanted)
    return {"w": solved[:-1].astype(np.float32), "b": solved[-1].astype(np.float32)}


def _floats(network: Network, samples: Array) -> Array:
    """The float reference's outputs as ONNX has them: channels first, flat."""
    out = network.run(lay(network, samples))
    return out.swapaxes(1, 2).reshape(len(samples), -1) if network.by_channel else out.reshape(len(samples), -1)


def same(
    path: Path, nodes: Sequence[NodeProto], weights: dict[str, Array], shape: tuple[Any, ...] = IMAGE, opset: int = 17
) -> Network:
    """Both compute the same from five samples."""
    save_onnx(path, nodes, weights, shape, None, opset)
    samples = np.random.default_rng(5).normal(size=(5, *shape[1:])).astype(np.float32)
    network = make_network(read_onnx(path))
    expected = run_onnx(path, samples).reshape(5, -1)
    np.testing.assert_allclose(_floats(network, samples), expected, rtol=1e-4, atol=1e-5)
    return network
