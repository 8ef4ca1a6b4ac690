"""set_operator and set_operator_signed: a key that signs duties and never moves money; may_sign."""

from dataclasses import replace

import pytest
from market_stage import Stage

from stun.chains.evm.addresses import narrow
from stun.chains.evm.market_encoding import message_tuple
from stun.protocol.messages import NOBODY, Operator

pytestmark = pytest.mark.unit


@pytest.fixture
def message(stage: Stage) -> Operator:
    """The first provider names an operator."""
    return Operator(stage.providers[0], stage.people.operators[0], 0, stage.now + 60)


def named(stage: Stage, account: bytes) -> tuple[bytes, int]:
    return stage.view("operator_of", narrow(account)), stage.view("operator_nonce_of", narrow(account))


def test_an_account_names_changes_and_takes_back_its_operator(stage: Stage) -> None:
    account, (first, second) = stage.providers[0], (narrow(key) for key in stage.people.operators)
    old = bytes(20)
    for times, key in enumerate((first, second, bytes(20)), 1):
        events = stage.must(account, "set_operator", key)
        assert events == [("OperatorSet", {"account": narrow(account), "old": old, "new": key})]
        assert named(stage, account) == (key, times)
        old = key


def test_anybody_may_bring_a_signed_naming(stage: Stage, message: Operator) -> None:
    signature = stage.sign(message.account, message)
    stage.must(stage.settler, "set_operator_signed", *message_tuple(message), signature)
    assert named(stage, message.account) == (narrow(message.operator), 1)


def test_a_signed_naming_counts_once(stage: Stage, message: Operator) -> None:
    call = (*message_tuple(message), stage.sign(message.account, message))
    stage.must(stage.settler, "set_operator_signed", *call)
    assert stage.refusal(stage.settler, "set_operator_signed", *call) == "operators: nonce"


def test_a_native_naming_uses_the_nonce_up_as_well(stage: Stage, message: Operator) -> None:
    stage.must(message.account, "set_operator", bytes(20))
    call = (*message_tuple(message), stage.sign(message.account, message))
    assert stage.refusal(stage.settler, "set_operator_signed", *call) == "operators: nonce"


def test_a_later_nonce_is_refused(stage: Stage, message: Operator) -> None:
    later = replace(message, nonce=1)
    call = (*message_tuple(later), stage.sign(message.account, later))
    assert stage.refusal(stage.settler, "set_operator_signed", *call) == "operators: nonce"


def test_at_its_expiry_a_naming_is_void(stage: Stage, message: Operator) -> None:
    call = (*message_tuple(message), stage.sign(message.account, message))
    stage.travel(60)
    assert stage.refusal(stage.settler, "set_operator_signed", *call) == "operators: expired"


def test_only_the_account_signs_for_itself(stage: Stage, message: Operator) -> None:
    for signer in (message.operator, stage.settler):
        call = (*message_tuple(message), stage.sign(signer, message))
        assert stage.refusal(signer, "set_operator_signed", *call) == "operators: signature"


def test_nobody_names_no_operator(stage: Stage, message: Operator) -> None:
    nobody = replace(message, account=NOBODY)
    call = (*message_tuple(nobody), bytes(65))
    assert stage.refusal(stage.settler, "set_operator_signed", *call) == "operators: signature"


def test_may_sign_knows_the_account_and_its_operator(stage: Stage) -> None:
    account, operator = narrow(stage.providers[0]), narrow(stage.people.operators[0])
    assert stage.view("may_sign", account, account) is True
    assert stage.view("may_sign", account, operator) is False
    stage.must(stage.providers[0], "set_operator", operator)
    assert stage.view("may_sign", account, operator) is True
    assert stage.view("may_sign", operator, account) is False
    assert stage.view("may_sign", narrow(stage.providers[1]), operator) is False


def test_nobody_signs_for_an_account_without_operator(stage: Stage) -> None:
    assert stage.view("may_sign", narrow(stage.providers[0]), bytes(20)) is False
    assert stage.view("may_sign", bytes(20), bytes(20)) is False


def test_an_operator_bids_and_posts_for_its_provider(stage: Stage) -> None:
    operator = stage.people.operators[0]
    stage.must(stage.providers[0], "set_operator", narrow(operator))
    order = stage.order()
    bids = stage.bids(order)
    arguments = stage.match_arguments(order, bids, bid_signatures=stage.sign(operator, bids[0]))
    assert stage.events(stage.send(stage.matcher, "match", *arguments))[-1][0] == "BatchOpened"
