"""Reading drand's servers: only what verifies is used, whatever they answer."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from beacon_rounds import REAL_SIGNATURES, joined, signed, words

from keepers.beacon.drand import MAX_ANSWER_BYTES, DrandSource
from keepers.beacon.sources import RoundNotOut, SourceError, SourceLied, SourceUnavailable
from stun.protocol.beacon.bn254 import P
from stun.protocol.beacon.networks import EVMNET_CHAIN, EVMNET_KEY
from stun.protocol.errors import Rejected

pytestmark = pytest.mark.unit

ROUND = 513
SIGNATURE = REAL_SIGNATURES[ROUND]
X, Y = words(SIGNATURE)
FIRST, SECOND = f"https://first.test/{EVMNET_CHAIN}", "https://second.test"
GOOD = {"round": ROUND, "randomness": "ff" * 32, "signature": SIGNATURE.hex()}
Answer = Callable[[httpx.Request], httpx.Response]


def said(body: Any, status: int = 200) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: httpx.Response(status, stream=httpx.ByteStream(data))


NOT_OUT = said(b"", 404)


class Servers:
    """Two servers that answer as told; what was asked and what was reported."""

    def __init__(self, first: Answer, second: Answer = NOT_OUT) -> None:
        self.answers = {"first.test": first, "second.test": second}
        self.asked: list[str] = []
        self.reported: list[SourceError] = []
        transport = httpx.MockTransport(self._answer)
        self.source = DrandSource([FIRST, SECOND + "/"], EVMNET_KEY, self.reported.append, transport=transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return self.answers[request.url.host](request)


def test_a_round_is_asked_for_and_verified() -> None:
    servers = Servers(said(GOOD))

    assert servers.source.signature(ROUND) == SIGNATURE
    assert servers.asked == [f"{FIRST}/public/{ROUND}"]
    assert servers.reported == []


def test_letters_may_be_capitals_and_fields_may_be_more() -> None:
    servers = Servers(said({**GOOD, "signature": SIGNATURE.hex().upper(), "previous_signature": 5}))

    assert servers.source.signature(ROUND) == SIGNATURE


LIES: dict[str, Any] = {
    "another round": {**GOOD, "round": ROUND + 1},
    "another round's signature": {**GOOD, "signature": REAL_SIGNATURES[1].hex()},
    "the development key's": {**GOOD, "signature": signed(ROUND).hex()},
    "negated": {**GOOD, "signature": joined(X, P - Y).hex()},
    "another encoding": {**GOOD, "signature": joined(X + P, Y).hex()},
    "zero": {**GOOD, "signature": bytes(64).hex()},
    "truncated": {**GOOD, "signature": SIGNATURE.hex()[:-2]},
    "longer": {**GOOD, "signature": SIGNATURE.hex() + "00"},
    "spaced": {**GOOD, "signature": " " + SIGNATURE.hex()[1:]},
    "no hex": {**GOOD, "signature": "zz" * 64},
    "no text": {**GOOD, "signature": 7},
    "no signature": {"round": ROUND},
    "no round": {"signature": SIGNATURE.hex()},
    "round as text": {**GOOD, "round": str(ROUND)},
    "round as truth": {**GOOD, "round": True},
    "a list": [GOOD],
    "null": None,
    "no JSON": b"<html>",
    "no UTF-8": b'{"round": "\xff"}',
    "half an answer": json.dumps(GOOD).encode()[:-5],
    "deep": b"[" * 2_000 + b"]" * 2_000,
    "huge": b" " * (MAX_ANSWER_BYTES + 1),
    "a number of 5,000 digits": b'{"round": ' + b"9" * 5_000 + b"}",
    "nothing": b"",
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_reported_and_the_next_server_asked(name: str) -> None:
    servers = Servers(said(LIES[name]), said(GOOD))

    assert servers.source.signature(ROUND) == SIGNATURE
    assert [type(error) for error in servers.reported] == [SourceLied]
    assert "first.test" in str(servers.reported[0])


@pytest.mark.parametrize("name", ["another round", "zero", "nothing"])
def test_without_an_honest_server_there_is_no_round(name: str) -> None:
    with pytest.raises(SourceUnavailable, match=r"first\.test"):
        Servers(said(LIES[name])).source.signature(ROUND)


@pytest.mark.parametrize("status", [204, 301, 302, 400, 429, 500, 503])
def test_another_status_is_no_answer(status: int) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        body = httpx.ByteStream(json.dumps(GOOD).encode())
        return httpx.Response(status, headers={"location": SECOND}, stream=body)

    servers = Servers(answer, answer)
    with pytest.raises(SourceUnavailable, match=str(status)):
        servers.source.signature(ROUND)
    assert len(servers.asked) == 2


@pytest.mark.parametrize("status", [404, 425])
def test_a_round_that_no_server_has_is_not_out(status: int) -> None:
    servers = Servers(said(b"", status), said(b"", status))

    with pytest.raises(RoundNotOut):
        servers.source.signature(ROUND)
    assert servers.reported == []


def test_a_server_that_lags_does_not_hide_a_round() -> None:
    assert Servers(NOT_OUT, said(GOOD)).source.signature(ROUND) == SIGNATURE


def fails(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def test_an_unreachable_server_is_passed_over() -> None:
    servers = Servers(fails, said(GOOD))

    assert servers.source.signature(ROUND) == SIGNATURE
    assert [type(error) for error in servers.reported] == [SourceUnavailable]


def test_no_server_at_all_is_unavailable_and_one_that_answers_decides() -> None:
    with pytest.raises(SourceUnavailable, match="refused"):
        Servers(fails, fails).source.signature(ROUND)
    with pytest.raises(RoundNotOut):
        Servers(fails, NOT_OUT).source.signature(ROUND)


def test_an_answer_that_drips_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 10_000, 10))
    monkeypatch.setattr("keepers.beacon.drand.time.monotonic", lambda: next(moments))

    def drip() -> Iterator[bytes]:
        while True:
            yield b" "

    servers = Servers(lambda _: httpx.Response(200, content=drip()), said(GOOD))
    assert servers.source.signature(ROUND) == SIGNATURE
    assert "no whole answer" in servers.reported[0].reason


@pytest.mark.parametrize("number", [0, -1, 2**64])
def test_a_round_that_cannot_be_is_not_asked_for(number: int) -> None:
    servers = Servers(said(GOOD))

    with pytest.raises(RoundNotOut, match="no such round"):
        servers.source.signature(number)
    assert servers.asked == []


@pytest.mark.parametrize(
    "urls", [[], ["ftp://a"], ["http://"], ["a"], ["http://a/?b=1"], ["http://a/#b"], ["http://a:b"]]
)
def test_addresses_are_checked(urls: list[str]) -> None:
    with pytest.raises(ValueError, match=r"URL|address"):
        DrandSource(urls, EVMNET_KEY)


def test_the_key_is_checked() -> None:
    with pytest.raises(Rejected, match="beacon: key"):
        DrandSource([FIRST], bytes(128))
