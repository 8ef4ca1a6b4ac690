"""A gauntlet: every operator with the values that break inexact arithmetic, and the bits that must come out.

int8 pairs of 127 (they overflow 16-bit accumulators: torch's `_int_mm` on some processors), products past 2^24 in one
sum (float32), int16 extremes, odd depths, the largest shifts and multipliers, rows of equal values, ids out of range.
"""

from collections.abc import Iterator
from hashlib import sha256, shake_256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stun.models.exact.drafting import EACH_ROW, INT8_LIMITS, INT16_LIMITS, Draft, Lookup, Rounded
from stun.models.exact.engine import Array, Backend, Engine
from stun.models.exact.errors import KnownAnswerWrong
from stun.protocol.graph.operators import COLUMNS, FLAT, ROWS, Opcode, per_row
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Dtype

TASK_ROWS = 37
PACK = 2
IDS = 64
# sha256 over every operator's output, in order, of the reference executor (stun.protocol.graph.executor).
ANSWERS = "84be48a972aec0c5a78cf1a416e4b21faa02059540add6fae792867933c87062"

_INT8 = (-127, -126, -1, 0, 1, 126, 127, 127)
_INT16 = (-32768, -32767, -1, 0, 1, 255, 32766, 32767)


class _Stream:
    """Deterministic numbers: SHAKE-256 of a counter."""

    def __init__(self) -> None:
        self._count = 0

    def bytes(self, size: int) -> NDArray[np.uint8]:
        self._count += 1
        return np.frombuffer(shake_256(self._count.to_bytes(4, "big")).digest(size), np.uint8)

    def chosen(self, shape: tuple[int, int], values: tuple[int, ...], dtype: type[np.signedinteger[Any]]) -> Array:
        """Rows of one extreme, rows of two, rows of all of them."""
        picks = self.bytes(shape[0] * shape[1]).reshape(shape) % len(values)
        picks[::4] = len(values) - 1
        picks[1::4] = 0
        picks[2::4] = picks[2::4] % 2 * (len(values) - 1)
        result: Array = np.array(values, dtype)[picks]
        return result

    def words(self, count: int, low: int, high: int) -> NDArray[np.int64]:
        """Integers in [low, high]; the first is `high`, the second `low`."""
        raw = self.bytes(4 * count).copy().view("<u4").astype(np.int64)
        result = low + raw % (high - low + 1)
        result[:2] = (high, low)[:count]
        return result


def gauntlet() -> Graph:
    """The graph, for inputs of 37 ids."""
    draft, numbers = Draft(), _Stream()
    ids = draft.input(Dtype.INT32, 1)
    _add_products(draft, numbers, ids)
    _add_attention(draft, numbers, ids)
    _add_rows(draft, numbers, ids)
    _add_pictures(draft, numbers, ids)
    return draft.finish(TASK_ROWS, TASK_ROWS)


def gauntlet_inputs() -> NDArray[np.int32]:
    """Two tasks [2, 37, 1], with ids below and above the tables."""
    ids = np.arange(PACK * TASK_ROWS, dtype=np.int32) * 7 % (IDS + 3) - 1
    ids[5], ids[-1] = 2**31 - 1, -(2**31)
    return ids.reshape(PACK, TASK_ROWS, 1)


def answers_of(outputs: list[Array]) -> str:
    """sha256 of the operators' outputs, big endian, in order; hex."""
    total = sha256()
    for array in outputs:
        total.update(np.ascontiguousarray(array.astype(f">i{array.dtype.itemsize}")).tobytes())
    return total.hexdigest()


def require_known_answers(backend: Backend, answers: str = ANSWERS) -> None:
    """Run the gauntlet as one pack and task by task. KnownAnswerWrong."""
    engine, inputs = Engine(gauntlet(), backend), gauntlet_inputs()
    if answers_of(engine.run_all(inputs)) != answers:
        raise KnownAnswerWrong(backend.name, "extremes of every operator")
    alone = [engine.run_all(inputs[task : task + 1]) for task in range(PACK)]
    together = [np.concatenate(arrays) for arrays in zip(*alone, strict=True)]
    if answers_of(together) != answers:
        raise KnownAnswerWrong(backend.name, "a task alone and in a pack")


def _add_products(draft: Draft, numbers: _Stream, ids: int) -> None:
    """Linears: deep, odd, tiny, wide; into every width, transposed, through tables."""
    for depth, count, out in _linears(numbers):
        source = draft.gather("x", numbers.chosen((IDS, depth), _INT8, np.int8), ids)
        weights, bias = numbers.chosen((count, depth), _INT8, np.int8), numbers.words(count, -(2**30), 2**30)
        draft.linear(f"linear {depth}", source, weights, bias, out)
        draft.linear(f"turned {depth}", source, weights, bias // 2**12, out, transposed=True)
        lookup = Lookup(numbers.words(256, *INT16_LIMITS), 13, 6, _to_int8(numbers.words(count, 0, 2**24), 31))
        draft.linear(f"gated {depth}", source, weights, bias // 2**12, _to_int16(out.mult, 30), lookup)
    flat = Lookup(numbers.words(32, *INT16_LIMITS), 4, 0, _to_int8(np.array([3]), 1), FLAT)
    draft.linear("flat", source, weights, bias // 2**12, _to_int16(np.array([1]), 1), flat)


def _linears(numbers: _Stream) -> Iterator[tuple[int, int, Rounded]]:
    yield 384, 70, _to_int8(numbers.words(70, 0, 2**31 - 1), 41)
    yield 1536, 33, _to_int16(numbers.words(33, 0, 2**24 - 1), 36)
    yield 2500, 16, Rounded(numbers.words(16, 0, 2**31 - 1), 32, Dtype.INT32, (-(2**31), 2**31 - 1))
    yield 7, 3, _to_int16(numbers.words(3, 0, 2**31 - 1), 62)
    yield 1, 1, Rounded(np.array([1]), 1, Dtype.INT32, (-(2**31), 2**31 - 1))


def _add_attention(draft: Draft, numbers: _Stream, ids: int) -> None:
    """MatMul both ways: int8 and int16 on the left, odd depths; Softmax between."""
    for groups, depth in ((3, 32), (2, 5), (1, 2)):
        left = draft.gather("left", numbers.chosen((IDS, groups * depth), _INT8, np.int8), ids)
        right = draft.gather("right", numbers.chosen((IDS, groups * depth), _INT8, np.int8), ids)
        wide = draft.gather("wide", numbers.chosen((IDS, groups * depth), _INT16, np.int16), ids)
        mult = numbers.words(groups, 0, 2**31 - 1)
        scores = draft.matmul("scores", (left, right), COLUMNS, groups, _to_int16(mult, 32))
        wide_scores = draft.matmul("wide scores", (wide, right), COLUMNS, groups, _to_int16(mult, 40))
        values = draft.plain("values", Opcode.TRANSPOSE, right, (groups * depth, EACH_ROW))
        for source in (scores, wide_scores):
            chances = draft.plain("softmax", Opcode.SOFTMAX, source, (per_row(groups), EACH_ROW))
            each = numbers.words(groups * depth, 0, 2**31 - 1)
            draft.matmul("context", (chances, values), ROWS, groups, _to_int8(each, 44))
            draft.matmul("raw context", (source, values), ROWS, groups, _to_int16(each, 45))


def _add_rows(draft: Draft, numbers: _Stream, ids: int) -> None:
    """Requant, Lut, AddNorm, Softmax, Mean, L2Norm over wide rows, equal values among them."""
    for width in (384, 1024, 3):
        a = draft.gather("a", numbers.chosen((IDS, width), _INT16, np.int16), ids)
        b = draft.gather("b", numbers.chosen((IDS, width), _INT16, np.int16), None)
        gain, bias = numbers.words(width, -(2**31), 2**31 - 1), numbers.words(width, -(2**31), 2**31 - 1)
        draft.add_norm("norm", (a, b), gain, bias, 45)
        draft.add_norm("fine norm", (a, b), gain // 2**10, bias, 27)
        draft.add_norm("coarse norm", (a, b), gain, bias, 62)
        draft.plain("length", Opcode.L2_NORM, a, (EACH_ROW, width))
        draft.plain("chances", Opcode.SOFTMAX, a, (EACH_ROW, width))
        draft.plain("mean", Opcode.MEAN, a, (1, EACH_ROW))
        draft.requant("narrow", a, _to_int8(numbers.words(width, 0, 2**31 - 1), 39))
        draft.requant("one", a, Rounded(np.array([2**31 - 1]), 15, Dtype.INT32, (-(2**31), 2**31 - 1)))
        draft.look_up("gated", a, Lookup(numbers.words(256, *INT16_LIMITS), 13, 6, _to_int8(gain, 1)))
        draft.look_up("flat", a, Lookup(numbers.words(64, *INT16_LIMITS), 10, 5, _to_int8(gain, 1), FLAT))


def _add_pictures(draft: Draft, numbers: _Stream, ids: int) -> None:
    """Window with padding and strides, Max over groups."""
    picture = draft.gather("picture", numbers.chosen((IDS, 4), _INT8, np.int8), ids)
    fields = {"a": picture, "width": TASK_ROWS, "out_width": 19, "kernel": 3, "stride": 2, "pad": 1}
    window = draft.add("window", Opcode.WINDOW, Dtype.INT8, (19, 36), **fields)
    draft.add("max", Opcode.MAX, Dtype.INT8, (19, 4), a=window, groups=9)


def _to_int8(mult: NDArray[np.int64], shift: int) -> Rounded:
    return Rounded(mult, shift, Dtype.INT8, INT8_LIMITS)


def _to_int16(mult: NDArray[np.int64], shift: int) -> Rounded:
    return Rounded(mult, shift, Dtype.INT16, INT16_LIMITS)
