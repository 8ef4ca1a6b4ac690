"""Balances, allowances and the fixed supply of STUN."""

from typing import Any

import boa
import pytest
from evm_contracts import NO_ADDRESS, STUN, events, rejection

pytestmark = pytest.mark.unit

SUPPLY = 1_000_000_000 * STUN


def test_whole_supply_belongs_to_who_deploys(token: Any, treasury: str) -> None:
    assert (token.name(), token.symbol(), token.decimals()) == ("STUN", "STUN", 9)
    assert token.totalSupply() == token.balanceOf(treasury) == SUPPLY
    assert token.owner() == treasury
    assert token.minter() == NO_ADDRESS


def test_transfer_moves_balance(token: Any, treasury: str, stranger: str) -> None:
    assert token.transfer(stranger, 5, sender=treasury) is True
    assert events(token, "Transfer") == [{"sender": treasury, "receiver": stranger, "value": 5}]
    assert (token.balanceOf(stranger), token.balanceOf(treasury)) == (5, SUPPLY - 5)
    assert token.totalSupply() == SUPPLY


def test_transfer_to_oneself_changes_nothing(token: Any, treasury: str) -> None:
    token.transfer(treasury, SUPPLY, sender=treasury)
    assert token.balanceOf(treasury) == SUPPLY


def test_transfer_refuses_more_than_the_balance(token: Any, stranger: str, treasury: str) -> None:
    assert rejection(token.transfer, treasury, 1, sender=stranger) == "token: balance"
    assert rejection(token.transfer, stranger, 2**256 - 1, sender=treasury) == "token: balance"


def test_transfer_refuses_nobody(token: Any, treasury: str) -> None:
    assert rejection(token.transfer, NO_ADDRESS, 1, sender=treasury) == "token: receiver"


def test_transfer_from_uses_the_allowance_up(token: Any, treasury: str, stranger: str) -> None:
    token.approve(stranger, 10, sender=treasury)
    assert events(token, "Approval") == [{"owner": treasury, "spender": stranger, "value": 10}]
    assert token.transferFrom(treasury, stranger, 4, sender=stranger) is True
    assert token.allowance(treasury, stranger) == 6
    assert rejection(token.transferFrom, treasury, stranger, 7, sender=stranger) == "token: allowance"
    assert token.balanceOf(stranger) == 4


def test_transfer_from_leaves_an_endless_allowance(token: Any, treasury: str, stranger: str) -> None:
    token.approve(stranger, 2**256 - 1, sender=treasury)
    token.transferFrom(treasury, stranger, 4, sender=stranger)
    assert token.allowance(treasury, stranger) == 2**256 - 1


def test_transfer_from_checks_the_owner_and_receiver(token: Any, treasury: str, stranger: str) -> None:
    token.approve(treasury, 10, sender=stranger)
    assert rejection(token.transferFrom, stranger, treasury, 1, sender=treasury) == "token: balance"
    token.approve(stranger, 10, sender=treasury)
    assert rejection(token.transferFrom, treasury, NO_ADDRESS, 1, sender=stranger) == "token: receiver"


def test_ownership_moves_in_two_steps(token: Any, treasury: str, stranger: str) -> None:
    token.transfer_ownership(stranger, sender=treasury)
    assert token.owner() == treasury
    token.accept_ownership(sender=stranger)
    assert token.owner() == stranger
    with boa.reverts("ownable: caller is not the owner"):
        token.transfer_ownership(treasury, sender=treasury)
