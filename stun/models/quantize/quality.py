"""How much of a float model an integer one keeps: cosines text by text, ranks of all similarities, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from stun.models.exact.engine import Engine
from stun.models.exact.sentences import ExactEmbedder
from stun.models.quantize.activations import Doubles, Floats
from stun.models.quantize.encoder import FloatEncoder
from stun.models.texts import packs

LAYER_TEXTS = 64  # layers are compared on this many texts
MAX_RANKED = 1000  # similarities of at most this many texts are ranked against each other
_RESIDUAL_STEP = 2.0**-9


@dataclass(frozen=True, slots=True)
class Quality:
    """Cosines between float and integer vector of each text, and Spearman's correlation of the similarity matrices."""

    cosines: Doubles
    rank_correlation: float

    @property
    def mean(self) -> float:
        """Of the cosines."""
        return float(self.cosines.mean())

    @property
    def least(self) -> float:
        """The worst text's cosine."""
        return float(self.cosines.min())

    @property
    def first_percentile(self) -> float:
        """One text in a hundred is below."""
        return float(np.quantile(self.cosines, 0.01))


@dataclass(frozen=True, slots=True)
class LayerQuality:
    """A tensor on the residual stream: cosines of its tokens' vectors, and the largest magnitude met."""

    name: str
    mean: float
    least: float
    peak: float


def embed_float(encoder: FloatEncoder, tokenizer: Tokenizer, texts: Sequence[str]) -> Floats:
    """The float model's unit vectors [texts, width]."""
    vectors = np.empty((len(texts), encoder.shape.width), np.float32)
    for places, ids in packs(tokenizer, texts):
        vectors[places] = encoder.embed(ids)
    return vectors


def compare(real: Floats | Doubles, exact: Doubles) -> Quality:
    """Quality from both models' vectors [texts, width] of the same texts."""
    left, right = _unit(real), _unit(exact)
    chosen = np.linspace(0, len(left) - 1, min(len(left), MAX_RANKED)).astype(int)
    above = np.triu_indices(len(chosen), 1)
    similarities = [(side[chosen] @ side[chosen].T)[above] for side in (left, right)]
    return Quality((left * right).sum(1), _rank_correlation(*similarities) if len(chosen) > 2 else 1.0)


def judge(encoder: FloatEncoder, engine: Engine, tokenizer: Tokenizer, texts: Sequence[str]) -> Quality:
    """Run both models over the texts."""
    return compare(embed_float(encoder, tokenizer, texts), ExactEmbedder(engine, tokenizer).embed(texts))


def compare_layers(
    encoder: FloatEncoder, engine: Engine, names: Sequence[str], tokenizer: Tokenizer, texts: Sequence[str]
) -> list[LayerQuality]:
    """The residual stream after each LayerNorm; `names` are those of the graph's operators, in order."""
    stream = [name for name in names if name.endswith((".x", ".y"))]
    cosines: dict[str, list[Doubles]] = {name: [] for name in stream}
    peaks = dict.fromkeys(stream, 0.0)
    for _, ids in packs(tokenizer, texts[:LAYER_TEXTS]):
        real: dict[str, Floats] = {}
        encoder.encode(ids, real.__setitem__)
        real[f"{encoder.shape.layers}.x"] = real["out"]
        outputs = dict(zip(names, engine.run_all(ids[:, :, None]), strict=True))
        for name in stream:
            exact = outputs[name] * _RESIDUAL_STEP
            cosines[name].append((_unit(real[name]) * _unit(exact)).sum(-1).ravel())
            peaks[name] = max(peaks[name], float(np.abs(exact).max()))
    joined = {name: np.concatenate(parts) for name, parts in cosines.items()}
    return [LayerQuality(name, float(each.mean()), float(each.min()), peaks[name]) for name, each in joined.items()]


def _unit(vectors: Floats | Doubles) -> Doubles:
    wide = vectors.astype(np.float64)
    result: Doubles = wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-30)
    return result


def _rank_correlation(left: Doubles, right: Doubles) -> float:
    """Spearman's: the correlation of the ranks."""
    ranks = np.stack([values.argsort().argsort() for values in (left, right)])
    return float(np.corrcoef(ranks)[0, 1])
