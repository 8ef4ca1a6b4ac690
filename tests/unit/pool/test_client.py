"""Readers of pools that hide, replay, invent, break off or lie: what they serve is judged by its signatures."""

import json
from dataclasses import replace

import httpx
import pytest
from pool_readers import Reports, item_of, pool_of, serving
from pool_world import PoolWorld, account

from stun.pool.client import PoolClient
from stun.pool.envelopes import Kind, OrderEnvelope
from stun.pool.errors import PoolError, PoolLied, PoolRefused, PoolUnavailable, WireInvalid
from stun.pool.reading import equivocations
from stun.pool.wire import to_json
from stun.protocol.market import actions

pytestmark = pytest.mark.unit


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
        item_of(dearer, 1),
        item_of(pool_world.order_envelope(signer="stranger"), 2),
        item_of(good, 3),
        item_of(good, 4) | {"extra": 1},
        item_of(good, 5) | {"kind": "bid"},
        "nonsense",
        item_of(good, 3),
        item_of(good, True),
        item_of(good, 2**63),
    ]
    client = pool_of(pool_world, reports, serving(*items))
    assert client.orders() == [good]
    assert reports.codes == ["pool: lied"] * 8


def test_replayed_entries_are_skipped_without_blame(pool_world: PoolWorld, reports: Reports) -> None:
    """A pool may lag behind the chain; what no longer counts is not handed out."""
    matched, cancelled, good = (pool_world.order_envelope() for _ in range(3))
    expired = pool_world.order_envelope(expires_at=pool_world.market.clock)
    pool_world.match(matched.order, "provider 1", "provider 2")
    pool_world.market.apply(actions.CancelOrder(account("requester"), cancelled.order.nonce))
    items = [item_of(envelope, 1 + index) for index, envelope in enumerate((matched, cancelled, expired, good))]
    assert pool_of(pool_world, reports, serving(*items)).orders() == [good]
    assert reports.errors == []


def test_answers_to_another_question_are_skipped(pool_world: PoolWorld, reports: Reports) -> None:
    order, other = pool_world.order(), pool_world.order()
    bid = pool_world.bid_envelope(order)
    client = pool_of(pool_world, reports, serving(item_of(bid, 1)))
    assert client.bids(other.digest(pool_world.market.domain)) == []
    assert reports.codes == ["pool: lied"]
    assert client.bids(order.digest(pool_world.market.domain)) == [bid]
    wrong = pool_of(pool_world, reports, serving(item_of(pool_world.order_envelope(order), 1)))
    assert wrong.order(other.digest(pool_world.market.domain)) == []


def test_invented_results_are_skipped(pool_world: PoolWorld, reports: Reports) -> None:
    batch = pool_world.match(pool_world.order(), "provider 1", "provider 2")
    lone = pool_world.match(pool_world.order(replicas=1), "provider 1")
    other_top = replace(pool_world.post_envelope(lone), top=pool_world.opening(batch, seed=1).top)
    invented = pool_world.post_envelope(b"\x01" * 32)
    assert pool_of(pool_world, reports, serving(item_of(other_top, 1))).posts(lone) == []
    assert pool_of(pool_world, reports, serving(item_of(invented, 1))).posts(b"\x01" * 32) == []
    opening, commit = pool_world.opening(batch), pool_world.commit_envelope(batch, seed=1)

    def answer(request: httpx.Request) -> httpx.Response:
        return serving(item_of(commit if "commits" in request.url.path else opening, 1))(request)

    assert pool_of(pool_world, reports, answer).openings(batch) == []
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
    client = pool_of(pool_world, reports, lambda request: httpx.Response(status, content=body))
    with pytest.raises(expected):
        client.orders()


def test_words_of_a_pool_are_cut_and_escaped(pool_world: PoolWorld, reports: Reports) -> None:
    body = json.dumps({"error": "x\n\x1b[31m", "message": "y" * 100_000}).encode()
    client = pool_of(pool_world, reports, lambda request: httpx.Response(400, content=body))
    with pytest.raises(PoolRefused) as caught:
        client.orders()
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_endless_pages_end(pool_world: PoolWorld, reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stun.pool.client.MAX_PAGES", 3)
    monkeypatch.setattr("stun.pool.client.PAGE", 1)
    good = item_of(pool_world.order_envelope(), 1)

    def answer(request: httpx.Request) -> httpx.Response:
        return serving(good | {"cursor": int(request.url.params["after"]) + 1})(request)

    assert len(pool_of(pool_world, reports, answer).orders()) == 3
    assert reports.codes == ["pool: lied"]


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
