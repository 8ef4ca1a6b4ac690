"""JSON from strangers: nesting is bounded before it is parsed.

Python's parser stops at the recursion limit, but libraries of the EVM raise that limit to 100,000, past the end of the
C stack: without this bound, brackets alone would end the process.
"""

import json
import re
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 64
# A string, or what is left of one: it always matches to its end, so that the scan is linear in the size.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class JsonRefused(ValueError):
    """Bytes that are not JSON, or nest too deep."""


def read_bounded_json(
    data: bytes,
    max_depth: int = MAX_DEPTH,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
    parse_constant: Callable[[str], Any] | None = None,
) -> Any:
    """The document in `data` (UTF-8), at most `max_depth` arrays and objects deep. JsonRefused. Hooks as in json."""
    depth = deepest = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > max_depth:
        raise JsonRefused(f"more than {max_depth} levels of nesting")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=object_pairs_hook, parse_constant=parse_constant)
    except ValueError as error:
        raise JsonRefused(f"not JSON: {error}") from error
