"""Sums of two branches as layers one after the other: what is added is carried beside the longer branch.

The graph has no sum of two tensors. But a layer's weights can be laid beside a copy of what the other branch adds
later, and its last weights beside that branch's: then one product adds both. A copy passes a ReLU unharmed where it is
not negative; else it is carried as two, what is above zero and what is below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from stun.models.quantize.activations import Doubles
from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks.layers import Affine, Layer, Window, is_positive
from stun.models.quantize.networks.onnx_file import Node
from stun.models.quantize.networks.walk import Walk


def add_branches(node: Node, left: Walk, right: Walk) -> Walk:
    """The walk behind a sum of two. UnfitArchitecture: branches that cannot be laid side by side."""
    shared = next(
        (place for place, pair in enumerate(zip(left.layers, right.layers, strict=False)) if pair[0] is not pair[1]),
        min(len(left.layers), len(right.layers)),
    )
    if left.shape != right.shape or left.size != right.size or not (left.is_in_order and right.is_in_order):
        raise _unfit(node)
    merged = left.branch()
    merged.rewind(shared)
    tails = [_affine(node, walk.layers[shared:]) for walk in (left, right)]
    short, long = sorted(tails, key=lambda tail: (len(tail), _taps(tail)))
    _Lanes(node, merged, is_positive(merged.layers)).put(long, short)
    return merged


@dataclass(slots=True)
class _Lanes:
    """Puts the longer branch's layers, with what is carried in the last channels."""

    node: Node
    walk: Walk
    is_positive: bool

    def put(self, long: Sequence[Affine], short: Sequence[Affine]) -> None:
        """All layers; the last one adds."""
        channels = self.walk.size.channels
        signs = np.eye(channels) if self.is_positive else np.concatenate([np.eye(channels), -np.eye(channels)])
        added = short[0].weights if short else np.eye(channels)
        if not long or len(short) > 1 or _taps(short) > 1 or prod(map(_stride, short)) != prod(map(_stride, long)):
            raise _unfit(self.node)
        for place, layer in enumerate(long[:-1]):
            if layer.activation is None or not layer.activation.is_clamp:
                raise _unfit(self.node)
            self._put(layer, layer.bias, signs if place == 0 else np.eye(len(signs)), place == 0)
        bias = long[-1].bias + (short[0].bias if short else 0)
        self._put(long[-1], bias, added if len(long) == 1 else added @ signs.T, len(long) == 1, is_last=True)

    def _put(self, layer: Affine, bias: Doubles, carried: Doubles, is_first: bool, is_last: bool = False) -> None:
        """One layer, which reads the branch's channels and behind them (at first: the same) what is carried."""
        size, out = self.walk.size, layer.out(self.walk.size)
        if (out.height, out.width) != tuple(-(-side // _stride(layer)) for side in (size.height, size.width)):
            raise _unfit(self.node)
        taps, middle = _middle(self.node, layer.window)
        rows = len(layer.weights) + (0 if is_last else len(carried))
        self.walk.claim(self.node, rows, taps * size.channels)
        weights = np.zeros((rows, taps, size.channels))
        own = layer.weights.reshape(len(layer.weights), taps, -1)
        weights[: len(own), :, : own.shape[2]] = own
        weights[rows - len(carried) :, middle, slice(0 if is_first else own.shape[2], None)] += carried
        spread = np.concatenate([bias, np.zeros(rows - len(bias))])
        name = self.walk.name("Add" if is_last else f"{layer.name.split(' ', 1)[1]} + carried")
        self.walk.put(Affine(name, weights.reshape(rows, -1), spread, layer.window, layer.activation))


def _stride(layer: Affine) -> int:
    return 1 if layer.window is None else layer.window.stride


def _taps(layers: Sequence[Affine]) -> int:
    return max((1 if layer.window is None else layer.window.taps for layer in layers), default=1)


def _middle(node: Node, window: Window | None) -> tuple[int, int]:
    """How many taps a layer sees, and which of them is the pixel that a plain stride takes. UnfitArchitecture."""
    if window is None:
        return 1, 0
    if window.pad >= min(window.kernel_height, window.kernel_width):
        raise _unfit(node)
    return window.taps, window.pad * window.kernel_width + window.pad


def _affine(node: Node, layers: Sequence[Layer]) -> list[Affine]:
    found = [layer for layer in layers if isinstance(layer, Affine)]
    if len(found) < len(layers) or (found and found[-1].activation is not None):
        raise _unfit(node)
    return found


def _unfit(node: Node) -> UnfitArchitecture:
    return UnfitArchitecture(
        f"{node}: a sum of two branches is known where they part from one tensor, one of them has no layer or one of a "
        "single pixel, the other ReLU between its layers, both end without activation, and sizes and strides agree"
    )
