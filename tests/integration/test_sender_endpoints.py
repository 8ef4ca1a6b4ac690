"""The sender behind endpoints that lose answers, lie and lag: nothing is decided on contradictions."""

import pytest

from stun.chains.evm.endpoint import BlockRef, Call, Endpoint, Receipt
from stun.chains.evm.errors import EndpointsDisagree, Unreachable
from stun.chains.evm.rpc import ChainReader, Finality
from stun.chains.evm.sender import Sender
from stun.chains.interface import IntentState
from tests.integration.conftest import Bench, anvil_of
from tests.support.evm_counter import count_data, total_of

pytestmark = pytest.mark.integration


class _Shaky(Endpoint):
    """An endpoint that takes transactions and loses the answer, for the first `losses` of them."""

    losses = 1

    def send(self, raw: bytes) -> None:
        super().send(raw)
        if self.losses:
            self.losses -= 1
            raise Unreachable("answer lost")


class _Lying(Endpoint):
    """An endpoint that invents the results of calls and hides receipts."""

    def call(self, call: Call, block: BlockRef) -> bytes:
        return bytes(31) + b"\x63"

    def receipt(self, transaction: bytes) -> Receipt | None:
        return None


class _Lagging(Endpoint):
    """An endpoint that is some blocks behind: what is newer does not exist for it."""

    behind = 2

    def _top(self) -> int:
        return max(0, super().block("latest").number - self.behind)

    def block(self, which: int | str) -> BlockRef:
        return super().block(self._top() if which == "latest" else which)

    def receipt(self, transaction: bytes) -> Receipt | None:
        found = super().receipt(transaction)
        return found if found is not None and found.block_number <= self._top() else None


def test_a_lost_answer_to_a_broadcast_sends_nothing_twice(anvil_bench: Bench) -> None:
    shaky = _Shaky(anvil_of(anvil_bench).w3, "shaky")
    sender = Sender(anvil_bench.keeper, ChainReader([shaky]), anvil_bench.intents, poll=0.01)
    intent = sender.submit("post:3", anvil_bench.counter, count_data(3))
    assert intent.state is IntentState.SIGNED
    assert sender.wait(intent).signed == intent.signed
    assert anvil_bench.reader.view().nonce(anvil_bench.keeper.address) == 1
    assert total_of(anvil_bench.reader, anvil_bench.counter) == 3


def test_a_lying_endpoint_stops_the_decision_and_nothing_is_signed(anvil_bench: Bench) -> None:
    node = anvil_of(anvil_bench)
    reader = ChainReader([node.endpoint(), _Lying(node.w3, "lying")])
    with pytest.raises(EndpointsDisagree):
        total_of(reader, anvil_bench.counter)
    sender = Sender(anvil_bench.keeper, reader, anvil_bench.intents)
    with pytest.raises(EndpointsDisagree):
        sender.submit("post:0", anvil_bench.counter, count_data(0))
    held = sender.find("post:0")
    assert held is not None
    assert (held.state, held.signed) == (IntentState.PLANNED, ())


def test_an_endpoint_that_hides_a_receipt_ends_nothing(anvil_bench: Bench) -> None:
    node = anvil_of(anvil_bench)
    intent = anvil_bench.sender.submit("post:3", anvil_bench.counter, count_data(3))
    reader = ChainReader([node.endpoint(), _Lying(node.w3, "lying")], Finality(0))
    assert Sender(anvil_bench.keeper, reader, anvil_bench.intents).tick() == []
    held = anvil_bench.intents.get(intent.id)
    assert (held.state, len(held.signed)) == (IntentState.BROADCAST, 1)
    assert "disagree" in (held.reason or "")


def test_a_lagging_endpoint_is_no_reorganisation(anvil_bench: Bench) -> None:
    node = anvil_of(anvil_bench)
    included = anvil_bench.sender.wait(anvil_bench.sender.submit("post:3", anvil_bench.counter, count_data(3)))
    both = ChainReader([node.endpoint(), _Lagging(node.w3, "late")], Finality(3))
    late = ChainReader([_Lagging(node.w3, "late")], Finality(3))
    for reader in (both, late):
        assert Sender(anvil_bench.keeper, reader, anvil_bench.intents).tick() == []
        held = anvil_bench.intents.get(included.id)
        assert (held.state, held.block_hash, len(held.signed)) == (IntentState.INCLUDED, included.block_hash, 1)
