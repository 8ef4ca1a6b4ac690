"""The way through an ONNX model, node by node: what flows, what is constant, and the layers so far.

Constants are folded into the layer before: the bias of a MatMul, BatchNormalization, a scale. Activations join the
layer whose output they read, also through a maximum if they rise.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from stun.models.quantize.activations import Doubles
from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks.activations import Activation
from stun.models.quantize.networks.layers import Affine, Flatten, Layer, MaxPool, Network, Size
from stun.models.quantize.networks.limits import (
    MAX_DEPTH,
    MAX_LAYERS,
    MAX_WEIGHTS,
    input_rows,
    require_fitting,
    require_harmless_borders,
    require_image,
)
from stun.models.quantize.networks.onnx_file import Node, OnnxModel
from stun.models.quantize.networks.onnx_tensors import Array


class Walk:
    """`shape` is what ONNX sees of one sample, `size` how it lies here; they differ after a Flatten, which waits."""

    def __init__(self, model: OnnxModel) -> None:
        if len(model.sizes) < 2 or min(model.sizes[1:]) < 1:
            raise UnfitArchitecture(
                f"the input {model.input[:80]!r} has sizes {list(model.sizes)} (0: not fixed); all but the first, "
                "which counts samples, must be fixed when the model is exported"
            )
        self.shape = self._sample = model.sizes[1:]
        self.layers: list[Layer] = []
        self._shapes = {model.input: self.shape}
        self._constants: dict[str, Array] = dict(model.constants)
        self._first: Size | None = None
        self._size: Size | None = None
        self._by_channel = False
        self._order: NDArray[np.int64] | None = None  # where ONNX has what a joined row has, until weights mix it
        self._sealed = 0  # layers that other branches read as they are
        self._claimed = [0]  # of all branches together

    @property
    def size(self) -> Size:
        """How what flows lies; how the input lies is decided when the first layer asks."""
        if self._size is None:
            self._first = self._size = self._lay()
        return self._size

    @property
    def is_in_order(self) -> bool:
        """Whether a joined row's values stand as ONNX has them."""
        return self._order is None

    def branch(self, is_shared: bool = False) -> "Walk":
        """The same way so far, to go on from; what others read too (`is_shared`) is changed no more."""
        other = copy(self)
        other.layers = list(self.layers)
        other._sealed = len(self.layers) if is_shared else self._sealed
        return other

    def rewind(self, place: int) -> None:
        """Back to before layer `place`."""
        del self.layers[place:]
        first = self.size if self._first is None else self._first
        self._size, self._sealed = reduce(lambda size, layer: layer.out(size), self.layers, first), place

    def finish(self) -> Network:
        """The network. UnfitArchitecture."""
        if self._first is None or not self.layers:
            raise UnfitArchitecture("it has no layer")
        if self._order is not None:
            raise UnfitArchitecture("it ends in a flattened image; end it before the Flatten")
        network = Network(self._sample, self._first, self._by_channel, tuple(self.layers))
        require_fitting(network)
        require_harmless_borders(network)
        return network

    def is_constant(self, name: str) -> bool:
        """Whether a tensor's values stand in the file."""
        return name in self._constants

    def keep(self, name: str, values: Array) -> None:
        """Remember a constant."""
        self._constants[name] = values

    def note(self, name: str, shape: tuple[int, ...]) -> None:
        """Remember the shape of what flows under a name."""
        self._shapes[name] = shape

    def shape_of(self, name: str) -> tuple[int, ...] | None:
        """A sample's shape, as ONNX has it, of what flows or flowed under that name."""
        return self._shapes.get(name)

    def constant(self, node: Node, place: int) -> Array:
        """The constant that a node reads at a place of its inputs. UnfitArchitecture."""
        if place >= len(node.inputs) or node.inputs[place] not in self._constants:
            raise UnfitArchitecture(f"{node}: its input {place} must be a constant")
        return self._constants[node.inputs[place]]

    def reals(self, node: Node, place: int, axes: int | None = None) -> Doubles:
        """The same as finite float64, with so many axes. UnfitArchitecture."""
        values = self.constant(node, place)
        if values.size > MAX_WEIGHTS or (axes is not None and values.ndim != axes):
            raise UnfitArchitecture(f"{node}: its input {place} has shape {list(values.shape)}")
        reals: Doubles = values.astype(np.float64)
        if not np.isfinite(reals).all() or np.abs(reals).max(initial=0) > 1e30:
            raise UnfitArchitecture(f"{node}: its input {place} is not finite")
        return reals

    def claim(self, node: Node, outputs: int, depth: int) -> None:
        """Room for dense weights, before it is taken. UnfitArchitecture."""
        self._claimed[0] += outputs * depth
        if self._claimed[0] > MAX_WEIGHTS or depth > MAX_DEPTH:
            raise UnfitArchitecture(
                f"{node}: {outputs} x {depth} weights, groups counted as if they were dense; at most {MAX_DEPTH} "
                f"inputs an output and {MAX_WEIGHTS} weights in all"
            )

    def name(self, operator: str) -> str:
        """The next layer's name."""
        return f"{len(self.layers) + 1} {operator}"

    def put(self, layer: Layer) -> None:
        """Add a layer. UnfitArchitecture: too many."""
        if len(self.layers) == MAX_LAYERS:
            raise UnfitArchitecture(f"more than {MAX_LAYERS} layers")
        self._size = layer.out(self.size)
        self.layers.append(layer)

    def join_rows(self, node: Node) -> Callable[[Doubles], Doubles]:
        """Bring all pixels into one row; returns what orders a weight's columns like that row. UnfitArchitecture."""
        if len(self.shape) != 1:
            raise UnfitArchitecture(f"{node} reads samples of shape {list(self.shape)}; put a Flatten before it")
        size = self.size
        if size.rows > 1:
            self.put(Flatten(self.name("Flatten")))
            if self._by_channel:
                self._order = np.arange(size.rows * size.channels).reshape(size.channels, size.rows).T.ravel()
        order = self._order
        return _same if order is None else lambda values: values[:, order]

    def put_dense(self, operator: str, weights: Doubles, bias: Doubles) -> None:
        """Add weights [out, in] and bias on one row, after `join_rows`."""
        self.put(Affine(self.name(operator), weights, bias))
        self.shape, self._order = (len(weights),), None

    def activate(self, node: Node, activation: Activation) -> None:
        """Give the layer before an activation, or add a layer that does nothing else."""
        place = self._open_affine(activation.is_rising)
        if place is None:
            self._put_scale(node, np.ones(1), np.zeros(1))
            place = len(self.layers) - 1
        layer = self.layers[place]
        assert isinstance(layer, Affine)
        self.layers[place] = replace(layer, name=f"{layer.name} {activation.name}", activation=activation)

    def scale(self, node: Node, factor: Doubles, offset: Doubles) -> None:
        """Multiply each channel and add to it; both are of one element, or of one a channel of ONNX's shape."""
        if len(self.shape) == 1 and max(len(factor), len(offset)) > 1:
            order = self.join_rows(node)
            factor, offset = (order(each[None])[0] if len(each) > 1 else each for each in (factor, offset))
        place = self._open_affine(may_pass=False)
        if place is None:
            self._put_scale(node, factor, offset)
            return
        layer = self.layers[place]
        assert isinstance(layer, Affine)
        weights, bias = layer.weights * factor.reshape(-1, 1), layer.bias * factor + offset
        self.layers[place] = replace(layer, weights=weights, bias=bias)

    def _put_scale(self, node: Node, factor: Doubles, offset: Doubles) -> None:
        channels = self.size.channels
        self.claim(node, channels, channels)
        weights = np.diag(np.broadcast_to(factor, (channels,)))
        self.put(Affine(self.name(node.operator), weights, np.broadcast_to(offset, (channels,)).copy()))

    def _open_affine(self, may_pass: bool) -> int | None:
        """Place of the affine layer whose output flows, alone or (`may_pass`) behind maxima, without activation."""
        for place in range(len(self.layers) - 1, self._sealed - 1, -1):
            layer = self.layers[place]
            if isinstance(layer, Affine):
                return place if layer.activation is None else None
            if not (may_pass and isinstance(layer, MaxPool | Flatten)):
                return None
        return None

    def _lay(self) -> Size:
        self._by_channel = len(self.shape) == 3
        if self._by_channel:
            channels, height, width = self.shape
            require_image(channels, height, width)
            return Size(height, width, channels)
        if len(self.shape) != 1 or prod(self.shape) > MAX_DEPTH:
            raise UnfitArchitecture(
                f"samples of shape {list(self.shape)}; vectors of at most {MAX_DEPTH}, and channels x height x width, "
                "are known"
            )
        rows = input_rows(self.shape[0])
        return Size(rows, 1, self.shape[0] // rows)


def _same(weights: Doubles) -> Doubles:
    return weights
