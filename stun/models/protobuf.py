"""Protobuf messages of an ONNX file as views on its bytes: nothing is copied, nothing is built.

Source: the encoding of protocol buffers (wire types 0, 1, 2 and 5; groups are refused). Errors: MalformedModelFile.
"""

import struct
from collections.abc import Iterator

from stun.models.errors import MalformedModelFile

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_NAME = 4096
Value = int | memoryview


def fields(data: memoryview) -> Iterator[tuple[int, int, Value]]:
    """(number, wire type, value) of each field of one message; groups and bytes past the end are malformed."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        value: Value
        if wire == _VARINT:
            value, at = _varint(data, at)
        else:
            size, at = (_fixed_size(wire), at) if wire != _BYTES else _varint(data, at)
            if number == 0 or size > len(data) - at:
                raise MalformedModelFile("ONNX", "a field reaches past the end (truncated?)")
            value, at = data[at : at + size], at + size
        yield number, wire, value


def messages(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """(number, bytes) of each field that is not a varint."""
    for number, _, value in fields(data):
        if isinstance(value, memoryview):
            yield number, value


def integers(value: Value, most: int) -> list[int]:
    """A signed 64-bit field, single or packed; at most so many."""
    if isinstance(value, int):
        return [_signed(value)]
    found, at = [], 0
    while at < len(value):
        each, at = _varint(value, at)
        found.append(_signed(each))
        if len(found) > most:
            raise MalformedModelFile("ONNX", f"more than {most} numbers where a shape or a setting stands")
    return found


def real(value: Value) -> float:
    """A float32 field."""
    if isinstance(value, int) or len(value) != 4:
        raise MalformedModelFile("ONNX", "a float that is none")
    return float(struct.unpack("<f", value)[0])


def text(value: Value) -> str:
    """A name."""
    if isinstance(value, int) or len(value) > _MAX_NAME:
        raise MalformedModelFile("ONNX", f"a name that is none, or longer than {_MAX_NAME} bytes")
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedModelFile("ONNX", "a name that is no UTF-8") from error


def _signed(value: int) -> int:
    value &= 2**64 - 1
    return value - 2**64 if value >> 63 else value


def _fixed_size(wire: int) -> int:
    if wire == _FIXED64:
        return 8
    if wire == _FIXED32:
        return 4
    raise MalformedModelFile("ONNX", f"wire type {wire}")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise MalformedModelFile("ONNX", "a number reaches past the end (truncated?)")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise MalformedModelFile("ONNX", "a number longer than ten bytes")
