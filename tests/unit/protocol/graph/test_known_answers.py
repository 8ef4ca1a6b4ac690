"""Operators on numbers worked out by hand or at the very bounds, by the executor and by the referee."""

import math
from fractions import Fraction

import numpy as np
import pytest
from graph_cases import Case

from stun.protocol.graph import arithmetic
from stun.protocol.graph import operators as ops
from stun.protocol.graph.arrays import Array, pack_multipliers, pack_norm, pack_records, pack_table, to_tensor
from stun.protocol.graph.operators import Opcode, Operator
from stun.protocol.graph.tables import EXP_COARSE, EXP_FINE
from stun.protocol.graph.tensors import Dtype, Tensor

pytestmark = pytest.mark.unit


def int8(*rows: list[int]) -> Tensor:
    return to_tensor(np.array(rows), Dtype.INT8)


def int16(*rows: list[int]) -> Tensor:
    return to_tensor(np.array(rows), Dtype.INT16)


def both(case: Case) -> list[list[int]]:
    """The executor's output, which is also the referee's."""
    y = case.output()
    np.testing.assert_array_equal(y[:, case.columns], case.elements())
    return [[int(v) for v in row] for row in y]


def requant(x: Tensor, mult: list[int], **scalars: int) -> list[list[int]]:
    shape = x.shape
    operator = Operator(2, Opcode.REQUANT, Dtype.INT8, shape.rows, shape.cols, a=0, w0=0, **scalars)
    return both(Case(operator, (x,), (pack_multipliers(np.array(mult)),)))


def test_halves_round_up_below_zero_too() -> None:
    assert requant(int16([-3, -2, -1, 0, 1, 2, 3]), [1], shift=1, lo=-127, hi=127) == [[-1, -1, 0, 0, 1, 1, 2]]
    assert requant(int16([5, 6, 7, -5, -6, -7]), [1], shift=2, lo=-127, hi=127) == [[1, 2, 2, -1, -1, -2]]


def test_requant_clamps_on_both_sides_and_multiplies_by_column() -> None:
    assert requant(int16([100, 100, -100]), [2, 1, 2], shift=1, lo=-90, hi=60) == [[60, 50, -90]]


def test_requant_holds_the_largest_product() -> None:
    x = to_tensor(np.array([[-(2**31), 2**31 - 1]]), Dtype.INT32)
    assert requant(x, [2**31 - 1], shift=62, lo=-127, hi=127) == [[-1, 1]]


def test_linear_adds_the_bias_before_it_multiplies() -> None:
    records = pack_records(np.array([[1, 2], [-3, 4]]), np.array([10, -10]), np.array([1, 3]))
    scalars = {"a": 0, "w0": 0, "shift": 1, "lo": -127, "hi": 127}
    straight = Operator(2, Opcode.LINEAR, Dtype.INT8, 2, 2, **scalars)
    x = int8([5, 6], [-7, 8])
    # acc: 5 + 12 + 10 = 27, -15 + 24 - 10 = -1; -7 + 16 + 10 = 19, 21 + 32 - 10 = 43
    assert both(Case(straight, (x,), (records,))) == [[14, -1], [10, 65]]
    turned = Operator(2, Opcode.LINEAR, Dtype.INT8, 2, 2, mode=ops.TRANSPOSED, **scalars)
    assert both(Case(turned, (x,), (records,))) == [[14, 10], [-1, 65]]


def test_linear_with_a_table_clamps_to_int16_between() -> None:
    records = pack_records(np.array([[127]]), np.array([0]), np.array([2**20]), np.array([2]))
    table = pack_table(np.array([-7, 9]))
    scalars = {"a": 0, "w0": 0, "w1": 1, "shift": 1, "shift2": 9, "lo": -120, "hi": 127, "lut_bits": 0, "lut_step": 0}
    operator = Operator(2, Opcode.LINEAR, Dtype.INT8, 1, 1, **scalars)
    # 127 * 2^20 / 2 is clamped to 32767, which lies above the table and stays; 32767 * 2 / 2^9 = 127.996 -> 128 -> 127
    assert both(Case(operator, (int8([1]),), (records, table))) == [[127]]
    assert both(Case(operator, (int8([-1]),), (records, table))) == [[0]]  # below the table: 0
    assert both(Case(operator, (int8([0]),), (records, table))) == [[0]]  # entry 9 * 2 / 512
    flat = Operator(2, Opcode.LINEAR, Dtype.INT8, 1, 1, tails=ops.FLAT, **(scalars | {"shift2": 1}))
    assert both(Case(flat, (int8([1]),), (records, table))) == [[9]]
    assert both(Case(flat, (int8([-1]),), (records, table))) == [[-7]]


def test_lut_by_steps_and_outside() -> None:
    table = pack_table(np.array([10, 20, 30, 40]))
    x = int16([-32768, -9, -8, -5, -4, -1, 0, 3, 4, 7, 8, 32767])
    scalars = {"a": 0, "w0": 0, "lut_bits": 3, "lut_step": 2}
    gated = Operator(2, Opcode.LUT, Dtype.INT16, 1, 12, **scalars)
    assert both(Case(gated, (x,), (table,))) == [[0, 0, 10, 10, 20, 20, 30, 30, 40, 40, 8, 32767]]
    flat = Operator(2, Opcode.LUT, Dtype.INT16, 1, 12, tails=ops.FLAT, **scalars)
    assert both(Case(flat, (x,), (table,))) == [[10, 10, 10, 10, 20, 20, 30, 30, 40, 40, 40, 40]]


def test_matmul_of_two_groups_of_columns() -> None:
    scalars = {"a": 0, "b": 1, "w0": 0, "shift": 1, "lo": -127, "hi": 127, "groups": 2}
    operator = Operator(2, Opcode.MATMUL, Dtype.INT8, 4, 1, mode=ops.COLUMNS, **scalars)
    a, b = int8([1, 2, 3, 4], [5, 6, 7, 8]), int8([1, -1, 2, 1])
    # group 0: 1 - 2, 5 - 6; group 1: 6 + 4, 14 + 8, multiplied by 4
    mult = pack_multipliers(np.array([2, 4]))
    assert both(Case(operator, (a, b), (mult,))) == [[-1], [-1], [20], [44]]


def test_matmul_of_two_groups_of_rows() -> None:
    scalars = {"a": 0, "b": 1, "w0": 0, "shift": 1, "lo": -127, "hi": 127, "groups": 2}
    operator = Operator(2, Opcode.MATMUL, Dtype.INT8, 1, 4, mode=ops.ROWS, **scalars)
    a, b = int16([100, 1], [1, 10]), int8([1, 2], [-1, 1], [3, 4], [5, -6])
    mult = pack_multipliers(np.array([2, 1, 2, 2]))
    assert both(Case(operator, (a, b), (mult,))) == [[102, -49, 43, -55]]


def test_matmul_at_its_longest_holds_the_largest_sum() -> None:
    scalars = {"a": 0, "b": 1, "w0": 0, "shift": 62, "lo": -127, "hi": 127, "groups": 1}
    operator = Operator(2, Opcode.MATMUL, Dtype.INT8, 1, 1, mode=ops.ROWS, **scalars)
    mult = pack_multipliers(np.array([2**31 - 1]))
    low, high = int16([-32768] * 512), int8([-128] * 512)
    assert both(Case(operator, (low, high), (mult,))) == [[1]]
    assert both(Case(operator, (low, int8([127] * 512)), (mult,))) == [[-1]]


def test_softmax_by_hand() -> None:
    def softmax(*scores: int) -> list[int]:
        operator = Operator(2, Opcode.SOFTMAX, Dtype.INT16, 1, len(scores), a=0)
        return both(Case(operator, (int16(list(scores)),)))[0]

    assert softmax(-5) == [16_383]  # 2^14 clamped
    assert softmax(7, 7) == [8_192, 8_192]
    assert softmax(-32_768, 32_767) == [0, 16_383]
    # t = 256: e = rshr(12055 * 32768, 15) = 12055; rec = floor(2^39 / 44823) = 12265057
    assert softmax(256, 0) == [(32_768 * 12_265_057 + 2**24) >> 25, (12_055 * 12_265_057 + 2**24) >> 25]
    # t = 65: rshr(25520 * 32640, 15) = 25420
    rec = 2**39 // (32_768 + 25_420)
    assert softmax(0, -65) == [(32_768 * rec + 2**24) >> 25, (25_420 * rec + 2**24) >> 25]


def test_softmax_is_close_to_the_real_one() -> None:
    scores = np.array([[-700, -3, 0, 255, 256, 900, 1_300]])
    real = np.exp(scores / 256) / np.exp(scores / 256).sum()
    assert np.abs(arithmetic.softmax(scores) / 2**14 - real).max() < 2**-13


def test_the_tables_are_the_rounded_exponentials() -> None:
    assert len(EXP_COARSE) == len(EXP_FINE) == 64
    assert all(entry == round(2**15 * math.exp(-i / 4)) for i, entry in enumerate(EXP_COARSE))
    assert all(entry == round(2**15 * math.exp(-j / 256)) for j, entry in enumerate(EXP_FINE))


def add_norm(a: Tensor, b: Tensor, gain: Array, bias: Array, shift: int) -> list[list[int]]:
    operator = Operator(2, Opcode.ADD_NORM, Dtype.INT16, *_size(a), a=0, b=1, w0=0, shift=shift)
    return both(Case(operator, (a, b), (pack_norm(gain, bias),)))


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape.rows, x.shape.cols


def test_add_norm_by_hand() -> None:
    # x = (1, 3): d = (-2, 2), V = 8, R = 2, rec = 2^45, z = -+2^20
    gain, bias = np.array([3, 5]), np.array([2**20, -(2**20)])
    assert add_norm(int16([1, 1]), int16([0, 2]), gain, bias, 20) == [[-2, 4]]


def test_add_norm_of_a_constant_row_is_the_bias() -> None:
    gain, bias = np.full(3, 2**31 - 1), np.array([-(2**31), 2**31 - 1, 7])
    assert add_norm(int16([9, 9, 9]), int16([-2, -2, -2]), gain, bias, 1) == [[-32_768, 32_767, 4]]


def test_add_norm_at_its_widest() -> None:
    half = [-32_768] * 512 + [32_767] * 512
    ones = np.full(1_024, 2**15)
    y = add_norm(int16(half), int16(half), ones, np.zeros(1_024, np.int64), 20)
    # d / sqrt V = -+1 / sqrt 1024 = -+1/32, in units of 2^-15: rec = floor(2^46 / R) costs a little
    assert set(y[0]) == {-1_024, 1_024}


def test_l2_norm_by_hand() -> None:
    def norm(*x: int) -> list[int]:
        operator = Operator(2, Opcode.L2_NORM, Dtype.INT16, 1, len(x), a=0)
        return both(Case(operator, (int16(list(x)),)))[0]

    assert norm(3, 4) == [19_661, 26_214]  # 0.6 and 0.8 of 32768
    assert norm(0, 0) == [0, 0]
    assert norm(5) == [32_767]
    assert norm(-5) == [-32_768]
    assert norm(*[-32_768] * 2_048) == [-724] * 2_048


def test_mean_rounds_halves_up_and_floors_below_zero() -> None:
    operator = Operator(2, Opcode.MEAN, Dtype.INT8, 1, 5, a=0)
    x = int8([1, 2], [-1, -2], [0, -1], [-128, -128], [127, 126])
    assert both(Case(operator, (x,))) == [[2, -1, 0, -128, 127]]


def test_mean_is_the_rounded_fraction() -> None:
    x = np.arange(-20, 22).reshape(6, 7) ** 3
    expected = [math.floor(Fraction(int(row.sum()), 7) + Fraction(1, 2)) for row in x]
    assert arithmetic.mean(x)[0].tolist() == expected


def test_transpose_and_maximum() -> None:
    x = int8([1, 2, 3, 4], [-1, -2, -3, -4])
    turn = Operator(2, Opcode.TRANSPOSE, Dtype.INT8, 4, 2, a=0)
    assert both(Case(turn, (x,))) == [[1, -1], [2, -2], [3, -3], [4, -4]]
    largest = Operator(2, Opcode.MAX, Dtype.INT8, 2, 2, a=0, groups=2)
    assert both(Case(largest, (x,))) == [[3, 4], [-1, -2]]


def test_window_with_padding_and_stride() -> None:
    x = int8([1, 10], [2, 20], [3, 30], [4, 40], [5, 50], [6, 60])  # two rows of three pixels, two channels
    scalars = {"width": 3, "out_width": 2, "kernel": 2, "stride": 2, "pad": 1}
    operator = Operator(2, Opcode.WINDOW, Dtype.INT8, 2, 8, a=0, **scalars)
    assert both(Case(operator, (x,))) == [[0, 0, 0, 0, 0, 0, 1, 10], [0, 0, 0, 0, 2, 20, 3, 30]]


def test_gather_clamps_ids_and_takes_the_named_column() -> None:
    table = int16([1, 2], [3, 4], [5, 6])
    ids = to_tensor(np.array([[9, -(2**31)], [9, 2**31 - 1], [9, 1]]), Dtype.INT32)
    operator = Operator(2, Opcode.GATHER, Dtype.INT16, 3, 2, a=0, w0=0, column=1)
    assert both(Case(operator, (ids,), (table,))) == [[1, 2], [5, 6], [3, 4]]
    places = Operator(2, Opcode.GATHER, Dtype.INT16, 2, 2, w0=0, mode=ops.BY_ROW)
    assert both(Case(places, (), (table,))) == [[1, 2], [3, 4]]
