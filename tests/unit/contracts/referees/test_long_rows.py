"""Sums over rows of every length about a word's, and the longest: the contracts take many elements at a time."""

from random import Random

import numpy as np
import pytest
from graph_cases import Case
from referee_bench import bench, stand_alone, with_element

from stun.protocol.graph import operators as ops
from stun.protocol.graph.arrays import Array, pack_multipliers, pack_norm, pack_records, to_tensor
from stun.protocol.graph.operators import Opcode, Operator
from stun.protocol.graph.shapes import LIMITS
from stun.protocol.graph.tables import EXP_COARSE, EXP_FINE
from stun.protocol.graph.tensors import Dtype, Tensor

pytestmark = pytest.mark.unit

LENGTHS = [*range(1, 36), 47, 48, 49, 63, 64, 65]
MULT, SHIFT = 3, 1


def row(dtype: Dtype, count: int, random: Random, kind: int) -> Array:
    """One row: all the lowest, all the highest, the two in turn, or anything."""
    low, high = -(2 ** (8 * dtype - 1)), 2 ** (8 * dtype - 1) - 1
    values = ([low], [high], [low, high], [random.randint(low, high) for _ in range(count)])[kind]
    return np.resize(np.array(values), (1, count))


def rows(dtype: Dtype, count: int, seed: int, kind: int) -> Tensor:
    return to_tensor(row(dtype, count, Random(seed), kind), dtype)


def clamps(dtype: Dtype) -> dict[str, int]:
    low, high = LIMITS[dtype]
    return {"shift": SHIFT, "lo": low, "hi": high}


def linear(count: int, seed: int, kind: int) -> Case:
    w = row(Dtype.INT8, count, Random(seed + 1), kind)  # -128 too: no graph has it, evidence may
    records = pack_records(np.maximum(w, -127), np.array([seed]), np.array([MULT]))
    if kind == 0:
        records = Tensor(records.shape, w.astype(">i1").tobytes() + records.data[count:])
    operator = Operator(2, Opcode.LINEAR, Dtype.INT32, ops.per_row(1), 1, a=0, w0=0, **clamps(Dtype.INT32))
    return Case(operator, (rows(Dtype.INT8, count, seed, kind),), (records,))


def matmul(dtype: Dtype, count: int, seed: int, kind: int) -> Case:
    """Two groups of which the second is judged, so that its runs begin within a row."""
    operator = Operator(
        2, Opcode.MATMUL, Dtype.INT32, ops.per_row(2), 1, a=0, b=1, w0=0, groups=2, **clamps(Dtype.INT32)
    )
    inputs = (rows(dtype, 2 * count, seed, kind), rows(Dtype.INT8, 2 * count, seed + 1, kind))
    return Case(operator, inputs, (pack_multipliers(np.array([1, 1])),))


def add_norm(count: int, seed: int, kind: int) -> Case:
    norm = pack_norm(np.full(count, 2**20), np.arange(count))
    operator = Operator(2, Opcode.ADD_NORM, Dtype.INT16, ops.per_row(1), count, a=0, b=1, w0=0, shift=20)
    inputs = (rows(Dtype.INT16, count, seed, kind), rows(Dtype.INT16, count, seed + 1, kind))
    return Case(operator, inputs, (norm,))


def by_row(opcode: Opcode, count: int, seed: int, kind: int) -> Case:
    operator = Operator(2, opcode, Dtype.INT16, ops.per_row(1), count, a=0)
    return Case(operator, (rows(Dtype.INT16, count, seed, kind),))


def mean(dtype: Dtype, count: int, seed: int, kind: int) -> Case:
    return Case(Operator(2, Opcode.MEAN, dtype, 1, ops.per_row(1), a=0), (rows(dtype, count, seed, kind),))


def cases(count: int, seed: int, kind: int) -> list[Case]:
    made = [linear(count, seed, kind), *(matmul(dtype, count, seed, kind) for dtype in (Dtype.INT8, Dtype.INT16))]
    made += [add_norm(count, seed, kind)]
    made += [by_row(opcode, count, seed, kind) for opcode in (Opcode.SOFTMAX, Opcode.L2_NORM)]
    return made + [mean(dtype, count, seed, kind) for dtype in (Dtype.INT8, Dtype.INT16, Dtype.INT32)]


LONGEST = [
    lambda seed, kind: linear(4_088, seed, kind),
    lambda seed, kind: matmul(Dtype.INT8, 2_048, seed, kind),
    lambda seed, kind: matmul(Dtype.INT16, 512, seed, kind),
    lambda seed, kind: add_norm(1_024, seed, kind),
    lambda seed, kind: by_row(Opcode.SOFTMAX, 2_048, seed, kind),
    lambda seed, kind: by_row(Opcode.L2_NORM, 2_048, seed, kind),
    lambda seed, kind: mean(Dtype.INT8, 4_096, seed, kind),
    lambda seed, kind: mean(Dtype.INT16, 2_048, seed, kind),
    lambda seed, kind: mean(Dtype.INT32, 1_024, seed, kind),
]


def require_same(case: Case) -> None:
    """The last element has the specification's bits, and is convicted if it is one off."""
    place = case.out.rows - 1, case.out.cols - 1
    true = with_element(case, *place)
    assert bench().both(stand_alone(case, true, *place)) is False
    assert bench().both(stand_alone(case, with_element(case, *place, off=1), *place)) is True


@pytest.mark.parametrize("count", LENGTHS)
@pytest.mark.parametrize("kind", range(4))
def test_every_length(count: int, kind: int) -> None:
    for case in cases(count, count, kind):
        require_same(case)


@pytest.mark.parametrize("number", range(len(LONGEST)))
@pytest.mark.parametrize("kind", range(4))
def test_the_longest(number: int, kind: int) -> None:
    require_same(LONGEST[number](number, kind))


def test_rows_longer_than_allowed_are_refused() -> None:
    for case in (matmul(Dtype.INT16, 513, 1, 3), add_norm(1_025, 1, 3)):
        asked = stand_alone(case, with_element(case, 0, 0), 0, 0)
        assert bench().both(asked) == "graph: shape"


def test_the_last_unit_of_a_reciprocal_counts() -> None:
    """A row whose first probability would be another one if floor(2^39 / sum e) were one more."""
    random = Random(1)
    while True:
        scores = [random.randrange(-600, 600) for _ in range(9)]
        steps = [min(max(scores) - score, 4_095) for score in scores]
        e = [(EXP_COARSE[step >> 6] * EXP_FINE[step & 63] + 2**14) >> 15 for step in steps]
        first, second = ((e[0] * (2**39 // sum(e) + more) + 2**24) >> 25 for more in (0, 1))
        if first != second and second < 16_383:
            break
    operator = Operator(2, Opcode.SOFTMAX, Dtype.INT16, ops.per_row(1), 9, a=0)
    case = Case(operator, (to_tensor(np.array([scores]), Dtype.INT16),))
    assert bench().both(stand_alone(case, with_element(case, 0, 0), 0, 0)) is False
