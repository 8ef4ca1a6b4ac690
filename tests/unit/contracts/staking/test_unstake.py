"""The way out of the stake: one unbonding position, its clock, and its payment."""

from typing import Any

import boa
import pytest
from evm_contracts import NO_ADDRESS, STUN, events, now, publish, rejection

pytestmark = pytest.mark.unit

UNBONDING_SECONDS = 4 * 3_600


@pytest.fixture
def staked(staking: Any, provider: str) -> str:
    staking.stake(100 * STUN, sender=provider)
    return provider


def test_unstake_starts_the_clock(staking: Any, staked: str) -> None:
    staking.unstake(30 * STUN, sender=staked)
    unlock_at = now() + UNBONDING_SECONDS
    assert events(staking, "Unstaked") == [
        {
            "account": staked,
            "amount": 30 * STUN,
            "active": 70 * STUN,
            "unbonding": 30 * STUN,
            "unlock_at": unlock_at,
        }
    ]
    assert staking.stake_of(staked) == 70 * STUN
    assert tuple(staking.position_of(staked)) == (70 * STUN, 30 * STUN, unlock_at)


def test_unstaking_more_adds_and_restarts_the_clock(staking: Any, staked: str) -> None:
    staking.unstake(30 * STUN, sender=staked)
    boa.env.time_travel(seconds=1_000)
    staking.unstake(20 * STUN, sender=staked)
    assert tuple(staking.position_of(staked)) == (50 * STUN, 50 * STUN, now() + UNBONDING_SECONDS)


def test_the_period_is_the_current_configs(staking: Any, staked: str, config: Any, owner: str) -> None:
    publish(config, owner, {"unbonding_seconds": 86_400})
    staking.unstake(1, sender=staked)
    assert staking.position_of(staked).unlock_at == now() + 86_400


def test_a_shorter_period_never_brings_the_clock_forward(staking: Any, staked: str, config: Any, owner: str) -> None:
    staking.unstake(99 * STUN, sender=staked)
    unlock_at = staking.position_of(staked).unlock_at
    publish(config, owner, {"unbonding_seconds": 11_000})
    staking.unstake(1, sender=staked)
    assert staking.position_of(staked).unlock_at == unlock_at


def test_unstake_refuses_nothing_and_too_much(staking: Any, staked: str, stranger: str) -> None:
    assert rejection(staking.unstake, 0, sender=staked) == "staking: amount"
    assert rejection(staking.unstake, 100 * STUN + 1, sender=staked) == "staking: balance"
    assert rejection(staking.unstake, 2**256 - 1, sender=staked) == "staking: balance"
    assert rejection(staking.unstake, 1, sender=stranger) == "staking: balance"


def test_collect_pays_at_the_clock_and_not_before(staking: Any, token: Any, staked: str, stranger: str) -> None:
    staking.unstake(30 * STUN, sender=staked)
    boa.env.time_travel(seconds=UNBONDING_SECONDS - 1)
    assert rejection(staking.collect, stranger, sender=staked) == "staking: locked"
    boa.env.time_travel(seconds=1)
    assert staking.collect(stranger, sender=staked) == 30 * STUN
    assert events(staking, "Collected") == [{"account": staked, "to": stranger, "amount": 30 * STUN}]
    assert token.balanceOf(stranger) == 30 * STUN
    assert tuple(staking.position_of(staked)) == (70 * STUN, 0, 0)
    assert rejection(staking.collect, stranger, sender=staked) == "staking: nothing"


def test_collect_refuses_nobody(staking: Any, staked: str) -> None:
    staking.unstake(1, sender=staked)
    boa.env.time_travel(seconds=UNBONDING_SECONDS)
    assert rejection(staking.collect, NO_ADDRESS, sender=staked) == "staking: receiver"


def test_collect_is_only_for_the_own_position(staking: Any, staked: str, stranger: str) -> None:
    staking.unstake(1, sender=staked)
    boa.env.time_travel(seconds=UNBONDING_SECONDS)
    assert rejection(staking.collect, stranger, sender=stranger) == "staking: nothing"
