"""What a court owes a provider after sham demands: claimed once the batch is over, where it is worth the fees."""

from pathlib import Path

import pytest
from defence_bench import Asked, DefenceBench
from provider_bench import Party

from stun.protocol.court.state import Stage
from stun.protocol.messages import Operator
from stun.provider.docket import Fate
from stun.provider.executor import ProviderService

pytestmark = pytest.mark.unit


@pytest.fixture
def bench(tmp_path: Path) -> DefenceBench:
    return DefenceBench(tmp_path)


@pytest.fixture
def provider(bench: DefenceBench) -> ProviderService:
    return bench.exact_provider("honest")


@pytest.fixture
def asked(bench: DefenceBench, provider: ProviderService) -> Asked:
    return bench.with_results(provider)


def _end(bench: DefenceBench, provider: ProviderService, asked: Asked) -> None:
    """Let the batch end, and ten minutes pass several times."""
    for _ in range(8):
        bench.market.clock += 600
        provider.tick()
    assert bench.market.batch(asked.batch_id) is None
    assert not asked.convicted()


def test_sham_demands_by_the_dozen_at_once_are_all_answered_and_their_deposits_taken(
    bench: DefenceBench, asked: Asked, provider: ProviderService
) -> None:
    demands = [asked.ask(asked.top()), *(asked.ask(asked.trace(task)) for task in range(len(asked.inputs)))]
    provider.tick()
    assert {bench.court.stage(demand) for demand in demands} == {Stage.ANSWERED}
    _end(bench, provider, asked)
    owed = sum(demand.deposit for demand in demands)
    taken = [e.fields["amount"] for e in bench.court.log if e.name == "CreditTaken"]
    assert {bench.court.stage(demand) for demand in demands} == {Stage.CLOSED}
    assert sum(taken) + bench.court.credit(asked.account) == owed
    assert sum(taken) > 0


def test_a_deposit_that_is_not_worth_its_fees_stays(
    bench: DefenceBench, asked: Asked, provider: ProviderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand = asked.ask(asked.top())
    provider.tick()
    dear = bench.court.defence_costs()
    monkeypatch.setattr(bench.court, "defence_costs", lambda: type(dear)(dear.answer, demand.deposit, dear.take))
    _end(bench, provider, asked)
    assert bench.court.stage(demand) is Stage.ANSWERED
    assert provider.context.journal.docket.entries(Fate.ANSWERED)


def test_only_the_account_itself_takes_credit_out(bench: DefenceBench) -> None:
    owner, hand = Party(bench.market, "owner").fund(), Party(bench.market, "hand")
    expires = bench.market.now() + 600
    owner.writer.set_operator("name", Operator(owner.account, hand.account, 0, expires))
    provider = bench.exact_provider("owner", party=hand, account=owner.account)
    asked = bench.with_results(provider)
    demand = asked.ask(asked.trace(0))
    provider.tick()
    assert bench.court.stage(demand) is Stage.ANSWERED, "an operator may answer"
    _end(bench, provider, asked)
    assert bench.court.credit(owner.account) == demand.deposit
