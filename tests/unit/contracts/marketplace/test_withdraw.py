"""withdraw: free balance leaves at any time, to anybody."""

import pytest
from market_stage import DEPOSIT, LOCKED, PREPAID, Stage

from stun.chains.evm.addresses import narrow

pytestmark = pytest.mark.unit


def test_a_withdrawal_pays_tokens_to_whom_the_account_says(stage: Stage) -> None:
    to = stage.people.stranger
    before = stage.tokens(to)
    events = stage.must(stage.requester, "withdraw", stage.stun, 300, narrow(to))
    assert stage.balance(stage.requester) == DEPOSIT - 300
    assert stage.tokens(to) == before + 300
    expected = {"asset": stage.stun, "account": narrow(stage.requester), "to": narrow(to), "amount": 300}
    assert events == [("Withdrawn", expected)]


def test_everything_can_leave_and_nothing_more(stage: Stage) -> None:
    who = stage.requester
    assert stage.refusal(who, "withdraw", stage.stun, DEPOSIT + 1, narrow(who)) == "ledger: balance"
    stage.must(who, "withdraw", stage.stun, DEPOSIT, narrow(who))
    assert stage.refusal(who, "withdraw", stage.stun, 1, narrow(who)) == "ledger: balance"


def test_what_a_batch_holds_cannot_leave(stage: Stage) -> None:
    stage.open(stage.order())
    free = DEPOSIT - LOCKED - PREPAID
    who = stage.requester
    assert stage.refusal(who, "withdraw", stage.stun, free + 1, narrow(who)) == "ledger: balance"
    stage.must(who, "withdraw", stage.stun, free, narrow(who))


def test_a_delisted_asset_still_leaves(stage: Stage) -> None:
    stage.deployed.must(stage.people.owner, "Config", "delist_asset", stage.usdc)
    before = stage.tokens(stage.requester, "Usdc6")
    stage.must(stage.requester, "withdraw", stage.usdc, DEPOSIT, narrow(stage.requester))
    assert stage.tokens(stage.requester, "Usdc6") == before + DEPOSIT


def test_nobody_cannot_receive(stage: Stage) -> None:
    assert stage.refusal(stage.requester, "withdraw", stage.stun, 1, bytes(20)) == "ledger: nobody"


def test_nothing_cannot_be_withdrawn(stage: Stage) -> None:
    assert stage.refusal(stage.requester, "withdraw", stage.stun, 0, narrow(stage.requester)) == "ledger: nothing"


def test_an_operator_moves_no_money(stage: Stage) -> None:
    operator = stage.people.operators[0]
    stage.must(stage.providers[0], "set_operator", narrow(operator))
    assert stage.refusal(operator, "withdraw", stage.stun, 1, narrow(operator)) == "ledger: balance"
