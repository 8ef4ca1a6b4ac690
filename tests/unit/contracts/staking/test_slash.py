"""Slashing: who may, how much, and that it is burned."""

from typing import Any

import boa
import pytest
from evm_contracts import events, rejection

pytestmark = pytest.mark.unit

UNBONDING_SECONDS = 4 * 3_600


@pytest.fixture
def staked(staking: Any, provider: str) -> str:
    staking.stake(1_001, sender=provider)
    return provider


def test_slash_burns_a_share_rounded_down(staking: Any, token: Any, staked: str, slasher: str) -> None:
    supply = token.totalSupply()
    assert staking.slash(staked, 1_000, sender=slasher) == 100
    assert events(staking, "Slashed") == [
        {"account": staked, "slasher": slasher, "amount": 100, "active": 901, "unbonding": 0}
    ]
    assert token.totalSupply() == supply - 100
    assert token.balanceOf(staking) == staking.stake_of(staked) == 901


def test_slash_counts_unbonding_and_takes_active_first(staking: Any, staked: str, slasher: str) -> None:
    staking.unstake(901, sender=staked)
    unlock_at = staking.position_of(staked).unlock_at
    assert staking.slash(staked, 5_000, sender=slasher) == 500
    assert tuple(staking.position_of(staked)) == (0, 501, unlock_at)


def test_slash_reaches_unbonding_until_it_is_collected(staking: Any, staked: str, slasher: str) -> None:
    staking.unstake(1_001, sender=staked)
    boa.env.time_travel(seconds=UNBONDING_SECONDS + 1)
    assert staking.slash(staked, 1_000, sender=slasher) == 100
    assert staking.collect(staked, sender=staked) == 901
    assert staking.slash(staked, 10_000, sender=slasher) == 0


def test_slash_of_everything_clears_the_position(staking: Any, token: Any, staked: str, slasher: str) -> None:
    staking.unstake(500, sender=staked)
    assert staking.slash(staked, 10_000, sender=slasher) == 1_001
    assert tuple(staking.position_of(staked)) == (0, 0, 0)
    assert token.balanceOf(staking) == 0
    assert rejection(staking.collect, staked, sender=staked) == "staking: nothing"


def test_slash_without_stake_changes_nothing(staking: Any, slasher: str, stranger: str) -> None:
    assert staking.slash(stranger, 10_000, sender=slasher) == 0
    assert events(staking, "Slashed") == []


def test_slash_refuses_more_than_everything(staking: Any, staked: str, slasher: str) -> None:
    assert rejection(staking.slash, staked, 10_001, sender=slasher) == "staking: bps"
    assert rejection(staking.slash, staked, 2**256 - 1, sender=slasher) == "staking: bps"


def test_slash_is_for_slashers(staking: Any, staked: str, slasher: str, owner: str) -> None:
    for account in (owner, staked):
        assert rejection(staking.slash, staked, 1, sender=account) == "staking: slasher"
    staking.set_slasher(slasher, False, sender=owner)
    assert events(staking, "SlasherSet") == [{"slasher": slasher, "old_allowed": True, "new_allowed": False}]
    before = staking.position_of(staked)
    assert staking.slash(staked, 10_000, sender=slasher) == 0  # what it had open must still end
    assert staking.position_of(staked) == before


def test_set_slasher_is_for_the_owner(staking: Any, slasher: str) -> None:
    assert staking.is_slasher(slasher)
    assert rejection(staking.set_slasher, slasher, True, sender=slasher) == "ownable: caller is not the owner"
