"""deposit_with_permit: one transaction instead of two; a permit that somebody used before is no error."""

import pytest
from market_parties import sign
from market_stage import Stage

from stun.chains.evm.addresses import narrow
from stun.protocol.keccak import keccak256

pytestmark = pytest.mark.unit

TYPE = b"Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
AMOUNT = 777


def permit(stage: Stage, owner: bytes, amount: int, deadline: int) -> tuple[int, bytes, bytes]:
    """Sign the owner's first permit of the market in STUN."""
    token = stage.deployed.addresses["StunToken"]
    selector = keccak256(b"DOMAIN_SEPARATOR()")[:4]
    separator = stage.deployed.machine.read(token, selector)
    words = [keccak256(TYPE), owner, stage.market.rjust(32, b"\0")]
    words += [value.to_bytes(32, "big") for value in (amount, 0, deadline)]
    signature = sign(owner, keccak256(b"\x19\x01" + separator + keccak256(b"".join(words))))
    return signature[64], signature[:32], signature[32:64]


@pytest.fixture
def owner(stage: Stage) -> bytes:
    """An account with STUN that has approved nobody."""
    account = stage.people.stranger
    stage.deployed.must(account, "StunToken", "approve", stage.market, 0)
    return account


def test_a_permit_and_a_deposit_in_one_call(stage: Stage, owner: bytes) -> None:
    signature = permit(stage, owner, AMOUNT, stage.now)
    events = stage.must(owner, "deposit_with_permit", stage.stun, AMOUNT, narrow(owner), stage.now, *signature)
    assert stage.balance(owner) == AMOUNT
    expected = {"asset": stage.stun, "account": narrow(owner), "sender": narrow(owner), "amount": AMOUNT}
    assert events == [("Deposited", expected)]


def test_a_permit_that_somebody_used_before_is_no_error(stage: Stage, owner: bytes) -> None:
    signature = permit(stage, owner, AMOUNT, stage.now)
    spend = (narrow(owner), stage.market, AMOUNT, stage.now, *signature)
    stage.deployed.must(stage.people.court, "StunToken", "permit", *spend)
    stage.must(owner, "deposit_with_permit", stage.stun, AMOUNT, narrow(owner), stage.now, *signature)
    assert stage.balance(owner) == AMOUNT


@pytest.mark.parametrize("wrong", ["amount", "deadline", "signer"])
def test_a_wrong_permit_leaves_no_allowance_and_is_refused_by_the_token(stage: Stage, owner: bytes, wrong: str) -> None:
    signer = stage.people.stranger if wrong != "signer" else stage.people.court
    amount = AMOUNT - 1 if wrong == "amount" else AMOUNT
    signature = permit(stage, signer, amount, stage.now)
    deadline = stage.now + 1 if wrong == "deadline" else stage.now
    arguments = (stage.stun, AMOUNT, narrow(owner), deadline, *signature)
    assert stage.refusal(owner, "deposit_with_permit", *arguments) == "token: allowance"


def test_an_expired_permit_is_refused(stage: Stage, owner: bytes) -> None:
    signature = permit(stage, owner, AMOUNT, stage.now)
    stage.travel(1)
    arguments = (stage.stun, AMOUNT, narrow(owner), stage.now - 1, *signature)
    assert stage.refusal(owner, "deposit_with_permit", *arguments) == "token: allowance"


def test_the_allowance_of_another_account_cannot_be_spent(stage: Stage, owner: bytes) -> None:
    signature = permit(stage, owner, AMOUNT, stage.now)
    thief = stage.people.court
    stage.deployed.must(thief, "StunToken", "approve", stage.market, 0)
    arguments = (stage.stun, AMOUNT, narrow(thief), stage.now, *signature)
    assert stage.refusal(thief, "deposit_with_permit", *arguments) == "token: allowance"


def test_an_asset_that_is_not_listed_is_refused(stage: Stage, owner: bytes) -> None:
    arguments = (stage.market, AMOUNT, narrow(owner), stage.now, 27, bytes(32), bytes(32))
    assert stage.refusal(owner, "deposit_with_permit", *arguments) == "ledger: asset"
