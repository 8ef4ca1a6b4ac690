"""Two tiny models of class exact that use every operator, with weights that look random."""

import numpy as np

from scripts.conformance.encoding import number
from stun.protocol.graph import operators as ops
from stun.protocol.graph.arrays import Array, to_tensor
from stun.protocol.graph.builder import GraphBuilder, Lut, Requant
from stun.protocol.graph.structure import Graph, UnitRule
from stun.protocol.graph.tensors import Dtype, Tensor

WIDE, HEADS, INNER, WORDS, TOKENS = 6, 2, 5, 7, 5


def integers(name: str, rows: int, cols: int, low: int, high: int) -> Array:
    """Numbers of a range; one in four is at one of its ends."""
    made = []
    for at in range(rows * cols):
        kind = number(f"{name} {at} kind", 8)
        made.append((low, high)[kind] if kind < 2 else low + number(f"{name} {at}", high - low + 1))
    return np.array(made).reshape(rows, cols)


def text_model() -> Graph:
    """Embeddings, attention in two groups, a Lut behind a product, pooling; 1 to 5 tokens, counted in tokens."""
    build = GraphBuilder()
    ids = build.input(Dtype.INT32, 1)
    words = build.gather(ids, to_tensor(integers("words", WORDS, WIDE, -32_768, 32_767), Dtype.INT16))
    places = build.positions(to_tensor(integers("places", TOKENS, WIDE, -32_768, 32_767), Dtype.INT16))
    x = _norm(build, "first", words, places)
    x8 = build.requant(x, _requant("x8", WIDE, 22), Dtype.INT8)
    query, key = (_linear(build, name, x8, WIDE, WIDE, Dtype.INT8) for name in ("query", "key"))
    value = _linear(build, "value", x8, WIDE, WIDE, Dtype.INT8, True)
    scores = build.scores(query, key, HEADS, Requant(_vector("scores", HEADS, 0, 2**20), 16, -32_768, 32_767))
    context = build.context(build.softmax(scores), value, HEADS, _requant("context", WIDE, 30))
    y = _norm(build, "second", x, _linear(build, "out", context, WIDE, WIDE, Dtype.INT16))
    inner = _inner(build, build.requant(y, _requant("y8", 1, 22), Dtype.INT8))
    looked = build.lut(y, Lut(_vector("flat", 32, -32_768, 32_767), 14, 10, ops.FLAT))
    z = _norm(build, "third", looked, _linear(build, "down", inner, WIDE, INNER, Dtype.INT16))
    build.l2_norm(build.mean(build.transpose(z)))
    return build.build(1, TOKENS, UnitRule.ROWS)


def picture_model() -> Graph:
    """Windows with and without padding, a maximum, a product over all; 4 by 4 pixels, one unit a task."""
    build = GraphBuilder()
    patches = build.window(build.input(Dtype.INT8, 2), (4, 4), (3, 3), stride=1, pad=1)
    filtered = _linear(build, "filters", patches, 3, 18, Dtype.INT8)
    pooled = build.maximum(build.window(filtered, (4, 4), (2, 2), stride=2), 4)
    _linear(build, "classes", build.window(pooled, (2, 2), (2, 2)), 4, 12, Dtype.INT32)
    return build.build(16, 16)


def sentence(tokens: int) -> Tensor:
    """Ids, some outside the table."""
    return to_tensor(integers(f"sentence {tokens}", tokens, 1, -1, WORDS), Dtype.INT32)


def picture() -> Tensor:
    """Pixels of two channels."""
    return to_tensor(integers("picture", 16, 2, -127, 127), Dtype.INT8)


def _vector(name: str, count: int, low: int, high: int) -> Array:
    return integers(name, 1, count, low, high).reshape(-1)


def _requant(name: str, count: int, shift: int, dtype: Dtype = Dtype.INT8) -> Requant:
    high = {Dtype.INT8: 127, Dtype.INT16: 32_767, Dtype.INT32: 2**31 - 1}[dtype]
    return Requant(_vector(f"{name} mult", count, 2**12, 2**16), shift, -high, high)


def _norm(build: GraphBuilder, name: str, a: int, b: int) -> int:
    gain, bias = (_vector(f"{name} {part}", WIDE, -(2**22), 2**22) for part in ("gain", "bias"))
    return build.add_norm(a, b, gain, bias, 22)


def _linear(
    build: GraphBuilder, name: str, x: int, rows: int, cols: int, dtype: Dtype, transposed: bool = False
) -> int:
    w, bias = integers(name, rows, cols, -127, 127), _vector(f"{name} bias", rows, -5_000, 5_000)
    return build.linear(x, w, bias, _requant(name, rows, 21 if dtype == Dtype.INT8 else 17, dtype), dtype, transposed)


def _inner(build: GraphBuilder, x: int) -> int:
    w, bias = integers("up", INNER, WIDE, -127, 127), _vector("up bias", INNER, -5_000, 5_000)
    gate = Lut(_vector("gate", 16, -8_192, 8_192), 13, 10)
    return build.linear_lut(x, w, bias, _requant("up", INNER, 17), gate, _requant("gated", INNER, 20), Dtype.INT8)
