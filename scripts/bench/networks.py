"""Networks from ONNX in class `exact` beside onnxruntime: speed and error, one thread, drawn weights.

Run from the repository root: `python -m scripts.bench.networks`. The last line is one JSON object. An MLP of 784, 256,
128 and 10, and a CNN on 3 x 32 x 32: two convolutions of 32, a maximum, a residual block of 64 with stride 2, a mean,
10 classes. Requests one by one; ratios are requests a second against onnxruntime's float32, the worse of both networks.
"""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from scripts.bench.exact import ONE_THREAD, best_seconds
from stun.models.exact.engine import Engine
from stun.models.exact.paths import NATIVE, PORTABLE, choose_path
from stun.models.quantize.networks.reading import read_model
from stun.models.quantize.networks.report import quantize_network
from stun.protocol.graph.arrays import stored_array

SAMPLES = 200
Floats = NDArray[np.float32]


class _Drawn:
    """Nodes one after the other with weights of the size that keeps magnitudes."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._draw = np.random.default_rng(1)

    def add(self, operator: str, source: str, shape: tuple[int, ...] = (), beside: str = "", **settings: Any) -> str:
        """One node; returns what it makes."""
        made, reads = f"t{len(self.nodes)}", [source]
        if shape:
            scale = np.sqrt(2 / np.prod(shape[1:]))
            for name, values in (("w", self._draw.normal(size=shape) * scale), ("b", self._draw.normal(size=shape[0]))):
                self.weights.append(numpy_helper.from_array(values.astype(np.float32), made + name))
                reads.append(made + name)
        self.nodes.append(helper.make_node(operator, reads + [beside] * bool(beside), [made], **settings))
        return made

    def save(self, path: Path, last: str, shape: tuple[int, ...]) -> None:
        """Write the model whose output is `last`."""
        given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])
        made = helper.make_tensor_value_info(last, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "g", [given], [made], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        path.write_bytes(model.SerializeToString())


def write_mlp(path: Path) -> tuple[int, ...]:
    """Write the MLP; returns a sample's shape."""
    drawn, last, sizes = _Drawn(), "x", (784, 256, 128, 10)
    for place in range(1, len(sizes)):
        last = drawn.add("Gemm", last, (sizes[place], sizes[place - 1]), transB=1)
        last = drawn.add("Relu", last) if place < len(sizes) - 1 else last
    drawn.save(path, last, (784,))
    return (784,)


def write_cnn(path: Path) -> tuple[int, ...]:
    """Write the CNN; returns a sample's shape."""
    drawn, pads = _Drawn(), [1, 1, 1, 1]
    last = drawn.add("Relu", drawn.add("Conv", "x", (32, 3, 3, 3), pads=pads))
    last = drawn.add("Relu", drawn.add("Conv", last, (32, 32, 3, 3), pads=pads))
    last = drawn.add("MaxPool", last, kernel_shape=[2, 2], strides=[2, 2])
    short = drawn.add("Conv", last, (64, 32, 1, 1), strides=[2, 2])
    last = drawn.add("Relu", drawn.add("Conv", last, (64, 32, 3, 3), pads=pads, strides=[2, 2]))
    last = drawn.add("Conv", last, (64, 64, 3, 3), pads=pads)
    last = drawn.add("Relu", drawn.add("Add", last, beside=short))
    last = drawn.add("Flatten", drawn.add("GlobalAveragePool", last))
    drawn.save(path, drawn.add("Gemm", last, (10, 64), transB=1), (3, 32, 32))
    return (3, 32, 32)


def measure() -> dict[str, Any]:
    """All figures, from a process of its own with one thread."""
    command = [sys.executable, "-m", "scripts.bench.networks", "--here"]
    ran = subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return result


def figures() -> dict[str, Any]:
    """Milliseconds a request, error, and the ratios."""
    found: dict[str, Any] = {}
    ratios: dict[str, list[float]] = {NATIVE: [], PORTABLE: []}
    for name, write in (("mlp", write_mlp), ("cnn", write_cnn)):
        with TemporaryDirectory() as folder:
            seconds, error = _run(Path(folder), write(Path(folder) / "m"))
        found |= {f"network_{name}_{path}_ms": round(1e3 * each, 3) for path, each in seconds.items()}
        found[f"network_{name}_error_mean"] = round(error, 4)
        for path, each in ratios.items():
            each.append(seconds["onnxruntime"] / seconds[path])
    return found | {f"network_{path}_ratio": round(min(each), 2) for path, each in ratios.items()}


def _run(folder: Path, shape: tuple[int, ...]) -> tuple[dict[str, float], float]:
    samples = np.random.default_rng(2).normal(size=(SAMPLES, *shape)).astype(np.float32)
    np.save(folder / "in.npy", samples)
    network, report = quantize_network(folder / "m", folder / "in.npy")
    inputs = stored_array(network.input_format.tensor_of(samples[0]))[None]
    calls: dict[str, Any] = {"onnxruntime": partial(read_model(folder / "m").original, samples[:1])}
    for path in (NATIVE, PORTABLE):
        calls[path] = partial(Engine(network.graph, choose_path(path).backend).run, inputs)
    return best_seconds(calls), float(report.quality.errors.mean())


@click.command()
@click.option("--here", is_flag=True, help="In this process, with the threads that it has.")
def main(here: bool) -> None:
    """Print the figures as one JSON object."""
    click.echo(json.dumps(figures() if here else measure()))


if __name__ == "__main__":
    main()
