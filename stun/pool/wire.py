"""The one JSON form of messages and envelopes: bytes as 0x-hex (lower case), u64 as decimal text, the rest as numbers.

Reading is strict: unknown, missing or repeated keys, another type, a number out of range, hex of another length or
case, a URL that is none, or more than 64 KiB raise WireInvalid. Writing gives canonical JSON (RFC 8785), so that the
same envelope has the same bytes everywhere; reading does not ask for that form.
"""

import json
import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, TypeVar, cast

from stun.pool import codecs
from stun.pool.codecs import Codec
from stun.pool.envelopes import ENVELOPES, Envelope, Kind, kind_of
from stun.pool.errors import WireInvalid
from stun.pool.profiles import DOCUMENT
from stun.protocol.messages import ACCOUNT, SIGNED, Message
from stun.protocol.trees.results import Top
from stun.protocol.trees.specs import Membership, canonical_json
from stun.storage.packages import PackageRef

M = TypeVar("M", bound=Message)
MAX_BYTES = 64 * 1024
MAX_DEPTH = 40  # arrays and objects within each other, counted before parsing: a parser may run out of stack
MAX_SIGNATURE_BYTES = 2_048
MAX_STORES = 8
MAX_URL = 256
MAX_PATH = 32
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # closed or not, so that no input is scanned twice
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_URL = re.compile(r"https?://[!-~]{1,248}")


def _message(kind: type[Message]) -> Codec:
    return codecs.record(kind, {name: _field(text) for name, text in kind.TYPES.items()})


def _field(text: str) -> Codec:
    if text in (ACCOUNT, "bytes32"):
        return codecs.BYTES32
    return codecs.U64 if text == "uint64" else codecs.number(int(text.removeprefix("uint")))


_MESSAGES: dict[type[Message], Codec] = {kind: _message(kind) for kind in SIGNED}
_SIGNATURE = codecs.hexadecimal(1, MAX_SIGNATURE_BYTES)
_STORES = codecs.sequence(codecs.text(_URL, "an http or https URL of at most 256 characters"), MAX_STORES)
_TOP = codecs.record(
    Top, {"left": codecs.BYTES32, "left_units": codecs.U64, "right": codecs.BYTES32, "right_units": codecs.U64}
)
_MEMBERSHIP = codecs.record(
    Membership,
    {"index": codecs.number(32), "count": codecs.number(32), "path": codecs.sequence(codecs.BYTES32, MAX_PATH)},
)
_PACKAGE = codecs.record(PackageRef, {"spec_blob": codecs.BYTES32, "inputs_blob": codecs.BYTES32})
_OWN_FIELDS: dict[str, Codec] = {
    "signature": _SIGNATURE,
    "stores": _STORES,
    "top": _TOP,
    "salt": codecs.BYTES32,
    "batch_id": codecs.BYTES32,
    "provider": codecs.BYTES32,
    "membership": codecs.optional(_MEMBERSHIP),
    "package": _PACKAGE,
    "document": DOCUMENT,
}
_BY_NAME: dict[str, Codec] = _OWN_FIELDS | {kind.__name__.lower(): codec for kind, codec in _MESSAGES.items()}
_ENVELOPES: dict[Kind, Codec] = {
    kind: codecs.record(envelope, {name: _BY_NAME[name] for name in envelope.__dataclass_fields__})
    for kind, envelope in ENVELOPES.items()
}


def message_to_json(message: Message) -> dict[str, Any]:
    """Write a signed message as a JSON object, keys as in the specification."""
    return cast(dict[str, Any], _MESSAGES[type(message)].write(message))


def message_from_json(kind: type[M], document: Any) -> M:
    """Read a signed message. Errors: WireInvalid."""
    return cast(M, _MESSAGES[kind].read(document, kind.__name__.lower()))


def to_json(envelope: Envelope) -> dict[str, Any]:
    """Write an envelope as a JSON object."""
    return cast(dict[str, Any], _ENVELOPES[kind_of(envelope)].write(envelope))


def from_json(kind: Kind, document: Any) -> Envelope:
    """Read an envelope out of parsed JSON. Errors: WireInvalid."""
    return cast(Envelope, _ENVELOPES[kind].read(document, kind.value))


def encode(envelope: Envelope) -> bytes:
    """Write an envelope as canonical JSON. Errors: WireInvalid if no pool would take it back."""
    raw = canonical_json(to_json(envelope))
    decode(kind_of(envelope), raw)
    return raw


def decode(kind: Kind, raw: bytes) -> Envelope:
    """Read an envelope of this kind, at most 64 KiB. Errors: WireInvalid."""
    return from_json(kind, parse(raw, MAX_BYTES))


def parse(raw: bytes, max_bytes: int) -> Any:
    """Parse JSON from a stranger: bounded in size and depth, keys once, no NaN. Errors: WireInvalid."""
    if len(raw) > max_bytes:
        raise WireInvalid("body", f"more than {max_bytes} bytes")
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKETS)
    depths = accumulate(1 if bracket in b"[{" else -1 for bracket in brackets)
    if max(depths, default=0) > MAX_DEPTH:
        raise WireInvalid("body", f"more than {MAX_DEPTH} levels of nesting")
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise WireInvalid("body", f"not JSON ({error})") from error


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise WireInvalid("body", "a key comes twice")
    return document


def _no_constant(name: str) -> Any:
    raise WireInvalid("body", f"{name} is no JSON number")
