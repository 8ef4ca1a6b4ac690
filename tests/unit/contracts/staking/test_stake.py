"""Staking STUN, with an allowance or with a permit."""

from typing import Any

import boa
import pytest
from eth_account import Account
from evm_contracts import STUN, events, now, permit_signature, rejection

pytestmark = pytest.mark.unit

signing_provider = Account.from_key(b"\x0b" * 32)


def test_stake_moves_tokens_into_the_active_stake(staking: Any, token: Any, provider: str) -> None:
    staking.stake(100 * STUN, sender=provider)
    assert events(staking, "Staked") == [{"account": provider, "amount": 100 * STUN, "active": 100 * STUN}]
    staking.stake(1, sender=provider)
    assert events(staking, "Staked") == [{"account": provider, "amount": 1, "active": 100 * STUN + 1}]
    assert staking.stake_of(provider) == token.balanceOf(staking) == 100 * STUN + 1
    assert tuple(staking.position_of(provider)) == (100 * STUN + 1, 0, 0)


def test_stake_refuses_nothing(staking: Any, provider: str) -> None:
    assert rejection(staking.stake, 0, sender=provider) == "staking: amount"


@pytest.mark.parametrize("amount", [2**64, 2**64 + 1, 2**128, 2**256 - 1])
def test_stake_refuses_more_than_64_bits(staking: Any, provider: str, amount: int) -> None:
    assert rejection(staking.stake, amount, sender=provider) == "staking: overflow"


def test_stake_counts_what_is_there_against_64_bits(staking: Any, provider: str) -> None:
    staking.stake(10, sender=provider)
    assert rejection(staking.stake, 2**64 - 10, sender=provider) == "staking: overflow"
    assert rejection(staking.stake, 2**64 - 11, sender=provider) == "token: allowance"


def test_stake_needs_the_tokens(staking: Any, token: Any, stranger: str) -> None:
    assert rejection(staking.stake, 1, sender=stranger) == "token: allowance"
    token.approve(staking, 1, sender=stranger)
    assert rejection(staking.stake, 1, sender=stranger) == "token: balance"
    assert staking.stake_of(stranger) == 0


@pytest.fixture
def funded(token: Any, treasury: str) -> str:
    token.transfer(signing_provider.address, 50, sender=treasury)
    return str(signing_provider.address)


def test_permit_stakes_in_one_call(staking: Any, token: Any, funded: str) -> None:
    deadline = now() + 60
    signature = permit_signature(signing_provider, token, staking.address, 50, deadline)
    staking.stake_with_permit(50, deadline, *signature, sender=funded)
    assert events(staking, "Staked") == [{"account": funded, "amount": 50, "active": 50}]
    assert token.allowance(funded, staking) == 0


def test_permit_brought_first_by_another_does_not_stop_the_stake(
    staking: Any, token: Any, funded: str, stranger: str
) -> None:
    deadline = now() + 60
    signature = permit_signature(signing_provider, token, staking.address, 50, deadline)
    token.permit(funded, staking, 50, deadline, *signature, sender=stranger)
    staking.stake_with_permit(50, deadline, *signature, sender=funded)
    assert staking.stake_of(funded) == 50


def test_permit_of_another_is_refused(staking: Any, token: Any, funded: str, provider: str) -> None:
    deadline = now() + 60
    signature = permit_signature(signing_provider, token, staking.address, 50, deadline)
    token.approve(staking, 0, sender=provider)
    refused = rejection(staking.stake_with_permit, 50, deadline, *signature, sender=provider)
    assert refused == "token: signature"
    boa.env.time_travel(seconds=61)
    refused = rejection(staking.stake_with_permit, 50, deadline, *signature, sender=funded)
    assert refused == "token: expired"
