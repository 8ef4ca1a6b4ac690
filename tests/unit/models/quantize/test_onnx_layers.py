"""Every served ONNX node: the float reference computes what onnxruntime computes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network_onnx import Array, drawn, node, same, save_onnx
from onnx import NodeProto, numpy_helper

from stun.models.quantize.networks.layers import Affine, MaxPool
from stun.models.quantize.networks.onnx_file import read_onnx
from stun.models.quantize.networks.onnx_layers import make_network

pytestmark = pytest.mark.unit

IMAGE, VECTOR = ("batch", 3, 7, 6), ("batch", 12)
Nodes = list[NodeProto]


def conv(weights: Array, **settings: Any) -> tuple[Nodes, dict[str, Array]]:
    return [node("Conv", "x", "w", "b", **settings)], {"w": weights, "b": drawn(len(weights))}


def after_conv(*nodes: NodeProto, **weights: Array) -> tuple[Nodes, dict[str, Array]]:
    """Nodes that read "c", a convolution's output of five channels."""
    return [node("Conv", "x", "k", out="c"), *nodes], {"k": drawn(5, 3, 2, 2), **weights}


CONVOLUTIONS = {
    "plain": conv(drawn(4, 3, 3, 3)),
    "one pixel": conv(drawn(4, 3, 1, 1)),
    "padded": conv(drawn(4, 3, 3, 3), pads=[1, 1, 1, 1]),
    "padded more on one axis": conv(drawn(4, 3, 3, 5), pads=[1, 2, 1, 2]),
    "padded before alone": conv(drawn(4, 3, 3, 3), pads=[0, 1, 0, 0]),
    "padded behind alone": conv(drawn(4, 3, 3, 3), pads=[0, 0, 2, 1]),
    "with strides": conv(drawn(4, 3, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2]),
    "dilated": conv(drawn(4, 3, 2, 3), dilations=[3, 2], pads=[1, 2, 1, 2]),
    "in groups": conv(drawn(6, 1, 3, 3), group=3),
    "of the same size": conv(drawn(4, 3, 3, 2), auto_pad="SAME_UPPER", strides=[2, 2]),
    "of the same size, low": conv(drawn(4, 3, 3, 2), auto_pad="SAME_LOWER"),
    "of the whole image": conv(drawn(4, 3, 7, 6)),
    "valid": conv(drawn(4, 3, 3, 3), auto_pad="VALID"),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(tmp_path: Path, name: str) -> None:
    same(tmp_path / "m", *CONVOLUTIONS[name])


POOLS = {
    "maximum": [node("MaxPool", "c", kernel_shape=[2, 2], strides=[2, 2])],
    "padded maximum": [node("Relu", "c", out="r"), node("MaxPool", "r", kernel_shape=[3, 3], pads=[1, 1, 1, 1])],
    "padded maximum, then relu": [
        node("MaxPool", "c", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], out="m"),
        node("Relu", "m"),
    ],
    "ceiled maximum": [
        node("Sigmoid", "c", out="r"),
        node("MaxPool", "r", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
    ],
    "average": [node("AveragePool", "c", kernel_shape=[2, 3], strides=[2, 2])],
    "padded average": [node("AveragePool", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)],
    "mean": [node("GlobalAveragePool", "c")],
    "mean, then relu": [node("GlobalAveragePool", "c", out="m"), node("Relu", "m")],
    "mean over axes": [node("ReduceMean", "c", axes=[2, 3], keepdims=0)],
    "largest": [node("GlobalMaxPool", "c")],
}


@pytest.mark.parametrize("name", POOLS)
def test_pools(tmp_path: Path, name: str) -> None:
    same(tmp_path / "m", *after_conv(*POOLS[name]))


ACTIVATIONS = {
    "Relu": {}, "LeakyRelu": {"alpha": 0.2}, "Elu": {"alpha": 0.7}, "Sigmoid": {}, "Tanh": {}, "HardSwish": {},
    "Gelu": {},
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("where", ["on the input", "behind a layer", "behind a maximum", "twice"])
def test_activations(tmp_path: Path, name: str, where: str) -> None:
    maximum = node("MaxPool", "c", kernel_shape=[2, 2], out="m")
    act = {source: node(name, source, **ACTIVATIONS[name]) for source in "xcms"}
    nodes, weights = {
        "on the input": ([act["x"]], {}),
        "behind a layer": after_conv(act["c"]),
        "behind a maximum": after_conv(maximum, act["m"]),
        "twice": after_conv(node("Tanh", "c", out="s"), act["s"]),
    }[where]
    network = same(tmp_path / "m", nodes, weights, opset=20)

    assert isinstance(network.layers[-1], MaxPool if where == "behind a maximum" and act["m"] and name not in (
        "HardSwish", "Gelu") else Affine)  # fmt: skip


def test_clip_with_bounds_as_inputs(tmp_path: Path) -> None:
    bounds = {"low": np.float32(-0.25), "high": np.float32(0.5)}
    same(tmp_path / "m", *after_conv(node("Clip", "c", "low", "high"), **bounds))
    same(tmp_path / "m", *after_conv(node("Clip", "c", "", "high"), high=bounds["high"]))


AFFINE = {
    "normalized": after_conv(
        node("BatchNormalization", "c", "g", "b", "m", "v", epsilon=1e-3),
        g=drawn(5), b=drawn(5), m=drawn(5), v=np.abs(drawn(5)) + 0.1,
    ),
    "normalized behind relu": after_conv(
        node("Relu", "c", out="r"), node("BatchNormalization", "r", "g", "b", "m", "v"),
        g=drawn(5), b=drawn(5), m=drawn(5), v=np.abs(drawn(5)) + 0.1,
    ),
    "added": after_conv(node("Add", "c", "b"), b=drawn(5, 1, 1)),
    "added to": after_conv(node("Add", "b", "c"), b=drawn(1, 5, 1, 1)),
    "subtracted": after_conv(node("Sub", "c", "b"), b=drawn(5, 1, 1)),
    "subtracted from": after_conv(node("Sub", "b", "c"), b=drawn(5, 1, 1)),
    "multiplied": after_conv(node("Mul", "c", "b"), b=drawn(5, 1, 1)),
    "divided": after_conv(node("Div", "c", "b"), b=np.float32(3)),
    "input normalized": (
        [node("Sub", "x", "m", out="s"), node("Div", "s", "d")], {"m": drawn(3, 1, 1), "d": np.abs(drawn(3, 1, 1)) + 1}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AFFINE)
def test_scales_and_offsets(tmp_path: Path, name: str) -> None:
    same(tmp_path / "m", *AFFINE[name])


VECTORS = {
    "gemm": ([node("Gemm", "x", "w", "b")], {"w": drawn(12, 4), "b": drawn(4)}),
    "turned gemm": ([node("Gemm", "x", "w", transB=1, alpha=0.5)], {"w": drawn(4, 12)}),
    "scaled gemm": ([node("Gemm", "x", "w", "b", alpha=2.0, beta=0.25)], {"w": drawn(12, 4), "b": drawn(1, 4)}),
    "product": ([node("MatMul", "x", "w", out="p"), node("Add", "b", "p")], {"w": drawn(12, 4), "b": drawn(4)}),
    "turned weights": ([node("Transpose", "w", out="t"), node("MatMul", "x", "t")], {"w": drawn(4, 12)}),
    "probabilities": ([node("Gemm", "x", "w", out="s"), node("Softmax", "s", axis=-1)], {"w": drawn(12, 4)}),
    "dropped out": ([node("Dropout", "x", out="d"), node("Gemm", "d", "w")], {"w": drawn(12, 4)}),
    "vector normalized": (
        [node("Gemm", "x", "w", out="s"), node("BatchNormalization", "s", "g", "g", "g", "v")],
        {"w": drawn(12, 4), "g": drawn(4), "v": np.ones(4, np.float32)},
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(tmp_path: Path, name: str) -> None:
    same(tmp_path / "m", *VECTORS[name], shape=VECTOR)


@pytest.mark.parametrize("wanted", [[0, -1], [1, -1], [-1, 3 * 6 * 5], None])
@pytest.mark.parametrize("between", [False, True])
def test_flattened_images_keep_their_order(tmp_path: Path, wanted: list[int] | None, between: bool) -> None:
    """ONNX flattens channels first, a graph pixels first; what lies between does not matter."""
    flat = node("Flatten", "a", out="f") if wanted is None else node("Reshape", "a", "shape", out="f")
    nodes = [node("Conv", "x", "k", pads=[0, 0, 0, 0], out="a"), flat]
    last = "f"
    if between:
        nodes += [node("Tanh", "f", out="t"), node("Mul", "t", "many", out="q")]
        last = "q"
    count = 3 * 6 * 5
    weights = {"k": drawn(3, 3, 2, 2), "w": drawn(count, 4), "shape": np.array(wanted or [0]), "many": drawn(count)}
    shape = ("batch" if wanted != [1, -1] else 5, *IMAGE[1:])
    if wanted == [1, -1]:
        save_onnx(tmp_path / "m", [*nodes, node("Gemm", last, "w")], weights, (1, *IMAGE[1:]), None)
        make_network(read_onnx(tmp_path / "m"))
        return
    same(tmp_path / "m", [*nodes, node("Gemm", last, "w")], weights, shape=shape)


@pytest.mark.parametrize("opset", [11, 17])
def test_images_may_be_flattened_by_computed_sizes(tmp_path: Path, opset: int) -> None:
    """As exporters write x.view(x.size(0), -1)."""
    axes = {"axes": [0]} if opset < 13 else {}
    nodes = [
        node("Conv", "x", "k", out="a"),
        node("Shape", "a", out="sizes"),
        node("Constant", out="zero", value=numpy_helper.from_array(np.array(0))),
        node("Gather", "sizes", "zero", axis=0, out="count"),
        node("Unsqueeze", "count", *([] if axes else ["first"]), out="row", **axes),
        node("Concat", "row", "rest", axis=0, out="wanted"),
        node("Cast", "wanted", to=7, out="whole"),
        node("Reshape", "a", "whole", out="f"),
        node("Gemm", "f", "w", "b"),
    ]
    weights = {"k": drawn(3, 3, 2, 2), "w": drawn(90, 4), "b": drawn(4), "rest": np.array([-1]), "first": np.array([0])}
    if axes:
        del weights["first"]
    same(tmp_path / "m", nodes, weights, opset=opset)


def test_images_that_are_flattened_at_once_are_vectors(tmp_path: Path) -> None:
    network = same(tmp_path / "m", [node("Flatten", "x", out="f"), node("Gemm", "f", "w")], {"w": drawn(126, 4)})

    assert not network.by_channel
    assert (network.shape, network.size.rows) == ((3, 7, 6), 1)


def test_vectors_past_a_row_are_cut_into_rows(tmp_path: Path) -> None:
    network = same(tmp_path / "m", [node("Gemm", "x", "w")], {"w": drawn(3072, 4)}, shape=("batch", 3072))

    assert network.size.rows == 2
