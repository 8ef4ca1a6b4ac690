"""The integer graph of a BERT sentence encoder: int8 products, int16 between them, 14-bit probabilities.

Steps: 2^-9 on the residual stream (LayerNorm's outputs and both branches), 2^-10 around GELU, 2^-8 nat for scores.
Every int8 tensor has a step a channel, evened out against the weights it meets (scales.smooth_step); queries and keys
share one product a head. Values (v) are kept a row a channel, so that context reads one row of each side.
"""

from math import erf, sqrt

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.drafting import EACH_ROW, INT8_LIMITS, INT16_LIMITS, Draft, Lookup, Rounded
from stun.models.quantize.activations import Doubles, Floats
from stun.models.quantize.calibration import Calibration
from stun.models.quantize.encoder import FloatEncoder
from stun.models.quantize.scales import bits_above, fixed_point, quantize_linear, smooth_step
from stun.protocol.graph.operators import COLUMNS, ROWS, Opcode, per_row
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Dtype

TABLE_STEP = 2.0**-13
RESIDUAL_STEP = 2.0**-9
GELU_STEP = 2.0**-10
SCORE_STEP = 2.0**-8
PROBABILITY_STEP = 2.0**-14
NORM_STEP = 2.0**-20  # of d / sqrt(sum d^2) within AddNorm
GELU_BITS, GELU_TABLE_STEP = 13, 4  # 1,024 entries over [-8, 8)
SMOOTHING, GELU_SMOOTHING = 0.85, 0.9
MAX_TOKENS = 256
BRANCH_LIMITS = (-32767, 32767)


class BertQuantizer:
    """Writes one encoder's graph. `draft` keeps the operators' names: "3.g" is layer 3 after GELU."""

    def __init__(self, encoder: FloatEncoder, calibration: Calibration) -> None:
        self._encoder = encoder
        self._calibration = calibration
        self.draft = Draft()

    def build(self) -> Graph:
        """Token ids [n, 1] int32 in, the unit vector [1, width] int16 in units of 2^-15 out. Errors: Rejected."""
        draft, width = self.draft, self._encoder.shape.width
        hidden = self._embed(draft.input(Dtype.INT32, 1))
        for layer in range(self._encoder.shape.layers):
            attended = self._attend(layer, hidden)
            hidden = self._norm(f"{layer}.y", (hidden, attended), f"encoder.layer.{layer}.attention.output.LayerNorm")
            fed = self._feed(layer, hidden)
            hidden = self._norm(f"{layer + 1}.x", (hidden, fed), f"encoder.layer.{layer}.output.LayerNorm")
        turned = draft.plain("out", Opcode.TRANSPOSE, hidden, (width, EACH_ROW))
        mean = draft.plain("mean", Opcode.MEAN, turned, (1, width))
        draft.plain("embedding", Opcode.L2_NORM, mean, (1, width))
        return draft.finish(min(MAX_TOKENS, self._encoder.shape.positions))

    def _embed(self, ids: int) -> int:
        tensors = self._encoder.tensors
        words = _rounded16(tensors["embeddings.word_embeddings.weight"].astype(np.float64) / TABLE_STEP)
        kind = tensors["embeddings.token_type_embeddings.weight"][0].astype(np.float64)
        places = (tensors["embeddings.position_embeddings.weight"] + kind) / TABLE_STEP
        word = self.draft.gather("word", words, ids)
        place = self.draft.gather("place", _rounded16(places), None)
        return self._norm("0.x", (word, place), "embeddings.LayerNorm")

    def _attend(self, layer: int, hidden: int) -> int:
        prefix, heads = f"encoder.layer.{layer}.attention.", self._encoder.shape.heads
        names = [f"{prefix}self.{side}" for side in ("query", "key", "value")]
        step = smooth_step(self._calibration.peak(layer, "x"), [self._weight(name) for name in names], SMOOTHING)
        x8 = self.draft.requant(f"{layer}.x8", hidden, _to_int8(RESIDUAL_STEP / step))
        query_step, key_step, product = self._balance(layer)
        value_step = self._calibration.peak(layer, "v") / 127
        query = self._linear(f"{layer}.q", x8, names[0], step, query_step)
        key = self._linear(f"{layer}.k", x8, names[1], step, key_step)
        value = self._linear(f"{layer}.v", x8, names[2], step, value_step, transposed=True)
        factor = product / sqrt(self._encoder.shape.head_width) / SCORE_STEP
        scores = self.draft.matmul(f"{layer}.s", (query, key), COLUMNS, heads, _to_int16(factor))
        chances = self.draft.plain(f"{layer}.p", Opcode.SOFTMAX, scores, (per_row(heads), EACH_ROW))
        dense = f"{prefix}output.dense"
        step = smooth_step(self._calibration.peak(layer, "c"), [self._weight(dense)], SMOOTHING)
        out = _to_int8(value_step * PROBABILITY_STEP / step)
        context = self.draft.matmul(f"{layer}.c", (chances, value), ROWS, heads, out)
        return self._branch(f"{layer}.o", context, dense, step)

    def _balance(self, layer: int) -> tuple[Doubles, Doubles, Doubles]:
        """Steps of queries and keys by channel, whose product is one number a head."""
        queries, keys = self._calibration.peak(layer, "q"), self._calibration.peak(layer, "k")
        width = self._encoder.shape.head_width
        balance = np.sqrt(queries / keys)
        top = np.sqrt(queries * keys).reshape(-1, width).max(1) / 127
        each = np.repeat(top, width)
        return each * balance, each / balance, top * top

    def _feed(self, layer: int, hidden: int) -> int:
        inner, dense = f"encoder.layer.{layer}.intermediate.dense", f"encoder.layer.{layer}.output.dense"
        step = smooth_step(self._calibration.peak(layer, "y"), [self._weight(inner)], SMOOTHING)
        y8 = self.draft.requant(f"{layer}.y8", hidden, _to_int8(RESIDUAL_STEP / step))
        wide_step = smooth_step(self._calibration.peak(layer, "g"), [self._weight(dense)], GELU_SMOOTHING)
        lookup = Lookup(gelu_table(), GELU_BITS, GELU_TABLE_STEP, _to_int8(GELU_STEP / wide_step))
        weights, bias, sums = quantize_linear(self._weight(inner), self._bias(inner), step)
        wide = self.draft.linear(f"{layer}.g", y8, weights, bias, _to_int16(sums / GELU_STEP), lookup)
        return self._branch(f"{layer}.f", wide, dense, wide_step)

    def _branch(self, name: str, source: int, dense: str, step: Doubles) -> int:
        weights, bias, sums = quantize_linear(self._weight(dense), self._bias(dense), step)
        return self.draft.linear(name, source, weights, bias, _to_int16(sums / RESIDUAL_STEP, BRANCH_LIMITS))

    def _linear(
        self, name: str, source: int, dense: str, step: Doubles, out_step: Doubles, transposed: bool = False
    ) -> int:
        weights, bias, sums = quantize_linear(self._weight(dense), self._bias(dense), step)
        return self.draft.linear(name, source, weights, bias, _to_int8(sums / out_step), transposed=transposed)

    def _norm(self, name: str, sources: tuple[int, int], key: str) -> int:
        gain, bias = self._weight(key).astype(np.float64), self._bias(key).astype(np.float64)
        factor, offset = gain * sqrt(len(gain)) * NORM_STEP / RESIDUAL_STEP, bias / RESIDUAL_STEP
        shift = 30 - bits_above(float(max(np.abs(factor).max(), np.abs(offset).max())))
        gains, offsets = (np.rint(each * 2.0**shift).astype(np.int64) for each in (factor, offset))
        return self.draft.add_norm(name, sources, gains, offsets, shift)

    def _weight(self, name: str) -> Floats:
        return self._encoder.tensors[f"{name}.weight"]

    def _bias(self, name: str) -> Floats:
        return self._encoder.tensors[f"{name}.bias"]


def gelu_table() -> NDArray[np.int16]:
    """GELU at the middle of each step of the table, in units of 2^-10."""
    step = 1 << GELU_TABLE_STEP
    places = (np.arange(-(1 << GELU_BITS), 1 << GELU_BITS, step) + step / 2 - 0.5) * GELU_STEP
    values = [round(x * 0.5 * (1 + erf(x / sqrt(2))) / GELU_STEP) for x in places.tolist()]
    return np.array(values, np.int16)


def _to_int8(factors: Doubles) -> Rounded:
    return Rounded(*fixed_point(factors), Dtype.INT8, INT8_LIMITS)


def _to_int16(factors: Doubles, limits: tuple[int, int] = INT16_LIMITS) -> Rounded:
    return Rounded(*fixed_point(factors), Dtype.INT16, limits)


def _rounded16(values: Doubles) -> NDArray[np.int16]:
    return np.clip(np.rint(values), *INT16_LIMITS).astype(np.int16)
