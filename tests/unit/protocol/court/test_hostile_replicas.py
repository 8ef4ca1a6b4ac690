"""Replicas that stall, lie or show two faces, and the limits of what may be asked of an honest one."""

from dataclasses import replace
from hashlib import sha256

import pytest
from court_batch import TASK_SECONDS, Work, honest, work_of
from court_cheats import TASK, skipped_layer
from court_hostile import THIEF, cheating_scene, conserved, rule
from court_scene import COIN, CourtScene, honest_scene, small_job
from fake_market import FAKE_STUN
from market_parties import parties

from stun.disputes.prosecution import next_step
from stun.disputes.seen import Seen
from stun.disputes.steps import AskBelow, AskTrace, Show
from stun.protocol.court import actions
from stun.protocol.court.evidence import Equivocation
from stun.protocol.court.state import Demand, Kind
from stun.protocol.messages import Commit
from stun.protocol.trees.results import Result, ResultsTree

pytestmark = pytest.mark.unit

# the staller


def test_answering_at_the_last_second_does_not_outlast_the_court() -> None:
    scene = cheating_scene()
    scene.travel(scene.market.batches[scene.batch_id].window_end - scene.chain.now - 1)
    for _ in range(20):
        found = next_step(scene.suspect(0, TASK), list(scene.seen.values()))
        if isinstance(found, Show):
            assert scene.show(found.evidence)
            break
        demand = getattr(found, "demand", None)
        if isinstance(demand, Demand):
            scene.travel(demand.due - 1 - scene.chain.now)
            scene.answer(demand)
            scene.travel(rule(scene, "follow_seconds") - 1)
        elif isinstance(found, AskTrace):
            scene.act(scene.ask_trace(0, TASK))
        else:
            assert isinstance(found, AskBelow)
            scene.act(actions.DemandBelow(scene.challenger, COIN, found.parent))
    assert scene.convicted == [(scene.providers[0], True)]


def test_a_first_demand_ends_with_the_window_and_one_that_follows_with_its_time() -> None:
    scene = cheating_scene()
    end = scene.market.batches[scene.batch_id].window_end
    scene.travel(end - scene.chain.now - 1)
    scene.act(scene.ask_trace(0, TASK))
    demand = next(iter(scene.seen))
    scene.travel(1)
    assert scene.refusal(scene.ask_trace(0, 0)) == "court: late"
    scene.answer(demand)
    found = next_step(scene.suspect(0, TASK), list(scene.seen.values()))
    follow = actions.DemandBelow(THIEF, COIN, found.parent)  # type: ignore[union-attr]
    scene.travel(rule(scene, "follow_seconds") - 1)
    assert scene.refusal(follow) is None
    scene.travel(1)
    assert scene.refusal(follow) == "court: late"


def test_a_chain_of_demands_has_an_end() -> None:
    job = small_job(300)
    scene = CourtScene(job, [honest(job.graph, job.inputs)])
    scene.act(scene.ask_top(0))
    links = rule(scene, "chain_max")
    demand = next(iter(scene.seen))
    long = replace(demand, links=links - 1)
    scene.court = replace(scene.court, demands={long: scene.court.demands[demand]})
    scene.record.demands = {long: Seen(long)}
    scene.answer(long)
    parent = scene.seen[long].parent(0)
    assert scene.refusal(actions.DemandBelow(THIEF, COIN, parent)) == "court: chain"


def test_every_further_open_demand_costs_more() -> None:
    scene = honest_scene()
    for task in range(3):
        scene.act(scene.ask_trace(0, task))
    deposits = [demand.deposit for demand in scene.seen]
    assert deposits == [deposits[0], 2 * deposits[0], 3 * deposits[0]]
    assert deposits[0] == rule(scene, "answer_floor_gwei") * 10**9 + 4 * rule(scene, "answer_gas") * scene.chain.basefee
    assert [demand.due - scene.chain.now for demand in scene.seen] == [
        rule(scene, "answer_seconds") + 2 * TASK_SECONDS * k for k in (1, 2, 3)
    ]
    short = replace(scene.ask_top(0), value=2 * deposits[0] - 1)
    assert scene.refusal(short) == "court: deposit"


def test_an_answer_is_due_before_its_deadline_and_convicts_from_it_on() -> None:
    scene = honest_scene()
    scene.act(scene.ask_top(0))
    demand = next(iter(scene.seen))
    scene.travel(demand.due - 1 - scene.chain.now)
    assert scene.refusal(actions.ExpireDemand(THIEF, demand)) == "court: early"
    scene.travel(1)
    with pytest.raises(Exception, match="court: late"):
        scene.answer(demand)
    before = scene.market.balances.get((FAKE_STUN, demand.asker), 0)
    scene.act(actions.ExpireDemand(THIEF, demand))
    assert scene.convicted == [(scene.providers[0], False)]
    assert scene.court.credits[demand.asker] >= demand.deposit
    min_bond = 1_000
    assert scene.market.balances[FAKE_STUN, demand.asker] - before == min_bond // 8
    assert scene.refusal(actions.ExpireDemand(THIEF, demand)) == "court: answered"
    assert conserved(scene)


# the liar


def test_only_the_provider_or_its_operator_commits_to_a_trace() -> None:
    scene = honest_scene()
    scene.act(scene.ask_trace(0, TASK))
    demand = next(iter(scene.seen))
    nodes = tuple((sha256(b"%d" % i).digest(), 0) for i in range(10))
    forged = actions.AnswerTrace(THIEF, demand, nodes, bytes(32))
    assert scene.refusal(forged) == "court: signer"
    operator = parties().operators[0]
    scene.market = replace(scene.market, operators={scene.providers[0]: operator})
    assert scene.refusal(replace(forged, sender=operator)) is None


def test_anybody_may_bring_a_true_answer_and_nobody_a_false_one() -> None:
    scene = honest_scene()
    scene.act(scene.ask_top(0))
    demand = next(iter(scene.seen))
    tree = ResultsTree(scene.works[0].results)
    true = tuple((r.output_digest, r.units) for r in tree.results)
    false = [
        (true[:-1], "court: nodes"),
        ((*true, true[-1]), "court: nodes"),
        ((*true[:-1], (true[-1][0], true[-1][1] + 1)), "court: opening"),
        ((*true[:-1], (bytes(32), true[-1][1])), "court: opening"),
        ((true[1], true[0], true[2]), "court: opening"),
        ((*true[:-1], (true[-1][0], -1)), "court: nodes"),
        ((*true[:-1], (true[-1][0][:31], 1)), "court: nodes"),
    ]
    for nodes, code in false:
        assert scene.refusal(actions.AnswerNodes(scene.providers[0], demand, nodes)) == code
    assert scene.refusal(actions.AnswerRow(THIEF, demand, b"")) == "court: kind"
    other = replace(demand, due=demand.due + 1)
    assert scene.refusal(actions.AnswerNodes(THIEF, other, true)) == "court: unknown"
    scene.act(actions.AnswerNodes(THIEF, demand, true))
    assert scene.refusal(actions.AnswerNodes(THIEF, demand, true)) == "court: answered"


def test_a_tree_whose_sums_do_not_add_up_cannot_be_answered() -> None:
    """The top claims units that its children do not have: no resolve could ever use it, but a demand ends it."""
    scene = honest_scene()
    tree = ResultsTree(scene.works[0].results)
    _, units = tree.levels[-1][0]
    demand = replace(scene.ask_top(0), units=units + 1)
    assert scene.refusal(demand) == "court: root"
    job = small_job(17)
    work = honest(job.graph, job.inputs)
    inflated = Work(work.outputs, (*work.results[:-1], Result(work.results[-1].output_digest, 90)))
    garbage = CourtScene(job, [inflated])
    garbage.works = [work]  # what it keeps does not open what it posted
    action = actions.DemandTop(
        garbage.challenger, COIN, garbage.batch_id, 0, *ResultsTree(inflated.results).levels[-1][0]
    )
    garbage.act(action)
    asked = next(iter(garbage.seen))
    true = ResultsTree(work.results)
    nodes = true.levels[1]
    assert garbage.refusal(actions.AnswerNodes(THIEF, asked, nodes)) == "court: opening"
    garbage.travel(asked.due - garbage.chain.now)
    garbage.act(actions.ExpireDemand(THIEF, asked))
    assert garbage.convicted == [(garbage.providers[0], False)]


@pytest.mark.parametrize("tasks", [17, 300])
def test_withheld_results_are_demanded_down_to_the_task(tasks: int) -> None:
    job = small_job(tasks)
    task = tasks - 2
    work = honest(job.graph, job.inputs)
    outputs = [work.outputs(i) for i in range(tasks)]
    outputs[task] = skipped_layer(job.graph, job.inputs[task])
    scene = CourtScene(job, [work_of(job.graph, outputs)])
    scene.act(scene.ask_top(0))
    while True:
        asked = list(scene.seen)[-1]
        scene.answer(asked)
        seen = scene.seen[asked]
        item = next(
            i
            for i in range(len(seen.nodes))
            if (seen.below.first + i) << seen.below.level <= task < (seen.below.first + i + 1) << seen.below.level
        )
        if seen.below.level == 0:
            scene.act(scene.ask_trace(0, task, seen.parent(item)))
            break
        scene.act(actions.DemandBelow(scene.challenger, COIN, seen.parent(item)))
    assert scene.prosecute(0, task) == "BadStep"
    kinds = [demand.kind for demand in scene.seen]
    assert kinds.count(Kind.RESULTS) == (2 if tasks == 17 else 3)


# two faces


def test_two_signed_commitments_convict_in_any_phase() -> None:
    scene = honest_scene(replicas=2)
    provider = scene.providers[1]
    first, second = (Commit(scene.batch_id, provider, sha256(b"%d" % i).digest()) for i in (1, 2))
    stranger = Equivocation(scene.batch_id, 1, first, provider, second, THIEF)
    same = Equivocation(scene.batch_id, 1, first, provider, first, provider)
    other = Equivocation(scene.batch_id, 0, first, provider, second, provider)
    for sham in (stranger, other):
        scene.act(scene.announcement(sham))
        assert scene.refusal(scene.opening(sham)) == "court: commit"
    assert not scene.show(same)
    assert scene.show(Equivocation(scene.batch_id, 1, first, provider, second, provider))
    assert scene.convicted == [(provider, True)]


def test_one_trace_is_demanded_once() -> None:
    scene = honest_scene()
    scene.act(scene.ask_trace(0, TASK))
    assert scene.refusal(scene.ask_trace(0, TASK)) == "court: repeated"
    scene.answer(next(iter(scene.seen)))
    assert scene.refusal(scene.ask_trace(0, TASK)) == "court: repeated"


def test_native_coin_is_taken_out_once() -> None:
    scene = honest_scene()
    scene.act(scene.ask_top(0))
    assert scene.refusal(actions.TakeCredit(scene.challenger, bytes(32))) == "court: receiver"
    scene.act(actions.TakeCredit(scene.challenger, scene.challenger))
    assert scene.refusal(actions.TakeCredit(scene.challenger, scene.challenger)) == "court: nothing"
    assert conserved(scene)
