"""Between tensors' bytes and NumPy arrays; Linear's records field by field. Source: PROTOCOL.md section 9."""

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stun.protocol.errors import require
from stun.protocol.graph.shapes import BIAS_AND_MULT, SECOND_MULT
from stun.protocol.graph.tensors import Dtype, Shape, Tensor

Array: TypeAlias = NDArray[np.int64]
Integers: TypeAlias = NDArray[np.signedinteger[Any]]

ERR_VALUE: Final = "tensors: value"


class Records(NamedTuple):
    """A Linear's weights: w [N, K] int8; bias, mult and, after a Lut, mult2 [N]; all int64 here."""

    w: Array
    bias: Array
    mult: Array
    mult2: Array | None


def stored_array(tensor: Tensor) -> Integers:
    """Look at a tensor of integers as it is stored, [rows, cols] big endian, without a copy."""
    stored: Integers = np.frombuffer(tensor.data, f">i{tensor.shape.dtype}")
    return stored.reshape(tensor.shape.rows, tensor.shape.cols)


def to_array(tensor: Tensor) -> Array:
    """Read a tensor of integers as int64 [rows, cols]."""
    return stored_array(tensor).astype(np.int64)


def to_tensor(array: Integers, dtype: int) -> Tensor:
    """Pack integers [rows, cols] in a width of 1, 2 or 4 bytes.

    Errors: "tensors: value" if one does not fit, "tensors: shape", "tensors: length".
    """
    limits = np.iinfo(f"i{dtype}")
    require(array.ndim == 2, "tensors: shape")
    require(array.size == 0 or bool(limits.min <= array.min() and array.max() <= limits.max), ERR_VALUE)
    return Tensor(Shape(dtype, *array.shape), array.astype(f">i{dtype}").tobytes())


def pack_records(w: Integers, bias: Integers, mult: Integers, mult2: Integers | None = None) -> Tensor:
    """Pack a Linear's weights: a record a channel, w int8 [K] | bias i32 | mult i32 [| mult2 i32].

    Errors: "tensors: value", "tensors: shape".
    """
    tails = [bias, mult] if mult2 is None else [bias, mult, mult2]
    parts = [to_tensor(w, Dtype.INT8)] + [to_tensor(tail[:, None], Dtype.INT32) for tail in tails]
    require(all(part.shape.rows == len(w) for part in parts), "tensors: shape")
    rows = [b"".join(part.row(index) for part in parts) for index in range(len(w))]
    return Tensor(Shape(Dtype.RECORDS, len(rows), len(rows[0])), b"".join(rows))


def split_records(tensor: Tensor, has_lut: bool) -> tuple[Integers, Integers]:
    """Look at a Linear's weights as they are stored: w int8 [N, K] without a copy, the words behind i32 [N, 2 or 3].

    Errors: "tensors: shape" if a record is too short.
    """
    tail = BIAS_AND_MULT + (SECOND_MULT if has_lut else 0)
    depth = tensor.shape.cols - tail
    require(tensor.shape.dtype == Dtype.RECORDS and depth > 0, "tensors: shape")
    raw = np.frombuffer(tensor.data, np.uint8).reshape(tensor.shape.rows, tensor.shape.cols)
    return raw[:, :depth].view(np.int8), np.ascontiguousarray(raw[:, depth:]).view(">i4")


def unpack_records(tensor: Tensor, has_lut: bool) -> Records:
    """Read a Linear's weights. Errors: "tensors: shape" if a record is too short."""
    w, stored = split_records(tensor, has_lut)
    words = stored.astype(np.int64)
    return Records(w.astype(np.int64), words[:, 0], words[:, 1], words[:, 2] if has_lut else None)


def pack_multipliers(mult: Integers) -> Tensor:
    """Pack the multipliers of a Requant or MatMul, int32 [count, 1]. Errors: "tensors: value"."""
    return to_tensor(mult[:, None], Dtype.INT32)


def pack_norm(gain: Integers, bias: Integers) -> Tensor:
    """Pack an AddNorm's weights: int32 [N, 2], gain | bias. Errors: "tensors: value"."""
    return to_tensor(np.stack([gain, bias], 1), Dtype.INT32)


def pack_table(entries: Integers) -> Tensor:
    """Pack a Lut's table: int16, row by row, rows of up to 256 entries. Errors: "tensors: value"."""
    return to_tensor(entries.reshape(-1, min(len(entries), 256)), Dtype.INT16)
