"""Tensors as bytes: a sequence of .npy records, or JSON. Every size is checked before memory is taken.

Objects, structured and text types are refused, and nothing is unpickled (numpy's allow_pickle=False).
"""

import io
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib import format as untyped_format
from numpy.typing import NDArray

MAX_TENSOR_BYTES = 256 * 2**20
MAX_TENSORS = 64
MAX_DIMENSIONS = 16
MAX_HEADER_BYTES = 4096
_KINDS = "biuf"
npy: Any = untyped_format  # numpy ships no types for it

Tensor = NDArray[Any]


class TensorRefused(ValueError):
    """Bytes that are not well-formed tensors."""


def read_npy(data: bytes) -> list[Tensor]:
    """The tensors of concatenated .npy records, consumed exactly. TensorRefused."""
    stream = io.BytesIO(data)
    tensors: list[Tensor] = []
    while stream.tell() < len(data):
        if len(tensors) == MAX_TENSORS:
            raise TensorRefused(f"more than {MAX_TENSORS} tensors")
        tensors.append(_read_one(stream, len(data)))
    if not tensors:
        raise TensorRefused("no tensor")
    return tensors


def write_npy(tensors: Sequence[Tensor]) -> bytes:
    """Concatenated .npy records, version 1.0, little-endian, C order: one encoding of one result. TensorRefused."""
    stream = io.BytesIO()
    for tensor in tensors:
        if tensor.dtype.kind not in _KINDS:
            raise TensorRefused(f"a tensor of type {tensor.dtype}")
        plain = np.asarray(tensor, dtype=tensor.dtype.newbyteorder("<"), order="C")
        npy.write_array(stream, plain, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def read_json(data: bytes) -> Any:
    """A JSON document without NaN, infinities or repeated keys. TensorRefused."""
    try:
        return json.loads(data, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise TensorRefused(f"not JSON: {error}") from error


def json_tensor(value: Any, dtype: np.dtype[Any]) -> Tensor:
    """Nested lists of numbers (or of booleans) as a tensor of `dtype`, without any loss but float rounding."""
    try:
        loose = np.array(value)
    except (ValueError, RecursionError) as error:
        raise TensorRefused("lists of unequal length") from error
    fits = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}.get(dtype.kind, "")
    if loose.dtype.kind not in fits and loose.size:
        raise TensorRefused(f"values of type {loose.dtype} for a tensor of {dtype}")
    if dtype.kind in "iu" and loose.size:
        bounds = np.iinfo(dtype)
        if int(loose.min()) < bounds.min or int(loose.max()) > bounds.max:
            raise TensorRefused(f"a value out of the range of {dtype}")
    with np.errstate(over="ignore"):
        tensor: Tensor = loose.astype(dtype)
    if dtype.kind == "f" and not np.isfinite(tensor).all():
        raise TensorRefused(f"a value out of the range of {dtype}")
    return tensor


def _read_one(stream: io.BytesIO, total: int) -> Tensor:
    try:
        shape, fortran, dtype = _read_header(stream)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise TensorRefused(f"not .npy: {error}") from error
    if dtype.hasobject or dtype.kind not in _KINDS or dtype.names is not None or dtype.subdtype is not None:
        raise TensorRefused(f"a tensor of type {dtype}")
    if len(shape) > MAX_DIMENSIONS or any(size < 0 for size in shape):
        raise TensorRefused("a shape with too many or negative sizes")
    count = math.prod(shape)
    size = count * dtype.itemsize
    if size > min(MAX_TENSOR_BYTES, total - stream.tell()):
        raise TensorRefused("a header that promises more bytes than there are")
    flat = np.frombuffer(stream.read(size), dtype=dtype, count=count)
    tensor: Tensor = flat.reshape(shape, order="F" if fortran else "C").astype(dtype.newbyteorder("="), order="C")
    return tensor


def _read_header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version == (1, 0):
        header = npy.read_array_header_1_0(stream, max_header_size=MAX_HEADER_BYTES)
    elif version == (2, 0):
        header = npy.read_array_header_2_0(stream, max_header_size=MAX_HEADER_BYTES)
    else:
        raise TensorRefused(f".npy version {version}")
    shape, fortran, dtype = header
    return shape, fortran, dtype


def _refuse_constant(name: str) -> float:
    raise TensorRefused(f"{name} in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise TensorRefused("a repeated key in JSON")
    return document
