"""Nodes and a deployed counter for integration tests; anvil tests are skipped where anvil is not installed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stun.chains.evm.accounts import EvmAccount
from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.deployments import deploy
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.nodes import AnvilNode, Node, NodeUnavailable, anvil, anvil_binary, embedded_chain, funded_accounts
from stun.chains.evm.rpc import ChainReader, Finality
from stun.chains.evm.sender import Sender
from tests.support.evm_counter import counter_store


@dataclass(frozen=True, slots=True)
class Bench:
    """A node with a counter on it and what a sender needs."""

    node: Node
    reader: ChainReader
    intents: IntentStore
    sender: Sender
    keeper: EvmAccount
    counter: bytes
    database: Path


def anvil_of(bench: Bench) -> AnvilNode:
    """The bench's node, which has to be an anvil."""
    assert isinstance(bench.node, AnvilNode)
    return bench.node


@pytest.fixture(scope="session")
def counters(tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    return counter_store(tmp_path_factory.mktemp("counter"))


@pytest.fixture
def anvil_node() -> Iterator[AnvilNode]:
    try:
        anvil_binary()
    except NodeUnavailable as error:
        pytest.skip(str(error))
    with anvil() as node:
        yield node


def _bench(node: Node, counters: ArtifactStore, folder: Path, confirmations: int) -> Bench:
    owner, keeper = funded_accounts(2)
    reader = ChainReader([node.endpoint()], Finality(confirmations))
    setup = Sender(owner, reader, IntentStore.open(folder / "setup.db"), poll=0.01)
    counter = deploy(setup, reader, "Counter", (owner.address, 0), artifacts=counters).address
    database = folder / "intents.db"
    intents = IntentStore.open(database)
    return Bench(node, reader, intents, Sender(keeper, reader, intents, poll=0.01), keeper, counter, database)


@pytest.fixture
def anvil_bench(anvil_node: AnvilNode, counters: ArtifactStore, tmp_path: Path) -> Bench:
    return _bench(anvil_node, counters, tmp_path, confirmations=3)


@pytest.fixture(params=["embedded", "anvil"])
def any_bench(request: pytest.FixtureRequest, counters: ArtifactStore, tmp_path: Path) -> Bench:
    node = embedded_chain() if request.param == "embedded" else request.getfixturevalue("anvil_node")
    return _bench(node, counters, tmp_path, confirmations=3)
