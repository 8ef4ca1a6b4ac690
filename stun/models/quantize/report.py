"""Quantizing an encoder on a user's texts, and what it cost: four texts of five calibrate, the fifth judges."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stun.models.errors import UnfitTexts
from stun.models.exact.engine import Engine
from stun.models.exact.paths import choose_path
from stun.models.quantize.bert import MAX_TOKENS, BertQuantizer
from stun.models.quantize.calibration import calibrate
from stun.models.quantize.encoder import load_encoder
from stun.models.quantize.quality import LayerQuality, Quality, compare_layers, judge
from stun.models.texts import load_tokenizer
from stun.protocol.graph.structure import Graph

FEWEST_TEXTS = 10
JUDGE_EVERY = 5
WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"


@dataclass(frozen=True, slots=True)
class Report:
    """Float against integers: over all judged texts, and on the residual stream layer by layer."""

    quality: Quality
    layers: tuple[LayerQuality, ...]
    worst: str
    calibrated: int
    judged: int

    def record(self) -> dict[str, Any]:
        """Its figures, as JSON has them."""
        layers = [
            {"name": each.name, "cosine_mean": each.mean, "cosine_min": each.least, "peak": each.peak}
            for each in self.layers
        ]
        return {
            "calibrated_texts": self.calibrated, "judged_texts": self.judged, "cosine_mean": self.quality.mean,
            "cosine_p1": self.quality.first_percentile, "cosine_min": self.quality.least, "worst_text": self.worst,
            "rank_correlation": self.quality.rank_correlation, "layers": layers,
        }  # fmt: skip


def quantize_encoder(folder: Path, texts: Sequence[str]) -> tuple[Graph, Report]:
    """A folder with model.safetensors, config.json and tokenizer.json as an exact graph, and its report.

    Errors: UnfitArchitecture, TokenizerRefused, UnfitTexts (fewer than 10), Rejected (a model past the graph's bounds).
    """
    if len(texts) < FEWEST_TEXTS:
        raise UnfitTexts(f"{len(texts)} are too few; at least {FEWEST_TEXTS}, better hundreds of every kind")
    encoder = load_encoder(folder / WEIGHTS, folder / CONFIG)
    tokenizer = load_tokenizer(folder / TOKENIZER, min(MAX_TOKENS, encoder.shape.positions))
    judged = list(texts[JUDGE_EVERY - 1 :: JUDGE_EVERY])
    calibrating = [text for place, text in enumerate(texts) if place % JUDGE_EVERY != JUDGE_EVERY - 1]
    quantizer = BertQuantizer(encoder, calibrate(encoder, tokenizer, calibrating))
    graph = quantizer.build()
    engine = Engine(graph, choose_path().backend)
    quality = judge(encoder, engine, tokenizer, judged)
    layers = tuple(compare_layers(encoder, engine, quantizer.draft.names, tokenizer, judged))
    worst = judged[int(quality.cosines.argmin())]
    return graph, Report(quality, layers, worst, len(calibrating), len(judged))
