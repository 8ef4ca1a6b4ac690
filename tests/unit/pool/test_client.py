"""Readers of pools that hide, replay, invent, break off or lie: the honest pool's envelopes are found all the same."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient
from pool_world import PoolWorld, account

from stun.pool.client import PoolClient
from stun.pool.envelopes import Envelope, Kind, OrderEnvelope, kind_of
from stun.pool.errors import (
    PoolError,
    PoolLied,
    PoolRefused,
    PoolsExhausted,
    PoolUnavailable,
    WireInvalid,
)
from stun.pool.pool_set import PoolSet
from stun.pool.reading import equivocations
from stun.pool.server import create_app
from stun.pool.settings import PoolSettings
from stun.pool.store import PoolStore
from stun.pool.wire import to_json
from stun.protocol.market import actions

pytestmark = pytest.mark.unit
Answer = Callable[[httpx.Request], httpx.Response]


class InProcess(httpx.BaseTransport):
    """Answers without a network, the body unread as a socket leaves it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._answer(request)
        return httpx.Response(answer.status_code, stream=httpx.ByteStream(answer.content))


class Reports:
    """What clients reported."""

    def __init__(self) -> None:
        self.errors: list[PoolError] = []

    def __call__(self, error: PoolError) -> None:
        self.errors.append(error)

    @property
    def codes(self) -> list[str]:
        return [error.code for error in self.errors]


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def honest(pool_world: PoolWorld, tmp_path: Path, reports: Reports) -> Iterator[PoolClient]:
    """A client of a real pool application, without a network."""
    store = PoolStore.open(f"sqlite:///{tmp_path / 'honest.db'}")
    with TestClient(create_app(PoolSettings(sweep_seconds=3_600), pool_world.market, store)) as server:

        def forward(request: httpx.Request) -> httpx.Response:
            target = request.url.raw_path.decode()
            answer = server.request(request.method, target, content=request.read())
            return httpx.Response(answer.status_code, content=answer.content)

        client = PoolClient("http://honest", pool_world.market, reports, transport=InProcess(forward))
        yield client
        client.close()


def _pool(world: PoolWorld, reports: Reports, answer: Answer, name: str = "hostile") -> PoolClient:
    return PoolClient(f"http://{name}", world.market, reports, transport=InProcess(answer))


def _item(envelope: Envelope, cursor: int, **changes: Any) -> dict[str, Any]:
    kind = kind_of(envelope)
    item = {"cursor": cursor, "kind": kind.value, "state": "open", "digest": "0x", "conflict": False, "received_at": 0}
    return item | {"envelope": to_json(envelope)} | changes


def _serving(*items: Any, epoch: str = "e") -> Answer:
    """A pool that answers every question with these entries."""
    return lambda request: httpx.Response(200, json={"epoch": epoch, "items": list(items), "next": len(items)})


def test_every_kind_travels(honest: PoolClient, pool_world: PoolWorld, reports: Reports) -> None:
    envelopes = pool_world.every_kind()
    for envelope in envelopes.values():
        assert honest.publish(envelope).created
        assert not honest.publish(envelope).created
    order, bid = envelopes[Kind.ORDER], envelopes[Kind.BID]
    assert isinstance(order, OrderEnvelope)
    digest = order.order.digest(pool_world.market.domain)
    batch, lone = (
        bytes.fromhex(to_json(envelopes[kind])[kind.value]["batch_id"][2:]) for kind in (Kind.COMMIT, Kind.POST)
    )
    assert honest.orders() == honest.order(digest) == [order]
    assert honest.bids(digest) == [bid]
    assert honest.asks(account("provider 1")) == [envelopes[Kind.ASK]]
    assert honest.asks(account("provider 2")) == []
    assert honest.profiles() == [envelopes[Kind.PROFILE]]
    assert honest.commits(batch) == [envelopes[Kind.COMMIT]]
    assert honest.openings(batch) == [envelopes[Kind.OPENING]]
    assert honest.deliveries(batch) == [envelopes[Kind.DELIVERY]]
    assert honest.posts(lone) == [envelopes[Kind.POST]]
    assert honest.health()["chain"] == "evm:31337"
    assert honest.order(bytes(32)) == []
    assert reports.errors == []


def test_refusals_carry_the_code(honest: PoolClient, pool_world: PoolWorld) -> None:
    with pytest.raises(PoolRefused) as caught:
        honest.publish(pool_world.order_envelope(count=0))
    assert caught.value.code == "orders: count"
    broken = replace(pool_world.order_envelope(), stores=("ftp://a",))
    with pytest.raises(WireInvalid):
        honest.publish(broken)


def test_many_pages_are_read(honest: PoolClient, pool_world: PoolWorld) -> None:
    envelopes = [pool_world.order_envelope() for _ in range(230)]
    for envelope in envelopes:
        honest.publish(envelope)
    assert honest.orders() == envelopes


def test_forged_entries_are_reported_and_skipped(pool_world: PoolWorld, reports: Reports) -> None:
    good = pool_world.order_envelope()
    dearer = replace(good, order=replace(good.order, max_price=9 * 10**9))
    items = [
        _item(dearer, 1),
        _item(pool_world.order_envelope(signer="stranger"), 2),
        _item(good, 3),
        _item(good, 4) | {"extra": 1},
        _item(good, 5) | {"kind": "bid"},
        "nonsense",
        _item(good, 3),
        _item(good, True),
        _item(good, 2**63),
    ]
    client = _pool(pool_world, reports, _serving(*items))
    assert client.orders() == [good]
    assert reports.codes == ["pool: lied"] * 8


def test_replayed_entries_are_skipped_without_blame(pool_world: PoolWorld, reports: Reports) -> None:
    """A pool may lag behind the chain; what no longer counts is not handed out."""
    matched, cancelled, good = (pool_world.order_envelope() for _ in range(3))
    expired = pool_world.order_envelope(expires_at=pool_world.market.clock)
    pool_world.match(matched.order, "provider 1", "provider 2")
    pool_world.market.apply(actions.CancelOrder(account("requester"), cancelled.order.nonce))
    items = [_item(envelope, 1 + index) for index, envelope in enumerate((matched, cancelled, expired, good))]
    assert _pool(pool_world, reports, _serving(*items)).orders() == [good]
    assert reports.errors == []


def test_answers_to_another_question_are_skipped(pool_world: PoolWorld, reports: Reports) -> None:
    order, other = pool_world.order(), pool_world.order()
    bid = pool_world.bid_envelope(order)
    client = _pool(pool_world, reports, _serving(_item(bid, 1)))
    assert client.bids(other.digest(pool_world.market.domain)) == []
    assert reports.codes == ["pool: lied"]
    assert client.bids(order.digest(pool_world.market.domain)) == [bid]
    wrong = _pool(pool_world, reports, _serving(_item(pool_world.order_envelope(order), 1)))
    assert wrong.order(other.digest(pool_world.market.domain)) == []


def test_invented_results_are_skipped(pool_world: PoolWorld, reports: Reports) -> None:
    batch = pool_world.match(pool_world.order(), "provider 1", "provider 2")
    lone = pool_world.match(pool_world.order(replicas=1), "provider 1")
    other_top = replace(pool_world.post_envelope(lone), top=pool_world.opening(batch, seed=1).top)
    invented = pool_world.post_envelope(b"\x01" * 32)
    assert _pool(pool_world, reports, _serving(_item(other_top, 1))).posts(lone) == []
    assert _pool(pool_world, reports, _serving(_item(invented, 1))).posts(b"\x01" * 32) == []
    opening, commit = pool_world.opening(batch), pool_world.commit_envelope(batch, seed=1)

    def answer(request: httpx.Request) -> httpx.Response:
        return _serving(_item(commit if "commits" in request.url.path else opening, 1))(request)

    assert _pool(pool_world, reports, answer).openings(batch) == []
    assert len(reports.codes) == 3


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", PoolLied),
        (200, b"[]", PoolLied),
        (200, b"{}", PoolLied),
        (200, b'{"epoch": 1, "items": []}', PoolLied),
        (200, b'{"epoch": "e", "items": {}}', PoolLied),
        (200, b"[" * 1_000_000, PoolLied),
        (200, b" " * (16 * 1024**2 + 1), PoolLied),
        (404, b"<html>", PoolLied),
        (404, b'{"error": "x"}', PoolRefused),
        (302, b"{}", PoolRefused),
        (500, b"<html>", PoolUnavailable),
        (503, b'{"error": "chain: unavailable", "message": ""}', PoolUnavailable),
    ],
    ids=range(12),
)
def test_broken_answers(
    pool_world: PoolWorld, reports: Reports, status: int, body: bytes, expected: type[PoolError]
) -> None:
    client = _pool(pool_world, reports, lambda request: httpx.Response(status, content=body))
    with pytest.raises(expected):
        client.orders()


def test_words_of_a_pool_are_cut_and_escaped(pool_world: PoolWorld, reports: Reports) -> None:
    body = json.dumps({"error": "x\n\x1b[31m", "message": "y" * 100_000}).encode()
    client = _pool(pool_world, reports, lambda request: httpx.Response(400, content=body))
    with pytest.raises(PoolRefused) as caught:
        client.orders()
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_endless_pages_end(pool_world: PoolWorld, reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stun.pool.client.MAX_PAGES", 3)
    monkeypatch.setattr("stun.pool.client.PAGE", 1)
    good = _item(pool_world.order_envelope(), 1)

    def answer(request: httpx.Request) -> httpx.Response:
        return _serving(good | {"cursor": int(request.url.params["after"]) + 1})(request)

    assert len(_pool(pool_world, reports, answer).orders()) == 3
    assert reports.codes == ["pool: lied"]


def _dead(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def test_a_set_finds_what_the_honest_pool_holds(honest: PoolClient, pool_world: PoolWorld, reports: Reports) -> None:
    envelope = pool_world.order_envelope()
    invented = replace(envelope, order=replace(envelope.order, count=3))
    hostile = [
        _pool(pool_world, reports, _serving(), "hiding"),
        _pool(pool_world, reports, _serving(_item(invented, 1)), "inventing"),
        _pool(pool_world, reports, _serving(_item(envelope, 1), _item(envelope, 2)), "repeating"),
        _pool(pool_world, reports, _dead, "dead"),
        _pool(pool_world, reports, lambda request: httpx.Response(200, content=b"{"), "garbling"),
    ]
    pools = PoolSet([*hostile, honest])
    assert {receipt.pool for receipt in pools.publish(envelope).receipts} == {honest.name}
    assert len(pools.publish(envelope).failures) == 5
    reports.errors.clear()
    assert pools.orders() == [envelope]
    assert sorted(reports.codes) == ["pool: lied", "pool: lied", "pool: unavailable"]
    assert pools.order(envelope.order.digest(pool_world.market.domain)) == [envelope]
    pools.close()


def test_a_set_without_a_willing_pool_says_so(pool_world: PoolWorld, reports: Reports) -> None:
    pools = PoolSet([_pool(pool_world, reports, _dead, "one"), _pool(pool_world, reports, _dead, "two")])
    for ask in (pools.orders, lambda: pools.publish(pool_world.order_envelope()), lambda: pools.updates(Kind.ORDER)):
        with pytest.raises(PoolsExhausted) as caught:
            ask()
        assert caught.value.code == "pool: no pool"
        assert len(caught.value.failures) == 2
    pools.close()
    with pytest.raises(PoolUnavailable):
        PoolSet([])


def test_updates_bring_each_envelope_once(honest: PoolClient, pool_world: PoolWorld, reports: Reports) -> None:
    pools = PoolSet([honest, _pool(pool_world, reports, _dead, "dead")])
    first, second = pool_world.order_envelope(), pool_world.order_envelope()
    honest.publish(first)
    assert pools.updates(Kind.ORDER) == [first]
    assert pools.updates(Kind.ORDER) == []
    honest.publish(second)
    assert pools.updates(Kind.ORDER) == [second]
    pools.close()


def test_updates_start_again_when_a_pool_lost_its_database(pool_world: PoolWorld, reports: Reports) -> None:
    old, new = pool_world.order_envelope(), pool_world.order_envelope()
    held = [("first", [_item(old, 7)])]

    def answer(request: httpx.Request) -> httpx.Response:
        epoch, items = held[0]
        after = int(request.url.params["after"])
        return _serving(*(item for item in items if item["cursor"] > after), epoch=epoch)(request)

    pools = PoolSet([_pool(pool_world, reports, answer)])
    assert pools.updates(Kind.ORDER) == [old]
    held[0] = ("second", [_item(new, 1)])
    assert pools.updates(Kind.ORDER) == [new]
    pools.close()


def test_equivocations_are_found_by_the_reader(honest: PoolClient, pool_world: PoolWorld) -> None:
    batch = pool_world.match(pool_world.order(), "provider 1", "provider 2")
    commits = [pool_world.commit_envelope(batch, seed=seed) for seed in (0, 1)]
    for envelope in (*commits, pool_world.commit_envelope(batch, "provider 2")):
        honest.publish(envelope)
    assert equivocations(honest.commits(batch)) == [tuple(commits)]


@pytest.mark.parametrize("url", ["", "pool", "ftp://pool", "http://", "file:///etc/passwd"])
def test_addresses_that_are_none(pool_world: PoolWorld, url: str) -> None:
    with pytest.raises(PoolUnavailable):
        PoolClient(url, pool_world.market)


def test_names_hold_no_credentials(pool_world: PoolWorld) -> None:
    assert PoolClient("http://user:secret@pool:1/base", pool_world.market).name == "http://pool:1/base/"
