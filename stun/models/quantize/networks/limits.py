"""What a graph of class `exact` holds, told in words of the network before anything is computed."""

from math import prod
from typing import Final

from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks.layers import (
    Affine,
    Flatten,
    GlobalMean,
    Layer,
    MaxPool,
    Network,
    Size,
    Softmax,
    is_positive,
)
from stun.protocol.graph.operators import PER_ROW
from stun.protocol.graph.shapes import BIAS_AND_MULT, MAX_ROWS, SECOND_MULT
from stun.protocol.graph.tensors import MAX_ROW_BYTES

MAX_LAYERS: Final = 512
MAX_WEIGHTS: Final = 2**25  # of all layers together, dense: 256 MiB while they are float64
MAX_SEEN: Final = 2**25  # values that one sample's windows show, overlaps counted
MAX_KERNEL: Final = 255
INT16_COLUMNS: Final = MAX_ROW_BYTES // 2
INT32_COLUMNS: Final = MAX_ROW_BYTES // 4
MAX_DEPTH: Final = MAX_ROW_BYTES - BIAS_AND_MULT


def input_rows(width: int) -> int:
    """The fewest rows into which a vector of int16 is cut so that none passes the limit of a row."""
    return next(rows for rows in range(1, width + 1) if width % rows == 0 and width // rows <= INT16_COLUMNS)


def require_harmless_borders(network: Network) -> None:
    """A maximum sees zeros outside an image, so what it reads must not be negative. UnfitArchitecture."""
    for place, (layer, size) in enumerate(zip(network.layers, network.sizes, strict=False)):
        if not isinstance(layer, MaxPool) or is_positive(network.layers[:place]):
            continue
        if (layer.window.pixels(size) == size.rows).any():
            raise UnfitArchitecture(
                f"{layer.name}: a padded maximum of values that may be negative; put a Relu before it"
            )


def require_fitting(network: Network) -> None:
    """Check every layer against the limits of a graph. UnfitArchitecture names the layer and what to change."""
    sizes = network.sizes
    if not 0 < len(network.layers) <= MAX_LAYERS:
        raise UnfitArchitecture(f"{len(network.layers)} layers; 1 to {MAX_LAYERS} are served")
    for layer, size, out in zip(network.layers, sizes, sizes[1:], strict=False):
        _require(layer.name, "pixels", max(size.rows, out.rows), MAX_ROWS)
        _require_layer(layer, size, out)
    _require("the output", "columns", sizes[-1].channels, INT16_COLUMNS)


def require_image(channels: int, height: int, width: int) -> None:
    """Check an image before anything is computed on it. UnfitArchitecture."""
    _require("the input", "channels", channels, INT16_COLUMNS)
    _require("the input", "pixels", height * width, MAX_ROWS)


def require_seen(name: str, taps: int, channels: int, places: int) -> None:
    """Check what windows show before it is computed. UnfitArchitecture."""
    _require(name, "values in a window", taps * channels, MAX_DEPTH)
    _require(name, "values in all windows of a sample", taps * channels * places, MAX_SEEN)


def _require_layer(layer: Layer, size: Size, out: Size) -> None:
    if isinstance(layer, Affine):
        has_table = layer.activation is not None and not layer.activation.is_clamp
        _require(layer.name, "inputs of an output", layer.weights.shape[1], MAX_DEPTH - SECOND_MULT * has_table)
        _require(layer.name, "outputs", len(layer.weights), MAX_ROW_BYTES)
    elif isinstance(layer, Flatten):
        _require(layer.name, "values in a row", prod((size.rows, size.channels)), MAX_DEPTH)
        _require(layer.name, "pixels in width", size.width, MAX_KERNEL)
    elif isinstance(layer, GlobalMean):
        _require(layer.name, "pixels or channels", max(size.rows, size.channels), INT16_COLUMNS)
    elif isinstance(layer, Softmax):
        _require(layer.name, "columns", out.channels, INT16_COLUMNS)


def _require(name: str, what: str, count: int, most: int) -> None:
    if not 0 < count <= min(most, PER_ROW - 1):
        raise UnfitArchitecture(
            f"{name}: {count} {what}; class exact takes 1 to {most}. Make it smaller, or pool before it"
        )
