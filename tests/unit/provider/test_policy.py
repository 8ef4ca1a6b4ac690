"""The owner's terms: each refusal by name, prices that never fall below the floor."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.messages import FLAG_PRIVATE, NOBODY, Order
from stun.provider.policy import (
    BiddingPolicy,
    ModelPrice,
    PackageFacts,
    Refusal,
    Workload,
    decide_bid,
    decide_bond,
    decide_withdrawal,
)

pytestmark = pytest.mark.unit

MODEL, ASSET = b"\x01" * 32, b"\x02" * 32
NOW = 1_000
IDLE = Workload(0, 10**9)
POLICY = BiddingPolicy(prices=(ModelPrice(MODEL, ASSET, 1_000, margin_bps=1_000, load_bps=5_000),))
ORDER = Order(
    b"\x0f" * 32, ASSET, MODEL, bytes(32), 100, 1_000, 2_000, 2_000, 0, 0, 1, 0, 600, 60, 600, 0, 0, NOBODY, NOBODY,
    NOBODY, 0, 0, 5_000, 0,
)  # fmt: skip


def test_an_idle_provider_asks_its_floor_and_margin() -> None:
    assert decide_bid(POLICY, ORDER, True, IDLE, NOW) == 1_100
    assert decide_bid(POLICY, ORDER, True, IDLE, NOW, PackageFacts(0, ())) == 1_100


def test_load_raises_the_price() -> None:
    assert [decide_bid(POLICY, ORDER, True, Workload(k, 1), NOW) for k in range(4)] == [1_100, 1_225, 1_350, 1_475]


@pytest.mark.parametrize(
    ("refusal", "policy", "order", "load", "asked", "now"),
    [
        (Refusal.MODEL, {"prices": ()}, {}, IDLE, True, NOW),
        (Refusal.MODEL, {}, {"asset": b"\x03" * 32}, IDLE, True, NOW),
        (Refusal.ASKED, {}, {}, IDLE, False, NOW),
        (Refusal.PRIVATE, {}, {"flags": FLAG_PRIVATE}, IDLE, True, NOW),
        (Refusal.EXPIRED, {}, {}, IDLE, True, 5_000),
        (Refusal.BUSY, {}, {}, Workload(4, 1), True, NOW),
        (Refusal.SIZE, {"max_count": 99}, {}, IDLE, True, NOW),
        (Refusal.PRICE, {}, {"max_price": 1_099}, IDLE, True, NOW),
        (Refusal.PAY, {"min_pay": {ASSET: 89}}, {}, IDLE, True, NOW),
        (Refusal.TIME, {"prices": (ModelPrice(MODEL, ASSET, 1, 0, 0, 4_501),)}, {}, IDLE, True, NOW),
    ],
)
def test_each_refusal(
    refusal: Refusal, policy: dict[str, Any], order: dict[str, Any], load: Workload, asked: bool, now: int
) -> None:
    assert decide_bid(replace(POLICY, **policy), replace(ORDER, **order), asked, load, now) is refusal


def test_bounds_are_on_the_right_side() -> None:
    assert decide_bid(replace(POLICY, min_pay={ASSET: 88}), ORDER, True, IDLE, NOW) == 1_100
    exact = replace(POLICY, prices=(ModelPrice(MODEL, ASSET, 1, 0, 0, 4_500),))
    assert decide_bid(exact, ORDER, True, IDLE, 4_999) == 1
    assert decide_bid(replace(POLICY, only_asked=False), ORDER, False, IDLE, NOW) == 1_100


def test_tasks_that_would_be_unpaid_are_refused_beyond_the_owners_share() -> None:
    assert decide_bid(POLICY, ORDER, True, IDLE, NOW, PackageFacts(1, ())) is Refusal.INPUTS
    patient = replace(POLICY, max_refused_bps=100)
    assert decide_bid(patient, ORDER, True, IDLE, NOW, PackageFacts(1, ())) == 1_100
    assert decide_bid(patient, ORDER, True, IDLE, NOW, PackageFacts(2, ())) is Refusal.INPUTS
    blind = replace(POLICY, max_refused_bps=10_000)
    assert decide_bid(blind, ORDER, True, IDLE, NOW, PackageFacts(100, ())) is Refusal.INPUTS
    poor = replace(blind, min_pay={ASSET: 80})
    assert decide_bid(poor, ORDER, True, IDLE, NOW, PackageFacts(20, ())) is Refusal.PAY
    assert decide_bid(POLICY, ORDER, True, IDLE, NOW, PackageFacts(0, ("gpu_memory",))) is Refusal.HARDWARE


def test_a_bond_takes_no_more_than_the_owners_share() -> None:
    half = replace(POLICY, max_bond_bps=5_000)
    assert decide_bond(half, 500, Workload(0, 1_000)) is None
    assert decide_bond(half, 501, Workload(0, 1_000)) is Refusal.BOND
    assert decide_bond(POLICY, 1, Workload(0, -5)) is Refusal.BOND


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_withdrawal_leaves_what_is_kept(balance: int, keep: int, least: int) -> None:
    amount = decide_withdrawal(balance, keep, least)
    assert amount == 0 or (amount >= least and balance - amount == keep)


@given(st.integers(1, 10**15), st.integers(0, 20_000), st.integers(0, 50_000), st.integers(0, 99), st.integers(1, 50))
def test_no_price_is_below_the_floor(floor: int, margin: int, surcharge: int, load: int, most: int) -> None:
    price = ModelPrice(MODEL, ASSET, floor, margin, surcharge)
    assert price.at_load(load, most) >= price.at_load(0, most) >= floor
    assert price.at_load(load, most) == price.at_load(min(load, most), most)
