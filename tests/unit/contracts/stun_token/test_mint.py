"""Who creates and destroys STUN."""

from typing import Any

import pytest
from evm_contracts import NO_ADDRESS, events, rejection

pytestmark = pytest.mark.unit

NOT_OWNER = "ownable: caller is not the owner"


@pytest.fixture
def minter(token: Any, treasury: str, owner: str) -> str:
    token.set_minter(owner, sender=treasury)
    return owner


def test_set_minter_tells_old_and_new(token: Any, treasury: str, stranger: str, owner: str) -> None:
    token.set_minter(stranger, sender=treasury)
    assert events(token, "MinterSet") == [{"old_minter": NO_ADDRESS, "new_minter": stranger}]
    token.set_minter(owner, sender=treasury)
    assert events(token, "MinterSet") == [{"old_minter": stranger, "new_minter": owner}]
    assert token.minter() == owner


def test_set_minter_is_for_the_owner(token: Any, stranger: str) -> None:
    assert rejection(token.set_minter, stranger, sender=stranger) == NOT_OWNER


def test_mint_creates(token: Any, minter: str, stranger: str) -> None:
    supply = token.totalSupply()
    token.mint(stranger, 7, sender=minter)
    assert events(token, "Transfer") == [{"sender": NO_ADDRESS, "receiver": stranger, "value": 7}]
    assert token.balanceOf(stranger) == 7
    assert token.totalSupply() == supply + 7


def test_mint_is_for_the_minter(token: Any, treasury: str, minter: str, stranger: str) -> None:
    for account in (treasury, stranger):
        assert rejection(token.mint, account, 1, sender=account) == "token: minter"


def test_nobody_mints_before_a_minter_is_named(token: Any, treasury: str) -> None:
    assert rejection(token.mint, treasury, 1, sender=treasury) == "token: minter"


def test_supply_stays_within_64_bits(token: Any, minter: str, stranger: str) -> None:
    room = 2**64 - 1 - token.totalSupply()
    assert rejection(token.mint, stranger, room + 1, sender=minter) == "token: supply"
    assert rejection(token.mint, stranger, 2**256 - 1, sender=minter) == "token: supply"
    token.mint(stranger, room, sender=minter)
    assert token.totalSupply() == 2**64 - 1
    assert rejection(token.mint, stranger, 1, sender=minter) == "token: supply"


def test_mint_refuses_nobody(token: Any, minter: str) -> None:
    assert rejection(token.mint, NO_ADDRESS, 1, sender=minter) == "token: receiver"


def test_minter_renounces(token: Any, minter: str, stranger: str) -> None:
    assert rejection(token.renounce_minter, sender=stranger) == "token: minter"
    token.renounce_minter(sender=minter)
    assert events(token, "MinterSet") == [{"old_minter": minter, "new_minter": NO_ADDRESS}]
    assert rejection(token.mint, stranger, 1, sender=minter) == "token: minter"


def test_burn_destroys(token: Any, treasury: str, stranger: str) -> None:
    supply = token.totalSupply()
    token.burn(3, sender=treasury)
    assert events(token, "Transfer") == [{"sender": treasury, "receiver": NO_ADDRESS, "value": 3}]
    assert token.totalSupply() == token.balanceOf(treasury) == supply - 3
    assert rejection(token.burn, 1, sender=stranger) == "token: balance"
