"""From the nodes of an ONNX model to layers one after the other; whatever is not known is refused by name.

Source: the operators of ONNX (Gemm, Conv, MaxPool ...), inference only.
"""

from collections import Counter
from collections.abc import Callable
from math import prod
from typing import Final

import numpy as np

from stun.models.quantize.activations import Doubles
from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks.activations import ACTIVATIONS
from stun.models.quantize.networks.layers import Affine, GlobalMean, MaxPool, Network, Size, Softmax, Window
from stun.models.quantize.networks.limits import require_seen
from stun.models.quantize.networks.onnx_constants import fold
from stun.models.quantize.networks.onnx_file import Node, OnnxModel
from stun.models.quantize.networks.onnx_windows import Kernel, kernel_of
from stun.models.quantize.networks.residual import add_branches
from stun.models.quantize.networks.walk import Walk

Take = Callable[[Walk, Node], None]


def make_network(model: OnnxModel) -> Network:
    """The network of a model's nodes. UnfitArchitecture names the first node that is in the way."""
    root, made = Walk(model), {model.input}
    flows = {model.input: root}
    readers = Counter(name for node in model.nodes for name in set(node.inputs))
    for node in model.nodes:
        if any(name in made or root.is_constant(name) for name in node.outputs):
            raise UnfitArchitecture(f"{node} makes a tensor that exists already")
        if not fold(root, node):
            name = node.outputs[0]
            flows[name] = _step(root, flows, node).branch(is_shared=readers[name] > 1)
            root.note(name, flows[name].shape)
            made |= set(node.outputs)
        readers.subtract(set(node.inputs))
        for name in {name for name in node.inputs if readers[name] == 0} - {model.output}:
            flows.pop(name, None)  # weights that were changed since are not kept
    if model.output not in flows:
        raise UnfitArchitecture(f"its output {model.output[:80]!r} is made by none of its nodes")
    return flows[model.output].finish()


def _step(root: Walk, flows: dict[str, Walk], node: Node) -> Walk:
    """The walk behind a node."""
    given = [name for name in node.inputs if name and not root.is_constant(name)]
    if node.operator not in TAKERS:
        raise UnfitArchitecture(f"{node} is not supported. Supported are {', '.join(sorted(TAKERS))}")
    missing = [name[:80] for name in given if name not in flows]
    if missing or not given:
        raise UnfitArchitecture(
            f"{node} reads {', '.join(missing) or 'constants alone'}, which no node before it makes"
        )
    if len(given) == 1:
        walk = flows[given[0]].branch()
        TAKERS[node.operator](walk, node)
        return walk
    if node.operator != "Add" or len(given) != 2:
        raise UnfitArchitecture(f"{node} reads {', '.join(name[:80] for name in given)}; only Add joins two branches")
    return add_branches(node, *(flows[name] for name in given))


def _gemm(walk: Walk, node: Node) -> None:
    if node.settings.get("transA", 0):
        raise UnfitArchitecture(f"{node}: transA")
    weights = walk.reals(node, 1, axes=2)
    weights = weights if node.settings.get("transB", 0) else weights.T
    bias = walk.reals(node, 2) if len(node.inputs) > 2 and node.inputs[2] else np.zeros(1)
    alpha, beta = (_number(node, name, 1.0) for name in ("alpha", "beta"))
    _dense(walk, node, weights * alpha, bias * beta)


def _matmul(walk: Walk, node: Node) -> None:
    if walk.is_constant(node.inputs[0]):
        raise UnfitArchitecture(f"{node}: weights on the left; put them on the right")
    weights = walk.reals(node, 1, axes=2).T
    _dense(walk, node, weights, np.zeros(1))


def _dense(walk: Walk, node: Node, weights: Doubles, bias: Doubles) -> None:
    """Weights [out, in] on a vector."""
    order = walk.join_rows(node)
    if weights.shape[1] != walk.size.channels or bias.size not in (1, len(weights)):
        raise UnfitArchitecture(f"{node}: weights {list(weights.shape)} on a vector of {walk.size.channels}")
    walk.claim(node, *weights.shape)
    spread = np.broadcast_to(bias.ravel(), (len(weights),)).copy()
    walk.put_dense(node.operator, order(weights), spread)


def _conv(walk: Walk, node: Node) -> None:
    weights, size = walk.reals(node, 1, axes=4), _image(walk, node)
    groups, outputs = int(_number(node, "group", 1)), len(weights)
    bias = walk.reals(node, 2, axes=1) if len(node.inputs) > 2 and node.inputs[2] else np.zeros(outputs)
    fits = groups > 0 and outputs % groups == 0 and groups * weights.shape[1] == size.channels
    if not fits or bias.shape != (outputs,) or weights.size == 0:
        raise UnfitArchitecture(f"{node}: weights {list(weights.shape)} in {groups} groups on {size.channels} channels")
    kernel = kernel_of(node, weights.shape[2:], size)
    if kernel.sizes != weights.shape[2:]:
        raise UnfitArchitecture(f"{node}: kernel_shape {kernel.sizes} with weights {list(weights.shape)}")
    window = _window(walk, node, kernel, size)
    walk.claim(node, outputs, window.taps * size.channels)
    dense = np.zeros((outputs, size.channels, *kernel.sizes))
    each, depth = outputs // groups, weights.shape[1]
    for group in range(groups):
        rows = slice(group * each, (group + 1) * each)
        dense[rows, group * depth : (group + 1) * depth] = weights[rows]
    _put_windowed(walk, node, kernel.lay(dense, window), bias, window)


def _put_windowed(walk: Walk, node: Node, weights: Doubles, bias: Doubles, window: Window) -> None:
    is_plain = (window.taps, window.stride, window.pad) == (1, 1, 0)
    walk.put(Affine(walk.name(node.operator), weights, bias, None if is_plain else window))
    walk.shape = (len(weights), window.height, window.width)


def _average_pool(walk: Walk, node: Node) -> None:
    size = _image(walk, node)
    kernel = kernel_of(node, (), size)
    window = _window(walk, node, kernel, size)
    sees_border = (window.pixels(size) == size.rows).any()
    if sees_border and (kernel.is_ceiled or not node.settings.get("count_include_pad", 0)):
        raise UnfitArchitecture(f"{node}: an average at a border must count the padding (count_include_pad=1)")
    walk.claim(node, size.channels, window.taps * size.channels)
    mean = np.full(kernel.sizes, 1 / prod(kernel.sizes))
    weights = np.einsum("oc,hw->ochw", np.eye(size.channels), mean)
    _put_windowed(walk, node, kernel.lay(weights, window), np.zeros(size.channels), window)


def _max_pool(walk: Walk, node: Node) -> None:
    size = _image(walk, node)
    kernel = kernel_of(node, (), size)
    if kernel.before[0] != kernel.before[1] or kernel.dilations != (1, 1) or node.settings.get("storage_order", 0):
        raise UnfitArchitecture(f"{node}: its pads must be equal on both axes, and nothing dilated")
    _put_maximum(walk, node, _window(walk, node, kernel, size))


def _global_max_pool(walk: Walk, node: Node) -> None:
    size = _image(walk, node)
    kernel = Kernel((size.height, size.width), (1, 1), (1, 1), (0, 0), (0, 0), False)
    _put_maximum(walk, node, _window(walk, node, kernel, size))


def _put_maximum(walk: Walk, node: Node, window: Window) -> None:
    walk.put(MaxPool(walk.name(node.operator), window))
    walk.shape = (walk.size.channels, window.height, window.width)


def _window(walk: Walk, node: Node, kernel: Kernel, size: Size) -> Window:
    window = kernel.window(node, size)
    require_seen(str(node), window.taps, size.channels, window.height * window.width)
    return window


def _global_mean(walk: Walk, node: Node) -> None:
    size = _image(walk, node)
    if size.rows > 1:
        walk.put(GlobalMean(walk.name(node.operator)))
    walk.shape = (size.channels, 1, 1)


def _reduce_mean(walk: Walk, node: Node) -> None:
    axes = node.settings.get("axes")
    found = axes if isinstance(axes, list) else walk.constant(node, 1).ravel().tolist() if len(node.inputs) > 1 else []
    if sorted(axis % 4 for axis in found if -4 <= axis < 4) != [2, 3]:
        raise UnfitArchitecture(f"{node}: means over height and width are known, not over axes {found}")
    _global_mean(walk, node)
    walk.shape = walk.shape if node.settings.get("keepdims", 1) else walk.shape[:1]


def _image(walk: Walk, node: Node) -> Size:
    if len(walk.shape) != 3:
        raise UnfitArchitecture(f"{node} reads samples of shape {list(walk.shape)}, no channels x height x width")
    return walk.size


def _flatten(walk: Walk, node: Node) -> None:
    if node.settings.get("axis", 1) not in (1, -len(walk.shape)):
        raise UnfitArchitecture(f"{node}: axis {node.settings['axis']}; samples are flattened from axis 1")
    walk.shape = (prod(walk.shape),)


def _reshape(walk: Walk, node: Node) -> None:
    """To one row; and anything at all before the first layer, as the values stay in their order."""
    wanted = walk.constant(node, 1).ravel().tolist()
    before = (1, *walk.shape)
    sizes: list[int] = [before[at] if size == 0 and at < len(before) else size for at, size in enumerate(wanted)]
    shape = sizes[1:]
    if shape.count(-1) == 1:
        shape[shape.index(-1)] = prod(walk.shape) // prod(size for size in shape if size > 0)
    if not shape or min(shape) < 1 or prod(shape) != prod(walk.shape) or (walk.layers and len(shape) > 1):
        raise UnfitArchitecture(f"{node}: shape {wanted}; between layers, samples may only become one row")
    walk.shape = tuple(shape)


def _softmax(walk: Walk, node: Node) -> None:
    if len(walk.shape) != 1 or walk.size.rows > 1 or node.settings.get("axis", 1) not in (1, -1):
        raise UnfitArchitecture(f"{node}: probabilities over the classes of one row are known")
    walk.put(Softmax(walk.name(node.operator)))


def _batch_norm(walk: Walk, node: Node) -> None:
    gain, bias, mean, variance = (walk.reals(node, place, axes=1) for place in range(1, 5))
    channels = walk.shape[0]
    if any(len(each) != channels for each in (gain, bias, mean, variance)) or node.settings.get("training_mode", 0):
        raise UnfitArchitecture(f"{node}: it does not fit {channels} channels, or is in training mode")
    spread = variance + _number(node, "epsilon", 1e-5)
    if spread.min() <= 0:
        raise UnfitArchitecture(f"{node}: a variance below zero")
    factor = gain / np.sqrt(spread)
    walk.scale(node, factor, bias - mean * factor)


def _arithmetic(walk: Walk, node: Node) -> None:
    """Add, Sub, Mul, Div with one number, or one a channel."""
    place = 1 if walk.is_constant(node.inputs[1]) else 0
    values = walk.reals(node, place)
    trailing = (1,) * (len(walk.shape) - 1)
    if values.size == 1:
        values = values.reshape(1)
    elif values.shape in ((walk.shape[0], *trailing), (1, walk.shape[0], *trailing)):
        values = values.ravel()
    else:
        raise UnfitArchitecture(
            f"{node}: a constant of shape {list(values.shape)}; one number, or one a channel, is known"
        )
    one, none = np.ones(1), np.zeros(1)
    if node.operator == "Add":
        walk.scale(node, one, values)
    elif node.operator == "Mul":
        walk.scale(node, values, none)
    elif node.operator == "Sub":
        walk.scale(node, *((one, -values) if place == 1 else (-one, values)))
    elif place == 1 and values.all():
        walk.scale(node, 1 / values, none)
    else:
        raise UnfitArchitecture(f"{node}: division by zero, or by what is no constant")


def _activation(walk: Walk, node: Node) -> None:
    settings = {name: float(value) for name, value in node.settings.items() if isinstance(value, int | float)}
    if node.operator == "Clip":
        for place, name in ((1, "min"), (2, "max")):
            if place < len(node.inputs) and node.inputs[place]:
                settings[name] = float(walk.reals(node, place).reshape(-1)[0])
    if node.settings.get("approximate", "none") != "none":
        raise UnfitArchitecture(f"{node}: the approximate form; export the exact one")
    _ = walk.size
    walk.activate(node, ACTIVATIONS[node.operator](settings))


def _pass(walk: Walk, node: Node) -> None:
    """What does nothing when a model is used."""


def _number(node: Node, name: str, default: float) -> float:
    value = node.settings.get(name, default)
    if not isinstance(value, int | float) or not abs(value) <= 1e30:
        raise UnfitArchitecture(f"{node}: {name} is no number")
    return value


TAKERS: Final[dict[str, Take]] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Conv": _conv,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_mean,
    "GlobalMaxPool": _global_max_pool,
    "ReduceMean": _reduce_mean,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Softmax": _softmax,
    "BatchNormalization": _batch_norm,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _arithmetic),
    **dict.fromkeys(ACTIVATIONS, _activation),
    **dict.fromkeys(("Identity", "Dropout"), _pass),
}
