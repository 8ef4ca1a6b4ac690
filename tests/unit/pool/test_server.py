"""The pool's answers, in process: statuses, JSON errors, pages, filters, limits, the stream."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.datastructures import Address
from litestar.exceptions import WebSocketDisconnect
from litestar.testing import TestClient
from pool_world import PoolWorld, account
from structlog.testing import capture_logs

from stun.chains.interface import ChainError
from stun.pool.envelopes import Envelope, Kind, kind_of
from stun.pool.routes import address_of
from stun.pool.server import create_app, main
from stun.pool.settings import MarketUnavailable, PoolSettings
from stun.pool.store import PoolStore
from stun.pool.wire import encode, from_json, to_json

pytestmark = pytest.mark.unit
PLURALS = {kind: "deliveries" if kind is Kind.DELIVERY else f"{kind}s" for kind in Kind}
Start = Callable[..., TestClient[Any]]


@pytest.fixture
def start(pool_world: PoolWorld, tmp_path: Path) -> Iterator[Start]:
    """Start a pool with some settings changed."""
    opened: list[TestClient[Any]] = []

    def make(**changes: Any) -> TestClient[Any]:
        settings = PoolSettings(sweep_seconds=3_600, **changes)
        store = PoolStore.open(f"sqlite:///{tmp_path / 'pool.db'}", settings.bounds())
        client = TestClient(create_app(settings, pool_world.market, store))
        opened.append(client.__enter__())
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


def _put(client: TestClient[Any], envelope: Envelope) -> httpx.Response:
    return client.post(f"/{PLURALS[kind_of(envelope)]}", content=encode(envelope))


def _error(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"error", "message"}
    return answer.status_code, answer.json()["error"]


def test_every_kind_is_taken_and_listed(start: Start, pool_world: PoolWorld) -> None:
    client = start()
    for kind, envelope in pool_world.every_kind().items():
        first, again = _put(client, envelope), _put(client, envelope)
        assert (first.status_code, again.status_code) == (201, 200), first.text
        assert first.json() == again.json()
        page = client.get(f"/{PLURALS[kind]}").json()
        (item,) = page["items"]
        assert page["next"] == item["cursor"] == first.json()["cursor"]
        assert (item["kind"], item["state"], item["conflict"]) == (kind, "open", False)
        assert from_json(kind, item["envelope"]) == envelope


def test_lists_of_an_order_and_a_batch(start: Start, pool_world: PoolWorld) -> None:
    client = start()
    envelopes = pool_world.every_kind()
    for envelope in envelopes.values():
        _put(client, envelope)
    order = to_json(envelopes[Kind.BID])["bid"]["order_digest"]
    batch = to_json(envelopes[Kind.COMMIT])["commit"]["batch_id"]
    lone = to_json(envelopes[Kind.POST])["post"]["batch_id"]
    assert [item["kind"] for item in client.get(f"/orders/{order}").json()["items"]] == ["order"]
    assert len(client.get(f"/orders/{order[2:]}/bids").json()["items"]) == 1
    assert client.get(f"/orders/{batch}/bids").json()["items"] == []
    for plural, found in (("commits", 1), ("openings", 1), ("deliveries", 1), ("posts", 0)):
        assert len(client.get(f"/batches/{batch}/{plural}").json()["items"]) == found
    assert len(client.get(f"/batches/{lone}/posts").json()["items"]) == 1
    provider, stranger = account("provider 1").hex(), account("stranger").hex()
    for query, found in ((f"/asks?provider={provider}", 1), (f"/asks?provider={stranger}", 0)):
        assert len(client.get(query).json()["items"]) == found
    assert len(client.get(f"/profiles?provider={provider}").json()["items"]) == 1


def test_pages_go_on_from_their_cursor(start: Start, pool_world: PoolWorld) -> None:
    client = start()
    for _ in range(5):
        _put(client, pool_world.order_envelope())
    cursors, after = [], 0
    while items := (page := client.get(f"/orders?after={after}&limit=2").json())["items"]:
        assert len(items) <= 2
        cursors += [item["cursor"] for item in items]
        after = page["next"]
    assert cursors == [1, 2, 3, 4, 5]
    assert len(client.get("/orders?limit=999999999").json()["items"]) == 5


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/nothing", (404, "server: not found")),
        ("/orders/" + "0" * 64, (404, "pool: unknown")),
        ("/orders/xyz", (400, "pool: bad query")),
        ("/orders/" + "A" * 64, (400, "pool: bad query")),
        ("/orders/" + "0" * 63 + "/bids", (400, "pool: bad query")),
        ("/batches/" + "0" * 64 + "/orders", (404, "pool: unknown")),
        ("/orders?after=-1", (400, "pool: bad query")),
        ("/orders?after=1e3", (400, "pool: bad query")),
        ("/orders?limit=x", (400, "pool: bad query")),
        ("/orders?after=" + "9" * 20, (400, "pool: bad query")),
        ("/orders?color=red", (400, "pool: bad query")),
        ("/asks?provider=alpha", (400, "pool: bad query")),
        ("/a/b/c/d", (404, "server: not found")),
    ],
)
def test_wrong_questions(start: Start, path: str, expected: tuple[int, str]) -> None:
    assert _error(start().get(path)) == expected


def test_errors_have_codes_and_statuses(start: Start, pool_world: PoolWorld) -> None:
    client = start(orders_per_requester=1)
    assert _error(client.post("/orders", content=b"{")) == (400, "wire: invalid")
    assert _error(client.post("/nothing", content=b"{}")) == (404, "server: not found")
    assert _error(client.post("/orders", content=b" " * 65_537)) == (413, "pool: too large")
    assert _error(client.post("/orders", content=iter([b" " * 40_000] * 3))) == (413, "pool: too large")
    assert _error(_put(client, pool_world.order_envelope(signer="stranger"))) == (422, "orders: signature")
    assert _put(client, pool_world.order_envelope()).status_code == 201
    assert _error(_put(client, pool_world.order_envelope())) == (507, "pool: full")
    _put(client, pool_world.profile_envelope(region="eu"))
    assert _error(_put(client, pool_world.profile_envelope(region="us"))) == (409, "pool: conflict")
    assert _error(client.delete("/orders"))[0] == 405


def test_a_client_that_asks_too_often_is_told(start: Start) -> None:
    client = start(requests_per_second=0.001, burst=2)
    assert [client.get("/orders").status_code for _ in range(3)] == [200, 200, 429]
    assert _error(client.get("/health")) == (429, "pool: rate")


def test_a_chain_that_cannot_be_read(start: Start, pool_world: PoolWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    client = start()
    envelope = pool_world.order_envelope()

    def unavailable(*_: object) -> None:
        raise ChainError("a secret endpoint")

    monkeypatch.setattr(pool_world.market, "is_signed_by", unavailable)
    with capture_logs() as logs:
        answer = _put(client, envelope)
    assert _error(answer) == (503, "chain: unavailable")
    assert "secret" not in answer.text
    assert [entry["event"] for entry in logs] == ["pool_chain_failed"]


def test_a_bug_is_logged_and_not_told(start: Start, pool_world: PoolWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    client = start()
    envelope = pool_world.order_envelope()

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret of the server")

    monkeypatch.setattr(pool_world.market, "is_signed_by", broken)
    with capture_logs() as logs:
        answer = _put(client, envelope)
    assert _error(answer) == (500, "server: internal server error")
    assert "secret" not in answer.text
    assert [entry["event"] for entry in logs] == ["pool_server_bug"]


def test_health_names_the_market(start: Start, pool_world: PoolWorld) -> None:
    answer = start().get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["chain"], body["fault"], body["entries"]) == ("evm:31337", None, 0)
    assert body["domain"] == "0x" + pool_world.market.domain.separator().hex()
    assert body["swept_block"] == pool_world.market.head()


def test_health_says_when_the_chain_is_gone(
    start: Start, pool_world: PoolWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise ChainError("no endpoint")

    monkeypatch.setattr(pool_world.market, "events", unavailable)
    with capture_logs() as logs:
        answer = start().get("/health")
    assert (answer.status_code, answer.json()["fault"]) == (503, "chain: unavailable")
    assert "pool_sweep_failed" in [entry["event"] for entry in logs]


def test_expired_entries_are_not_served(start: Start, pool_world: PoolWorld, tmp_path: Path) -> None:
    _put(start(), pool_world.order_envelope())
    pool_world.market.clock += 3_600
    assert start().get("/orders").json()["items"] == []


def test_a_matched_order_is_served_by_its_digest_only(start: Start, pool_world: PoolWorld) -> None:
    envelope = pool_world.order_envelope()
    _put(start(), envelope)
    digest = pool_world.match(envelope.order, "provider 1", "provider 2")
    client = start()
    assert client.get("/orders").json()["items"] == []
    (item,) = client.get(f"/orders/{digest.hex()}").json()["items"]
    assert item["state"] == "matched"


def test_the_stream_pushes_what_it_was_asked_for(start: Start, pool_world: PoolWorld) -> None:
    client = start()
    envelopes = pool_world.every_kind()
    _put(client, envelopes[Kind.ORDER])
    with client.websocket_connect("/stream?kinds=order,post") as socket:
        assert socket.receive_json(timeout=10)["kind"] == "hello"
        assert socket.receive_json(timeout=10)["kind"] == "order"
        _put(client, envelopes[Kind.BID])
        _put(client, envelopes[Kind.POST])
        item = socket.receive_json(timeout=10)
        assert (item["kind"], item["cursor"]) == ("post", 3)
    with client.websocket_connect("/stream?after=1") as socket:
        socket.receive_json(timeout=10)
        assert [socket.receive_json(timeout=10)["cursor"] for _ in range(2)] == [2, 3]


@pytest.mark.parametrize("query", ["kinds=color", "after=x", "after=-1", "kinds=order,%00"])
def test_wrong_streams_are_closed_with_a_reason(start: Start, query: str) -> None:
    with start().websocket_connect(f"/stream?{query}") as socket, pytest.raises(WebSocketDisconnect) as caught:
        socket.receive_json(timeout=10)
    assert caught.value.code == 1008
    assert caught.value.detail.startswith("pool: bad query")


def test_a_listener_that_talks_is_closed(start: Start) -> None:
    with start().websocket_connect("/stream") as socket:
        socket.receive_json(timeout=10)
        socket.send_text("hello")
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_json(timeout=10)
    assert caught.value.code == 1008


def test_listeners_are_bounded(start: Start) -> None:
    client = start(listeners=1)
    with client.websocket_connect("/stream") as first:
        first.receive_json(timeout=10)
        with client.websocket_connect("/stream") as second, pytest.raises(WebSocketDisconnect) as caught:
            second.receive_json(timeout=10)
        assert caught.value.code == 1013
        assert caught.value.detail.startswith("pool: listeners")


def test_settings_listen_on_loopback_and_name_a_market(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOST", "PORT", "MARKET_FACTORY"):
        monkeypatch.delenv(f"STUN_POOL_{name}", raising=False)
    assert PoolSettings().host == "127.0.0.1"
    monkeypatch.setenv("STUN_POOL_RPC_URLS", '["http://127.0.0.1:1"]')
    assert PoolSettings().rpc_urls == ["http://127.0.0.1:1"]
    for factory in ("", "no.such.module:connect", "json:no_such_name", "json"):
        with pytest.raises(MarketUnavailable) as caught:
            PoolSettings(market_factory=factory).market()
        assert caught.value.code == "pool: market factory"
    assert PoolSettings(market_factory="pool_world:connect").market().chain == "evm:31337"


def test_no_header_changes_who_asks() -> None:
    class Connection:
        def __init__(self) -> None:
            self.client = Address("192.0.2.1", 1)
            self.headers = {"X-Forwarded-For": "192.0.2.2"}

    assert address_of(Connection()) == "192.0.2.1"  # type: ignore[arg-type]


def test_a_server_without_a_market_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STUN_POOL_DEPLOYMENT", "nowhere.json")

    assert main() == 3

    said = capsys.readouterr().err
    assert "nowhere.json cannot be read" in said
    assert "STUN_POOL_DEPLOYMENT" in said
    assert list(tmp_path.iterdir()) == []
