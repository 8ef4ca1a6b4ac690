"""Bringing a market onto a chain: foretold, once, whole, also after a crash, and never over another one's record."""

from pathlib import Path

import pytest

from stun.chains.evm.accounts import EvmAccount
from stun.chains.evm.errors import Reverted
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.launch import Launch, LaunchRefused, PersistentSender, rehearse
from stun.chains.evm.market_deploy import development_plan, production_plan
from stun.chains.evm.nodes import AnvilNode, Node, embedded_chain, funded_accounts
from stun.chains.evm.rpc import ChainReader, Finality
from stun.chains.evm.verified_market import inspect_market
from tests.integration.conftest import Bench
from tests.support.evm_counter import count_data

pytestmark = pytest.mark.integration


@pytest.fixture(params=["embedded", "anvil"])
def node(request: pytest.FixtureRequest) -> Node:
    return embedded_chain() if request.param == "embedded" else request.getfixturevalue("anvil_node")


@pytest.fixture
def deployer() -> EvmAccount:
    return funded_accounts(1)[0]


def _launch(node: Node, folder: Path, name: str = "testing") -> Launch:
    return Launch(name, ChainReader([node.endpoint()]), development_plan(), folder)


class _Crash(BaseException):
    """The process ends here."""


class _Crasher:
    def __init__(self, line: str) -> None:
        self.line = line

    def __call__(self, told: str) -> None:
        if told == self.line:
            raise _Crash(told)


def test_what_was_foretold_is_what_comes_also_with_crashes_between(
    node: Node, deployer: EvmAccount, tmp_path: Path
) -> None:
    launch = _launch(node, tmp_path)
    foretold = launch.steps(deployer.address)
    assert not any(tmp_path.iterdir()), "a plan writes nothing"
    assert [step.nonce for step in foretold] == list(range(len(foretold)))
    for line in ("deploying StunToken", "deploying Marketplace", "Config.list_asset usdc", "Reputation.set_recorder"):
        with pytest.raises(_Crash):
            launch.run(deployer, _Crasher(line))
        assert not launch.path.exists()
    told: list[str] = []
    file = launch.run(deployer, told.append)
    created = {step.contract: step.created for step in foretold if step.created is not None}
    assert {name: file.address(name) for name in file.contracts} == created
    assert [(call.contract, call.function) for call in file.calls] == [
        (step.contract, step.function) for step in foretold if step.function is not None
    ]
    assert launch.reader.view().nonce(deployer.address) == len(foretold), "nothing was sent twice"
    assert all(step.done for step in launch.steps(deployer.address))
    content = launch.path.read_bytes()
    assert launch.run(deployer, told.append) == file
    assert launch.path.read_bytes() == content
    assert told[-1] == "everything was done before"
    assert launch.reader.view().nonce(deployer.address) == len(foretold)
    outcome = inspect_market(file, launch.reader)
    assert (outcome.mismatches, outcome.unproven) == ((), ())


def test_the_record_of_another_deployment_is_never_overwritten(
    anvil_node: AnvilNode, deployer: EvmAccount, tmp_path: Path
) -> None:
    launch = _launch(anvil_node, tmp_path)
    first = launch.run(deployer, lambda _: None)
    content = launch.path.read_bytes()
    newcomer = funded_accounts(2)[1]
    with pytest.raises(LaunchRefused, match="another deployment"):
        launch.run(newcomer, lambda _: None)
    assert launch.path.read_bytes() == content
    assert launch.reader.view().nonce(newcomer.address) == 0
    assert not any(step.done for step in launch.steps(deployer.address, anew=True))
    launch.forget()
    assert list(launch.path.parent.iterdir()) == []
    again = launch.run(deployer, lambda _: None)
    assert not {item.address for item in first.contracts.values()} & {i.address for i in again.contracts.values()}


def test_it_waits_until_everything_is_final(anvil_node: AnvilNode, deployer: EvmAccount, tmp_path: Path) -> None:
    reader = ChainReader([anvil_node.endpoint()], Finality(confirmations=2))
    launch = Launch("final", reader, development_plan(), tmp_path)

    def mine_at_the_end(told: str) -> None:
        if told.startswith("waiting"):
            anvil_node.mine(3)

    file = launch.run(deployer, mine_at_the_end)
    newest = reader.view().block.number
    assert max(item.block for item in file.contracts.values()) + 2 <= newest
    assert IntentStore.open(launch.database).open_intents(reader.chain_id, deployer.address) == []


def test_a_production_plan_hands_every_role_over(anvil_node: AnvilNode, deployer: EvmAccount, tmp_path: Path) -> None:
    reader = ChainReader([anvil_node.endpoint()])
    coin = _launch(anvil_node, tmp_path, "coin").run(deployer, lambda _: None).contracts["Usdc6"].address
    owner = funded_accounts(2)[1]
    with pytest.raises(LaunchRefused, match="no token at 0x1111"):
        Launch("main", reader, production_plan("0x" + "11" * 20, owner.address), tmp_path).steps(deployer.address)
    launch = Launch("main", reader, production_plan(coin, owner.address), tmp_path)
    file = launch.run(deployer, lambda _: None)
    outcome = inspect_market(file, reader)
    assert outcome.mismatches == ()
    pending = [doubt.split(":")[0] for doubt in outcome.unproven if "has not accepted the ownership" in doubt]
    assert pending == ["StunToken", "Config", "Staking", "Reputation", "Marketplace"]
    assert "Usdc6" not in file.contracts


def test_a_rehearsal_tells_the_gas_of_every_step(deployer: EvmAccount) -> None:
    gas = rehearse(development_plan())
    reader = ChainReader([embedded_chain().endpoint()])
    steps = Launch("gas", reader, development_plan()).steps(deployer.address)
    assert len(gas) == len(steps)
    by_name = dict(zip([(step.contract, step.function) for step in steps], gas, strict=True))
    assert by_name["Marketplace", None] > by_name["Reputation", None] > by_name["Staking", "set_slasher"] > 21_000


def test_what_failed_in_an_earlier_run_is_sent_once_more(any_bench: Bench, tmp_path: Path) -> None:
    intents = IntentStore.open(tmp_path / "launch.db")
    sender = PersistentSender(any_bench.keeper, any_bench.reader, intents, poll=0.01)
    for _ in range(2):
        with pytest.raises(Reverted, match="counter: zero"):
            sender.submit("fails", any_bench.counter, count_data(0))
    done = sender.wait(sender.submit("works", any_bench.counter, count_data(5)))
    assert sender.submit("works", any_bench.counter, count_data(5)).landed == done.landed
    assert any_bench.reader.view().nonce(any_bench.keeper.address) == 1
