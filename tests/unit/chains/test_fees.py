"""Fees: never above the caps, never a replacement that nodes refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.chains.evm.fees import GWEI, FeePolicy, Fees, bumped_fees, first_fees, gas_limit

pytestmark = pytest.mark.unit

_FEE = st.integers(0, 10_000 * GWEI)


def test_first_fees_survive_a_doubled_base_fee() -> None:
    assert first_fees(FeePolicy(), 20 * GWEI, 2 * GWEI) == Fees(42 * GWEI, 2 * GWEI)


def test_a_base_fee_above_the_cap_signs_nothing() -> None:
    policy = FeePolicy(max_fee=10 * GWEI)
    assert first_fees(policy, 10 * GWEI, GWEI) is None
    assert first_fees(policy, 9 * GWEI, GWEI) == Fees(10 * GWEI, GWEI)


@given(base=_FEE, tip=_FEE)
def test_first_fees_keep_the_caps(base: int, tip: int) -> None:
    policy = FeePolicy()
    fees = first_fees(policy, base, tip)
    if fees is None:
        assert base + policy.min_priority > policy.max_fee
    else:
        assert policy.min_priority <= fees.priority <= policy.max_priority
        assert fees.priority <= fees.max_fee <= policy.max_fee
        assert fees.max_fee >= base


@given(base=_FEE, tip=_FEE, later=st.lists(st.tuples(_FEE, _FEE), max_size=12))
def test_every_bump_is_at_least_a_tenth_and_capped(base: int, tip: int, later: list[tuple[int, int]]) -> None:
    policy = FeePolicy()
    first = first_fees(policy, base, tip)
    if first is None:
        return
    last = first
    for next_base, next_tip in later:
        fees = bumped_fees(policy, first, last, next_base, next_tip)
        if fees is None:
            continue
        assert fees.max_fee * 100 >= last.max_fee * 110
        assert fees.priority * 100 >= last.priority * 110
        assert fees.priority <= fees.max_fee <= policy.max_fee
        assert fees.priority <= policy.bump_multiple * policy.max_priority
        last = fees


def test_bumps_in_a_calm_market_end_at_the_multiple() -> None:
    first = first_fees(FeePolicy(), GWEI, GWEI)
    assert first is not None
    last = first
    while (fees := bumped_fees(FeePolicy(), first, last, GWEI, GWEI)) is not None:
        last = fees
    assert 2 * first.max_fee < last.max_fee <= 3 * first.max_fee


def test_gas_above_the_cap_is_refused_and_the_margin_is_cut() -> None:
    policy = FeePolicy(max_gas=1_000)
    assert [gas_limit(policy, estimate) for estimate in (100, 900, 1_000, 1_001)] == [130, 1_000, 1_000, None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"bump_percent": 109},
        {"min_priority": 2, "max_priority": 1},
        {"max_priority": 2, "max_fee": 1},
        {"bump_multiple": 0},
        {"min_priority": -1},
    ],
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"bump|fees"):
        FeePolicy(**wrong)
