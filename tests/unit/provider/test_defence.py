"""A provider before a court: it answers every demand by itself, in time, once; and says loudly where it cannot."""

from contextlib import suppress
from pathlib import Path
from shutil import rmtree

import pytest
from defence_bench import COIN, CURIOUS, Asked, DefenceBench, ExactWorkshop, follow, inputs_of
from structlog.testing import capture_logs

from stun.chains.interface import ChainError
from stun.disputes.seen import Seen
from stun.pool.envelopes import Kind as PoolKind
from stun.protocol.court import actions
from stun.protocol.court.state import Kind, Stage
from stun.protocol.errors import Rejected
from stun.protocol.graph.tensors import decode_tensor
from stun.protocol.parameters import NumericClass
from stun.provider.dashboard import take_snapshot
from stun.provider.docket import Fate
from stun.provider.executor import ProviderService
from stun.provider.runners.base import TaskOutput
from stun.storage.packages import results_of

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


@pytest.mark.parametrize("item", [0, 3, 99])
def test_every_kind_of_demand_is_answered_down_to_the_last_byte(
    asked: Asked, provider: ProviderService, item: int
) -> None:
    follow(asked, provider, asked.ask(asked.top()), item)
    for task in (0, 1, len(asked.inputs) - 1):
        follow(asked, provider, asked.ask(asked.trace(task)), item)
    kinds = asked.stages()
    assert set(kinds) >= {Kind.RESULTS, Kind.TRACE, Kind.OPERATORS, Kind.TENSOR, Kind.ROW}
    assert all(stages == {Stage.ANSWERED} for stages in kinds.values())
    assert not asked.convicted()


def test_a_tensor_with_more_leaves_than_an_answer_shows_is_opened_row_by_row(
    asked: Asked, provider: ProviderService
) -> None:
    asked.ask(asked.trace(1))
    provider.tick()
    for _ in range(4):
        for seen in [s for s in asked.seen if s.answered and s.demand.kind in (Kind.TRACE, Kind.OPERATORS)]:
            for item in range(seen.below.size):
                _ask_once(asked, seen, item)
        provider.tick()
    wide = [s for s in asked.seen if s.demand.kind is Kind.TENSOR and s.answered and s.below.level > 0]
    assert wide, "the long task has a tensor of more than 32 leaves"
    follow(asked, provider, asked.below(wide[0], 1), 5)
    assert asked.stages()[Kind.ROWS] == {Stage.ANSWERED}
    assert {len(stages) for stages in asked.stages().values()} == {1}


def _ask_once(asked: Asked, seen: Seen, item: int) -> None:
    """Ask about a node, unless somebody did."""
    with suppress(Rejected):
        asked.below(seen, item)


def test_an_answer_is_sent_in_the_cycle_that_sees_the_demand_and_only_once(
    bench: DefenceBench, asked: Asked, provider: ProviderService
) -> None:
    demand = asked.ask(asked.trace(2))
    for _ in range(5):
        provider.tick()
    answers = [key for key in bench.writers[asked.account].intents if key.startswith("provider:answer:")]
    assert len(answers) == 1
    assert bench.court.stage(demand) is Stage.ANSWERED
    assert provider.defence.waiting(bench.market.now()) == ()


def test_where_nothing_waits_no_events_are_read(bench: DefenceBench, asked: Asked, provider: ProviderService) -> None:
    for _ in range(3):
        provider.tick()
    assert bench.court.reads == 0


def test_demands_on_another_replica_or_of_another_batch_are_left_alone(
    bench: DefenceBench, asked: Asked, provider: ProviderService
) -> None:
    other = bench.exact_provider("other")
    theirs = bench.with_results(other, inputs_of(3))
    demand = theirs.ask(theirs.top())
    provider.tick()
    assert bench.court.stage(demand) is Stage.OPEN
    assert provider.context.journal.docket.entries(*Fate) == []
    other.tick()
    assert bench.court.stage(demand) is Stage.ANSWERED


def test_an_answer_that_somebody_else_brought_is_enough(
    bench: DefenceBench, asked: Asked, provider: ProviderService
) -> None:
    demand = asked.ask(asked.top())
    nodes = asked.tree.levels[1]
    with capture_logs() as logs:
        bench.court.act(actions.AnswerNodes(CURIOUS, demand, nodes))
        provider.tick()
    assert bench.writers[asked.account].intents == {}
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


def test_what_cannot_be_answered_is_told_with_the_time_left_and_tried_to_the_end(
    bench: DefenceBench, asked: Asked, provider: ProviderService
) -> None:
    provider.tick()
    provider.context.journal.drop_outputs(asked.batch_id)
    provider.close()
    provider = bench.exact_provider("honest")
    demand = asked.ask(asked.top())
    with capture_logs() as logs:
        provider.tick()
        [warning] = take_snapshot(provider, provider.tick()).demands
        bench.market.clock = demand.due - 1
        provider.tick()
        bench.market.clock = demand.due
        provider.tick()
    assert "does not hold the outputs" in warning.obstacle
    told = [entry["event"] for entry in logs if entry["log_level"] in ("warning", "error")]
    assert [name for name in told if "demand" in name] == [
        "demanded", "demand_not_answered", "demand_pressing", "demand_missed",
    ]  # fmt: skip
    assert not provider.context.journal.docket.entries(Fate.OPEN)


def test_an_answer_needs_no_store_after_a_restart(bench: DefenceBench, asked: Asked, provider: ProviderService) -> None:
    provider.tick()
    provider.close()
    rmtree(bench.folder / "store")
    again = bench.exact_provider("honest")
    demand = asked.ask(asked.trace(1))
    again.tick()
    assert bench.court.stage(demand) is Stage.ANSWERED


def test_a_wrong_result_is_not_handed_to_the_referee(bench: DefenceBench, tmp_path: Path) -> None:
    """A trace that ends in another output than was posted convicts of a wrong result, which costs more than silence."""

    def spoil(output: TaskOutput) -> TaskOutput:
        tensor = decode_tensor(output.output)
        return TaskOutput(output.output[:9] + bytes([tensor.data[0] ^ 1]) + output.output[10:], output.units)

    provider = bench.exact_provider("broken", workshop=ExactWorkshop(tmp_path / "spoiled", spoil))
    asked = bench.with_results(provider, inputs_of(2, 4))
    demand = asked.ask(asked.trace(0))
    with capture_logs() as logs:
        provider.tick()
    assert bench.court.stage(demand) is Stage.OPEN
    reasons = [entry["reason"] for entry in logs if entry["event"] == "demand_not_answered"]
    assert reasons == ["task 0 gives another output now than was posted"]


def test_a_failing_node_delays_an_answer_and_is_told(
    bench: DefenceBench, asked: Asked, provider: ProviderService
) -> None:
    writer = bench.court_writer(asked.account)
    demand = asked.ask(asked.top())
    writer.broken = ChainError("insufficient funds")
    provider.tick()
    assert [w.obstacle for w in provider.defence.waiting(bench.market.now())] == ["insufficient funds"]
    writer.broken = None
    provider.tick()
    assert bench.court.stage(demand) is Stage.ANSWERED
    assert len(writer.intents) == 1, "under the same key"


def test_an_account_without_native_coin_is_warned_at_its_start(bench: DefenceBench) -> None:
    provider = bench.exact_provider("poor")
    bench.court.purses[provider.context.account] = 0
    with capture_logs() as logs:
        cycle = provider.tick()
        provider.tick()
    assert [entry["event"] for entry in logs if entry["event"] == "purse_low"] == ["purse_low"]
    assert "coin" in take_snapshot(provider, cycle).warnings[-1]
    bench.court.purses[provider.context.account] = COIN
    bench.market.clock += 601
    assert take_snapshot(provider, provider.tick()).purse == ""


def test_a_node_that_hides_demands_is_noticed(bench: DefenceBench, asked: Asked, provider: ProviderService) -> None:
    demand = asked.ask(asked.top())
    bench.court.hidden.add(demand)
    with capture_logs() as logs:
        provider.tick()
    assert [entry["waiting"] for entry in logs if entry["event"] == "demands_hidden"] == [1]
    bench.court.hidden.clear()
    provider.tick()
    assert bench.court.stage(demand) is Stage.ANSWERED


def test_a_demand_that_a_reorganisation_undid_is_forgotten_and_answered_when_it_comes_again(
    bench: DefenceBench, asked: Asked, provider: ProviderService
) -> None:
    before = bench.court.state, bench.market.state, list(bench.court.log)
    first = asked.ask(asked.top())
    provider.tick()
    assert bench.court.stage(first) is Stage.ANSWERED
    bench.court.state, bench.market.state, bench.court.log = before
    bench.market.clock += 5
    again = asked.ask(asked.top())
    assert again != first
    provider.tick()
    assert bench.court.stage(again) is Stage.ANSWERED


def test_a_batch_of_another_class_answers_for_its_results(bench: DefenceBench) -> None:
    bench.model_id = bench.opaque_id
    provider = bench.provider("shouting")
    order = bench.order(1, [b"one", b"two", b"three"], challenge_seconds=600)
    batch_id = bench.open_batch(order, [provider])
    while not bench.pools.read(PoolKind.POST, batch_id=batch_id):
        provider.tick()
    bench.bring(batch_id)
    provider.tick()
    tree = results_of(provider.context.journal.outputs(batch_id), NumericClass.TOKEN)
    bench.court.act(actions.DemandTop(CURIOUS, COIN, batch_id, 0, *tree.levels[-1][0]))
    provider.tick()
    assert bench.court.open_demands(batch_id, 0) == 0


def test_without_a_key_the_owner_hears_of_demands(bench: DefenceBench, asked: Asked, provider: ProviderService) -> None:
    bench.writers[asked.account] = None  # type: ignore[assignment]
    asked.ask(asked.top())
    provider.context.courts._writer = None  # type: ignore[union-attr]
    with capture_logs() as logs:
        provider.tick()
    assert [entry["reason"] for entry in logs if entry["event"] == "demand_not_answered"] == [
        "no key is configured, so nothing is sent"
    ]
