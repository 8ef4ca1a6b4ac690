"""What a person sees of an output."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stun.cli.run import _line
from stun.protocol.graph.arrays import to_tensor

pytestmark = pytest.mark.unit

VECTOR = to_tensor(np.array([[2**14] * 8]), 2).encode()


@pytest.mark.parametrize(
    ("form", "data", "line"),
    [
        ("tensor-int16-vector-8", VECTOR, "3: 8 numbers 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, ..."),
        ("f32le-vector-2", np.array([1.5, -2], "<f4").tobytes(), "3: 2 numbers 1.5, -2"),
        ("tensor-int32-r1-2-q20", to_tensor(np.array([[2**20, -(2**19)]]), 4).encode(), "3: 2 numbers 1, -0.5"),
        (
            "tensor-int32-r1-3-q20",
            to_tensor(np.array([[1, 2]]), 4).encode(),
            "3: 17 bytes 0400000001000000020000000100000002",
        ),
        ("tensor-int16-vector-8", b"junk", "3: 4 bytes junk"),
        ("npy", b"junk", "3: 4 bytes junk"),
        ("", b"\x00\x01", "3: 2 bytes 0001"),
        ("", b"", "3: refused by the model"),
    ],
)
def test_arrays_are_numbers_and_everything_else_is_bytes(form: str, data: bytes, line: str) -> None:
    result: Any = SimpleNamespace(output_format=form)
    assert _line(3, data, result) == line
