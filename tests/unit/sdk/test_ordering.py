"""What the SDK chooses where the requester left it open, and that the market takes it."""

from dataclasses import replace

import pytest
from fake_market import FAKE_STUN, FAKE_USDC, FakeMarket
from fake_writer import FakeWriter
from hypothesis import given
from hypothesis import strategies as st
from stun_sdk import Task, TaskInvalid
from stun_sdk.ordering import Terms, choose_audit_ppm, choose_replicas, make_order, quote, windows

from stun.chains.market import ModelRecord
from stun.pool.rehearsal import rehearse_order
from stun.protocol.messages import NOBODY
from stun.protocol.parameters import PPM, NumericClass, read

pytestmark = pytest.mark.unit
REQUESTER = bytes(12) + b"\x07" * 20


def terms_of(market: FakeMarket, numeric_class: NumericClass, count: int, prices: tuple[int, ...] = (10**6,)) -> Terms:
    model_id = market.add_model(bytes(12) + b"\x77" * 20, bytes([1 + numeric_class]) * 32, numeric_class)
    record = market.model(model_id)
    assert isinstance(record, ModelRecord)
    return Terms(record, market.rules(FAKE_USDC), prices, count)


@pytest.mark.parametrize("numeric_class", [NumericClass.EXACT, NumericClass.TOKEN, NumericClass.OPAQUE])
@pytest.mark.parametrize("count", [1, 2, 1_000, 65_536])
@pytest.mark.parametrize("auditors", [0, 2])
def test_market_takes_every_order_that_is_made(numeric_class: NumericClass, count: int, auditors: int) -> None:
    market = FakeMarket(auditors=auditors)
    task = Task(bytes(32), b"")
    terms = terms_of(market, numeric_class, count)
    offered = quote(task, terms)
    market.mint(FAKE_USDC, REQUESTER, offered.total)
    FakeWriter(market, REQUESTER).deposit("deposit", FAKE_USDC, offered.total, REQUESTER)

    order = make_order(task, terms, offered, REQUESTER, FAKE_USDC, bytes(32), bytes(32), NOBODY, (1, 2), market.now())

    rehearse_order(market, order)


@given(st.integers(1, 65_536))
def test_audits_cost_at_most_two_percent_above_the_floor(count: int) -> None:
    market = FakeMarket(auditors=2)
    terms = terms_of(market, NumericClass.EXACT, count, prices=(10**12,))
    offered = quote(Task(bytes(32), b"", max_price=10**12), terms)

    floor = read(terms.rules.limits, "floor_ppm_exact")
    fees = 2 * terms.asset_rules.audit_fee + terms.asset_rules.report_fee
    fee = fees * offered.audit_ppm // PPM * 2
    assert offered.audit_ppm == floor or offered.audit_prepaid <= offered.per_replica // 50 + fee + 2
    assert floor <= offered.audit_ppm <= PPM


def test_thousand_tasks_are_audited_always() -> None:
    limits = FakeMarket(auditors=2).rules(FAKE_USDC).limits

    assert choose_audit_ppm(1_000, NumericClass.EXACT, limits) == PPM
    assert choose_audit_ppm(1, NumericClass.EXACT, limits) == read(limits, "floor_ppm_exact")
    assert choose_audit_ppm(1_000, NumericClass.OPAQUE, limits) == 0


def test_opaque_models_need_a_second_replica_or_trusted_providers() -> None:
    assert choose_replicas(Task(bytes(32), b""), NumericClass.OPAQUE) == 2
    assert choose_replicas(Task(bytes(32), b"", providers=["0x" + "11" * 20]), NumericClass.OPAQUE) == 1
    assert choose_replicas(Task(bytes(32), b""), NumericClass.EXACT) == 1
    with pytest.raises(TaskInvalid, match="trusted"):
        choose_replicas(Task(bytes(32), b"", replicas=1), NumericClass.OPAQUE)


@pytest.mark.parametrize("replicas", [0, -1, 4])
def test_replicas_out_of_bounds_are_refused(replicas: int) -> None:
    with pytest.raises(TaskInvalid, match="replicas"):
        choose_replicas(Task(bytes(32), b"", replicas=replicas), NumericClass.EXACT)


def test_bounded_models_cannot_be_ordered_yet() -> None:
    with pytest.raises(TaskInvalid, match="bounded"):
        choose_replicas(Task(bytes(32), b"", replicas=2), NumericClass.BOUNDED)


@pytest.mark.parametrize(
    "change",
    [
        {"post_seconds": 0},
        {"post_seconds": 10**6},
        {"task_seconds": 0},
        {"task_seconds": 601},
        {"challenge_seconds": 1},
        {"challenge_seconds": 10**6},
    ],
)
def test_windows_that_the_market_refuses_are_refused_first(change: dict[str, int]) -> None:
    times = FakeMarket().rules(FAKE_STUN).times

    with pytest.raises(TaskInvalid, match=next(iter(change))):
        windows(replace(Task(bytes(32), b""), **change), times)


def test_small_orders_are_lifted_to_what_the_market_asks_for() -> None:
    market = FakeMarket(auditors=0)
    model = terms_of(market, NumericClass.TOKEN, 1, prices=(5,))
    rich = Terms(model.record, market.rules(FAKE_STUN), (5,), 1)

    offered = quote(Task(bytes(32), b""), rich)

    assert offered.per_replica >= rich.asset_rules.min_locked
    assert offered.max_units * 5 >= rich.asset_rules.min_locked * PPM
    with pytest.raises(TaskInvalid, match="max_price"):
        quote(Task(bytes(32), b"", max_price=5, max_units=1), rich)


@pytest.mark.parametrize("change", [{"max_price": 0}, {"max_price": -1}, {"audit_ppm": 0}, {"audit_ppm": PPM + 1}])
def test_numbers_out_of_bounds_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(TaskInvalid):
        quote(replace(Task(bytes(32), b""), **change), terms_of(FakeMarket(), NumericClass.TOKEN, 1))


def test_asset_that_is_not_listed_is_refused() -> None:
    market = FakeMarket()
    record = terms_of(market, NumericClass.TOKEN, 1).record

    with pytest.raises(TaskInvalid, match="listed"):
        quote(Task(bytes(32), b""), Terms(record, market.rules(bytes(12) + b"\x99" * 20), (1,), 1))
