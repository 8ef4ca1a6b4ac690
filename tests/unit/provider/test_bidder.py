"""What a provider bids on and what it does not: hostile orders, packages, stores and pools."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_market import FAKE_USDC
from provider_bench import PRICE, STORE_URL, Bench, Party, ShoutWorkshop, settle_down

from stun.pool.envelopes import BidEnvelope, Kind, OrderEnvelope
from stun.pool.errors import PoolUnavailable
from stun.protocol.market.state import Phase
from stun.protocol.messages import FLAG_PRIVATE, NOBODY, Order
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.specs import providers_root, verify_provider
from stun.provider.bidder import Declined
from stun.provider.executor import ProviderService
from stun.provider.workshop import ModelUnfit
from stun.storage import bundle
from stun.storage.blobs import BlobMissing, digest_of
from stun.storage.packages import PackageRef, TaskPackage, unpack_outputs

pytestmark = pytest.mark.unit


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def provider(bench: Bench) -> ProviderService:
    return bench.provider("provider")


def envelope_of(bench: Bench, order: Order) -> OrderEnvelope:
    (envelope,) = bench.pools.order(order.digest(bench.market.domain))
    assert isinstance(envelope, OrderEnvelope)
    return envelope


def reason_of(provider: ProviderService, envelope: OrderEnvelope) -> str:
    answer = provider.bidder.answer(envelope, b"\x0c" * 32)
    assert isinstance(answer, Declined)
    return answer.reason


def test_a_bid_names_the_asking_matcher_and_is_published_once(bench: Bench, provider: ProviderService) -> None:
    order = bench.order()
    bench.ask(order, provider.context.account)
    provider.tick()
    provider.tick()
    (bid,) = bench.pools.read(Kind.BID)
    assert isinstance(bid, BidEnvelope)
    assert (bid.bid.matcher, bid.bid.price) == (bench.keeper.account, PRICE)
    assert bid.bid.expires_at == bench.market.clock + 300
    assert bench.market.is_signed_by(provider.context.account, bid.bid.digest(bench.market.domain), bid.signature)


def test_an_order_that_nobody_asked_for_is_left_alone_unless_the_owner_wants_it(bench: Bench) -> None:
    shy, keen = bench.provider("shy"), bench.provider("keen", policy=bench.policy(only_asked=False))
    bench.order()
    settle_down([shy, keen], 2)
    (bid,) = bench.pools.read(Kind.BID)
    assert isinstance(bid, BidEnvelope)
    assert (bid.bid.provider, bid.bid.matcher) == (keen.context.account, NOBODY)


def test_a_forged_ask_is_not_answered(bench: Bench, provider: ProviderService) -> None:
    order = bench.order()
    honest = bench.keeper
    bench.keeper = Party(bench.market, "stranger")
    bench.keeper.writer = honest.writer  # asks in the keeper's name, signs with another key
    bench.ask(order, provider.context.account)
    provider.tick()
    assert Kind.BID not in bench.pools.kinds


def test_a_forged_order_is_refused(bench: Bench, provider: ProviderService) -> None:
    envelope = envelope_of(bench, bench.order())
    forged = replace(envelope, order=replace(envelope.order, max_price=PRICE + 1))
    assert reason_of(provider, forged) == "orders: signature"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"replicas": 4}, "orders: replicas"),
        ({"post_seconds": 100_000}, "orders: window"),
        ({"audit_ppm": 0}, "orders: audit"),
        ({"max_units": 1, "start_price": PRICE, "max_price": PRICE}, None),
        ({"tier": 1}, "orders: tier"),
        ({"flags": FLAG_PRIVATE}, "policy: private"),
        ({"max_price": PRICE - 1, "start_price": 1}, "policy: price"),
        ({"model_id": b"\x0d" * 32}, "policy: model"),
    ],
)
def test_an_order_that_no_match_would_take_is_refused(
    bench: Bench, provider: ProviderService, changes: dict[str, Any], reason: str | None
) -> None:
    envelope = envelope_of(bench, bench.order(**changes))
    answer = provider.bidder.answer(envelope, b"\x0c" * 32)
    assert reason == (answer.reason if isinstance(answer, Declined) else None)


def test_an_order_that_was_matched_is_refused(bench: Bench, provider: ProviderService) -> None:
    order = bench.order()
    bench.open_batch(order, [provider])
    assert reason_of(provider, envelope_of(bench, order)) == "nonces: used"


def test_a_retired_model_is_refused(bench: Bench, provider: ProviderService) -> None:
    envelope = envelope_of(bench, bench.order())
    known = bench.market.state.models[bench.model_id]
    bench.market.set_model(bench.model_id, replace(known, live=False))
    assert reason_of(provider, envelope) == "orders: model"


def test_too_little_money_or_stake_is_no_bid(bench: Bench) -> None:
    envelope = envelope_of(bench, bench.order())
    poor = bench.provider("poor", party=Party(bench.market, "poor").fund(money=1))
    assert reason_of(poor, envelope) == "policy: bond"
    unstaked = bench.provider("unstaked", party=Party(bench.market, "unstaked").fund(stake=1))
    assert reason_of(unstaked, envelope) == "bids: stake"


def test_bonds_promised_in_other_bids_count(bench: Bench) -> None:
    probe = bench.provider("probe")
    first = envelope_of(bench, bench.order())
    answer = probe.bidder.answer(first, NOBODY[:-1] + b"\x01")
    assert isinstance(answer, BidEnvelope)
    (promise,) = probe.context.journal.promises(0)
    tight = bench.provider("tight", party=Party(bench.market, "tight").fund(money=2 * promise.bond - 1))
    assert isinstance(tight.bidder.answer(first, b"\x0c" * 32), BidEnvelope)
    assert isinstance(tight.bidder.answer(first, b"\x0d" * 32), BidEnvelope)  # the same order cannot be matched twice
    assert reason_of(tight, envelope_of(bench, bench.order())) == "policy: bond"


def test_busy_counts_bids_and_batches(bench: Bench) -> None:
    provider = bench.provider("provider", policy=bench.policy(max_batches=1))
    bench.open_batch(bench.order(), [provider])
    provider.tick()
    assert reason_of(provider, envelope_of(bench, bench.order())) == "policy: busy"


def test_other_tasks_than_ordered_are_refused(bench: Bench, provider: ProviderService) -> None:
    envelope = envelope_of(bench, bench.order())
    for inputs in ((b"one", b"two", b"other"), (b"one", b"two"), (b"one", b"two", b"three", b"four")):
        other = TaskPackage({}, {}, inputs, NumericClass.TOKEN).put(bench.store)
        assert "not the ones that were ordered" in reason_of(provider, replace(envelope, package=other))
    assert Kind.BID not in bench.pools.kinds


def test_packages_that_are_none_are_refused(bench: Bench, provider: ProviderService) -> None:
    envelope = envelope_of(bench, bench.order())
    good = envelope.package
    hostile = {
        "bundle: magic": b"not a bundle",
        "bundle: truncated": bundle.pack([b"{}", b"{}"])[:-1],
        "2 parts": bundle.pack([b"{}"]),
        "specs: canonical": bundle.pack([b"{ }", b"{}"]),
        "specs: json": bundle.pack([b"[" * 5_000, b"{}"]),
        "JSON objects": bundle.pack([b"[]", b"{}"]),
    }
    for reason, spec in hostile.items():
        broken = PackageRef(bench.store.put(spec), good.inputs_blob)
        assert reason in reason_of(provider, replace(envelope, package=broken))
    missing = PackageRef(good.spec_blob, digest_of(b"nowhere"))
    assert "no blob" in reason_of(provider, replace(envelope, package=missing))


class LyingStore:
    """Serves other bytes under every name."""

    name = "liar"

    def put(self, data: bytes) -> bytes:
        return digest_of(data)

    def get(self, digest: bytes) -> bytes:
        return b"other bytes"

    def has(self, digest: bytes) -> bool:
        return True


class EmptyStore(LyingStore):
    """Takes everything and has nothing."""

    def get(self, digest: bytes) -> bytes:
        raise BlobMissing(digest)


def test_a_lying_store_is_passed_over(bench: Bench) -> None:
    envelope = envelope_of(bench, bench.order())
    honest, bench.store = bench.store, EmptyStore()
    provider = bench.provider(
        "provider", open_store=lambda url: honest if url == "http://honest.test" else LyingStore()
    )
    lying = replace(envelope, stores=("http://liar.test",))
    assert "no store served" in reason_of(provider, lying)
    saved = replace(envelope, stores=("http://liar.test", "http://honest.test"))
    assert isinstance(provider.bidder.answer(saved, b"\x0c" * 32), BidEnvelope)


def test_the_variant_of_an_order_that_leads_to_its_tasks_is_found(bench: Bench, provider: ProviderService) -> None:
    order = bench.order()
    envelope = envelope_of(bench, order)
    bench.pools.held.clear()
    bench.pools.kinds.clear()
    bench.pools.publish(replace(envelope, package=PackageRef(b"\x01" * 32, b"\x02" * 32)))
    bench.pools.publish(replace(envelope, stores=(STORE_URL, "http://more.test")))
    bench.ask(order, provider.context.account)
    provider.tick()
    assert bench.pools.kinds.count(Kind.BID) == 1


def test_invalid_inputs_are_no_bid_by_default(bench: Bench, provider: ProviderService) -> None:
    envelope = envelope_of(bench, bench.order(inputs=[b"one", b"bad two", b"three"]))
    assert reason_of(provider, envelope) == "policy: inputs"


def test_invalid_inputs_that_the_owner_accepts_get_the_canonical_error_result(bench: Bench) -> None:
    provider = bench.provider("provider", policy=bench.policy(max_refused_bps=5_000))
    batch_id = bench.open_batch(bench.order(inputs=[b"one", b"bad two", b"three"]), [provider])
    settle_down([provider])
    (delivery,) = bench.deliveries(batch_id)
    context = batch_id + provider.context.account
    assert unpack_outputs(bench.store.get(delivery.delivery.blob), None, context)[1] == (b"", 0)
    bench.bring(batch_id)
    assert bench.phase(batch_id) is Phase.RESULTS


def test_requirements_are_read_strictly_and_met_or_refused(bench: Bench, provider: ProviderService) -> None:
    def answer(wanted: object) -> str:
        return reason_of(provider, envelope_of(bench, bench.order(document={"requirements": wanted})))

    assert answer({"gpu_memory": "16GB"}) == "policy: hardware"
    assert answer({"privacy": "fhe"}) == "policy: hardware"
    assert answer({"gpu_memory": "lots"}).startswith("requirement gpu_memory")
    assert answer({"colour": "red"}).startswith("requirement colour")
    assert answer([1]) == "requirement requirements: must be an object"


def test_an_order_for_listed_providers_is_bid_on_with_a_proof(bench: Bench, provider: ProviderService) -> None:
    own = provider.context.account
    accounts = [own, b"\0" * 12 + b"\x01" * 20]
    listed = {"providers": ["0x" + account.hex() for account in accounts]}
    order = bench.order(document=listed, providers_root=providers_root(accounts))
    answer = provider.bidder.answer(envelope_of(bench, order), bench.keeper.account)
    assert isinstance(answer, BidEnvelope)
    assert answer.membership is not None
    verify_provider(order.providers_root, own, answer.membership)
    strangers = {"providers": ["0x" + accounts[1].hex()]}
    hidden = bench.order(document=strangers, providers_root=providers_root(accounts[1:]))
    assert reason_of(provider, envelope_of(bench, hidden)) == "specs: provider"


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ([], "trees: empty"),
        (["0x11"], "specs: width"),
        (["0x" + "11" * 32], "specs: provider"),
        (["0x" + "zz" * 32], "bids: list"),
        ([7], "bids: list"),
        (7, "bids: list"),
        (None, "bids: list"),
    ],
)
def test_a_list_that_is_none_is_no_bid(bench: Bench, provider: ProviderService, listed: object, reason: str) -> None:
    root = providers_root([provider.context.account])
    order = bench.order(document={"providers": listed}, providers_root=root)
    assert reason_of(provider, envelope_of(bench, order)) == reason


def test_a_list_with_another_root_than_the_orders_ties_up_no_bond(bench: Bench, provider: ProviderService) -> None:
    own = provider.context.account
    listed = {"providers": ["0x" + own.hex()]}
    order = bench.order(document=listed, providers_root=providers_root([own, b"\0" * 12 + b"\x01" * 20]))
    assert reason_of(provider, envelope_of(bench, order)) == "trees: path"


def test_a_model_that_does_not_run_is_no_bid(bench: Bench) -> None:
    class Broken(ShoutWorkshop):
        def worker(self, record: object) -> object:  # type: ignore[override]
            raise ModelUnfit("no such runner")

    provider = bench.provider("provider", Broken())
    assert reason_of(provider, envelope_of(bench, bench.order())) == "no such runner"


def test_a_bid_that_no_pool_took_is_offered_again(bench: Bench, provider: ProviderService) -> None:
    order = bench.order()
    envelope = envelope_of(bench, order)
    bench.pools.closed = PoolUnavailable("pool", "down")
    assert isinstance(provider.bidder.answer(envelope, bench.keeper.account), BidEnvelope)
    provider.tick()
    bench.pools.closed = None
    provider.tick()
    assert bench.pools.kinds.count(Kind.BID) == 1
    assert bench.market.balance(FAKE_USDC, provider.context.account) == 10**9
