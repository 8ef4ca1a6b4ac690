"""deposit: credits what the market's balance really grew by."""

import pytest
from market_stage import DEPOSIT, Stage

from stun.chains.evm.addresses import narrow

pytestmark = pytest.mark.unit


def test_a_deposit_moves_tokens_in_and_credits_the_beneficiary(stage: Stage) -> None:
    payer, beneficiary = stage.people.stranger, stage.people.requesters[1]
    before = stage.tokens(payer)
    outcome = stage.deployed.must(payer, "Marketplace", "deposit", stage.stun, 1_234, narrow(beneficiary))
    assert int.from_bytes(outcome.output, "big") == 1_234
    assert stage.balance(beneficiary) == 1_234
    assert stage.balance(payer) == 0
    assert stage.tokens(payer) == before - 1_234
    expected = {"asset": stage.stun, "account": narrow(beneficiary), "sender": narrow(payer), "amount": 1_234}
    assert stage.events(outcome) == [("Deposited", expected)]


def test_deposits_of_one_account_add_up_and_assets_stay_apart(stage: Stage) -> None:
    stage.must(stage.requester, "deposit", stage.usdc, 5, narrow(stage.requester))
    assert stage.balance(stage.requester, stage.usdc) == DEPOSIT + 5
    assert stage.balance(stage.requester) == DEPOSIT


def test_an_asset_that_is_not_listed_is_refused(stage: Stage) -> None:
    stage.deployed.must(stage.people.owner, "Config", "delist_asset", stage.usdc)
    arguments = (stage.usdc, 5, narrow(stage.requester))
    assert stage.refusal(stage.requester, "deposit", *arguments) == "ledger: asset"


def test_a_deposit_for_nobody_is_refused(stage: Stage) -> None:
    assert stage.refusal(stage.requester, "deposit", stage.stun, 5, bytes(20)) == "ledger: nobody"


def test_a_deposit_of_nothing_is_refused(stage: Stage) -> None:
    assert stage.refusal(stage.requester, "deposit", stage.stun, 0, narrow(stage.requester)) == "ledger: nothing"


def test_more_than_the_caller_has_or_allowed_is_refused_by_the_token(stage: Stage) -> None:
    too_much = stage.tokens(stage.requester) + 1
    assert stage.refusal(stage.requester, "deposit", stage.stun, too_much, narrow(stage.requester)) == "token: balance"
    stage.deployed.must(stage.requester, "StunToken", "approve", stage.market, 4)
    refusal = stage.refusal(stage.requester, "deposit", stage.stun, 5, narrow(stage.requester))
    assert refusal == "token: allowance"


def test_an_amount_beyond_u64_is_refused(stage: Stage) -> None:
    stage.deployed.must(stage.people.owner, "Usdc6", "mint", narrow(stage.requester), 2**64)
    arguments = (stage.usdc, 2**64, narrow(stage.requester))
    assert stage.refusal(stage.requester, "deposit", *arguments) == "money: range"
