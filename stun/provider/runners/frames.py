"""What provider and worker say to each other over pipes: a header and byte strings, as one length-prefixed bundle.

Frame: length u64 big endian | bundle (stun.storage.bundle) of the JSON header and the parts. The reader bounds every
size before it takes memory, because the other end may be a process that was taken over.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stun.models.bounded_json import JsonRefused, read_bounded_json
from stun.protocol.errors import StunError
from stun.storage.bundle import BundleBroken, pack, unpack

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 4 * 2**20
MAX_PARTS = 65_535


class GarbledFrame(StunError):
    """Bytes that are no frame of this protocol."""


@dataclass(frozen=True, slots=True)
class Message:
    """A JSON object and the byte strings that go with it."""

    header: dict[str, Any]
    parts: tuple[bytes, ...] = ()


def encode(header: dict[str, Any], parts: Sequence[bytes] = ()) -> bytes:
    """One frame, ready to be written. At most 65,535 parts."""
    body = pack([json.dumps(header, separators=(",", ":")).encode(), *parts])
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def read_length(prefix: bytes, limit: int) -> int:
    """The length of the body that follows; GarbledFrame if it is over `limit` bytes or less than any body has."""
    length = int.from_bytes(prefix, "big")
    if not LENGTH_BYTES < length <= limit:
        raise GarbledFrame(f"a frame of {length} bytes; at most {limit} are allowed")
    return length


def decode(body: bytes) -> Message:
    """The message in a body. GarbledFrame."""
    try:
        raw_header, *parts = unpack(body)
    except BundleBroken as error:
        raise GarbledFrame(str(error)) from error
    if len(raw_header) > MAX_HEADER_BYTES:
        raise GarbledFrame(f"a header of {len(raw_header)} bytes")
    try:
        header = read_bounded_json(raw_header)
    except JsonRefused as error:
        raise GarbledFrame(f"a header: {error}") from error
    if not isinstance(header, dict):
        raise GarbledFrame("a header that is no object")
    return Message(header, tuple(parts))
