"""Where an action breaks several rules at once, specification and contracts name the same one (found side by side)."""

from dataclasses import replace
from hashlib import sha256

import pytest
from evm_machines import RevmMachine
from market_run import Run
from market_scenes import answer, deliver, open_batch
from side_by_side import Tally

from stun.protocol.market import actions
from stun.protocol.parameters import MAX_PROVIDERS
from stun.protocol.trees.resolve import Resolution, prove_differences
from stun.protocol.trees.results import Top
from stun.protocol.trees.specs import Membership
from stun.protocol.trees.tags import CROWN, LEAF, NODE, PROVIDERS

pytestmark = pytest.mark.stateful


@pytest.fixture
def run() -> Run:
    made = Run(RevmMachine(), seed=1, tally=Tally())
    made.start()
    return made


def test_tasks_out_of_order_come_before_a_task_beyond_the_count(run: Run) -> None:
    plan = open_batch(run, [answer([1, 2, 3, 4]), answer([1, 2, 3, 5])])
    deliver(run, plan)
    trees = [a.tree for a in plan.answers if a.tree]
    shown = prove_differences(trees)
    wrong = Resolution((2**32 - 1, 3), shown.leaves * 2, shown.siblings)
    stranger = run.world.people.stranger
    assert run.act(actions.Resolve(stranger, plan.batch_id, wrong)) == "resolve: order"
    beyond = replace(wrong, tasks=(3, 2**32 - 1))
    assert run.act(actions.Resolve(stranger, plan.batch_id, beyond)) == "resolve: index"


def test_a_false_top_comes_before_a_wrong_signer(run: Run) -> None:
    plan = open_batch(run, [answer([1])], count=1)
    stranger = run.world.people.stranger
    false = Top(bytes(32), 1, bytes(32), 1)
    over = Top(bytes(32), 101, bytes(32), 0)
    assert run.act(actions.PostResult(stranger, plan.batch_id, false)) == "trees: top"
    assert run.act(actions.PostResult(stranger, plan.batch_id, over)) == "batches: signer"
    assert run.act(actions.PostResult(plan.terms.casts[0].provider, plan.batch_id, over)) == "batches: units"


@pytest.mark.parametrize(("count", "code"), [(MAX_PROVIDERS, None), (MAX_PROVIDERS + 1, "bids: list")])
def test_a_list_holds_at_most_as_many_providers_as_a_path_can_prove(run: Run, count: int, code: str | None) -> None:
    proposal = run.orders.propose(1)
    path = tuple(bytes([level]) * 32 for level in range((count - 1).bit_length()))
    node = sha256(PROVIDERS + LEAF + proposal.bids[0].bid.provider).digest()
    for sibling in path:
        node = sha256(PROVIDERS + NODE + node + sibling).digest()
    root = sha256(PROVIDERS + CROWN + count.to_bytes(4, "big") + node).digest()
    proposal.change(providers_root=root).change_bid(0, membership=Membership(0, count, path))
    assert run.act(run.orders.seal(proposal)) == code
