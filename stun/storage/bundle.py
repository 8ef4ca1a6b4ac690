"""One blob for many byte strings: the inputs or outputs of a batch, in task order.

Layout, integers big endian: magic `STB1` | count u32 | count lengths u32 | the items, one after the other. There is
exactly one encoding of a list and one list of an encoding, so the digest of a bundle commits to its items.
"""

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise

from stun.protocol.errors import StunError

MAGIC = b"STB1"
MAX_ITEMS = 65_536
MAX_ITEM_BYTES = 2**32 - 1
_HEADER_BYTES = len(MAGIC) + 4


class BundleBroken(StunError):
    """Bytes that are no bundle, or items that make none. `code` names the rule that was broken."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code} ({detail})")
        self.code = code


def pack(items: Sequence[bytes]) -> bytes:
    """Join 1..65,536 items of at most 2^32 - 1 bytes. Raises BundleBroken: `bundle: count`, `bundle: item size`."""
    _check_count(len(items))
    lengths = [len(item) for item in items]
    if max(lengths) > MAX_ITEM_BYTES:
        raise BundleBroken("bundle: item size", f"{max(lengths)} bytes; at most {MAX_ITEM_BYTES}")
    return b"".join([MAGIC, struct.pack(f">I{len(lengths)}I", len(lengths), *lengths), *items])


def unpack(data: bytes) -> list[bytes]:
    """Split a bundle into its items, in order; memory stays within a small multiple of the bundle's size.

    Raises BundleBroken: `bundle: magic`, `bundle: count`, `bundle: truncated`, `bundle: trailing bytes`.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise BundleBroken("bundle: magic", f"starts with {data[: len(MAGIC)].hex()}")
    if len(data) < _HEADER_BYTES:
        raise BundleBroken("bundle: truncated", f"{len(data)} bytes of header")
    (count,) = struct.unpack_from(">I", data, len(MAGIC))
    _check_count(count)
    start = _HEADER_BYTES + 4 * count
    if len(data) < start:
        raise BundleBroken("bundle: truncated", f"{len(data)} bytes; the header alone has {start}")
    lengths = struct.unpack_from(f">{count}I", data, _HEADER_BYTES)
    _check_total(len(data), start + sum(lengths))
    return [data[begin:end] for begin, end in pairwise(accumulate(lengths, initial=start))]


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_ITEMS:
        raise BundleBroken("bundle: count", f"{count} items; 1 to {MAX_ITEMS} fit")


def _check_total(actual: int, claimed: int) -> None:
    if actual < claimed:
        raise BundleBroken("bundle: truncated", f"{actual} bytes; the lengths claim {claimed}")
    if actual > claimed:
        raise BundleBroken("bundle: trailing bytes", f"{actual} bytes; the lengths claim {claimed}")
