"""Tensors as bytes: a sequence of .npy records, or JSON. Every size is checked before memory is taken.

Objects, structured and text types are refused, and nothing is unpickled or evaluated.
"""

import io
import math
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.lib import format as untyped_format
from numpy.typing import NDArray

from stun.models.bounded_json import JsonRefused, read_bounded_json

MAX_TENSOR_BYTES = 256 * 2**20
MAX_TENSORS = 64
MAX_DIMENSIONS = 16
MAX_HEADER_BYTES = 4096
MAX_ITEM_BYTES = 8  # wider floats differ between processors
_KINDS = "biuf"
_HEADER = re.compile(
    rb"\{\s*'descr'\s*:\s*'([<>|=]?[biuf][0-9]{1,2})'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,"
    rb"\s*'shape'\s*:\s*\(((?:\s*[0-9]{1,18}\s*,)*+(?:\s*[0-9]{1,18})?)\s*\)\s*,?\s*\}\s*"
)
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
        if tensor.dtype.kind not in _KINDS or tensor.dtype.itemsize > MAX_ITEM_BYTES:
            raise TensorRefused(f"a tensor of type {tensor.dtype}")
        plain = np.asarray(tensor, dtype=tensor.dtype.newbyteorder("<"), order="C")
        npy.write_array(stream, plain, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def read_json(data: bytes) -> Any:
    """A JSON document without NaN, infinities or repeated keys. TensorRefused."""
    try:
        return read_bounded_json(data, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except JsonRefused as error:
        raise TensorRefused(str(error)) from error


def json_tensor(value: Any, dtype: np.dtype[Any]) -> Tensor:
    """Nested lists of numbers (or of booleans) as a tensor of `dtype`, without any loss but float rounding."""
    try:
        loose = np.array(value)
    except ValueError as error:
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
    header = _HEADER.fullmatch(_read_header(stream))
    if header is None:
        raise TensorRefused("not the .npy header of a tensor of numbers")
    try:
        dtype = np.dtype(header[1].decode())
    except TypeError as error:
        raise TensorRefused(f"a tensor of type {header[1].decode()}") from error
    shape = tuple(int(size) for size in header[3].decode().split(",") if size.strip())
    if dtype.itemsize > MAX_ITEM_BYTES or len(shape) > MAX_DIMENSIONS:
        raise TensorRefused(f"a tensor of type {dtype} with {len(shape)} dimensions")
    size = math.prod(shape) * dtype.itemsize
    if size > min(MAX_TENSOR_BYTES, total - stream.tell()) or max(shape, default=0) > MAX_TENSOR_BYTES:
        raise TensorRefused("a header that promises more bytes than there are")
    flat = np.frombuffer(stream.read(size), dtype=dtype)
    order: Literal["F", "C"] = "F" if header[2] == b"True" else "C"
    tensor: Tensor = flat.reshape(shape, order=order).astype(dtype.newbyteorder("="), order="C")
    return tensor


def _read_header(stream: io.BytesIO) -> bytes:
    """The header of one record, without numpy's parser, which evaluates it as a Python literal."""
    magic = stream.read(8)
    length_bytes = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}.get(magic)
    if length_bytes is None:
        raise TensorRefused("not .npy of version 1.0 or 2.0")
    length = int.from_bytes(stream.read(length_bytes), "little")
    if length > MAX_HEADER_BYTES:
        raise TensorRefused(f"a header of {length} bytes")
    return stream.read(length)


def _refuse_constant(name: str) -> float:
    raise TensorRefused(f"{name} in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise TensorRefused("a repeated key in JSON")
    return document
