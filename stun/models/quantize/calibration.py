"""What the integers' scales rest on: the largest magnitude of each channel of each watched tensor over the texts.

Floats differ in their last bits between processors, so two machines may calibrate apart. A `Calibration` is therefore
kept as a file beside the weights it was made from: the integers follow from both without another float product.
File: safetensors, one float32 vector a tensor. Calibration wants many genres and lengths: texts of one genre alone gave
cosines down to 0.69 on the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from stun.models.errors import UnfitTexts
from stun.models.quantize.activations import Doubles, Floats
from stun.models.quantize.encoder import FloatEncoder
from stun.models.texts import packs, read_texts

_SHIPPED_TEXTS = Path(__file__).parent / "data" / "calibration.txt"
_SEED = 7
WATCHED = ("x", "q", "k", "v", "c", "y", "g")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Largest magnitudes by tensor name ("3.g": layer 3, after GELU), one for each channel."""

    peaks: Mapping[str, Floats]

    def peak(self, layer: int, name: str) -> Doubles:
        """The largest magnitude of each channel of a layer's tensor, at least a millionth of the tensor's."""
        values: Doubles = self.peaks[f"{layer}.{name}"].astype(np.float64)
        floor = max(float(values.max()) * 1e-6, 1e-30)
        return np.maximum(values, floor)

    def save(self, path: Path) -> None:
        """Write the file."""
        save_file(dict(self.peaks), path)


def calibration_texts() -> list[str]:
    """The shipped sentences, then 32 pairs and 32 paragraphs of seven, drawn from them by a fixed seed."""
    sentences = read_texts(_SHIPPED_TEXTS)
    draw = Random(_SEED)
    pairs = [" ".join(draw.sample(sentences, 2)) for _ in range(32)]
    return sentences + pairs + [" ".join(draw.sample(sentences, 7)) for _ in range(32)]


def calibrate(encoder: FloatEncoder, tokenizer: Tokenizer, texts: Sequence[str]) -> Calibration:
    """Watch the float encoder embed the texts. UnfitTexts if there are none."""
    if not texts:
        raise UnfitTexts("none to calibrate with")
    peaks: dict[str, Floats] = {}

    def watch(name: str, values: Floats) -> None:
        if name.partition(".")[2] in WATCHED:
            found = np.abs(values).reshape(-1, values.shape[-1]).max(0)
            peaks[name] = np.maximum(peaks.get(name, found), found)

    for _, ids in packs(tokenizer, texts):
        encoder.encode(ids, watch)
    return Calibration(peaks)


def load_calibration(path: Path, encoder: FloatEncoder) -> Calibration:
    """Read a file that was made for an encoder of these sizes. UnfitTexts for anything else."""
    try:
        peaks = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UnfitTexts(f"{path.name} is no calibration: {error}") from error
    shape = encoder.shape
    wanted = {
        f"{layer}.{name}": shape.inner if name == "g" else shape.width
        for layer in range(shape.layers)
        for name in WATCHED
    }
    if {name: each.shape for name, each in peaks.items()} != {name: (size,) for name, size in wanted.items()}:
        raise UnfitTexts(f"{path.name} was made for another model")
    if not all(np.isfinite(each).all() and (each >= 0).all() for each in peaks.values()):
        raise UnfitTexts(f"{path.name} holds magnitudes that are none")
    return Calibration(peaks)
