"""The integer graph of a network: int8 products, a step a channel, requantized once between layers.

An affine layer is a Linear, behind a Window if it sees more than a pixel. ReLU is its clamp, other activations its
table. Before a mean or probabilities values have 16 bits. The input and the output are in units of powers of two, which
the manifest's formats name; what lies between follows from the peaks and is in the integers alone.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.drafting import INT8_LIMITS, INT16_LIMITS, Draft, Lookup, Rounded
from stun.models.exact.numbers import MAX_EXPONENT, NumberFormat
from stun.models.quantize.activations import Doubles
from stun.models.quantize.errors import UnfitSamples
from stun.models.quantize.networks.activations import Activation
from stun.models.quantize.networks.layers import (
    INPUT,
    SUM,
    Affine,
    Flatten,
    GlobalMean,
    MaxPool,
    Network,
    Size,
    Softmax,
    Window,
)
from stun.models.quantize.networks.limits import INT32_COLUMNS
from stun.models.quantize.networks.peaks import LEAST, Peaks
from stun.models.quantize.scales import bits_above, fixed_point, quantize_linear, smooth_step
from stun.protocol.graph.operators import FLAT, Opcode
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Dtype

SCORE_EXPONENT: Final = 8  # Softmax reads units of 2^-8 and makes units of 2^-14
PROBABILITY_EXPONENT: Final = 14
SMOOTHING: Final = 0.85
TABLE_BITS, TABLE_STEP = 15, 4  # 4,096 entries over all of int16
RESULT_BITS: Final = 24  # of the largest result met while calibrating; float64 rounds the worst one exactly
ROOM_BITS: Final = 1  # past the largest magnitude met while calibrating
LIMITS: Final = {Dtype.INT8: INT8_LIMITS, Dtype.INT16: INT16_LIMITS, Dtype.INT32: (-(2**31), 2**31 - 1)}


@dataclass(frozen=True, slots=True)
class Target:
    """How a tensor is kept: its width and the step of each channel, or of all."""

    dtype: Dtype
    step: Doubles


@dataclass(slots=True)
class NetworkQuantizer:
    """Writes one network's graph. `made`: the operator and the steps of each layer's output, by the layer's name."""

    network: Network
    peaks: Peaks
    draft: Draft = field(default_factory=Draft)
    made: dict[str, tuple[int, Doubles]] = field(default_factory=dict)

    @property
    def input_format(self) -> NumberFormat:
        """What a sample is written in."""
        network = self.network
        exponent = _exponent(float(self.peaks[INPUT].max()), 15 - ROOM_BITS)
        return NumberFormat(Dtype.INT16, network.shape, 0 if network.by_channel else network.size.rows, exponent)

    @property
    def output_format(self) -> NumberFormat:
        """What a result is read in."""
        size, last = self.network.sizes[-1], self.network.layers[-1]
        is_image = self.network.by_channel and size.rows > 1
        shape = (size.channels, size.height, size.width) if is_image else (size.rows * size.channels,)
        rows = 0 if is_image else size.rows
        if isinstance(last, Softmax):
            return NumberFormat(Dtype.INT16, shape, rows, PROBABILITY_EXPONENT)
        dtype, bits = (Dtype.INT32, RESULT_BITS) if size.channels <= INT32_COLUMNS else (Dtype.INT16, 15 - ROOM_BITS)
        return NumberFormat(dtype, shape, rows, _exponent(float(self.peaks[last.name].max()), bits))

    def build(self) -> Graph:
        """The graph, for inputs of as many rows as a sample has. Errors: Rejected."""
        network, draft = self.network, self.draft
        source = draft.input(Dtype.INT16, network.size.channels)
        held = Target(Dtype.INT16, np.full(network.size.channels, 2.0**-self.input_format.exponent))
        source, held = self._requantize(f"{INPUT} kept", source, held, self._target(0))
        for place, (layer, size) in enumerate(zip(network.layers, network.sizes, strict=False)):
            if isinstance(layer, Affine):
                source, held = self._affine(layer, source, held, size, self._target(place + 1))
            elif isinstance(layer, MaxPool | Flatten):
                source, held = self._seen(layer, source, held, size)
            elif isinstance(layer, GlobalMean):
                source, held = self._mean(layer, source, held, self._target(place + 1))
            else:
                held = Target(Dtype.INT16, np.full(1, 2.0**-PROBABILITY_EXPONENT))
                source = draft.plain(layer.name, Opcode.SOFTMAX, source, (self._rows(source), size.channels))
            self.made.setdefault(layer.name, (source, held.step))
        return draft.finish(network.size.rows, network.size.rows)

    def _target(self, place: int) -> Target:
        """How what reaches layer `place` is kept: as the first layer from there on that computes wants it."""
        layers = self.network.layers
        peaks = _floored(self.peaks[INPUT if place == 0 else layers[place - 1].name])
        for layer in layers[place:]:
            if isinstance(layer, Affine):
                each = np.abs(layer.weights).reshape(-1, len(peaks))
                return Target(Dtype.INT8, smooth_step(peaks, [each], SMOOTHING))
            if isinstance(layer, GlobalMean):
                return Target(Dtype.INT16, peaks * 2.0 ** (ROOM_BITS - 15))
            if isinstance(layer, Softmax):
                return Target(Dtype.INT16, np.full(1, 2.0**-SCORE_EXPONENT))
        form = self.output_format
        return Target(form.dtype, np.full(1, 2.0**-form.exponent))

    def _affine(self, layer: Affine, source: int, held: Target, size: Size, target: Target) -> tuple[int, Target]:
        if layer.window is not None:
            source = self._window(f"{layer.name} window", source, layer.window, size)
        taps = layer.weights.shape[1] // len(held.step)
        weights, bias, sums = quantize_linear(layer.weights, layer.bias, np.tile(held.step, taps))
        activation = layer.activation
        if activation is None or activation.is_clamp:
            low, high = LIMITS[target.dtype]
            limits = (low if activation is None else 0, high)
            out = _rounded(sums / target.step, target.dtype, limits)
            return self.draft.linear(layer.name, source, weights, bias, out), target
        step = 2.0 ** -_exponent(float(self.peaks[layer.name + SUM].max()), TABLE_BITS - ROOM_BITS)
        table, unit = _tabulate(activation, step)
        factors = np.broadcast_to(unit / target.step, sums.shape)
        lookup = Lookup(table, TABLE_BITS, TABLE_STEP, _rounded(factors, target.dtype, LIMITS[target.dtype]), FLAT)
        out = _rounded(sums / step, Dtype.INT16, INT16_LIMITS)
        return self.draft.linear(layer.name, source, weights, bias, out, lookup), target

    def _seen(self, layer: MaxPool | Flatten, source: int, held: Target, size: Size) -> tuple[int, Target]:
        if isinstance(layer, Flatten):
            whole = Window(size.height, size.width, 1, 0, 1, 1)
            return self._window(layer.name, source, whole, size), Target(held.dtype, np.tile(held.step, size.rows))
        window, shape = layer.window, (layer.window.height * layer.window.width, size.channels)
        seen = self._window(f"{layer.name} window", source, window, size)
        return self.draft.add(layer.name, Opcode.MAX, held.dtype, shape, a=seen, groups=window.taps), held

    def _mean(self, layer: GlobalMean, source: int, held: Target, target: Target) -> tuple[int, Target]:
        channels = self.draft.operators[source].cols
        turned = self.draft.plain(f"{layer.name} turned", Opcode.TRANSPOSE, source, (channels, self._rows(source)))
        mean = self.draft.plain(layer.name, Opcode.MEAN, turned, (1, channels))
        self.made[layer.name] = (mean, held.step)
        return self._requantize(f"{layer.name} kept", mean, held, target)

    def _requantize(self, name: str, source: int, held: Target, target: Target) -> tuple[int, Target]:
        factors = np.broadcast_to(held.step / target.step, held.step.shape)
        return self.draft.requant(name, source, _rounded(factors, target.dtype, LIMITS[target.dtype])), target

    def _window(self, name: str, source: int, window: Window, size: Size) -> int:
        shape = (window.height * window.width, window.taps * size.channels)
        fields = {
            "width": size.width, "out_width": window.width, "kernel": window.kernel_width, "stride": window.stride,
            "pad": window.pad,
        }  # fmt: skip
        return self.draft.add(name, Opcode.WINDOW, Dtype(self.draft.operators[source].dtype), shape, a=source, **fields)

    def _rows(self, source: int) -> int:
        return self.draft.operators[source].rows


def _tabulate(activation: Activation, step: float) -> tuple[NDArray[np.int16], float]:
    """The function at the middle of each step of a table over all of int16, and the unit of its entries."""
    wide = 1 << TABLE_STEP
    values = activation.function((np.arange(-(1 << TABLE_BITS), 1 << TABLE_BITS, wide) + wide / 2 - 0.5) * step)
    unit = 2.0 ** -_exponent(float(np.abs(values).max()), TABLE_BITS)
    return np.clip(np.rint(values / unit), *INT16_LIMITS).astype(np.int16), unit


def _rounded(factors: Doubles, dtype: Dtype, limits: tuple[int, int]) -> Rounded:
    return Rounded(*fixed_point(factors), dtype, limits)


def _floored(peaks: Doubles) -> Doubles:
    """Peaks with room for channels that stayed near zero; 1 where all did."""
    largest = float(peaks.max())
    return np.maximum(peaks, 1e-3 * largest) if largest > LEAST else np.ones(len(peaks))


def _exponent(peak: float, bits: int) -> int:
    """The e with peak * 2^e <= 2^bits; 0 for a peak of nothing. UnfitSamples: a magnitude that no format names."""
    exponent = 0 if peak <= LEAST else bits - bits_above(peak)
    if abs(exponent) > MAX_EXPONENT:
        raise UnfitSamples(f"magnitudes of {peak:g} do not fit; scale them")
    return exponent
