"""Kernels, strides and pads of ONNX as windows of a graph, whose pads are equal on both axes and whose end is free.

A kernel that is dilated, or whose pads differ between the axes, is laid into a larger one of zeros.
Source: ONNX operators Conv, MaxPool, AveragePool.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from stun.models.quantize.activations import Doubles
from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks.layers import Size, Window
from stun.models.quantize.networks.onnx_file import Node, Setting

MAX_KERNEL: Final = 255  # also of strides and pads: a byte each in a graph's leaf
MAX_SIDE: Final = 4_096


@dataclass(frozen=True, slots=True)
class Kernel:
    """A node's kernel as ONNX says it: sizes, strides, dilations by axis; pads before and after each axis."""

    sizes: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]
    is_ceiled: bool

    @property
    def reach(self) -> tuple[int, int]:
        """Pixels from a kernel's first to behind its last, by axis."""
        return _reach(self.sizes, self.dilations)

    def window(self, node: Node, size: Size) -> Window:
        """The window on an image of that size. UnfitArchitecture."""
        pad = max(self.before)
        reach = [extent + pad - own for extent, own in zip(self.reach, self.before, strict=True)]
        places = [self._places(axis, side) for axis, side in enumerate((size.height, size.width))]
        steps = {stride for stride, count in zip(self.strides, places, strict=True) if count > 1} or {1}
        if min(places) < 1 or max(places) > MAX_SIDE or max(*reach, *steps, pad) > MAX_KERNEL:
            raise UnfitArchitecture(f"{node}: kernel {self.sizes} does not fit {size.height} x {size.width} pixels")
        if len(steps) > 1:
            raise UnfitArchitecture(f"{node}: strides {self.strides}; they must be equal")
        return Window(reach[0], reach[1], steps.pop(), pad, places[0], places[1])

    def lay(self, weights: Doubles, window: Window) -> Doubles:
        """Weights [out, channels, height, width] as the window sees them: [out, taps * channels]."""
        wide = np.zeros((len(weights), window.kernel_height, window.kernel_width, weights.shape[1]))
        first = [window.pad - own for own in self.before]
        rows, columns = (slice(at, None, step) for at, step in zip(first, self.dilations, strict=True))
        wide[:, rows, columns] = weights.transpose(0, 2, 3, 1)
        return wide.reshape(len(weights), -1)

    def _places(self, axis: int, side: int) -> int:
        free = side + self.before[axis] + self.after[axis] - self.reach[axis]
        count = (free + (self.strides[axis] - 1) * self.is_ceiled) // self.strides[axis] + 1
        begins_outside = (count - 1) * self.strides[axis] >= side + self.before[axis]
        return count - 1 if self.is_ceiled and begins_outside else count


def kernel_of(node: Node, sizes: tuple[int, ...], size: Size) -> Kernel:
    """A node's kernel of the given sizes over an image of the given size. UnfitArchitecture."""
    sizes = _pair(node, node.settings.get("kernel_shape"), sizes)
    strides, dilations = (_pair(node, node.settings.get(name), (1, 1)) for name in ("strides", "dilations"))
    if min(*sizes, *strides, *dilations) < 1 or max(*sizes, *strides, *dilations) > MAX_KERNEL:
        raise UnfitArchitecture(f"{node}: kernel, strides and dilations must be 1 to {MAX_KERNEL}")
    before, after = _pads(node, _reach(sizes, dilations), strides, size)
    return Kernel(sizes, strides, dilations, before, after, bool(node.settings.get("ceil_mode", 0)))


def _pads(
    node: Node, reach: tuple[int, int], strides: tuple[int, int], size: Size
) -> tuple[tuple[int, int], tuple[int, int]]:
    automatic = node.settings.get("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        total = [
            max(0, (-(-side // stride) - 1) * stride + extent - side)
            for side, stride, extent in zip((size.height, size.width), strides, reach, strict=True)
        ]
        less, more = tuple(each // 2 for each in total), tuple(each - each // 2 for each in total)
        first, last = (less, more) if automatic == "SAME_UPPER" else (more, less)
        return (first[0], first[1]), (last[0], last[1])
    pads = node.settings.get("pads", [0, 0, 0, 0]) if automatic == "NOTSET" else [0, 0, 0, 0]
    if automatic not in ("NOTSET", "VALID") or not isinstance(pads, list) or len(pads) != 4:
        raise UnfitArchitecture(f"{node}: only images have windows here, with four pads")
    if min(pads) < 0 or max(pads) > MAX_KERNEL:
        raise UnfitArchitecture(f"{node}: pads {pads}; they must be 0 to {MAX_KERNEL}")
    return (pads[0], pads[1]), (pads[2], pads[3])


def _pair(node: Node, setting: Setting | None, default: tuple[int, ...]) -> tuple[int, int]:
    found = default if setting is None else setting
    if not isinstance(found, list | tuple) or len(found) != 2:
        raise UnfitArchitecture(f"{node}: only windows over height and width are known")
    return found[0], found[1]


def _reach(sizes: tuple[int, int], dilations: tuple[int, int]) -> tuple[int, int]:
    return (sizes[0] - 1) * dilations[0] + 1, (sizes[1] - 1) * dilations[1] + 1
