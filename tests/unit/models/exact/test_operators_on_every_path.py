"""Drawn shapes and extreme values: portable and native kernels against the specification."""

from typing import Any

import numpy as np
import pytest
from exact_models import differing, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from stun.models.exact.drafting import EACH_ROW, INT8_LIMITS, INT16_LIMITS, Draft, Lookup, Rounded
from stun.models.exact.engine import Engine
from stun.models.exact.native.backend import Native
from stun.models.exact.portable import Portable
from stun.protocol.graph.operators import COLUMNS, FLAT, GATED, ROWS, Opcode, per_row
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Dtype

pytestmark = pytest.mark.unit

BACKENDS = (Portable(), Native(), Native(use_vnni=False))
WORD = (-(2**31), 2**31 - 1)
rows = st.integers(1, 20)
tasks = st.integers(1, 3)
shifts = st.integers(1, 62)
seeds = st.integers(0, 2**32 - 1)


def _extremes(draw: np.random.Generator, shape: tuple[int, ...], low: int, high: int, dtype: Any) -> Any:
    """Mostly edges, some of anything, now and then a row of zeros."""
    edges = np.array([low, low + 1, -1, 0, 1, high - 1, high])
    values = np.where(draw.random(shape) < 0.7, draw.choice(edges, shape), draw.integers(low, high + 1, shape))
    return np.where(draw.random((*shape[:-1], 1)) < 0.1, 0, values).astype(dtype)


def _check(graph: Graph, count: int, n: int) -> None:
    inputs = (np.arange(count * n, dtype=np.int32) * 5 % 25 - 2).reshape(count, n, 1)
    expected = reference(graph, inputs)
    for backend in BACKENDS:
        assert differing(Engine(graph, backend), inputs, expected) == [], backend


def _table(draft: Draft, draw: np.random.Generator, cols: int, dtype: Any, low: int) -> int:
    return draft.gather("x", _extremes(draw, (20, cols), low, np.iinfo(dtype).max, dtype), 0)


@settings(max_examples=40)
@given(tasks, rows, st.integers(1, 300), st.integers(1, 80), shifts, st.integers(0, 31), seeds, st.booleans())
def test_linear(
    count: int, n: int, depth: int, outputs: int, shift: int, bits: int, seed: int, is_transposed: bool
) -> None:
    draw, draft = np.random.default_rng(seed), Draft()
    draft.input(Dtype.INT32, 1)
    source = _table(draft, draw, depth, np.int8, -127)
    weights = _extremes(draw, (outputs, depth), -127, 127, np.int8)
    bias = _extremes(draw, (outputs,), -(2**30), 2**30, np.int64)
    mult = draw.integers(0, 2**bits, outputs)
    for dtype, limits in ((Dtype.INT8, INT8_LIMITS), (Dtype.INT16, (-300, 32767)), (Dtype.INT32, WORD)):
        out = Rounded(mult, shift, dtype, limits)
        draft.linear("y", source, weights, bias, out, transposed=is_transposed)
        then = Rounded(mult[:1], shift // 2 + 1, dtype, limits)
        lookup = Lookup(draw.integers(-(2**15), 2**15, 128), 9, 3, then, FLAT if is_transposed else GATED)
        draft.linear("z", source, weights, bias, Rounded(mult, shift, Dtype.INT16, INT16_LIMITS), lookup)

    _check(draft.finish(n, n), count, n)


@settings(max_examples=40)
@given(tasks, rows, st.integers(1, 4), st.integers(1, 36), shifts, st.integers(0, 31), seeds, st.booleans())
def test_matmul(count: int, n: int, groups: int, depth: int, shift: int, bits: int, seed: int, is_wide: bool) -> None:
    draw, draft = np.random.default_rng(seed), Draft()
    draft.input(Dtype.INT32, 1)
    left = _table(draft, draw, groups * depth, *((np.int16, -(2**15)) if is_wide else (np.int8, -127)))
    right = _table(draft, draw, groups * depth, np.int8, -127)
    out = Rounded(draw.integers(0, 2**bits, groups), shift, Dtype.INT16, INT16_LIMITS)
    scores = draft.matmul("s", (left, right), COLUMNS, groups, out)
    chances = draft.plain("p", Opcode.SOFTMAX, scores, (per_row(groups), EACH_ROW))
    values = draft.plain("v", Opcode.TRANSPOSE, right, (groups * depth, EACH_ROW))
    each = Rounded(draw.integers(0, 2**bits, groups * depth), shift, Dtype.INT8, INT8_LIMITS)
    for source in (scores, chances):
        draft.matmul("c", (source, values), ROWS, groups, each)

    _check(draft.finish(n, n), count, n)


@settings(max_examples=40)
@given(tasks, rows, st.integers(1, 200), shifts, st.integers(0, 31), seeds)
def test_operators_on_rows(count: int, n: int, cols: int, shift: int, bits: int, seed: int) -> None:
    draw, draft = np.random.default_rng(seed), Draft()
    draft.input(Dtype.INT32, 1)
    a, b = (_table(draft, draw, cols, np.int16, -(2**15)) for _ in range(2))
    gain, bias = (_extremes(draw, (cols,), *WORD, np.int64) for _ in range(2))
    draft.add_norm("norm", (a, b), gain >> bits, bias, shift)
    draft.plain("unit", Opcode.L2_NORM, a, (EACH_ROW, cols))
    draft.plain("mean", Opcode.MEAN, a, (1, EACH_ROW))
    draft.plain("chances", Opcode.SOFTMAX, b, (EACH_ROW, cols))
    draft.requant("r", a, Rounded(draw.integers(0, 2**bits, cols), shift, Dtype.INT32, WORD))
    wide = draft.requant("one", a, Rounded(draw.integers(0, 2**bits, 1), shift, Dtype.INT32, (-9, 2**31 - 1)))
    draft.requant("again", wide, Rounded(draw.integers(0, 2**bits, cols), shift, Dtype.INT8, INT8_LIMITS))
    draft.look_up("l", a, Lookup(draw.integers(-(2**15), 2**15, 64), 8, 3, Rounded(gain, 1, Dtype.INT16, WORD), FLAT))

    _check(draft.finish(n, n), count, n)


@settings(max_examples=40)
@given(tasks, st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), seeds)
def test_window_and_max(count: int, width: int, channels: int, kernel: int, stride: int, pad: int, seed: int) -> None:
    draw, draft = np.random.default_rng(seed), Draft()
    draft.input(Dtype.INT32, 1)
    source = _table(draft, draw, channels, np.int8, -127)
    size = kernel * kernel * channels
    shape = (2 * width, size)
    fields = {"width": width, "out_width": width, "kernel": kernel, "stride": stride, "pad": pad}
    window = draft.add("w", Opcode.WINDOW, Dtype.INT8, shape, a=source, **fields)
    draft.add("m", Opcode.MAX, Dtype.INT8, (2 * width, channels), a=window, groups=kernel * kernel)
    n = 3 * width

    _check(draft.finish(n, n), count, n)
