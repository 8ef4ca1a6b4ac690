"""A demand that looked missed is answered if there is time after all; and no order comes before an answer.

Once it was marked as missed a demand was looked at no more, so that a block of a later time, which a reorganisation or
one node's invention took back, ended in a conviction of silence. And orders, whose stores may hang, were read first.
"""

from pathlib import Path

import pytest
from defence_bench import DefenceBench

from stun.chains.interface import ChainError
from stun.protocol.court.state import Stage
from stun.provider.docket import Fate
from stun.provider.executor import ProviderService

pytestmark = pytest.mark.unit


@pytest.fixture
def bench(tmp_path: Path) -> DefenceBench:
    return DefenceBench(tmp_path)


@pytest.fixture
def provider(bench: DefenceBench) -> ProviderService:
    return bench.exact_provider("honest")


def test_a_demand_that_a_wrong_time_made_look_missed_is_answered(
    bench: DefenceBench, provider: ProviderService
) -> None:
    asked = bench.with_results(provider)
    demand, true_time = asked.ask(asked.top()), bench.market.clock
    writer = bench.court_writer(provider.context.account)
    writer.broken = ChainError("the node is away")
    provider.tick()
    bench.market.clock = demand.due
    provider.tick()
    assert [entry.fate for entry in provider.context.journal.docket.entries(*Fate)] == [Fate.MISSED]

    bench.market.clock, writer.broken = true_time, None
    provider.tick()

    assert bench.court.stage(demand) is Stage.ANSWERED


def test_a_demand_is_answered_before_any_order_is_read(
    bench: DefenceBench, provider: ProviderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = bench.with_results(provider)
    demand, stages = asked.ask(asked.top()), []
    monkeypatch.setattr(provider.bidder, "answer_all", lambda: stages.append(bench.court.stage(demand)))

    provider.tick()

    assert stages == [Stage.ANSWERED]
