"""One element of one operator's output, from single rows of what the operator reads; plain integers, no array.

This is what the referee contracts compute, in the order in which they open rows: `a`, `b`, `w0`, `w1`. The values are
those of arithmetic.py for everything an executor can meet, and are defined for any bytes that a row may hold: no width
limits an intermediate. Source: PROTOCOL.md section 9.
"""

from collections.abc import Callable
from math import isqrt
from typing import Final, Protocol, TypeAlias

from stun.protocol.graph.operators import BY_ROW, COLUMNS, GATED, NONE, TRANSPOSED, Opcode, Operator
from stun.protocol.graph.shapes import Reads
from stun.protocol.graph.tables import EXP_COARSE, EXP_FINE
from stun.protocol.graph.tensors import Shape, unpack_row

INT16: Final = (-32_768, 32_767)
WORD: Final = 4  # bytes of a bias or a multiplier


class Opener(Protocol):
    """Where rows come from: opened tensors that are being recorded, or evidence that is being checked."""

    @property
    def out(self) -> Shape:
        """Shape of the output."""

    @property
    def reads(self) -> Reads:
        """Shapes of what the operator reads; they fit (shapes.require_fitting)."""

    def open_input(self, which: int, row: int) -> bytes:
        """Return one row of input `which`."""

    def open_weight(self, which: int, row: int) -> bytes:
        """Return one row of weight tensor `which`."""


def element(operator: Operator, opener: Opener, row: int, col: int) -> int:
    """Return element [row, col] of the output; both are within the output's shape."""
    return _ELEMENTS[Opcode(operator.opcode)](operator, opener, row, col)


def rshr(x: int, shift: int) -> int:
    """Divide by 2^shift, halves up."""
    return (x + (1 << (shift - 1))) >> shift


def clamp(x: int, low: int, high: int) -> int:
    """Return low below it, else high above it, else x."""
    return low if x < low else min(x, high)


def _input(opener: Opener, which: int, row: int) -> tuple[int, ...]:
    return unpack_row(opener.reads.inputs[which].dtype, opener.open_input(which, row))


def _weight(opener: Opener, which: int, row: int) -> tuple[int, ...]:
    return unpack_row(opener.reads.weights[which].dtype, opener.open_weight(which, row))


def _requanted(operator: Operator, x: int, mult: int, shift: int) -> int:
    return clamp(rshr(x * mult, shift), operator.lo, operator.hi)


def _dot(x: tuple[int, ...], y: tuple[int, ...]) -> int:
    return sum(p * q for p, q in zip(x, y, strict=True))


def _gather(operator: Operator, opener: Opener, row: int, col: int) -> int:
    if operator.mode != BY_ROW:
        row = clamp(_input(opener, 0, row)[operator.column], 0, opener.reads.weights[0].rows - 1)
    return _weight(opener, 0, row)[col]


def _linear(operator: Operator, opener: Opener, row: int, col: int) -> int:
    token, channel = (col, row) if operator.mode == TRANSPOSED else (row, col)
    x = _input(opener, 0, token)
    record = opener.open_weight(0, channel)
    words = unpack_row(WORD, record[len(x) :])
    acc = _dot(x, unpack_row(1, record[: len(x)])) + words[0]
    if operator.w1 == NONE:
        return _requanted(operator, acc, words[1], operator.shift)
    looked = _look_up(operator, opener, 1, clamp(rshr(acc * words[1], operator.shift), *INT16))
    return _requanted(operator, looked, words[2], operator.shift2)


def _look_up(operator: Operator, opener: Opener, which: int, x: int) -> int:
    """Open the entry's row in any case, also where x is outside the table."""
    table, half = opener.reads.weights[which], 1 << operator.lut_bits
    index = clamp((x + half) >> operator.lut_step, 0, table.rows * table.cols - 1)
    entry = _weight(opener, which, index // table.cols)[index % table.cols]
    if operator.tails != GATED or -half <= x < half:
        return entry
    return x if x >= half else 0


def _matmul(operator: Operator, opener: Opener, row: int, col: int) -> int:
    if operator.mode == COLUMNS:
        rows, depth = opener.reads.inputs[0].rows, opener.reads.inputs[0].cols // operator.groups
        group = row // rows
        part = slice(group * depth, (group + 1) * depth)
        acc = _dot(_input(opener, 0, row % rows)[part], _input(opener, 1, col)[part])
        return _requanted(operator, acc, _weight(opener, 0, group)[0], operator.shift)
    group = col // (opener.out.cols // operator.groups)
    acc = _dot(_input(opener, 0, group * opener.out.rows + row), _input(opener, 1, col))
    return _requanted(operator, acc, _weight(opener, 0, col)[0], operator.shift)


def _requant(operator: Operator, opener: Opener, row: int, col: int) -> int:
    x = _input(opener, 0, row)[col]
    mult = _weight(opener, 0, col if opener.reads.weights[0].rows > 1 else 0)[0]
    return _requanted(operator, x, mult, operator.shift)


def _lut(operator: Operator, opener: Opener, row: int, col: int) -> int:
    return _look_up(operator, opener, 0, _input(opener, 0, row)[col])


def _add_norm(operator: Operator, opener: Opener, row: int, col: int) -> int:
    a, b = _input(opener, 0, row), _input(opener, 1, row)
    x = [p + q for p, q in zip(a, b, strict=True)]
    total, n = sum(x), len(x)
    squares = n * (n * sum(v * v for v in x) - total * total)
    z = rshr((n * x[col] - total) * ((1 << 46) // max(isqrt(squares), 1)), 26)
    gain, bias = _weight(opener, 0, col)
    return clamp(rshr(z * gain + bias, operator.shift), *INT16)


def _softmax(operator: Operator, opener: Opener, row: int, col: int) -> int:
    s = _input(opener, 0, row)
    largest = max(s)
    steps = [min(largest - v, 4_095) for v in s]
    e = [rshr(EXP_COARSE[t >> 6] * EXP_FINE[t & 63], 15) for t in steps]
    return min(rshr(e[col] * ((1 << 39) // sum(e)), 25), 16_383)


def _mean(operator: Operator, opener: Opener, row: int, col: int) -> int:
    x = _input(opener, 0, col)
    return (2 * sum(x) + len(x)) // (2 * len(x))


def _transpose(operator: Operator, opener: Opener, row: int, col: int) -> int:
    return _input(opener, 0, col)[row]


def _l2_norm(operator: Operator, opener: Opener, row: int, col: int) -> int:
    x = _input(opener, 0, row)
    return clamp(rshr(x[col] * ((1 << 46) // max(isqrt(sum(v * v for v in x)), 1)), 31), *INT16)


def _window(operator: Operator, opener: Opener, row: int, col: int) -> int:
    """Outside the image the element is 0 and no row is opened."""
    x = opener.reads.inputs[0]
    py = row // operator.out_width * operator.stride + col // (operator.kernel * x.cols) - operator.pad
    px = row % operator.out_width * operator.stride + col // x.cols % operator.kernel - operator.pad
    if not (0 <= py < x.rows // operator.width and 0 <= px < operator.width):
        return 0
    return _input(opener, 0, py * operator.width + px)[col % x.cols]


def _max(operator: Operator, opener: Opener, row: int, col: int) -> int:
    return max(_input(opener, 0, row)[col :: opener.out.cols])


_Element: TypeAlias = Callable[[Operator, Opener, int, int], int]
_ELEMENTS: Final[dict[Opcode, _Element]] = {
    Opcode.GATHER: _gather,
    Opcode.LINEAR: _linear,
    Opcode.MATMUL: _matmul,
    Opcode.REQUANT: _requant,
    Opcode.LUT: _lut,
    Opcode.ADD_NORM: _add_norm,
    Opcode.SOFTMAX: _softmax,
    Opcode.MEAN: _mean,
    Opcode.TRANSPOSE: _transpose,
    Opcode.L2_NORM: _l2_norm,
    Opcode.WINDOW: _window,
    Opcode.MAX: _max,
}
