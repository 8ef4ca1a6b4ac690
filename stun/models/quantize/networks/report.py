"""Quantizing a network on a user's samples, and what it cost: four samples of five calibrate, the fifth judges."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stun.models.exact.engine import Engine
from stun.models.exact.numbers import NumberFormat
from stun.models.exact.paths import choose_path
from stun.models.quantize.networks.integers import NetworkQuantizer
from stun.models.quantize.networks.peaks import find_peaks
from stun.models.quantize.networks.quality import NetworkLayerQuality, NetworkQuality, compare_layers, judge
from stun.models.quantize.networks.reading import read_model
from stun.models.quantize.networks.samples import JUDGE_EVERY, read_samples, split
from stun.protocol.graph.structure import Graph


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """Float against integers: over all judged samples, and layer by layer. `worst` is a sample's place in the file.

    `reading_error`: how far the float reference is from the model's own library, as a share of the largest value.
    """

    quality: NetworkQuality
    layers: tuple[NetworkLayerQuality, ...]
    worst: int
    calibrated: int
    judged: int
    reading_error: float

    def record(self) -> dict[str, Any]:
        """Its figures, as JSON has them."""
        errors, cosines = self.quality.errors, self.quality.cosines
        layers = [
            {"name": each.name, "error_mean": each.mean, "error_max": each.worst, "peak": each.peak,
             "at_limit": each.at_limit}
            for each in self.layers
        ]  # fmt: skip
        return {
            "calibrated_samples": self.calibrated, "judged_samples": self.judged,
            "agreement": self.quality.agreement, "error_mean": float(errors.mean()),
            "error_p99": float(np.quantile(errors, 0.99)), "error_max": float(errors.max()), "worst_sample": self.worst,
            "reading_error": self.reading_error,
            "cosine_mean": float(cosines.mean()), "cosine_min": float(cosines.min()), "layers": layers,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class IntegerNetwork:
    """A network's graph, and the formats of its inputs and outputs."""

    graph: Graph
    input_format: NumberFormat
    output_format: NumberFormat


def quantize_network(model: Path, inputs: Path) -> tuple[IntegerNetwork, NetworkReport]:
    """An ONNX file as an exact graph, by the samples of a .npy file, and its report.

    Errors: ModelFileError, UnfitArchitecture, ReadingDiffers, UnfitSamples, Rejected (a model past the graph's bounds).
    """
    reading = read_model(model)
    network = reading.network
    samples = read_samples(inputs, network.shape)
    calibrating, judged = split(samples)
    quantizer = NetworkQuantizer(network, find_peaks(network, calibrating))
    made = IntegerNetwork(quantizer.build(), quantizer.input_format, quantizer.output_format)
    difference = reading.check(judged)
    engine = Engine(made.graph, choose_path().backend)
    quality = judge(network, engine, (made.input_format, made.output_format), judged)
    layers = tuple(compare_layers(network, engine, quantizer.made, made.input_format, judged))
    worst = JUDGE_EVERY * int(quality.errors.argmax()) + JUDGE_EVERY - 1
    return made, NetworkReport(quality, layers, worst, len(calibrating), len(judged), difference)
