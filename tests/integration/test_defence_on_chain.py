"""An honest provider before the deployed court: asked for everything, killed at every step, and never convicted."""

from collections.abc import Callable, Iterator

import pytest
from defence_bench import follow, inputs_of
from defence_chain import DefenceChain
from dispute_chain import DisputeChain, dispute_chain
from scene_court import Crash

from scripts.bench.gas_chain import gas_chain
from stun.chains.court import DefenceCosts
from stun.chains.evm import court
from stun.protocol.court.state import Kind, Stage
from stun.protocol.market.state import ReplicaState
from stun.provider.executor import ProviderService

pytestmark = pytest.mark.integration

STEPS = ("demand", "answer:begin", "planned", "simulated", "signed", "sent", "broadcast", "answer:end", "included")


@pytest.fixture(scope="module")
def disputes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DisputeChain]:
    with gas_chain() as chain:
        yield dispute_chain(chain, tmp_path_factory.mktemp("blobs"))


@pytest.fixture(scope="module")
def network(disputes: DisputeChain, tmp_path_factory: pytest.TempPathFactory) -> DefenceChain:
    """One provider's folder for all tests, as its account has one journal."""
    return DefenceChain(disputes, tmp_path_factory.mktemp("provider"))


def test_demands_of_every_kind_are_answered_and_the_honest_provider_is_paid(
    network: DefenceChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(court, "DEFENCE_GAS", DefenceCosts(1, 1, 1))
    provider = network.provider()
    account, stun = provider.context.account, network.market.stun
    before = network.market.balance(stun, account)
    asked = network.with_results(provider)
    follow(asked, provider, asked.ask(asked.top()), 1)
    for task, item in ((0, 0), (1, 99)):
        follow(asked, provider, asked.ask(asked.trace(task)), item)
    assert set(asked.stages()) >= {Kind.RESULTS, Kind.TRACE, Kind.OPERATORS, Kind.TENSOR, Kind.ROW}
    assert {stage for stages in asked.stages().values() for stage in stages} == {Stage.ANSWERED}
    network.end(provider, asked)
    assert not asked.convicted()
    assert network.market.balance(stun, account) > before, "its bond is back and its work is paid"
    owed = sum(seen.demand.deposit for seen in asked.seen)
    _tick(provider)
    assert {stage for stages in asked.stages().values() for stage in stages} == {Stage.CLOSED}
    taken = [event.fields["amount"] for event in asked.bench.court.log if event.name == "CreditTaken"]
    assert sum(taken) + network.disputes.court.credit(account) == owed
    provider.close()


def _tick(provider: ProviderService) -> None:
    for _ in range(3):
        provider.tick()


def test_killed_at_any_step_of_an_answer_it_answers_once_when_it_is_back(network: DefenceChain) -> None:
    provider = network.provider()
    asked = network.with_results(provider, inputs_of(len(STEPS), 4))
    provider.close()
    for task, step in enumerate(STEPS):
        demand = asked.ask(asked.trace(task))
        sent = network.sent
        dying = network.provider(_killer(step))
        with pytest.raises(Crash, match=step):
            _tick(dying)
        dying.close()
        again = network.provider()
        _tick(again)
        again.close()
        assert asked.bench.court.stage(demand) is Stage.ANSWERED, step
        assert network.sent == sent + 1, f"{step}: one transaction, whichever life sent it"
    record = network.market.batch(asked.batch_id)
    assert record is not None
    assert record.states == (ReplicaState.REVEALED,)


def _killer(step: str) -> Callable[[str], None]:
    def kill(name: str) -> None:
        if name == step:
            raise Crash(name)

    return kill
