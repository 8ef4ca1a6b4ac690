"""What weights may hold, so that no fast path has to fear an overflow. Source: PROTOCOL.md section 9."""

from collections.abc import Sequence
from typing import Final

from stun.protocol.errors import require
from stun.protocol.graph.arrays import Integers, split_records, stored_array
from stun.protocol.graph.operators import NONE, Opcode, Operator
from stun.protocol.graph.tensors import Dtype, Tensor

MAX_WEIGHT: Final = 127
MAX_BIAS: Final = 2**30

ERR_WEIGHT: Final = "graph: weight"


def require_weights(operator: Operator, weights: Sequence[Tensor]) -> None:
    """Check one operator's weights, whose shapes fit.

    int8 values (a Linear's weights, a Gather's table) are in [-127, 127]; multipliers of Requant, MatMul and Linear in
    [0, 2^31); a Linear's |bias| <= 2^30; an AddNorm's gain and bias may be any int32. Errors: "graph: weight".
    """
    read = [weights[index] for index in operator.weights]
    if operator.opcode == Opcode.LINEAR:
        w, words = split_records(read[0], operator.w1 != NONE)
        _require_within(w, -MAX_WEIGHT)
        _require_within(words[:, 0], -MAX_BIAS, MAX_BIAS)
        _require_within(words[:, 1:], 0)
    elif operator.opcode in (Opcode.REQUANT, Opcode.MATMUL):
        _require_within(stored_array(read[0]), 0)
    elif operator.opcode == Opcode.GATHER and read[0].shape.dtype == Dtype.INT8:
        _require_within(stored_array(read[0]), -MAX_WEIGHT)


def _require_within(values: Integers, low: int, high: int = 2**31 - 1) -> None:
    require(bool((low <= values).all() and (values <= high).all()), ERR_WEIGHT)
