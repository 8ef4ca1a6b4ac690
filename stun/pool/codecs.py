"""Strict readers and writers of single JSON values; each reads only the one spelling that it writes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stun.pool.errors import WireInvalid
from stun.protocol.parameters import U64 as MAX_U64

_HEX = re.compile(r"0x(?:[0-9a-f]{2})*")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,19}")


@dataclass(frozen=True, slots=True)
class Codec:
    """`write` makes JSON of a value; `read(json, where)` makes the value of JSON or raises WireInvalid(where)."""

    write: Callable[[Any], Any]
    read: Callable[[Any, str], Any]


def hexadecimal(least: int, most: int) -> Codec:
    """Bytes as 0x-hex in lower case, `least` to `most` bytes."""

    def read(value: Any, where: str) -> bytes:
        if not isinstance(value, str) or len(value) > 2 + 2 * most or not _HEX.fullmatch(value):
            raise WireInvalid(where, f"needs 0x and lower-case hex of at most {most} bytes")
        if len(value) < 2 + 2 * least:
            raise WireInvalid(where, f"needs at least {least} bytes")
        return bytes.fromhex(value[2:])

    return Codec(lambda value: "0x" + value.hex(), read)


def number(bits: int) -> Codec:
    """An unsigned integer of at most 32 bits as a JSON number."""

    def read(value: Any, where: str) -> int:
        if type(value) is not int or not 0 <= value < 1 << bits:
            raise WireInvalid(where, f"needs an integer from 0 to {(1 << bits) - 1}")
        return value

    return Codec(lambda value: value, read)


def _read_u64(value: Any, where: str) -> int:
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value) or int(value) > MAX_U64:
        raise WireInvalid(where, "needs decimal text from 0 to 2^64 - 1 without leading zeros")
    return int(value)


def text(pattern: re.Pattern[str], wanted: str) -> Codec:
    """Text that a pattern matches as a whole; `wanted` says in words what it asks for."""

    def read(value: Any, where: str) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise WireInvalid(where, f"needs {wanted}")
        return value

    return Codec(lambda value: value, read)


def sequence(item: Codec, most: int) -> Codec:
    """A list of at most `most` items, as a tuple."""

    def read(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise WireInvalid(where, f"needs a list of at most {most}")
        return tuple(item.read(entry, f"{where}[{index}]") for index, entry in enumerate(value))

    return Codec(lambda value: [item.write(entry) for entry in value], read)


def optional(inner: Codec) -> Codec:
    """A value or null."""
    return Codec(
        lambda value: None if value is None else inner.write(value),
        lambda value, where: None if value is None else inner.read(value, where),
    )


def record(kind: type, fields: Mapping[str, Codec]) -> Codec:
    """An object with exactly these keys, as a record of `kind`."""

    def write(value: Any) -> dict[str, Any]:
        return {name: codec.write(getattr(value, name)) for name, codec in fields.items()}

    def read(value: Any, where: str) -> Any:
        require_keys(value, fields, where)
        return kind(**{name: codec.read(value[name], f"{where}.{name}") for name, codec in fields.items()})

    return Codec(write, read)


def require_keys(value: Any, names: Mapping[str, object] | set[str], where: str) -> None:
    """Refuse anything but an object with exactly these keys. Errors: WireInvalid."""
    if not isinstance(value, dict):
        raise WireInvalid(where, "needs an object")
    missing, unknown = set(names) - set(value), set(value) - set(names)
    if missing:
        raise WireInvalid(where, f"lacks {', '.join(sorted(missing))}")
    if unknown:
        raise WireInvalid(where, f"has unknown keys, {ascii(min(unknown))[:80]} among them")


BYTES32 = hexadecimal(32, 32)
U64 = Codec(str, _read_u64)
