"""Scales become integers within their bounds; the float functions are as good as the C library's."""

from math import erf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.models.exact.rounding import Rounding
from stun.models.quantize.activations import error_function
from stun.models.quantize.scales import bits_above, fixed_point, quantize_linear, smooth_step

pytestmark = pytest.mark.unit

factors = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=20).map(np.array)


@given(factors)
def test_factors_keep_their_size(values: np.ndarray) -> None:
    mult, shift = fixed_point(values)

    assert 0 <= mult.min() <= mult.max() < 2**24
    assert 1 <= shift <= 62
    assert abs(mult * 2.0**-shift - values).max() <= values.max() * 2.0**-23


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 20))
def test_weights_are_within_half_a_step_or_clipped(seed: int, depth: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    weight = draw.standard_normal((count, depth)).astype(np.float32)
    step = draw.uniform(0.01, 2, depth)

    integers, bias, sums = quantize_linear(weight, weight[:, 0], step)

    real = weight * step
    error = abs(integers * sums[:, None] - real)
    assert abs(integers.astype(int)).max() <= 127
    assert ((error <= sums[:, None] * 0.5000001) | (abs(integers.astype(int)) == 127)).all()
    assert (abs(bias * sums - weight[:, 0]) <= sums * 0.5000001).all()


@given(st.integers(0, 2**32 - 1))
def test_smoothed_channels_fit_int8(seed: int) -> None:
    draw = np.random.default_rng(seed)
    peaks = draw.uniform(0, 50, 12)
    step = smooth_step(peaks, [draw.standard_normal((5, 12)).astype(np.float32)], 0.85)

    assert (peaks / step <= 127 * (1 + 1e-9)).all()
    assert np.isclose((np.maximum(peaks, 1e-3 * peaks.max()) / step).max(), 127)


@given(st.floats(1e-30, 1e30))
def test_bits_above(value: float) -> None:
    assert 2.0 ** (bits_above(value) - 1) < value <= 2.0 ** bits_above(value)


def test_error_function_is_the_c_librarys() -> None:
    places = np.linspace(-8, 8, 20_001)

    assert max(abs(error_function(places) - np.array([erf(x) for x in places]))) < 1e-10


@given(
    st.integers(0, 31), st.integers(1, 62), st.integers(0, 30), st.integers(0, 2**32 - 1), st.booleans()
)  # fmt: skip
def test_rounding_in_floats_is_rounding_in_integers(bits: int, shift: int, width: int, seed: int, by_row: bool) -> None:
    draw = np.random.default_rng(seed)
    x = draw.integers(-(2**width), 2**width + 1, (2, 5, 7))
    mult = draw.integers(0, 2**bits, (5, 1) if by_row else 7)
    bias = draw.integers(-(2**width), 2**width + 1, mult.shape)
    rounding = Rounding(mult, bias, shift, -127, 126, np.dtype(np.int8), 2**width)

    expected = np.clip(((x + bias) * mult + (1 << (shift - 1))) >> shift, -127, 126)
    assert np.array_equal(rounding.prepare()(x), expected)
    if width + bits < 48 and shift <= 52 and width + bits - shift < 28:
        assert rounding.fits_doubles
