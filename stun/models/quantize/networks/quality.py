"""How much of a float network an integer one keeps: result by result, and layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.engine import Engine
from stun.models.exact.numbers import NumberFormat
from stun.models.quantize.activations import Doubles
from stun.models.quantize.networks.layers import Network
from stun.models.quantize.networks.onnx_tensors import Array
from stun.models.quantize.networks.samples import run_packs
from stun.protocol.graph.tensors import Dtype

LAYER_SAMPLES = 128  # layers are compared on this many samples
_INT8_PEAK = 127


@dataclass(frozen=True, slots=True)
class NetworkQuality:
    """Float and integer results [samples, values] of the same samples."""

    real: Doubles
    exact: Doubles

    @property
    def errors(self) -> Doubles:
        """|exact - real| / |real| of each result, by Euclidean norms."""
        return _relative(self.real, self.exact)

    @property
    def cosines(self) -> Doubles:
        """Of float and integer result."""
        norms = np.linalg.norm(self.real, axis=1) * np.linalg.norm(self.exact, axis=1)
        result: Doubles = (self.real * self.exact).sum(1) / np.maximum(norms, 1e-30)
        return result

    @property
    def agreement(self) -> float | None:
        """Share of samples whose largest value stands in the same place; None of a single value."""
        if self.real.shape[1] < 2:
            return None
        return float((self.real.argmax(1) == self.exact.argmax(1)).mean())


@dataclass(frozen=True, slots=True)
class NetworkLayerQuality:
    """One layer's output: errors as in `NetworkQuality`, largest magnitude, share of int8 values at their limit."""

    name: str
    mean: float
    worst: float
    peak: float
    at_limit: float


def judge(network: Network, engine: Engine, forms: tuple[NumberFormat, NumberFormat], samples: Array) -> NetworkQuality:
    """Run both models over the samples, the integer one as a requester would: numbers to tensors and back."""
    pairs = [(outputs, to_integers(inputs, forms[0])) for inputs, outputs in run_packs(network, samples)]
    real = np.concatenate([outputs.reshape(len(outputs), -1) for outputs, _ in pairs])
    unit = 2.0 ** -forms[1].exponent
    exact = np.concatenate([engine.run(integers).reshape(len(integers), -1) * unit for _, integers in pairs])
    return NetworkQuality(real, exact)


def to_integers(inputs: Doubles, form: NumberFormat) -> NDArray[np.int16]:
    """Laid inputs [samples, rows, columns] in a format's units, at its limits where they pass them."""
    assert form.dtype == Dtype.INT16
    units: Doubles = np.clip(np.rint(inputs * 2.0**form.exponent), -(2**15) + 1, 2**15 - 1)
    return units.astype(np.int16)


def compare_layers(
    network: Network, engine: Engine, made: Mapping[str, tuple[int, Doubles]], form: NumberFormat, samples: Array
) -> list[NetworkLayerQuality]:
    """Every layer's output; `made` has its operator and the steps of its channels."""
    errors: dict[str, list[Doubles]] = {name: [] for name in made}
    peaks, limits = dict.fromkeys(made, 0.0), dict.fromkeys(made, 0.0)
    for place, (inputs, _) in enumerate(run_packs(network, samples[:LAYER_SAMPLES])):
        real: dict[str, Doubles] = {}
        network.run(inputs, real.__setitem__)
        outputs = engine.run_all(to_integers(inputs, form))
        for name, (index, step) in made.items():
            exact = outputs[index] * step
            errors[name].append(_relative(*(each.reshape(len(inputs), -1) for each in (real[name], exact))))
            peaks[name] = max(peaks[name], float(np.abs(exact).max()))
            share = float((np.abs(outputs[index]) == _INT8_PEAK).mean()) if outputs[index].dtype.itemsize == 1 else 0.0
            limits[name] += (share - limits[name]) / (place + 1)
    joined = {name: np.concatenate(parts) for name, parts in errors.items()}
    return [
        NetworkLayerQuality(name, float(each.mean()), float(each.max()), peaks[name], limits[name])
        for name, each in joined.items()
    ]


def _relative(real: Doubles, exact: Doubles) -> Doubles:
    result: Doubles = np.linalg.norm(exact - real, axis=1) / np.maximum(np.linalg.norm(real, axis=1), 1e-30)
    return result
