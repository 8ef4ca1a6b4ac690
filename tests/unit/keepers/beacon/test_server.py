"""The development beacon: it signs what is due, serves it as drand does, and a reader of drand can use it."""

from typing import Any

import httpx
import pytest
from beacon_rounds import signed
from litestar.testing import TestClient
from pydantic import ValidationError

from keepers.beacon.drand import DrandSource
from keepers.beacon.server import BeaconServerSettings, create_app
from keepers.beacon.sources import RoundNotOut, SigningSource
from stun.protocol.beacon.bls import SCHEME, randomness, verify
from stun.protocol.beacon.bn254 import ORDER
from stun.protocol.beacon.networks import DEVELOPMENT_SECRET, development_key, development_schedule
from stun.protocol.beacon.rounds import Schedule

pytestmark = pytest.mark.unit

SCHEDULE = development_schedule()
NOW = SCHEDULE.genesis + 41


@pytest.fixture
def client() -> TestClient[Any]:
    source = SigningSource(DEVELOPMENT_SECRET, SCHEDULE, lambda: NOW)
    return TestClient(create_app(BeaconServerSettings(), source))


@pytest.mark.parametrize(("after", "latest"), [(-1, 0), (0, 1), (2, 1), (3, 2), (30, 11)])
def test_the_last_round_that_is_out_follows_the_clock(after: int, latest: int) -> None:
    schedule = Schedule(NOW, 3, 60, 10)

    assert SigningSource(7, schedule, lambda: NOW + after).latest() == latest


def test_a_round_is_signed_when_it_is_due() -> None:
    moments = iter([NOW, NOW, NOW + 1])
    source = SigningSource(DEVELOPMENT_SECRET, SCHEDULE, lambda: next(moments))

    with pytest.raises(RoundNotOut) as refused:
        source.signature(43)
    assert refused.value.number == 43
    assert verify(development_key(), 43, source.signature(43))


@pytest.mark.parametrize("number", [0, -1, 2**64])
def test_what_is_no_round_is_never_signed(number: int) -> None:
    with pytest.raises(RoundNotOut):
        SigningSource(DEVELOPMENT_SECRET, SCHEDULE, lambda: 2**70).signature(number)


def test_rounds_are_served(client: TestClient[Any]) -> None:
    answer = client.get("/public/42")

    expected = {"round": 42, "randomness": randomness(signed(42)).hex(), "signature": signed(42).hex()}
    assert answer.json() == expected
    assert "immutable" in answer.headers["cache-control"]
    latest = client.get("/public/latest")
    assert latest.json() == expected
    assert latest.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "name",
    ["43", "0", "-1", "99999999999999999999", "1" * 21, "1" * 5_000, "x", "4.0", "０４２", "latest2", "%00", "1e1"],
)
def test_what_is_not_out_or_no_round_is_404(client: TestClient[Any], name: str) -> None:
    assert client.get(f"/public/{name}").status_code == 404


def test_before_the_first_round_there_is_no_latest() -> None:
    source = SigningSource(DEVELOPMENT_SECRET, SCHEDULE, lambda: SCHEDULE.genesis - 1)

    assert TestClient(create_app(BeaconServerSettings(), source)).get("/public/latest").status_code == 404


def test_it_says_whose_rounds_these_are(client: TestClient[Any]) -> None:
    told = {"public_key": development_key().hex(), "period": 1, "genesis_time": SCHEDULE.genesis, "schemeID": SCHEME}

    assert client.get("/info").json() == told


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/public/42"), ("GET", "/"), ("GET", "/public"), ("PUT", "/info")]
)
def test_there_is_nothing_else(client: TestClient[Any], method: str, path: str) -> None:
    assert client.request(method, path).status_code in (404, 405)


def test_a_reader_of_drand_reads_it(client: TestClient[Any]) -> None:
    def pass_on(request: httpx.Request) -> httpx.Response:
        answer = client.get(request.url.path)
        return httpx.Response(answer.status_code, stream=httpx.ByteStream(answer.content))

    source = DrandSource(["http://beacon.test"], development_key(), transport=httpx.MockTransport(pass_on))
    assert source.signature(42) == signed(42)
    with pytest.raises(RoundNotOut):
        source.signature(43)


@pytest.mark.parametrize("secret", ["0", str(ORDER), "-1", "x", ""])
def test_a_wrong_secret_is_refused(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("STUN_BEACON_SECRET", secret)
    with pytest.raises(ValidationError):
        BeaconServerSettings()


def test_the_clock_of_the_settings_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepers.beacon.server.time.time", lambda: 1_700_000_099.9)

    assert BeaconServerSettings().source().latest() == 100
