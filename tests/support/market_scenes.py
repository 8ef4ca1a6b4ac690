"""Batches brought to a chosen state on both sides, for tests that need one in particular."""

from dataclasses import replace

from market_plans import Answer, Plan
from market_run import Run

from stun.protocol.market import actions
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import Result, ResultsTree


def answer(units: list[int], salt: int = 0) -> Answer:
    """Return an answer with these units by task; other salts give other outputs."""
    tree = ResultsTree(Result(bytes([salt, task]) * 16, used) for task, used in enumerate(units))
    return Answer(tree.top, tree)


def open_batch(
    run: Run, answers: list[Answer], count: int = 4, numeric_class: NumericClass = NumericClass.EXACT
) -> Plan:
    """Open a batch of `count` tasks of 100 units with one replica for each answer."""
    proposal = run.orders.propose(len(answers), numeric_class)
    proposal.change(count=count, max_units=100, post_seconds=900, task_seconds=10, challenge_seconds=300)
    proposal.change(flags=0, tip=9)
    match = run.orders.seal(proposal)
    assert run.act(match) is None
    batch_id = match.order.digest(run.world.market.domain)
    run.plans[batch_id] = replace(run.plans[batch_id], answers=tuple(answers))
    return run.plans[batch_id]


def post(run: Run, plan: Plan) -> None:
    """The lone provider posts."""
    provider = plan.terms.casts[0].provider
    assert run.act(actions.PostResult(provider, plan.batch_id, plan.answers[0].top)) is None


def commit(run: Run, plan: Plan, replicas: list[int]) -> None:
    """Some providers commit."""
    casts = plan.terms.casts
    signed = tuple(actions.SignedCommit(k, plan.commitment(k), casts[k].provider) for k in replicas)
    assert run.act(actions.Deliver(run.world.people.stranger, plan.batch_id, signed)) is None


def reveal(run: Run, plan: Plan, replicas: list[int]) -> None:
    """Some providers reveal."""
    opened = tuple(actions.Reveal(k, plan.answers[k].top, plan.salt(k)) for k in replicas)
    assert run.act(actions.Deliver(run.world.people.stranger, plan.batch_id, (), opened)) is None


def deliver(run: Run, plan: Plan) -> None:
    """Bring the batch to its results."""
    if len(plan.answers) == 1:
        post(run, plan)
        return
    everybody = list(range(len(plan.answers)))
    commit(run, plan, everybody)
    reveal(run, plan, everybody)
