"""The float reference of a BERT sentence encoder (the MiniLM family): safetensors in, unit vectors out, in NumPy.

Names of tensors as in Hugging Face's BertModel. Whoever calibrates or compares layers passes `watch`, which is given
every tensor that the integer graph has a scale for. Source: Devlin et al., "BERT", 2018; post-norm blocks, erf GELU.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from stun.models.bounded_json import JsonRefused, read_bounded_json
from stun.models.quantize.activations import Floats, gelu, layer_norm, softmax
from stun.models.quantize.errors import UnfitArchitecture

MAX_CONFIG_BYTES = 64 * 2**10
Watch = Callable[[str, Floats], None]


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """Sizes of the encoder; `epsilon` is LayerNorm's."""

    layers: int
    heads: int
    width: int
    inner: int
    words: int
    positions: int
    epsilon: float

    @property
    def head_width(self) -> int:
        """Channels of one head."""
        return self.width // self.heads


class FloatEncoder:
    """A sentence encoder in float32: mean of the last hidden states, scaled to length 1."""

    def __init__(self, tensors: Mapping[str, Floats], shape: EncoderShape) -> None:
        self.tensors = tensors
        self.shape = shape

    def embed(self, ids: NDArray[np.int64], watch: Watch | None = None) -> Floats:
        """Unit vectors [batch, width] of equally long inputs [batch, tokens]."""
        hidden = self.encode(ids, watch)
        mean = hidden.mean(1)
        result: Floats = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return result

    def encode(self, ids: NDArray[np.int64], watch: Watch | None = None) -> Floats:
        """Hidden states [batch, tokens, width]."""
        see = _ignore if watch is None else watch
        hidden = self.tensors["embeddings.word_embeddings.weight"][ids]
        hidden = hidden + self.tensors["embeddings.position_embeddings.weight"][: ids.shape[1]]
        hidden = hidden + self.tensors["embeddings.token_type_embeddings.weight"][0]
        hidden = self._norm("embeddings.LayerNorm", hidden)
        for layer in range(self.shape.layers):
            hidden = self._block(layer, hidden, see)
        see("out", hidden)
        return hidden

    def _block(self, layer: int, hidden: Floats, see: Watch) -> Floats:
        prefix = f"encoder.layer.{layer}."
        see(f"{layer}.x", hidden)
        attended = self._attend(layer, hidden, see)
        branch = self._linear(f"{prefix}attention.output.dense", attended)
        see(f"{layer}.o", branch)
        hidden = self._norm(f"{prefix}attention.output.LayerNorm", hidden + branch)
        see(f"{layer}.y", hidden)
        wide = gelu(self._linear(f"{prefix}intermediate.dense", hidden))
        see(f"{layer}.g", wide)
        branch = self._linear(f"{prefix}output.dense", wide)
        see(f"{layer}.f", branch)
        return self._norm(f"{prefix}output.LayerNorm", hidden + branch)

    def _attend(self, layer: int, hidden: Floats, see: Watch) -> Floats:
        batch, tokens, width = hidden.shape
        heads, each = self.shape.heads, self.shape.head_width
        sides = []
        for short, name in (("q", "query"), ("k", "key"), ("v", "value")):
            side = self._linear(f"encoder.layer.{layer}.attention.self.{name}", hidden)
            see(f"{layer}.{short}", side)
            sides.append(side.reshape(batch, tokens, heads, each).transpose(0, 2, 1, 3))
        query, key, value = sides
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(np.float32(each))
        see(f"{layer}.s", scores)
        context = (softmax(scores) @ value).transpose(0, 2, 1, 3).reshape(batch, tokens, width)
        see(f"{layer}.c", context)
        return context

    def _linear(self, name: str, values: Floats) -> Floats:
        result: Floats = values @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]
        return result

    def _norm(self, name: str, values: Floats) -> Floats:
        gain, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
        return layer_norm(values, gain, bias, self.shape.epsilon)


def load_encoder(weights: Path, config: Path) -> FloatEncoder:
    """The encoder in a safetensors file with the sizes of its config.json. UnfitArchitecture."""
    try:
        loaded = load_file(weights)
    except (SafetensorError, OSError) as error:
        raise UnfitArchitecture(f"{weights.name}: {error}") from error
    tensors = {
        name.removeprefix("bert."): each.astype(np.float32) for name, each in loaded.items() if each.dtype.kind == "f"
    }
    shape = _read_shape(config, tensors)
    _check_tensors(tensors, shape)
    return FloatEncoder(tensors, shape)


def _read_shape(path: Path, tensors: Mapping[str, Floats]) -> EncoderShape:
    try:
        raw = path.read_bytes()
        document = read_bounded_json(raw if len(raw) <= MAX_CONFIG_BYTES else b"")
        kind, activation = document["model_type"], document["hidden_act"]
        words = tensors["embeddings.word_embeddings.weight"]
        positions = tensors["embeddings.position_embeddings.weight"]
        shape = EncoderShape(
            layers=int(document["num_hidden_layers"]), heads=int(document["num_attention_heads"]),
            width=words.shape[1], inner=int(document["intermediate_size"]), words=words.shape[0],
            positions=positions.shape[0], epsilon=float(document["layer_norm_eps"]),
        )  # fmt: skip
    except (JsonRefused, KeyError, TypeError, ValueError, IndexError, OSError) as error:
        raise UnfitArchitecture(f"{path.name} is not the config of a BERT encoder: {error!r}") from error
    if kind != "bert" or activation != "gelu":
        raise UnfitArchitecture(f"{kind!r} with {activation!r}; only bert with gelu is known")
    if not 0 < shape.layers <= 64 or shape.heads < 1 or shape.width % shape.heads:
        raise UnfitArchitecture("the config's sizes do not fit each other")
    return shape


def _check_tensors(tensors: Mapping[str, Floats], shape: EncoderShape) -> None:
    wanted = {"embeddings.token_type_embeddings": (2, shape.width), "embeddings.LayerNorm": (shape.width,)}
    for layer in range(shape.layers):
        prefix = f"encoder.layer.{layer}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            wanted[prefix + name] = (shape.width, shape.width)
        wanted[f"{prefix}intermediate.dense"] = (shape.inner, shape.width)
        wanted[f"{prefix}output.dense"] = (shape.width, shape.inner)
        wanted[f"{prefix}attention.output.LayerNorm"] = wanted[f"{prefix}output.LayerNorm"] = (shape.width,)
    for name, size in wanted.items():
        found = tensors.get(f"{name}.weight")
        if found is None or found.shape != size or not np.isfinite(found).all():
            raise UnfitArchitecture(f"{name}.weight is missing, misshapen or not finite")
        bias = tensors.get(f"{name}.bias")
        if not name.endswith("type_embeddings") and (bias is None or bias.shape != size[:1]):
            raise UnfitArchitecture(f"{name}.bias is missing or misshapen")


def _ignore(name: str, values: Floats) -> None:
    """Nobody watches."""
