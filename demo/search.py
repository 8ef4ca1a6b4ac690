"""Semantic search over embeddings that the market computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUERIES = (
    "How do plants turn sunlight into food?",
    "What should I do about a persistent fever?",
    "keeping passwords safe on the internet",
    "famous composers and their symphonies",
)


@dataclass(frozen=True)
class Hit:
    """A text that answers a query; `score` is the cosine of the two embeddings, -1 to 1."""

    text: str
    score: float


def search(
    queries: Sequence[NDArray[Any]], texts: Sequence[str], embeddings: Sequence[NDArray[Any]], most: int
) -> list[list[Hit]]:
    """Return the best texts for each query embedding (vectors of equal width), best first."""
    table = _unit(np.stack(embeddings))
    scores = _unit(np.stack(queries)) @ table.T
    best = np.argsort(-scores, axis=1)[:, :most]
    return [[Hit(texts[j], float(scores[i, j])) for j in row] for i, row in enumerate(best)]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    norms: NDArray[np.float64] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / norms
