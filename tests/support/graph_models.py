"""Two small valid models with arbitrary weights: a sentence encoder and an image classifier."""

import numpy as np

from stun.protocol.graph.arrays import Array, to_tensor
from stun.protocol.graph.builder import GraphBuilder, Lut, Requant
from stun.protocol.graph.structure import Graph, UnitRule
from stun.protocol.graph.tensors import Dtype, Tensor

HIDDEN, HEADS, INNER, VOCABULARY, MAX_TOKENS = 24, 3, 40, 50, 32
SIDE, COLOURS, FILTERS, CLASSES = 6, 3, 8, 5


class _Weights:
    """Numbers from one seed, so that a model is the same in every run."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def array(self, *shape: int, within: int) -> Array:
        return self._random.integers(-within, within + 1, shape)

    def requant(self, count: int, shift: int, dtype: Dtype = Dtype.INT8) -> Requant:
        limit = 127 if dtype == Dtype.INT8 else 32_767
        return Requant(self._random.integers(2**10, 2**12, count), shift, -limit, limit)


def sentence_model(seed: int = 1) -> Graph:
    """A transformer of one layer: ids [n, 1] in, an embedding [1, 24] out; 1 to 32 tokens; units are tokens."""
    weights, build = _Weights(seed), GraphBuilder()
    ids = build.input(Dtype.INT32, 1)
    words = build.gather(ids, to_tensor(weights.array(VOCABULARY, HIDDEN, within=3_000), Dtype.INT16))
    places = build.positions(to_tensor(weights.array(MAX_TOKENS, HIDDEN, within=3_000), Dtype.INT16))
    x = _norm(build, weights, words, places)
    x8 = build.requant(x, weights.requant(HIDDEN, 18), Dtype.INT8)
    attended = _attention(build, weights, x8)
    y = _norm(build, weights, x, attended)
    y8 = build.requant(y, weights.requant(1, 18), Dtype.INT8)
    inner = build.linear_lut(
        y8, weights.array(INNER, HIDDEN, within=127), weights.array(INNER, within=1_000), weights.requant(INNER, 14),
        Lut(weights.array(256, within=8_000), 13, 6), weights.requant(INNER, 17), Dtype.INT8,
    )  # fmt: skip
    last = _norm(build, weights, y, _linear(build, weights, inner, HIDDEN, INNER, Dtype.INT16))
    embedding = build.l2_norm(build.mean(build.transpose(build.lut(last, Lut(weights.array(64, within=9_000), 12, 7)))))
    assert embedding == len(build.operators) - 1
    return build.build(1, MAX_TOKENS, UnitRule.ROWS)


def image_model(seed: int = 2) -> Graph:
    """A convolution, a pool and a layer over all: pixels [36, 3] in, scores [1, 5] out; one unit a task."""
    weights, build = _Weights(seed), GraphBuilder()
    pixels = build.input(Dtype.INT8, COLOURS)
    patches = build.window(pixels, (SIDE, SIDE), (3, 3), pad=1)
    convolved = _linear(build, weights, patches, FILTERS, 9 * COLOURS, Dtype.INT8)
    pooled = build.maximum(build.window(convolved, (SIDE, SIDE), (2, 2), stride=2), 4)
    flat = build.window(pooled, (SIDE // 2, SIDE // 2), (SIDE // 2, SIDE // 2))
    _linear(build, weights, flat, CLASSES, FILTERS * (SIDE // 2) ** 2, Dtype.INT16)
    return build.build(SIDE * SIDE, SIDE * SIDE)


def sentence(tokens: int, seed: int = 0) -> Tensor:
    """Ids of that many tokens, some outside the vocabulary."""
    ids = np.random.default_rng(seed).integers(-2, VOCABULARY + 3, (tokens, 1))
    return to_tensor(ids, Dtype.INT32)


def image(seed: int = 0) -> Tensor:
    """A picture."""
    return to_tensor(np.random.default_rng(seed).integers(-127, 128, (SIDE * SIDE, COLOURS)), Dtype.INT8)


def _norm(build: GraphBuilder, weights: _Weights, a: int, b: int) -> int:
    return build.add_norm(a, b, weights.array(HIDDEN, within=2**20), weights.array(HIDDEN, within=2**20), 20)


def _linear(
    build: GraphBuilder, weights: _Weights, x: int, rows: int, cols: int, dtype: Dtype, turn: bool = False
) -> int:
    w, bias = weights.array(rows, cols, within=127), weights.array(rows, within=1_000)
    return build.linear(x, w, bias, weights.requant(rows, 17 if dtype == Dtype.INT8 else 15, dtype), dtype, turn)


def _attention(build: GraphBuilder, weights: _Weights, x8: int) -> int:
    query, key = (_linear(build, weights, x8, HIDDEN, HIDDEN, Dtype.INT8) for _ in range(2))
    value = _linear(build, weights, x8, HIDDEN, HIDDEN, Dtype.INT8, turn=True)
    scores = build.scores(query, key, HEADS, weights.requant(HEADS, 14, Dtype.INT16))
    context = build.context(build.softmax(scores), value, HEADS, weights.requant(HIDDEN, 25))
    return _linear(build, weights, context, HIDDEN, HIDDEN, Dtype.INT16)
