"""The specification of stake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.errors import Rejected
from stun.protocol.parameters import BPS, U64
from stun.protocol.staking import Stake, collect, slash, stake, unstake

pytestmark = pytest.mark.unit

u64 = st.integers(0, U64)


def test_stake_adds() -> None:
    assert stake(Stake(1, 2, 3), 4) == Stake(5, 2, 3)


@pytest.mark.parametrize(
    ("amount", "code"), [(0, "staking: amount"), (-1, "staking: amount"), (U64, "staking: overflow")]
)
def test_stake_refuses(amount: int, code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        stake(Stake(active=1), amount)
    assert refusal.value.code == code


def test_unstake_restarts_the_clock_and_never_brings_it_forward() -> None:
    first = unstake(Stake(active=10), 4, now=100, unbonding_seconds=50)
    assert first == Stake(6, 4, 150)
    assert unstake(first, 6, now=120, unbonding_seconds=50) == Stake(0, 10, 170)
    assert unstake(first, 1, now=120, unbonding_seconds=5) == Stake(5, 5, 150)


@pytest.mark.parametrize(
    ("position", "amount", "code"),
    [
        (Stake(active=10), 0, "staking: amount"),
        (Stake(active=10), 11, "staking: balance"),
        (Stake(active=10, unbonding=U64, unlock_at=1), 1, "staking: overflow"),
    ],
)
def test_unstake_refuses(position: Stake, amount: int, code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        unstake(position, amount, now=0, unbonding_seconds=1)
    assert refusal.value.code == code


def test_collect_is_in_time_at_the_clock() -> None:
    assert collect(Stake(1, 2, 100), now=100) == (Stake(active=1), 2)
    with pytest.raises(Rejected, match=r"^staking: locked$"):
        collect(Stake(1, 2, 100), now=99)
    with pytest.raises(Rejected, match=r"^staking: nothing$"):
        collect(Stake(1), now=100)


@given(active=u64, unbonding=u64, bps=st.integers(0, BPS))
def test_slash_takes_the_share_of_active_first(active: int, unbonding: int, bps: int) -> None:
    left, burned = slash(Stake(active, unbonding, 9), bps)
    assert burned == (active + unbonding) * bps // BPS
    assert left.active + left.unbonding + burned == active + unbonding
    assert left.unbonding == unbonding or left.active == 0
    assert left.unlock_at == (9 if left.unbonding else 0)


@pytest.mark.parametrize("bps", [-1, BPS + 1])
def test_slash_refuses_what_is_no_share(bps: int) -> None:
    with pytest.raises(Rejected, match=r"^staking: bps$"):
        slash(Stake(1), bps)
