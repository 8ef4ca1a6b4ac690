"""The referee contracts judge quantized networks: every operator's elements as they are, and each altered one."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from network_onnx import drawn_classes, save_onnx, train_mlp, write_cnn, write_mlp
from onnx import helper
from referee_bench import bench, question

from stun.models.quantize.networks.report import IntegerNetwork, quantize_network
from stun.protocol.graph.executor import execute
from stun.protocol.graph.operators import Opcode
from stun.protocol.graph.tensors import Tensor, row_bytes

pytestmark = pytest.mark.unit


def networks(folder: Path, kind: str) -> tuple[IntegerNetwork, Tensor]:
    """A network, and a sample as a task's input."""
    shape = (1, 8, 8) if kind == "mlp" else (3, 10, 10)
    samples, labels = drawn_classes(300, shape, 1)
    if kind == "mlp":
        write_mlp(folder / "m", train_mlp(samples, labels, (20, 12), 2), shape)
    elif kind == "table":
        nodes = [
            helper.make_node("Conv", ["x", "k"], ["a"], strides=[2, 2]),
            helper.make_node("Tanh", ["a"], ["t"]),
            helper.make_node("AveragePool", ["t"], ["p"], kernel_shape=[2, 2]),
            helper.make_node("Flatten", ["p"], ["f"]),
            helper.make_node("Gemm", ["f", "w"], ["s"]),
            helper.make_node("Softmax", ["s"], ["y"]),
        ]
        draw = np.random.default_rng(1)
        weights = {"k": draw.normal(size=(4, 3, 3, 3)), "w": draw.normal(size=(4 * 3 * 3, 6))}
        constants = {name: each.astype(np.float32) for name, each in weights.items()}
        save_onnx(folder / "m", nodes, constants, ["batch", *shape], None)
    else:
        write_cnn(folder / "m", shape, "Flatten" if kind == "cnn" else "GlobalAveragePool")
    np.save(folder / "in.npy", samples)
    network, _ = quantize_network(folder / "m", folder / "in.npy")
    return network, network.input_format.tensor_of(samples[4])


def altered(tensor: Tensor, row: int, col: int) -> Tensor:
    """One element has its last bit turned."""
    at = row * row_bytes(tensor.shape) + (col + 1) * tensor.shape.dtype - 1
    return Tensor(tensor.shape, tensor.data[:at] + bytes([tensor.data[at] ^ 1]) + tensor.data[at + 1 :])


@pytest.mark.parametrize("kind", ["mlp", "cnn", "mean cnn", "table"])
def test_every_operator_is_recomputed_and_altered_elements_convict(tmp_path: Path, kind: str) -> None:
    network, task_input = networks(tmp_path, kind)
    outputs, random = execute(network.graph, task_input), Random(3)
    judged: set[int] = set()
    for index in range(1, len(outputs)):
        shape = outputs[index].shape
        places = {
            (0, 0),
            (shape.rows - 1, shape.cols - 1),
            (random.randrange(shape.rows), random.randrange(shape.cols)),
        }
        for place in places:
            assert bench().both(question(network.graph, outputs, index, *place)) is False
            claimed = altered(outputs[index], *place)
            assert bench().both(question(network.graph, outputs, index, *place, claimed)) is True
        judged.add(network.graph.operators[index].opcode)
    expected = {
        "mlp": {Opcode.REQUANT, Opcode.LINEAR},
        "cnn": {Opcode.REQUANT, Opcode.LINEAR, Opcode.WINDOW, Opcode.MAX},
        "mean cnn": {Opcode.REQUANT, Opcode.LINEAR, Opcode.WINDOW, Opcode.MAX, Opcode.TRANSPOSE, Opcode.MEAN},
        "table": {Opcode.REQUANT, Opcode.LINEAR, Opcode.WINDOW, Opcode.SOFTMAX},
    }[kind]
    assert judged == expected
