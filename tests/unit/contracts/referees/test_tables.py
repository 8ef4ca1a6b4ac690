"""A Lut at the borders of its table, alone and after a Linear: inside, on either side, at the ends of the width."""

from collections.abc import Callable

import numpy as np
import pytest
from graph_cases import Case
from referee_bench import bench, stand_alone, with_element

from stun.protocol.graph import operators as ops
from stun.protocol.graph.arrays import pack_records, pack_table, to_tensor
from stun.protocol.graph.operators import Opcode, Operator
from stun.protocol.graph.shapes import require_fitting
from stun.protocol.graph.tensors import Dtype

pytestmark = pytest.mark.unit

BITS, STEP = 10, 6
HALF = 1 << BITS
TABLE = pack_table(np.arange(100, 100 + (1 << (BITS + 1 - STEP))))  # no entry is 0 or a value at a border
VALUES = (-(2**15), -HALF - 1, -HALF, -HALF + 1, -1, 0, HALF - 1, HALF, HALF + 1, 2**15 - 1)
LOOKED = {"lut_bits": BITS, "lut_step": STEP}


def alone(value: int, tails: int) -> Case:
    operator = Operator(2, Opcode.LUT, Dtype.INT16, ops.per_row(1), 1, a=0, w0=0, tails=tails, **LOOKED)
    return Case(operator, (to_tensor(np.array([[value]]), Dtype.INT16),), (TABLE,))


def after_linear(value: int, tails: int) -> Case:
    """A Linear whose sum is its bias: doubled and halved it is the value that is looked up, and so is the entry."""
    records = pack_records(np.array([[1]]), np.array([value]), np.array([2]), np.array([2]))
    scalars = {"a": 0, "w0": 0, "w1": 1, "shift": 1, "shift2": 1, "lo": -(2**15), "hi": 2**15 - 1, **LOOKED}
    operator = Operator(2, Opcode.LINEAR, Dtype.INT16, ops.per_row(1), 1, tails=tails, **scalars)
    return Case(operator, (to_tensor(np.array([[0]]), Dtype.INT8),), (records, TABLE))


@pytest.mark.parametrize("make", [alone, after_linear])
@pytest.mark.parametrize("tails", [ops.GATED, ops.FLAT])
@pytest.mark.parametrize("value", VALUES)
def test_a_value_at_a_border_is_looked_up_as_specified(
    make: Callable[[int, int], Case], tails: int, value: int
) -> None:
    case = make(value, tails)
    require_fitting(case.operator, case.out, case.reads)
    assert bench().both(stand_alone(case, with_element(case, 0, 0), 0, 0)) is False
    assert bench().both(stand_alone(case, with_element(case, 0, 0, off=1), 0, 0)) is True
