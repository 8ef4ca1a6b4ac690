"""Which fields an opcode uses; the others are zero, or NONE for an index, so that one graph has one encoding."""

from dataclasses import fields
from typing import Final

from stun.protocol.errors import require
from stun.protocol.graph.operators import BY_ROW, NONE, Opcode, Operator

ERR_UNUSED: Final = "graph: unused"

_ALWAYS: Final = {"index", "opcode", "dtype", "rows", "cols"}
_INDICES: Final = {"a", "b", "w0", "w1"}
_REQUANT: Final = {"shift", "lo", "hi"}
_TABLE: Final = {"tails", "lut_bits", "lut_step"}
_USED: Final[dict[Opcode, set[str]]] = {
    Opcode.INPUT: set(),
    Opcode.GATHER: {"a", "w0", "mode", "column"},
    Opcode.LINEAR: {"a", "w0", "mode", *_REQUANT},
    Opcode.MATMUL: {"a", "b", "w0", "mode", "groups", *_REQUANT},
    Opcode.REQUANT: {"a", "w0", *_REQUANT},
    Opcode.LUT: {"a", "w0", *_TABLE},
    Opcode.ADD_NORM: {"a", "b", "w0", "shift"},
    Opcode.SOFTMAX: {"a"},
    Opcode.MEAN: {"a"},
    Opcode.TRANSPOSE: {"a"},
    Opcode.L2_NORM: {"a"},
    Opcode.WINDOW: {"a", "width", "out_width", "kernel", "stride", "pad"},
    Opcode.MAX: {"a", "groups"},
}


def require_canonical(operator: Operator) -> None:
    """Check that what the opcode does not use is empty. Errors: "graph: unused"."""
    used = _ALWAYS | _USED[Opcode(operator.opcode)]
    if operator.opcode == Opcode.LINEAR and operator.w1 != NONE:
        used = used | {"w1", "shift2"} | _TABLE
    if operator.opcode == Opcode.GATHER and operator.mode == BY_ROW:
        used = used - {"a", "column"}
    for field in fields(operator):
        empty = NONE if field.name in _INDICES else 0
        require(field.name in used or getattr(operator, field.name) == empty, ERR_UNUSED)
