"""What the integers' scales rest on: each channel's largest magnitude in every layer's output, over the samples.

Computed in float64 and rounded to 16 bits, so that machines whose sums differ in their last bits agree.
"""

from collections.abc import Mapping

import numpy as np

from stun.models.quantize.activations import Doubles
from stun.models.quantize.networks.layers import Network
from stun.models.quantize.networks.onnx_tensors import Array
from stun.models.quantize.networks.samples import run_packs
from stun.models.quantize.scales import short

Peaks = Mapping[str, Doubles]  # by layer; "input" and what stands before tables (layers.SUM) among them
LEAST = 1e-30


def find_peaks(network: Network, samples: Array) -> Peaks:
    """Watch the float network compute the samples. UnfitSamples."""
    peaks: dict[str, Doubles] = {}

    def watch(name: str, values: Doubles) -> None:
        found = np.abs(values).reshape(-1, values.shape[-1]).max(0)
        peaks[name] = np.maximum(peaks.get(name, found), found)

    for _ in run_packs(network, samples, watch):
        pass
    return {name: short(np.maximum(each, LEAST)) for name, each in peaks.items()}
