"""The JSON form of every envelope: there and back, and nothing else than that form is read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_world import PoolWorld

from stun.pool.envelopes import ENVELOPES, Kind
from stun.pool.errors import WireInvalid
from stun.pool.profiles import listed_prices, profile_document
from stun.pool.wire import MAX_BYTES, decode, encode, message_from_json, message_to_json, to_json
from stun.protocol.messages import SIGNED, Accept, Message

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def documents() -> dict[Kind, dict[str, Any]]:
    return {kind: to_json(envelope) for kind, envelope in PoolWorld().every_kind().items()}


def _refused(kind: Kind, document: Any) -> WireInvalid:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(WireInvalid) as caught:
        decode(kind, raw)
    assert caught.value.code == "wire: invalid"
    return caught.value


def _changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(document))
    *inner, last = path.split(".")
    place = copy
    for name in inner:
        place = place[name]
    place[last] = value
    return copy


@pytest.mark.parametrize("kind", list(Kind))
def test_there_and_back(kind: Kind) -> None:
    envelope = PoolWorld().every_kind()[kind]
    raw = encode(envelope)
    assert decode(kind, raw) == envelope
    assert encode(decode(kind, raw)) == raw
    assert decode(kind, json.dumps(json.loads(raw), indent=2).encode()) == envelope


@pytest.mark.parametrize("kind", list(Kind))
def test_every_cut_is_refused(kind: Kind, documents: dict[Kind, dict[str, Any]]) -> None:
    raw = json.dumps(documents[kind]).encode()
    for size in range(0, len(raw), 7):
        _refused(kind, raw[:size])
    _refused(kind, raw + b"}")


@pytest.mark.parametrize("kind", list(Kind))
def test_keys_are_exact(kind: Kind, documents: dict[Kind, dict[str, Any]]) -> None:
    for name in documents[kind]:
        lacking = {key: value for key, value in documents[kind].items() if key != name}
        assert name in _refused(kind, lacking).reason
    assert "unknown" in _refused(kind, documents[kind] | {"extra": 1}).reason
    for other in set(Kind) - {kind}:
        _refused(other, documents[kind])


@pytest.mark.parametrize("other", [None, True, 0, 1.5, "text", [], ["x"]])
@pytest.mark.parametrize("kind", list(Kind))
def test_other_shapes_are_refused(kind: Kind, other: Any) -> None:
    _refused(kind, other)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("order.count", "4"),
        ("order.count", True),
        ("order.count", 4.0),
        ("order.count", -1),
        ("order.count", 2**32),
        ("order.replicas", 256),
        ("order.nonce", 7),
        ("order.nonce", "07"),
        ("order.nonce", "+7"),
        ("order.nonce", "-1"),
        ("order.nonce", "1e3"),
        ("order.nonce", "٧"),
        ("order.nonce", str(2**64)),
        ("order.nonce", "9" * 500),
        ("order.nonce", ""),
        ("order.model_id", "0x" + "A" * 64),
        ("order.model_id", "0X" + "a" * 64),
        ("order.model_id", "a" * 64),
        ("order.model_id", "0x" + "a" * 62),
        ("order.model_id", "0x" + "a" * 66),
        ("order.model_id", "0x" + "a" * 63 + "g"),
        ("order.model_id", "0x" + "a" * 64 + "\n"),
        ("order.extra", 1),
        ("signature", "0x"),
        ("signature", "0x" + "00" * 2_049),
        ("signature", None),
        ("stores", "http://127.0.0.1"),
        ("stores", ["file:///etc/passwd"]),
        ("stores", ["http://"]),
        ("stores", ["http://a b"]),
        ("stores", ["http://a\nb"]),
        ("stores", ["http://" + "a" * 300]),
        ("stores", ["http://a"] * 9),
        ("package", None),
        ("package.spec_blob", "0x00"),
    ],
)
def test_wrong_values_of_an_order_are_named(documents: dict[Kind, dict[str, Any]], path: str, value: Any) -> None:
    error = _refused(Kind.ORDER, _changed(documents[Kind.ORDER], path, value))
    assert error.where.startswith("order")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"NaN",
        b'{"a":1,"a":1}',
        b"[" * 50_000,
        b"[" * 30_000 + b"]" * 30_000,
        b'{"a":' * 41 + b"1" + b"}" * 41,
        b"9" * 60_000,
        b'"' + b"\\" * 60_000,
        b'{"order": ' + b" " * MAX_BYTES + b"1}",
    ],
)
def test_hostile_bytes_are_refused(raw: bytes) -> None:
    _refused(Kind.ORDER, raw)


def test_a_repeated_key_inside_is_refused(documents: dict[Kind, dict[str, Any]]) -> None:
    raw = json.dumps(documents[Kind.BID]).replace('"price":', '"price": "1", "price":').encode()
    assert _refused(Kind.BID, raw).reason == "a key comes twice"


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(noise: bytes) -> None:
    for kind in ENVELOPES:
        _refused(kind, noise)


@pytest.mark.parametrize("kind", SIGNED)
def test_messages_there_and_back_at_their_bounds(kind: type[Message]) -> None:
    for top in (False, True):
        values = {}
        for name, text in kind.TYPES.items():
            bits = 256 if not text.startswith("uint") else int(text[4:])
            number = (1 << bits) - 1 if top else 0
            values[name] = number.to_bytes(32, "big") if bits == 256 else number
        message = kind(**values)
        assert message_from_json(kind, json.loads(json.dumps(message_to_json(message)))) == message


def test_accept_uses_text_for_u64() -> None:
    assert message_to_json(Accept(b"\1" * 32, b"\2" * 32, 2**64 - 1))["total_units"] == "18446744073709551615"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("document.hardware", []),
        ("document.region", "a" * 65),
        ("document.region", "a\x00"),
        ("document.models", {}),
        ("document.models", [{"model_id": "0x" + "00" * 32}]),
        ("document.models", [{"model_id": "0x" + "00" * 32, "prices": {}}] * 2),
        ("document.models", [{"model_id": "0x" + "00" * 32, "prices": {"usdc": "1"}}]),
        ("document.models", [{"model_id": "0x" + "00" * 32, "prices": {"0x" + "00" * 32: 1}}]),
        ("document.hardware", {"memory": 2**53}),
        ("document.hardware", {"memory": 1e999}),
        ("document.hardware", {"name": "\ud800"}),
        ("document.hardware", {"name": "a" * 40_000}),
        ("document.extra", 1),
    ],
)
def test_wrong_profiles_are_named(documents: dict[Kind, dict[str, Any]], path: str, value: Any) -> None:
    _refused(Kind.PROFILE, _changed(documents[Kind.PROFILE], path, value))


def test_prices_of_a_profile_are_read_back() -> None:
    prices = {b"\1" * 32: {b"\2" * 32: 7, b"\3" * 32: 2**64 - 1}, b"\4" * 32: {}}
    assert listed_prices(profile_document({}, prices)) == prices
