"""Numbers to tensors and back by the format that a manifest names."""

import numpy as np
import pytest

from stun.models.errors import UnfitNumbers
from stun.models.exact.formats import is_tensor
from stun.models.exact.numbers import NumberFormat, number_format
from stun.protocol.graph.arrays import stored_array, to_tensor
from stun.protocol.graph.tensors import Dtype

pytestmark = pytest.mark.unit

FORMATS = {
    "tensor-int16-chw-3x4x5-q9": NumberFormat(Dtype.INT16, (3, 4, 5), 0, 9),
    "tensor-int32-r1-10-q20": NumberFormat(Dtype.INT32, (10,), 1, 20),
    "tensor-int8-r2-2x6-q-3": NumberFormat(Dtype.INT8, (2, 6), 2, -3),
    "tensor-int16-r1-1x28x28-q0": NumberFormat(Dtype.INT16, (1, 28, 28), 1, 0),
}


@pytest.mark.parametrize("word", FORMATS)
def test_words_and_formats_are_the_same(word: str) -> None:
    assert number_format(word) == FORMATS[word]
    assert FORMATS[word].word == word
    assert is_tensor(word)


@pytest.mark.parametrize(
    "word",
    ["tensor", "tensor-int16-vector-384", "tensor-int32-ids-256", "tensor-int16-chw-3x4-q9", "tensor-int16-r0-4-q1",
     "tensor-int16-r3-4-q1", "tensor-int64-r1-4-q1", "tensor-int16-r1-4-q100", "tensor-int16-r1-04-q1",
     "tensor-int16-r1-4-q1 ", "tensor-int16-r1-4x-q1", "tensor-int16-r1-99999999-q1", "tensor-int16-r1--q1", "npy",
     "tensor-int16-r1-1x1x1x1x1x1x1x1x1-q1"],
)  # fmt: skip
def test_other_words_are_none(word: str) -> None:
    assert number_format(word) is None


@pytest.mark.parametrize("word", FORMATS)
def test_what_is_written_is_read(word: str) -> None:
    form = FORMATS[word]
    values = np.random.default_rng(1).uniform(-form.most / 2, form.most / 2, form.shape)

    read = form.values_of(form.tensor_of(values))

    assert read.shape == form.shape
    assert np.abs(read - values).max() <= 2.0 ** -(form.exponent + 1)


def test_a_pixel_is_a_row_and_a_channel_a_column() -> None:
    values = np.arange(60.0).reshape(3, 4, 5)
    laid = stored_array(FORMATS["tensor-int16-chw-3x4x5-q9"].tensor_of(values)) / 2**9

    assert laid.shape == (20, 3)
    assert laid[2 * 5 + 1, 2] == values[2, 2, 1]


def test_vectors_fill_rows_in_order() -> None:
    laid = stored_array(FORMATS["tensor-int8-r2-2x6-q-3"].tensor_of(np.arange(12.0).reshape(2, 6) * 8))

    assert laid.tolist() == [list(range(6)), list(range(6, 12))]


def test_axes_of_one_may_be_left_out() -> None:
    form, values = FORMATS["tensor-int16-r1-1x28x28-q0"], np.arange(784.0).reshape(28, 28)

    assert form.tensor_of(values) == form.tensor_of(values[None]) == form.tensor_of(values[None, None])


@pytest.mark.parametrize("value", [2**15, -(2**15), np.inf, -np.inf, np.nan, 1e300])
def test_numbers_past_the_range_are_refused(value: float) -> None:
    form, values = NumberFormat(Dtype.INT16, (2,), 1, 0), np.array([0.0, value])

    with pytest.raises(UnfitNumbers, match="32767"):
        form.tensor_of(values)


def test_the_largest_number_is_held() -> None:
    form = NumberFormat(Dtype.INT16, (2,), 1, 3)
    values = np.array([form.most, -form.most])

    assert form.values_of(form.tensor_of(values)).tolist() == values.tolist()


@pytest.mark.parametrize("shape", [(28,), (29, 28), (784,), (2, 28, 28), ()])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnfitNumbers, match="shape"):
        FORMATS["tensor-int16-r1-1x28x28-q0"].tensor_of(np.zeros(shape))


@pytest.mark.parametrize("tensor", [to_tensor(np.zeros((1, 9), int), 4), to_tensor(np.zeros((1, 10), int), 2)])
def test_other_tensors_are_not_read(tensor: object) -> None:
    with pytest.raises(UnfitNumbers):
        FORMATS["tensor-int32-r1-10-q20"].values_of(tensor)  # type: ignore[arg-type]
