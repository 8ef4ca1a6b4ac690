"""Tensors in an ONNX file as NumPy arrays, never larger than the bytes that hold them.

Source: onnx.proto, TensorProto.
"""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stun.models.errors import MalformedModelFile, UnsafeModelFile
from stun.models.protobuf import Value, fields, integers, text

MAX_AXES = 8
MAX_SETTINGS = 1024  # integers in a tensor that is a shape or the like
_DIMS, _TYPE, _FLOATS, _INT32S, _INT64S, _NAME, _RAW, _DOUBLES, _EXTERNAL, _LOCATION = 1, 2, 4, 5, 7, 8, 9, 10, 13, 14
_RAW_TYPES = {1: "<f4", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}
_PACKED = {(1, _FLOATS): "<f4", (11, _DOUBLES): "<f8"}
_VARINTS = {(6, _INT32S), (7, _INT64S)}

Array = NDArray[Any]


def read_tensor(data: memoryview) -> tuple[str, Array]:
    """Name and array (float16, float32, float64, int32 or int64) of one TensorProto.

    Errors: MalformedModelFile (another type, values that do not fill the shape), UnsafeModelFile (data elsewhere).
    """
    dims: list[int] = []
    kind, name, stored = 0, "", {}
    for number, _, value in fields(data):
        if number in (_EXTERNAL, _LOCATION):
            if number == _EXTERNAL or value != 0:
                raise UnsafeModelFile("an ONNX model whose weights are in other files (external data)")
        elif number == _DIMS:
            dims += integers(value, MAX_AXES)
            if len(dims) > MAX_AXES:
                raise MalformedModelFile("ONNX", f"a tensor of more than {MAX_AXES} axes")
        elif number == _TYPE:
            kind = integers(value, 1)[0]
        elif number == _NAME:
            name = text(value)
        elif number in (_FLOATS, _INT32S, _INT64S, _RAW, _DOUBLES):
            if number in stored:
                raise MalformedModelFile("ONNX", f"tensor {name!r} has its values in pieces")
            stored[number] = value
    if any(size < 0 for size in dims) or len(stored) != 1:
        raise MalformedModelFile("ONNX", f"tensor {name!r} has no shape or no values in the file")
    values = _values(name, kind, *stored.popitem())
    if len(values) != prod(dims):
        raise MalformedModelFile("ONNX", f"tensor {name!r} of shape {dims} holds {len(values)} values")
    return name, values.reshape(dims)


def _values(name: str, kind: int, number: int, value: Value) -> Array:
    if (kind, number) in _VARINTS:
        return np.array(integers(value, MAX_SETTINGS), np.int64)
    wanted = _RAW_TYPES.get(kind) if number == _RAW else _PACKED.get((kind, number))
    if wanted is None or isinstance(value, int):
        raise MalformedModelFile("ONNX", f"tensor {name!r} is of type {kind}: float and int32 or int64 are read")
    if len(value) % np.dtype(wanted).itemsize:
        raise MalformedModelFile("ONNX", f"tensor {name!r} ends within a number")
    return np.frombuffer(value, wanted)
