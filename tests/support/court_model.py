"""A small model of class exact with most operators, in the shape of an encoder layer, and inputs for it."""

from functools import cache
from random import Random

import numpy as np

from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.builder import GraphBuilder, Lut, Requant
from stun.protocol.graph.structure import Graph, UnitRule
from stun.protocol.graph.tensors import Dtype, Tensor

WORDS = 50
WIDTH = 32
HEADS = 4
HIDDEN = 64
MOST_ROWS = 64
_INT8 = (-127, 127)
_INT16 = (-32_768, 32_767)


@cache
def small_model(seed: int = 1, unit_rule: UnitRule = UnitRule.ROWS) -> Graph:
    """Return one encoder layer: 32 wide, 4 heads, 64 hidden, 50 words, 1 to 64 rows; weights follow the seed."""
    rng = np.random.default_rng(seed)
    build = GraphBuilder()

    def numbers(*size: int, most: int) -> np.ndarray:
        return rng.integers(-most, most + 1, size)

    def requant(count: int, limits: tuple[int, int], shift: int = 20, mult: int = 2**14) -> Requant:
        return Requant(np.full(count, mult), shift, *limits)

    def linear(x: int, out: int, transposed: bool = False) -> int:
        w, bias = numbers(out, WIDTH, most=127), numbers(out, most=2_000)
        return build.linear(x, w, bias, requant(out, _INT8), Dtype.INT8, transposed)

    ids = build.input(Dtype.INT32, 1)
    words = build.gather(ids, to_tensor(numbers(WORDS, WIDTH, most=8_000), Dtype.INT16))
    places = build.positions(to_tensor(numbers(MOST_ROWS, WIDTH, most=2_000), Dtype.INT16))
    gain, bias = numbers(WIDTH, most=2_000) + 8_000, numbers(WIDTH, most=500_000)
    x = build.add_norm(words, places, gain, bias, 20)
    x8 = build.requant(x, requant(WIDTH, _INT8, shift=14, mult=600), Dtype.INT8)
    q, k, v = linear(x8, WIDTH), linear(x8, WIDTH), linear(x8, WIDTH, transposed=True)
    scores = build.scores(q, k, HEADS, requant(HEADS, _INT16, shift=6, mult=8))
    context = build.context(build.softmax(scores), v, HEADS, requant(WIDTH, _INT8, shift=20, mult=64))
    o = build.linear(
        context,
        numbers(WIDTH, WIDTH, most=127),
        numbers(WIDTH, most=900),
        requant(WIDTH, _INT16, 20, 2**17),
        Dtype.INT16,
    )
    x = build.add_norm(o, x, gain, bias, 20)
    y8 = build.requant(x, requant(WIDTH, _INT8, shift=14, mult=600), Dtype.INT8)
    table = Lut(np.asarray([max(0, i) for i in range(-8_192, 8_192, 256)]), 13, 8)
    hidden = build.linear_lut(
        y8, numbers(HIDDEN, WIDTH, most=127), numbers(HIDDEN, most=900), requant(HIDDEN, _INT16, 20, 2**17), table,
        requant(HIDDEN, _INT8, shift=14, mult=300), Dtype.INT8,
    )  # fmt: skip
    f = build.linear(
        hidden,
        numbers(WIDTH, HIDDEN, most=127),
        numbers(WIDTH, most=900),
        requant(WIDTH, _INT16, 20, 2**17),
        Dtype.INT16,
    )
    x = build.add_norm(f, x, gain, bias, 20)
    build.l2_norm(build.mean(build.transpose(x)))
    return build.build(1, MOST_ROWS, unit_rule)


def words_of(rows: int, seed: int) -> Tensor:
    """Return an input of some rows."""
    rng = Random(seed)
    return to_tensor(np.asarray([[rng.randrange(WORDS)] for _ in range(rows)]), Dtype.INT32)
