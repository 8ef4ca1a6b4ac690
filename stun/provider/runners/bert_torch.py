"""The BERT encoder on torch, for safetensors weights: the one registered architecture of text-embedding.

torch is an extra and is imported here only. Names of tensors as in Hugging Face's BertModel. Source: Devlin et al.,
"BERT", 2018; Gaussian error linear units by the error function; post-norm blocks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from stun.models.bounded_json import read_bounded_json
from stun.provider.runners.base import UnfitModel
from stun.provider.runners.torch_library import import_torch

MAX_CONFIG_BYTES = 64 * 2**10
MAX_LAYERS = 64


@dataclass(frozen=True, slots=True)
class BertConfig:
    """Sizes of the encoder, from its config.json."""

    layers: int
    heads: int
    width: int
    epsilon: float


def load_bert(weights: Path, config: Path) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
    """An encoder of token ids [1, tokens] to hidden states [1, tokens, width]. UnfitModel, RuntimeMissing."""
    sizes = read_config(config)
    torch = import_torch("text-embedding")
    from safetensors.torch import load_file  # imports torch

    try:
        tensors = {name.removeprefix("bert."): each.float() for name, each in load_file(weights).items()}
        encoder = _Bert(torch, tensors, sizes)
        encoder.encode(np.zeros((1, 2), dtype=np.int64))
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise UnfitModel(f"the weights are no BERT encoder of the sizes in config: {error}") from error
    return encoder.encode


def read_config(path: Path) -> BertConfig:
    """Read config.json; UnfitModel for another architecture or sizes that do not fit."""
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise UnfitModel(f"a config may have at most {MAX_CONFIG_BYTES} bytes")
    try:
        document = read_bounded_json(path.read_bytes())
        config = BertConfig(
            layers=int(document["num_hidden_layers"]),
            heads=int(document["num_attention_heads"]),
            width=int(document["hidden_size"]),
            epsilon=float(document["layer_norm_eps"]),
        )
        kind, activation = document["model_type"], document["hidden_act"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnfitModel(f"not the config of a BERT encoder: {error}") from error
    if kind != "bert" or activation != "gelu":
        raise UnfitModel(f"architecture {kind!r} with {activation!r} is not registered; bert with gelu is")
    if not 0 < config.layers <= MAX_LAYERS or config.heads < 1 or config.width % config.heads:
        raise UnfitModel("the config's sizes do not fit each other")
    return config


class _Bert:
    def __init__(self, torch: Any, tensors: dict[str, Any], config: BertConfig) -> None:
        self._torch = torch
        self._tensors = tensors
        self._config = config

    def encode(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        with self._torch.inference_mode():
            hidden = self._embed(self._torch.from_numpy(ids))
            for layer in range(self._config.layers):
                hidden = self._block(hidden, f"encoder.layer.{layer}.")
            result: NDArray[np.float32] = hidden.numpy()
        return result

    def _embed(self, ids: Any) -> Any:
        words = self._tensors["embeddings.word_embeddings.weight"][ids]
        places = self._tensors["embeddings.position_embeddings.weight"][: ids.shape[1]]
        kinds = self._tensors["embeddings.token_type_embeddings.weight"][0]
        return self._norm(words + places + kinds, "embeddings.LayerNorm")

    def _block(self, hidden: Any, prefix: str) -> Any:
        attended = self._linear(self._attend(hidden, f"{prefix}attention.self."), f"{prefix}attention.output.dense")
        hidden = self._norm(attended + hidden, f"{prefix}attention.output.LayerNorm")
        wide = self._torch.nn.functional.gelu(self._linear(hidden, f"{prefix}intermediate.dense"))
        return self._norm(self._linear(wide, f"{prefix}output.dense") + hidden, f"{prefix}output.LayerNorm")

    def _attend(self, hidden: Any, prefix: str) -> Any:
        batch, tokens, width = hidden.shape
        heads = self._config.heads
        query, key, value = (
            self._linear(hidden, prefix + name).view(batch, tokens, heads, width // heads).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        scores = (query @ key.transpose(-1, -2)) / (width // heads) ** 0.5
        return (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, tokens, width)

    def _linear(self, hidden: Any, name: str) -> Any:
        return self._torch.nn.functional.linear(hidden, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])

    def _norm(self, hidden: Any, name: str) -> Any:
        weight, bias = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
        return self._torch.nn.functional.layer_norm(hidden, weight.shape, weight, bias, self._config.epsilon)
