"""Layers of a feed-forward network with one path, and its float reference in float64.

What flows is [batch, rows, columns]: a pixel a row, a channel a column, as in a graph of class `exact`; a vector is one
row. Whoever calibrates or compares passes `watch`, which is shown every layer's output by the layer's name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stun.models.quantize.activations import Doubles
from stun.models.quantize.networks.activations import Activation

INPUT = "input"
SUM = ".sum"  # of an Affine with a table, before it: its name and this
Watch = Callable[[str, Doubles], None]


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels and channels of what flows."""

    height: int
    width: int
    channels: int

    @property
    def rows(self) -> int:
        """Pixels."""
        return self.height * self.width


@dataclass(frozen=True, slots=True)
class Window:
    """A window of kernel_height x kernel_width that slides by `stride`, from `pad` before the first pixel.

    `height`, `width`: how many places it has. Pixels outside are zero.
    """

    kernel_height: int
    kernel_width: int
    stride: int
    pad: int
    height: int
    width: int

    @property
    def taps(self) -> int:
        """Pixels it sees."""
        return self.kernel_height * self.kernel_width

    def pixels(self, size: Size) -> NDArray[np.int64]:
        """The pixel at each place and tap [places, taps]; the number of pixels stands for one outside."""
        y = np.arange(self.height)[:, None] * self.stride + np.arange(self.kernel_height) - self.pad
        x = np.arange(self.width)[:, None] * self.stride + np.arange(self.kernel_width) - self.pad
        y, x = y[:, None, :, None], x[None, :, None, :]
        inside = (y >= 0) & (y < size.height) & (x >= 0) & (x < size.width)
        found: NDArray[np.int64] = np.where(inside, y * size.width + x, size.rows)
        return found.reshape(self.height * self.width, self.taps)

    def see(self, values: Doubles, size: Size) -> Doubles:
        """[batch, rows, channels] -> [batch, places, taps, channels]."""
        outside = np.zeros((len(values), 1, values.shape[2]))
        seen: Doubles = np.concatenate([values, outside], axis=1)[:, self.pixels(size)]
        return seen


@dataclass(frozen=True, slots=True)
class Affine:
    """Weights [out, taps * channels] and bias [out] on each row, or on what a window sees; then an activation."""

    name: str
    weights: Doubles = field(repr=False)
    bias: Doubles = field(repr=False)
    window: Window | None = None
    activation: Activation | None = None

    def out(self, size: Size) -> Size:
        """The output's size."""
        pixels = (size.height, size.width) if self.window is None else (self.window.height, self.window.width)
        return Size(*pixels, len(self.weights))

    def run(self, values: Doubles, size: Size, watch: Watch) -> Doubles:
        """The output."""
        if self.window is not None:
            seen = self.window.see(values, size)
            values = seen.reshape(*seen.shape[:2], -1)
        sums: Doubles = values @ self.weights.T + self.bias
        if self.activation is None:
            return sums
        watch(self.name + SUM, sums)
        return self.activation.function(sums)


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The largest of each channel in a window."""

    name: str
    window: Window

    def out(self, size: Size) -> Size:
        """The output's size."""
        return Size(self.window.height, self.window.width, size.channels)

    def run(self, values: Doubles, size: Size, watch: Watch) -> Doubles:
        """The output."""
        largest: Doubles = self.window.see(values, size).max(2)
        return largest


@dataclass(frozen=True, slots=True)
class Flatten:
    """All pixels in one row, channels innermost."""

    name: str

    def out(self, size: Size) -> Size:
        """The output's size."""
        return Size(1, 1, size.rows * size.channels)

    def run(self, values: Doubles, size: Size, watch: Watch) -> Doubles:
        """The output."""
        return values.reshape(len(values), 1, -1)


@dataclass(frozen=True, slots=True)
class GlobalMean:
    """The mean of each channel over all pixels."""

    name: str

    def out(self, size: Size) -> Size:
        """The output's size."""
        return Size(1, 1, size.channels)

    def run(self, values: Doubles, size: Size, watch: Watch) -> Doubles:
        """The output."""
        means: Doubles = values.mean(1, keepdims=True)
        return means


@dataclass(frozen=True, slots=True)
class Softmax:
    """Probabilities of each row; the last layer if there is one."""

    name: str

    def out(self, size: Size) -> Size:
        """The output's size."""
        return size

    def run(self, values: Doubles, size: Size, watch: Watch) -> Doubles:
        """The output."""
        powers = np.exp(values - values.max(-1, keepdims=True))
        result: Doubles = powers / powers.sum(-1, keepdims=True)
        return result


Layer = Affine | MaxPool | Flatten | GlobalMean | Softmax


@dataclass(frozen=True, slots=True)
class Network:
    """Layers one after the other; `shape` is a sample's as its user has it, `size` how it lies in the graph.

    `by_channel`: the sample's first axis are channels and pixels are rows; else its values in C order fill the rows.
    """

    shape: tuple[int, ...]
    size: Size
    by_channel: bool
    layers: tuple[Layer, ...]

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The input's size, then each layer's output's."""
        sizes = [self.size]
        for layer in self.layers:
            sizes.append(layer.out(sizes[-1]))
        return tuple(sizes)

    def run(self, values: Doubles, watch: Watch | None = None) -> Doubles:
        """Outputs [batch, rows, columns] of inputs that lie as `size` says."""
        see = _ignore if watch is None else watch
        see(INPUT, values)
        for layer, size in zip(self.layers, self.sizes, strict=False):
            values = layer.run(values, size, see)
            see(layer.name, values)
        return values


def is_positive(layers: Sequence[Layer]) -> bool:
    """Whether what these layers make is never negative: the last affine one has such an activation."""
    for layer in reversed(layers):
        if isinstance(layer, Affine):
            return layer.activation is not None and layer.activation.is_positive
    return False


def _ignore(name: str, values: Doubles) -> None:
    """Nobody watches."""
