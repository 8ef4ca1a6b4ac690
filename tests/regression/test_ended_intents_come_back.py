"""An intent that was final is sent again when the chain takes its end back, or when its receipt was a lie."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rpc_proxy import rpc_proxy

from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.deployments import deploy
from stun.chains.evm.endpoint import connect
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.nodes import AnvilNode, NodeUnavailable, anvil, anvil_binary, funded_accounts
from stun.chains.evm.revival import MAX_DEPTH, revive
from stun.chains.evm.rpc import ChainReader
from stun.chains.evm.sender import Sender
from stun.chains.interface import IntentState
from tests.support.evm_counter import count_data, counter_store, total_of

pytestmark = pytest.mark.integration
OWNER, KEEPER = funded_accounts(2)


@pytest.fixture(scope="module")
def counters(tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    return counter_store(tmp_path_factory.mktemp("counter"))


@pytest.fixture
def node() -> Iterator[AnvilNode]:
    try:
        anvil_binary()
    except NodeUnavailable as error:
        pytest.skip(str(error))
    with anvil() as started:
        yield started


@pytest.fixture
def counter(node: AnvilNode, counters: ArtifactStore, tmp_path: Path) -> bytes:
    reader = ChainReader([node.endpoint()])
    setup = Sender(OWNER, reader, IntentStore.open(tmp_path / "setup.db"), poll=0.01)
    return deploy(setup, reader, "Counter", (OWNER.address, 0), artifacts=counters).address


def _undo(node: AnvilNode, blocks: int) -> None:
    node.request("evm_setAutomine", False)
    node.request("anvil_reorg", blocks, [])
    node.request("anvil_dropAllTransactions")


def test_a_reorganisation_below_what_was_final_sends_all_of_it_again(
    node: AnvilNode, counter: bytes, tmp_path: Path
) -> None:
    reader = ChainReader([node.endpoint()])
    sender = Sender(KEEPER, reader, IntentStore.open(tmp_path / "keeper.db"), poll=0.01)
    for amount in (1, 2):
        sender.wait(sender.submit(f"count:{amount}", counter, count_data(amount)), IntentState.FINAL)
    _undo(node, 2)
    assert total_of(reader, counter) == 0

    assert [intent.state for intent in sender.tick()] == [IntentState.BROADCAST] * 2
    node.mine()
    assert [intent.state for intent in sender.tick()] == [IntentState.FINAL] * 2
    assert total_of(reader, counter) == 3
    assert reader.view().nonce(KEEPER.address) == 2


def test_a_new_act_after_it_waits_for_no_new_store(node: AnvilNode, counter: bytes, tmp_path: Path) -> None:
    reader = ChainReader([node.endpoint()])
    sender = Sender(KEEPER, reader, IntentStore.open(tmp_path / "keeper.db"), poll=0.01)
    sender.wait(sender.submit("count:1", counter, count_data(1)), IntentState.FINAL)
    _undo(node, 1)

    assert sender.submit("count:2", counter, count_data(2)).nonce == 1
    sender.tick()
    node.mine()
    sender.tick()
    assert total_of(reader, counter) == 3


def test_a_receipt_of_a_transaction_that_is_in_no_block_ends_nothing_for_long(
    node: AnvilNode, counter: bytes, tmp_path: Path
) -> None:
    honest = ChainReader([node.endpoint()])
    example = Sender(OWNER, honest, IntentStore.open(tmp_path / "owner.db"), poll=0.01)
    landed = example.wait(example.submit("count:1", counter, count_data(1)))
    receipt = node.request("eth_getTransactionReceipt", "0x" + (landed.landed or b"").hex())

    def lie(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any] | None:
        if request["method"] == "eth_sendRawTransaction":
            return answer | {"error": {"code": -32000, "message": "already known"}}
        if request["method"] == "eth_getTransactionReceipt":
            return answer | {"result": {**receipt, "transactionHash": request["params"][0]}}
        return answer

    node.request("evm_setAutomine", False)
    with rpc_proxy(node.url) as proxy:
        sender = Sender(KEEPER, ChainReader([connect(proxy.url)]), IntentStore.open(tmp_path / "keeper.db"), poll=0.01)
        proxy.meddle = lie
        intent = sender.submit("count:2", counter, count_data(2))
        assert sender.wait(intent, IntentState.FINAL).ok, "the lie was believed"
        node.request("anvil_dropAllTransactions")
        proxy.meddle = lambda _request, answer: answer
        assert [moved.state for moved in sender.tick()] == [IntentState.BROADCAST]
        node.mine()
        assert [moved.state for moved in sender.tick()] == [IntentState.FINAL]
    assert total_of(honest, counter) == 3


@pytest.mark.parametrize("above", [-1, MAX_DEPTH])
def test_a_lagging_node_and_a_chain_that_was_reset_revive_nothing(
    node: AnvilNode, counter: bytes, tmp_path: Path, above: int
) -> None:
    reader = ChainReader([node.endpoint()])
    store = IntentStore.open(tmp_path / "keeper.db")
    sender = Sender(KEEPER, reader, store, poll=0.01)
    ended = sender.wait(sender.submit("count:1", counter, count_data(1)), IntentState.FINAL)

    assert revive(store, ended.chain_id, KEEPER.address, 0, (ended.block_number or 0) + above) == []
    assert store.get(ended.id) == ended
