"""The sender on real nodes: one action, one transaction, whatever breaks in between."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from stun.chains.evm.dry_run import DryRun
from stun.chains.evm.errors import Reverted
from stun.chains.evm.fees import GWEI, FeePolicy
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.nodes import funded_accounts
from stun.chains.evm.sender import Sender
from stun.chains.interface import ChainError, Intent, IntentConflict, IntentState, TransactionSender, WaitTimeout
from tests.integration.conftest import Bench, anvil_of
from tests.support.evm_counter import count_data, total_of

pytestmark = pytest.mark.integration


def _sent(bench: Bench) -> int:
    return bench.reader.view().nonce(bench.keeper.address)


def _only(changed: Sequence[Intent]) -> Intent:
    assert len(changed) == 1
    return changed[0]


def test_an_action_goes_from_planned_to_final(any_bench: Bench) -> None:
    intent = any_bench.sender.submit("settle:7", any_bench.counter, count_data(5))
    assert (intent.state, intent.nonce, len(intent.signed)) == (IntentState.BROADCAST, 0, 1)
    included = any_bench.sender.wait(intent)
    assert included.state is IntentState.INCLUDED
    assert included.landed == intent.signed[0].hash
    any_bench.node.mine(3)
    assert any_bench.sender.wait(intent, IntentState.FINAL).state is IntentState.FINAL
    assert total_of(any_bench.reader, any_bench.counter) == 5
    assert any_bench.sender.tick() == []


def test_the_same_key_is_never_sent_twice(any_bench: Bench) -> None:
    first = any_bench.sender.submit("post:1", any_bench.counter, count_data(5))
    second = any_bench.sender.submit("post:1", any_bench.counter, count_data(5))
    any_bench.sender.wait(second)
    third = any_bench.sender.submit("post:1", any_bench.counter, count_data(5))
    assert first.id == second.id == third.id
    assert (_sent(any_bench), total_of(any_bench.reader, any_bench.counter)) == (1, 5)


def test_the_same_key_with_another_payload_is_refused(any_bench: Bench) -> None:
    any_bench.sender.submit("post:1", any_bench.counter, count_data(5))
    with pytest.raises(IntentConflict):
        any_bench.sender.submit("post:1", any_bench.counter, count_data(6))
    with pytest.raises(IntentConflict):
        any_bench.sender.submit("post:1", any_bench.counter, count_data(5), 1)


def test_a_refused_simulation_signs_nothing_and_keeps_the_reason(any_bench: Bench) -> None:
    with pytest.raises(Reverted) as refused:
        any_bench.sender.submit("post:0", any_bench.counter, count_data(0))
    assert refused.value.reason == refused.value.code == "counter: zero"
    again = any_bench.sender.submit("post:0", any_bench.counter, count_data(0))
    assert (again.state, again.reason, again.signed, again.nonce) == (IntentState.FAILED, "counter: zero", (), None)
    assert _sent(any_bench) == 0


def test_a_failed_intent_is_sent_anew_only_on_request(any_bench: Bench) -> None:
    with pytest.raises(Reverted):
        any_bench.sender.submit("post:0", any_bench.counter, count_data(0))
    failed = any_bench.sender.find("post:0")
    assert failed is not None
    with pytest.raises(Reverted):
        any_bench.sender.retry(failed)
    done = any_bench.sender.wait(any_bench.sender.submit("post:2", any_bench.counter, count_data(2)))
    with pytest.raises(ChainError, match="only failed and replaced"):
        any_bench.sender.retry(done)


def test_an_action_that_fails_on_the_chain_tells_why(anvil_bench: Bench) -> None:
    node = anvil_of(anvil_bench)
    node.request("evm_setAutomine", False)
    intent = anvil_bench.sender.submit("post:3", anvil_bench.counter, count_data(3))
    node.request("anvil_setCode", "0x" + anvil_bench.counter.hex(), "0x5f5ffd")
    node.mine()
    with pytest.raises(Reverted):
        anvil_bench.sender.wait(intent)
    assert anvil_bench.sender.find("post:3").state is IntentState.INCLUDED  # type: ignore[union-attr]
    node.mine(3)
    ended = _only(anvil_bench.sender.tick())
    assert (ended.state, ended.ok) == (IntentState.FAILED, False)
    assert ended.gas_used is not None


def test_many_actions_take_consecutive_nonces(anvil_bench: Bench) -> None:
    node = anvil_of(anvil_bench)
    node.request("evm_setAutomine", False)
    intents = [anvil_bench.sender.submit(f"post:{i}", anvil_bench.counter, count_data(1)) for i in range(5)]
    assert [intent.nonce for intent in intents] == [0, 1, 2, 3, 4]
    node.mine()
    assert {i.state for i in anvil_bench.sender.tick()} == {IntentState.INCLUDED}
    assert total_of(anvil_bench.reader, anvil_bench.counter) == 5


def test_a_dropped_transaction_is_broadcast_again_in_the_same_bytes(anvil_bench: Bench) -> None:
    node = anvil_of(anvil_bench)
    node.request("evm_setAutomine", False)
    intent = anvil_bench.sender.submit("post:4", anvil_bench.counter, count_data(4))
    node.request("anvil_dropTransaction", "0x" + intent.signed[0].hash.hex())
    node.mine()
    assert _sent(anvil_bench) == 0
    anvil_bench.sender.tick()
    node.mine()
    moved = _only(anvil_bench.sender.tick())
    assert (moved.landed, len(moved.signed)) == (intent.signed[0].hash, 1)


def _stuck(bench: Bench, policy: FeePolicy) -> tuple[Sender, Intent]:
    """A sender whose only intent hangs: the block's base fee is above what the first signature bids."""
    node = anvil_of(bench)
    node.request("evm_setAutomine", False)
    sender = Sender(bench.keeper, bench.reader, bench.intents, policy, poll=0.01)
    return sender, sender.submit("post:5", bench.counter, count_data(5))


def test_fees_are_bumped_until_the_transaction_lands(anvil_bench: Bench) -> None:
    sender, intent = _stuck(anvil_bench, FeePolicy(bump_blocks=1))
    node = anvil_of(anvil_bench)
    first = intent.signed[0]
    node.request("anvil_setNextBlockBaseFeePerGas", first.max_fee + 1)
    node.mine()
    sender.tick()
    node.mine()
    moved = _only(sender.tick())
    assert (moved.state, len(moved.signed), moved.nonce) == (IntentState.INCLUDED, 2, first.nonce)
    second = moved.signed[1]
    assert moved.landed == second.hash
    assert second.max_fee * 100 >= first.max_fee * 110
    assert second.priority_fee * 100 >= first.priority_fee * 110
    assert total_of(anvil_bench.reader, anvil_bench.counter) == 5


def test_bumps_stop_at_the_owners_cap(anvil_bench: Bench) -> None:
    sender, intent = _stuck(anvil_bench, FeePolicy(max_fee=3 * GWEI, max_priority=GWEI, bump_blocks=1))
    node = anvil_of(anvil_bench)
    for _ in range(6):
        node.request("anvil_setNextBlockBaseFeePerGas", 4 * GWEI)
        node.mine()
        sender.tick()
    held = sender.find("post:5")
    assert held is not None
    assert not held.state.terminal
    assert all(form.max_fee <= 3 * GWEI for form in held.signed)
    assert held.nonce == intent.nonce


def test_nothing_is_signed_while_the_base_fee_is_above_the_cap(anvil_bench: Bench) -> None:
    policy = FeePolicy(max_fee=GWEI // 100, max_priority=GWEI // 100)
    sender = Sender(anvil_bench.keeper, anvil_bench.reader, anvil_bench.intents, policy)
    intent = sender.submit("post:5", anvil_bench.counter, count_data(5))
    assert (intent.state, intent.signed, intent.reason) == (
        IntentState.PLANNED,
        (),
        "the base fee is above the owner's cap",
    )
    assert _only(anvil_bench.sender.tick()).state is IntentState.BROADCAST


def test_a_reorganisation_brings_an_included_action_back(anvil_bench: Bench) -> None:
    node = anvil_of(anvil_bench)
    intent = anvil_bench.sender.wait(anvil_bench.sender.submit("post:6", anvil_bench.counter, count_data(6)))
    node.request("evm_setAutomine", False)
    node.request("anvil_reorg", 1, [])
    node.request("anvil_dropAllTransactions")
    assert total_of(anvil_bench.reader, anvil_bench.counter) == 0
    assert _only(anvil_bench.sender.tick()).state is IntentState.BROADCAST
    node.mine()
    again = _only(anvil_bench.sender.tick())
    assert (again.state, again.landed, len(again.signed)) == (IntentState.INCLUDED, intent.landed, 1)
    assert again.block_hash != intent.block_hash
    assert total_of(anvil_bench.reader, anvil_bench.counter) == 6


def test_a_nonce_that_another_wallet_spent_ends_the_intent_and_a_retry_acts(anvil_bench: Bench) -> None:
    node = anvil_of(anvil_bench)
    node.request("evm_setAutomine", False)
    intent = anvil_bench.sender.submit("post:7", anvil_bench.counter, count_data(7))
    node.request("anvil_dropAllTransactions")
    other = IntentStore.open(anvil_bench.database.with_name("other.db"))
    Sender(anvil_bench.keeper, anvil_bench.reader, other).submit("x", anvil_bench.counter, count_data(1))
    node.mine(2)
    anvil_bench.sender.tick()
    waiting = anvil_bench.sender.find("post:7")
    assert waiting is not None
    assert waiting.state is IntentState.BROADCAST  # not final yet: a reorganisation may free the nonce
    assert "nonce too low" in (waiting.reason or "")
    node.mine(3)
    ended = _only(anvil_bench.sender.tick())
    assert ended.state is IntentState.REPLACED
    assert f"nonce {intent.nonce} was used by transaction" in (ended.reason or "")
    with pytest.raises(ChainError, match="was used by"):
        anvil_bench.sender.wait(ended)
    retried = anvil_bench.sender.retry(ended)
    node.mine()
    assert anvil_bench.sender.wait(retried).nonce == 1
    assert total_of(anvil_bench.reader, anvil_bench.counter) == 8


def test_a_sender_without_funds_waits_and_goes_on_when_funded(anvil_bench: Bench) -> None:
    node = anvil_of(anvil_bench)
    address = "0x" + anvil_bench.keeper.address.hex()
    node.request("anvil_setBalance", address, "0x1")
    intent = anvil_bench.sender.submit("post:8", anvil_bench.counter, count_data(8))
    assert intent.state is IntentState.SIGNED
    assert "insufficient funds" in (intent.reason or "").lower()
    with pytest.raises(WaitTimeout):
        anvil_bench.sender.wait(intent, timeout=0)
    node.request("anvil_setBalance", address, hex(10**20))
    assert anvil_bench.sender.wait(intent).ok is True


def test_two_senders_on_one_store_sign_an_intent_once(anvil_bench: Bench) -> None:
    node = anvil_of(anvil_bench)
    node.request("evm_setAutomine", False)
    twin = Sender(anvil_bench.keeper, anvil_bench.reader, IntentStore.open(anvil_bench.database))
    first = anvil_bench.sender.submit("post:1", anvil_bench.counter, count_data(1))
    assert twin.submit("post:1", anvil_bench.counter, count_data(1)).signed == first.signed
    assert twin.submit("post:2", anvil_bench.counter, count_data(1)).nonce == 1
    node.mine()
    assert len(anvil_bench.sender.tick()) == 2
    assert total_of(anvil_bench.reader, anvil_bench.counter) == 2


def test_a_chain_that_was_reset_is_told_and_not_guessed_at(any_bench: Bench, tmp_path: Path) -> None:
    old = IntentStore.open(tmp_path / "old.db")
    chain = any_bench.reader.chain_id
    intent, _ = old.plan(chain, any_bench.keeper.address, "old", any_bench.counter, b"", 0, 0)
    old.change(intent.id, nonce=41, state=IntentState.FINAL)
    with pytest.raises(ChainError, match="chain was reset"):
        Sender(any_bench.keeper, any_bench.reader, old).submit("new", any_bench.counter, count_data(1))


def test_a_dry_run_simulates_and_signs_nothing(any_bench: Bench) -> None:
    told: list[Intent] = []
    dry = DryRun(funded_accounts(3)[2].address, any_bench.reader, told.append)
    assert isinstance(dry, TransactionSender)
    assert isinstance(any_bench.sender, TransactionSender)
    intent = dry.submit("settle:1", any_bench.counter, count_data(9))
    assert dry.submit("settle:1", any_bench.counter, count_data(9)) is intent
    assert told == [dry.wait(intent)]
    with pytest.raises(Reverted, match="counter: too many"):
        dry.submit("settle:2", any_bench.counter, count_data(101))
    assert total_of(any_bench.reader, any_bench.counter) == 0
