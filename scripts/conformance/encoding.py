"""How values stand in a vector file: bytes as 0x-hex, integers as decimal text (a u64 does not fit a JSON number)."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import Any

from stun.protocol.errors import Rejected


def encode(value: Any) -> Any:
    """Return a value as JSON; a record as its fields, a sequence or set as a list, bool and None as they are."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int):
        return str(int(value))
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    return [encode(item) for item in value]


def outcome(function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """Return what a function of the specification answers, or the code with which it refuses."""
    try:
        return {"result": encode(function(*arguments))}
    except Rejected as refusal:
        return {"error": refusal.code}


def noise(text: str) -> bytes:
    """Return 32 bytes that look random and are the same in every run."""
    return sha256(text.encode()).digest()


def number(text: str, below: int) -> int:
    """Return a number below a bound that looks random and is the same in every run."""
    return int.from_bytes(noise(text), "big") % below
