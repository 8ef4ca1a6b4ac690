"""Which shapes and scalars fit together: the same rule when a graph is read and when a referee judges.

Every function takes the output's shape and the shapes of what the operator reads, for one n, and says what is wrong by
"graph: shape" or "graph: scalar". Dims are linear in n, so a graph that fits at the fewest and at the most rows fits at
all between. Source: PROTOCOL.md section 9.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from stun.protocol.errors import require
from stun.protocol.graph.operators import (
    BY_ID,
    BY_ROW,
    COLUMNS,
    FLAT,
    NONE,
    ROWS,
    TRANSPOSED,
    Opcode,
    Operator,
)
from stun.protocol.graph.tensors import Dtype, Shape, row_bytes

MAX_ROWS: Final = 2**20
MAX_SHIFT: Final = 62
MAX_NORM_COLS: Final = 1_024
MAX_TABLE_ROW_BYTES: Final = 512
BIAS_AND_MULT: Final = 8
SECOND_MULT: Final = 4

ERR_SHAPE: Final = "graph: shape"
ERR_SCALAR: Final = "graph: scalar"

INTEGERS: Final = (Dtype.INT8, Dtype.INT16, Dtype.INT32)
LIMITS: Final = {Dtype.INT8: (-127, 127), Dtype.INT16: (-(2**15), 2**15 - 1), Dtype.INT32: (-(2**31), 2**31 - 1)}


@dataclass(frozen=True, slots=True)
class Reads:
    """Shapes of the predecessors' outputs (`a` before `b`) and of the weight tensors (`w0` before `w1`)."""

    inputs: tuple[Shape, ...]
    weights: tuple[Shape, ...]


def require_fitting(operator: Operator, out: Shape, reads: Reads) -> None:
    """Check one operator: how many tensors it reads, that each is one within the limits, that all fit together.

    Errors: "graph: shape", "graph: scalar".
    """
    inputs, weights, check = _RULES[Opcode(operator.opcode)]
    if operator.opcode == Opcode.GATHER and operator.mode == BY_ROW:
        inputs = 0
    if operator.opcode == Opcode.LINEAR and operator.w1 != NONE:
        weights = 2
    _shape((len(reads.inputs), len(reads.weights)) == (inputs, weights))
    for shape in (out, *reads.inputs, *reads.weights):
        _shape(row_bytes(shape) > 0 and shape.rows <= MAX_ROWS)
    _shape(out.dtype in INTEGERS and all(shape.dtype in INTEGERS for shape in reads.inputs))
    check(operator, out, reads)


def record_tail(operator: Operator) -> int:
    """Return how many bytes of a Linear's record follow its weights: bias, mult, and mult2 after a Lut."""
    return BIAS_AND_MULT + (SECOND_MULT if operator.w1 != NONE else 0)


def _shape(fits: bool) -> None:
    require(fits, ERR_SHAPE)


def _scalar(fits: bool) -> None:
    require(fits, ERR_SCALAR)


def _require_shift(shift: int) -> None:
    _scalar(1 <= shift <= MAX_SHIFT)


def _require_clamp(operator: Operator) -> None:
    low, high = LIMITS[Dtype(operator.dtype)]
    _scalar(low <= operator.lo <= operator.hi <= high)


def _input(operator: Operator, out: Shape, reads: Reads) -> None:
    pass


def _gather(operator: Operator, out: Shape, reads: Reads) -> None:
    table = reads.weights[0]
    _shape((table.dtype, table.cols) == (out.dtype, out.cols))
    if operator.mode == BY_ROW:
        _shape(out.rows <= table.rows)
        return
    _scalar(operator.mode == BY_ID)
    _shape(reads.inputs[0].rows == out.rows)
    _scalar(operator.column < reads.inputs[0].cols)


def _linear(operator: Operator, out: Shape, reads: Reads) -> None:
    x, records = reads.inputs[0], reads.weights[0]
    _scalar(operator.mode <= TRANSPOSED)
    _require_shift(operator.shift)
    _require_clamp(operator)
    _shape(x.dtype == Dtype.INT8 and records.dtype == Dtype.RECORDS)
    _shape(records.cols == x.cols + record_tail(operator))
    size = (records.rows, x.rows) if operator.mode == TRANSPOSED else (x.rows, records.rows)
    _shape((out.rows, out.cols) == size)
    if operator.w1 != NONE:
        _require_shift(operator.shift2)
        _require_table(operator, reads.weights[1])


def _matmul(operator: Operator, out: Shape, reads: Reads) -> None:
    a, b = reads.inputs
    groups = operator.groups
    _scalar(operator.mode in (COLUMNS, ROWS) and groups > 0)
    _require_shift(operator.shift)
    _require_clamp(operator)
    _shape(a.dtype in (Dtype.INT8, Dtype.INT16) and b.dtype == Dtype.INT8 and a.cols == b.cols)
    if operator.mode == COLUMNS:
        _shape(a.cols % groups == 0 and out.rows == groups * a.rows and out.cols == b.rows)
        depth, channels = a.cols // groups, groups
    else:
        _shape(a.rows == groups * out.rows and b.rows == out.cols and out.cols % groups == 0)
        depth, channels = a.cols, out.cols
    _shape(depth << (8 * a.dtype - 1 + 7) <= 2**31)
    _shape(reads.weights[0] == Shape(Dtype.INT32, channels, 1))


def _requant(operator: Operator, out: Shape, reads: Reads) -> None:
    x, mult = reads.inputs[0], reads.weights[0]
    _require_shift(operator.shift)
    _require_clamp(operator)
    _shape((x.rows, x.cols) == (out.rows, out.cols))
    _shape(mult in (Shape(Dtype.INT32, out.cols, 1), Shape(Dtype.INT32, 1, 1)))


def _lut(operator: Operator, out: Shape, reads: Reads) -> None:
    _require_table(operator, reads.weights[0])
    _same(Dtype.INT16, out, reads)


def _require_table(operator: Operator, table: Shape) -> None:
    """A Lut's table: 2^(bits + 1 - step) int16 entries, row by row, rows of at most 512 bytes."""
    _scalar(operator.tails <= FLAT and operator.lut_bits <= 15 and operator.lut_step <= operator.lut_bits)
    _shape(table.dtype == Dtype.INT16 and row_bytes(table) <= MAX_TABLE_ROW_BYTES)
    _shape(table.rows * table.cols == 1 << (operator.lut_bits + 1 - operator.lut_step))


def _add_norm(operator: Operator, out: Shape, reads: Reads) -> None:
    _require_shift(operator.shift)
    _same(Dtype.INT16, out, reads)
    _shape(out.cols <= MAX_NORM_COLS)
    _shape(reads.weights[0] == Shape(Dtype.INT32, out.cols, 2))


def _rows(operator: Operator, out: Shape, reads: Reads) -> None:
    _same(Dtype.INT16, out, reads)


def _same(dtype: Dtype, out: Shape, reads: Reads) -> None:
    _shape(out.dtype == dtype and all(shape == out for shape in reads.inputs))


def _mean(operator: Operator, out: Shape, reads: Reads) -> None:
    x = reads.inputs[0]
    _shape(out == Shape(x.dtype, 1, x.rows))


def _transpose(operator: Operator, out: Shape, reads: Reads) -> None:
    x = reads.inputs[0]
    _shape(out == Shape(x.dtype, x.cols, x.rows))


def _window(operator: Operator, out: Shape, reads: Reads) -> None:
    x = reads.inputs[0]
    _scalar(min(operator.width, operator.out_width, operator.kernel, operator.stride) > 0)
    _shape(out.dtype == x.dtype and x.rows % operator.width == 0)
    _shape(out.rows % operator.out_width == 0 and out.cols % (operator.kernel * x.cols) == 0)


def _max(operator: Operator, out: Shape, reads: Reads) -> None:
    x = reads.inputs[0]
    _scalar(operator.groups > 0)
    _shape(x == Shape(out.dtype, out.rows, out.cols * operator.groups))


_Check = Callable[[Operator, Shape, Reads], None]
_RULES: Final[dict[Opcode, tuple[int, int, _Check]]] = {  # predecessors, weight tensors, rule
    Opcode.INPUT: (0, 0, _input),
    Opcode.GATHER: (1, 1, _gather),
    Opcode.LINEAR: (1, 1, _linear),
    Opcode.MATMUL: (2, 1, _matmul),
    Opcode.REQUANT: (1, 1, _requant),
    Opcode.LUT: (1, 1, _lut),
    Opcode.ADD_NORM: (2, 1, _add_norm),
    Opcode.SOFTMAX: (1, 0, _rows),
    Opcode.MEAN: (1, 0, _mean),
    Opcode.TRANSPOSE: (1, 0, _transpose),
    Opcode.L2_NORM: (1, 0, _rows),
    Opcode.WINDOW: (1, 0, _window),
    Opcode.MAX: (1, 0, _max),
}
