"""ONNX models that are not served: the node in the way is named, and nothing large is made before."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from network_onnx import drawn, node, save_onnx

from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks.onnx_file import read_onnx
from stun.models.quantize.networks.onnx_layers import make_network

pytestmark = pytest.mark.unit

IMAGE = ("batch", 3, 7, 6)

REFUSED = {
    "LSTM": ([node("LSTM", "x", "w", "w")], {"w": drawn(1, 4, 3)}, r"LSTM \(node 'y'\) is not supported. Supported a"),
    "custom": ([node("Relu", "x", domain="my.own")], {}, r"my\.own\.Relu"),
    "joined otherwise": (
        [node("Conv", "x", "w", out="c"), node("Mul", "c", "x")], {"w": drawn(3, 3, 1, 1)}, "only Add joins"
    ),
    "twice the same": ([node("Add", "x", "x")], {}, "a sum of two branches is known where"),
    "maximum in a branch": (
        [node("MaxPool", "x", kernel_shape=[1, 1], out="m"), node("Add", "m", "x")], {}, "a sum of two branches"
    ),
    "tables in a branch": (
        [node("Conv", "x", "w", out="a"), node("Tanh", "a", out="b"), node("Conv", "b", "w", out="c"),
         node("Add", "c", "x")], {"w": drawn(3, 3, 1, 1)}, "a sum of two branches",
    ),
    "two long branches": (
        [node("Conv", "x", "w", pads=[1] * 4, out="a"), node("Conv", "x", "v", pads=[1] * 4, out="b"),
         node("Add", "a", "b")], {"w": drawn(3, 3, 3, 3), "v": drawn(3, 3, 3, 3)}, "a sum of two branches",
    ),
    "shrunk and grown": (
        [node("Conv", "x", "w", out="a"), node("Relu", "a", out="r"), node("Conv", "r", "w", pads=[2] * 4, out="b"),
         node("Add", "b", "x")], {"w": drawn(3, 3, 3, 3)}, "a sum of two branches",
    ),
    "loop": ([node("Relu", "z", out="a"), node("Relu", "a", out="z"), node("Relu", "z")], {}, "reads z"),
    "self": ([node("Relu", "y")], {}, "reads y, which no node"),
    "twice made": ([node("Relu", "x", out="x"), node("Relu", "x")], {}, "exists already"),
    "no output": ([node("Relu", "x", out="a")], {}, "made by none"),
    "strides": ([node("Conv", "x", "w", strides=[1, 2])], {"w": drawn(3, 3, 2, 2)}, r"strides \(1, 2\)"),
    "no image": ([node("Flatten", "x", out="f"), node("Conv", "f", "w")], {"w": drawn(3, 3, 2, 2)}, "no channels"),
    "kernel past the image": ([node("Conv", "x", "w")], {"w": drawn(3, 3, 9, 9)}, "does not fit 7 x 6"),
    "negative border": ([node("MaxPool", "x", kernel_shape=[2, 2], pads=[1, 1, 1, 1])], {}, "may be negative"),
    "border average": ([node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], {}, "count_include_pad"),
    "channels": ([node("Conv", "x", "w")], {"w": drawn(3, 2, 2, 2)}, "on 3 channels"),
    "weights": ([node("Flatten", "x", out="f"), node("Gemm", "f", "w")], {"w": drawn(125, 2)}, "vector of 126"),
    "weights that flow": ([node("MatMul", "x", "x")], {}, "only Add joins"),
    "not finite": ([node("Conv", "x", "w")], {"w": np.full((1, 3, 1, 1), np.inf, np.float32)}, "not finite"),
    "unflattened": ([node("Gemm", "x", "w")], {"w": drawn(6, 2)}, "put a Flatten before it"),
    "softmax on pixels": ([node("Softmax", "x", axis=1)], {}, "one row"),
    "computed from what flows": ([node("Gather", "x", "i")], {"i": np.array([0])}, "Gather .* is not supported"),
    "many sizes": (
        [node("Concat", *["s"] * 3, axis=0, out="t"), node("Reshape", "x", "t")], {"s": np.arange(600)}, "1024 numbers"
    ),
    "axis of none": ([node("Concat", "s", axis=7, out="t"), node("Reshape", "x", "t")], {"s": np.arange(6)}, "axis 7"),
    "no layer": ([node("Identity", "x")], {}, "no layer"),
    "negative pads": ([node("Conv", "x", "w", pads=[-1, 0, 0, 0])], {"w": drawn(3, 3, 2, 2)}, "pads"),
    "zero strides": ([node("Conv", "x", "w", strides=[0, 0])], {"w": drawn(3, 3, 2, 2)}, "strides and dilations"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_served_is_named(tmp_path: Path, name: str) -> None:
    nodes, weights, told = REFUSED[name]
    save_onnx(tmp_path / "m", nodes, weights, IMAGE, None)

    with pytest.raises(UnfitArchitecture, match=told):
        make_network(read_onnx(tmp_path / "m"))


LARGE = {
    "image": (("batch", 3, 2**40, 2**40), [node("Relu", "x")], {}, "pixels"),
    "channels": (("batch", 2**50, 1, 1), [node("Relu", "x")], {}, "channels"),
    "vector": (("batch", 2**60), [node("Relu", "x")], {}, "at most 4088"),
    "wide maximum": (("batch", 3, 512, 512), [node("GlobalMaxPool", "x")], {}, "GlobalMaxPool"),
    "padding": (("batch", 1, 4, 4), [node("Conv", "x", "w", pads=[2**40] * 4)], {"w": drawn(1, 1, 1, 1)}, "pads"),
    "dilation": (("batch", 1, 4, 4), [node("Conv", "x", "w", dilations=[2**40] * 2)], {"w": drawn(1, 1, 2, 2)}, "1 to"),
    "groups": (("batch", 2000, 4, 4), [node("Conv", "x", "w", group=2000)], {"w": drawn(2000, 1, 3, 3)}, "window"),
    "windows": (("batch", 400, 99, 99), [node("Conv", "x", "w", pads=[1] * 4)], {"w": drawn(1, 400, 3, 3)}, "windows"),
    "not fixed": (("batch", 3, "height", 6), [node("Relu", "x")], {}, "must be fixed"),
    "no batch": ((), [node("Relu", "x")], {}, "must be fixed"),
    "four axes": (("batch", 1, 2, 3, 4), [node("Relu", "x")], {}, "are known"),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_huge_shapes_are_refused_before_memory_is_taken(tmp_path: Path, name: str) -> None:
    shape, nodes, weights, told = LARGE[name]
    save_onnx(tmp_path / "m", nodes, weights, shape, None)

    with pytest.raises(UnfitArchitecture, match=told):
        make_network(read_onnx(tmp_path / "m"))


def test_many_grouped_layers_do_not_add_up(tmp_path: Path) -> None:
    """Each is allowed; dense they would be 40 GB."""
    nodes = [
        node("Conv", "x" if place == 0 else f"t{place}", "w", group=2000, out=f"t{place + 1}" if place < 999 else "y")
        for place in range(1000)
    ]
    save_onnx(tmp_path / "m", nodes, {"w": drawn(2000, 1, 1, 1)}, ("batch", 2000, 2, 2), None)

    with pytest.raises(UnfitArchitecture, match="weights in all"):
        make_network(read_onnx(tmp_path / "m"))


def test_weights_that_are_scaled_over_and_over_take_their_memory_once(tmp_path: Path) -> None:
    nodes = [node("Conv", "x", "w", out="t0")]
    nodes += [node("Mul", f"t{place}", "f", out=f"t{place + 1}" if place < 199 else "y") for place in range(200)]
    weights = {"w": drawn(256, 256, 1, 1), "f": np.float32(1.001)}
    save_onnx(tmp_path / "m", nodes, weights, ("batch", 256, 2, 2), None)
    model = read_onnx(tmp_path / "m")
    tracemalloc.start()
    try:
        network = make_network(model)
        assert tracemalloc.get_traced_memory()[1] < 8 * 256 * 256 * 8
    finally:
        tracemalloc.stop()
    assert len(network.layers) == 1
