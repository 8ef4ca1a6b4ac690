"""The mock tokens misbehave as their names say, and only so."""

from typing import Any

import boa
import pytest
from eth_account import Account
from evm_contracts import deployer, now, permit_signature, rejection

pytestmark = pytest.mark.unit

holder = Account.from_key(b"\x0d" * 32)


def funded(name: str, owner: str) -> Any:
    token = deployer(f"mocks/{name}").deploy()
    token.mint(owner, 1_000)
    return token


@pytest.mark.parametrize(
    "name", ["FeeToken", "RevertingToken", "FalseToken", "NoReturnToken", "ReentrantToken", "Usdc6"]
)
def test_allowances_and_balances_are_kept(name: str, owner: str, stranger: str) -> None:
    token = funded(name, owner)
    if name in ("RevertingToken", "FalseToken"):
        token.set_failing(False)
    assert token.decimals() == 6
    assert rejection(token.transferFrom, owner, stranger, 1, sender=stranger) == "mock: allowance"
    assert rejection(token.transfer, owner, 1, sender=stranger) == "mock: balance"
    token.approve(stranger, 100, sender=owner)
    token.transferFrom(owner, stranger, 100, sender=stranger)
    received = 99 if name == "FeeToken" else 100
    assert (token.balanceOf(owner), token.balanceOf(stranger)) == (900, received)
    assert token.allowance(owner, stranger) == 0
    assert token.totalSupply() == 900 + received


def test_reverting_token_reverts(owner: str, stranger: str) -> None:
    token = funded("RevertingToken", owner)
    assert rejection(token.transfer, stranger, 1, sender=owner) == "mock: failing"


def test_false_token_returns_false_and_moves_nothing(owner: str, stranger: str) -> None:
    token = funded("FalseToken", owner)
    assert token.transfer(stranger, 1, sender=owner) is False
    assert token.balanceOf(stranger) == 0


def test_no_return_token_returns_nothing(owner: str, stranger: str) -> None:
    token = funded("NoReturnToken", owner)
    assert token.transfer(stranger, 1, sender=owner) is None
    assert token._computation.output == b""


def test_reentrant_token_calls_once_and_remembers_the_answer(owner: str, stranger: str, reputation: Any) -> None:
    token = funded("ReentrantToken", owner)
    token.arm(reputation, reputation.is_recorder.prepare_calldata(owner))
    token.transfer(stranger, 1, sender=owner)
    assert (token.calls(), token.has_succeeded(), token.answer()) == (1, True, bytes(32))
    token.transfer(stranger, 1, sender=owner)
    assert token.calls() == 1
    token.arm(reputation, reputation.convicted.prepare_calldata(owner))
    token.transfer(stranger, 1, sender=owner)
    assert (token.calls(), token.has_succeeded()) == (2, False)
    assert b"reputation: recorder" in token.answer()
    assert token.balanceOf(stranger) == 3


def test_usdc_takes_permits(stranger: str) -> None:
    token = funded("Usdc6", holder.address)
    deadline = now() + 10
    signature = permit_signature(holder, token, stranger, 7, deadline)
    token.permit(holder.address, stranger, 7, deadline, *signature)
    assert token.allowance(holder.address, stranger) == 7
    assert rejection(token.permit, holder.address, stranger, 7, deadline, *signature) == "mock: signature"
    boa.env.time_travel(seconds=11)
    assert rejection(token.permit, holder.address, stranger, 7, deadline, *signature) == "mock: expired"
