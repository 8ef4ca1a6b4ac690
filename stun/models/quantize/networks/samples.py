"""A user's own inputs, from one .npy file: four of five calibrate, the fifth judges."""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final

import numpy as np

from stun.models.quantize.activations import Doubles
from stun.models.quantize.errors import UnfitSamples
from stun.models.quantize.networks.layers import Affine, Network, Watch
from stun.models.quantize.networks.onnx_tensors import Array

FEWEST: Final = 10
MOST: Final = 20_000
JUDGE_EVERY: Final = 5
PACK_VALUES: Final = 2**22  # of the widest layer's windows, in float64


def read_samples(path: Path, shape: tuple[int, ...]) -> Array:
    """An array [samples, *shape] of numbers, left in its file. UnfitSamples: another shape, too few, objects ..."""
    try:
        open_npy: Any = np.lib.format.open_memmap  # reads .npy alone, and no objects
        samples: Array = open_npy(path, mode="r")
    except (ValueError, OverflowError, OSError, SyntaxError, TokenError) as error:
        raise UnfitSamples(f"{path.name} is no .npy file of numbers ({error})") from error
    if samples.dtype.kind not in "fiu":
        raise UnfitSamples(f"{path.name} holds no array of numbers")
    if samples.ndim < 1 or _without_ones(samples.shape[1:]) != _without_ones(shape):
        raise UnfitSamples(f"{path.name} has shape {list(samples.shape)}; the model wants [samples, {_told(shape)}]")
    if not FEWEST <= len(samples) <= MOST:
        raise UnfitSamples(f"{path.name} holds {len(samples)} samples; {FEWEST} to {MOST} are wanted, better hundreds")
    return samples


def split(samples: Array) -> tuple[Array, Array]:
    """(what calibrates, what judges)."""
    judges = np.arange(len(samples)) % JUDGE_EVERY == JUDGE_EVERY - 1
    return samples[~judges], samples[judges]


def lay(network: Network, samples: Array) -> Doubles:
    """Samples as they lie in the graph, [samples, rows, columns]. UnfitSamples: not finite."""
    size = network.size
    values = np.asarray(samples, np.float64).reshape(len(samples), -1)
    if not np.isfinite(values).all():
        raise UnfitSamples("a sample is not finite")
    if not network.by_channel:
        return values.reshape(-1, size.rows, size.channels)
    laid: Doubles = values.reshape(-1, size.channels, size.rows).swapaxes(1, 2)
    return np.ascontiguousarray(laid)


def run_packs(network: Network, samples: Array, watch: Watch | None = None) -> Iterator[tuple[Doubles, Doubles]]:
    """(inputs, float outputs) of packs that need little memory. UnfitSamples: a result is not finite."""
    step = max(1, PACK_VALUES // _widest(network))
    for first in range(0, len(samples), step):
        inputs = lay(network, samples[first : first + step])
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = network.run(inputs, watch)
        if not np.isfinite(outputs).all():
            raise UnfitSamples("the float model's result of a sample is not finite")
        yield inputs, outputs


def _widest(network: Network) -> int:
    sizes = network.sizes
    seen = [
        out.rows * layer.weights.shape[1] if isinstance(layer, Affine) else out.rows * out.channels
        for layer, out in zip(network.layers, sizes[1:], strict=True)
    ]
    return max(*seen, *(size.rows * size.channels for size in sizes))


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1) or (prod(shape),)


def _told(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
