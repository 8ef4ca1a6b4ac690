"""A small model of class exact with most operators, in the shape of an encoder layer, and inputs for it."""

from functools import cache
from random import Random

import numpy as np

from stun.protocol.graph.arrays import Array, to_tensor
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


class _Weights:
    """Numbers that follow a seed, and operators made of them."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.build = GraphBuilder()

    def numbers(self, *size: int, most: int) -> Array:
        return self._rng.integers(-most, most + 1, size)

    def table(self, rows: int, most: int) -> Tensor:
        return to_tensor(self.numbers(rows, WIDTH, most=most), Dtype.INT16)

    def project(self, x: int, transposed: bool = False) -> int:
        w, bias = self.numbers(WIDTH, WIDTH, most=127), self.numbers(WIDTH, most=2_000)
        return self.build.linear(x, w, bias, _requant(WIDTH, _INT8), Dtype.INT8, transposed)

    def widen(self, x: int, depth: int) -> int:
        w, bias = self.numbers(WIDTH, depth, most=127), self.numbers(WIDTH, most=900)
        return self.build.linear(x, w, bias, _requant(WIDTH, _INT16, 20, 2**17), Dtype.INT16)

    def attend(self, x: int) -> int:
        q, k, v = self.project(x), self.project(x), self.project(x, transposed=True)
        scores = self.build.scores(q, k, HEADS, _requant(HEADS, _INT16, shift=6, mult=8))
        return self.build.context(self.build.softmax(scores), v, HEADS, _requant(WIDTH, _INT8, shift=20, mult=64))

    def hide(self, x: int) -> int:
        table = Lut(np.asarray([max(0, i) for i in range(-8_192, 8_192, 256)]), 13, 8)
        w, bias = self.numbers(HIDDEN, WIDTH, most=127), self.numbers(HIDDEN, most=900)
        first, last = _requant(HIDDEN, _INT16, 20, 2**17), _requant(HIDDEN, _INT8, shift=14, mult=300)
        return self.build.linear_lut(x, w, bias, first, table, last, Dtype.INT8)


def _requant(count: int, limits: tuple[int, int], shift: int = 20, mult: int = 2**14) -> Requant:
    return Requant(np.full(count, mult), shift, *limits)


@cache
def small_model(seed: int = 1, unit_rule: UnitRule = UnitRule.ROWS) -> Graph:
    """Return one encoder layer: 32 wide, 4 heads, 64 hidden, 50 words, 1 to 64 rows; weights follow the seed."""
    made = _Weights(seed)
    build = made.build
    narrow = _requant(WIDTH, _INT8, shift=14, mult=600)
    words = build.gather(build.input(Dtype.INT32, 1), made.table(WORDS, 8_000))
    places = build.positions(made.table(MOST_ROWS, 2_000))
    norm = made.numbers(WIDTH, most=2_000) + 8_000, made.numbers(WIDTH, most=500_000), 20
    x = build.add_norm(words, places, *norm)
    attended = made.widen(made.attend(build.requant(x, narrow, Dtype.INT8)), WIDTH)
    x = build.add_norm(attended, x, *norm)
    x = build.add_norm(made.widen(made.hide(build.requant(x, narrow, Dtype.INT8)), HIDDEN), x, *norm)
    build.l2_norm(build.mean(build.transpose(x)))
    return build.build(1, MOST_ROWS, unit_rule)


def words_of(rows: int, seed: int) -> Tensor:
    """Return an input of some rows."""
    rng = Random(seed)
    return to_tensor(np.asarray([[rng.randrange(WORDS)] for _ in range(rows)]), Dtype.INT32)
