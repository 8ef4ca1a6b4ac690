"""What the settler decides, whatever pools say about a batch and whenever it looks."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keeper_world import STUN, KeeperWorld, account, results

from keepers.jobs.evidence import Evidence
from keepers.jobs.facts import FactBook
from keepers.services.profit import ProfitRule
from keepers.services.settler import decide
from keepers.services.settler_state import (
    BringDelivery,
    BringPost,
    BringResolution,
    CallTime,
    OpenBatch,
    SettleBatch,
    SettlerAction,
    SettlerPolicy,
    SettlerState,
)
from keepers.services.turns import Turns
from stun.chains.market import Opening, Sealed
from stun.protocol.market import actions
from stun.protocol.market.state import ReplicaState
from stun.protocol.trees.results import ResultsTree

pytestmark = pytest.mark.unit
KEEPER = account("settler")
AT_ONCE = SettlerPolicy(margin=20, turns=Turns(slot_seconds=0))


def known_batch(world: KeeperWorld, batch_id: bytes, trees: dict[int, ResultsTree] | None = None) -> OpenBatch:
    """The batch as a settler reads it now."""
    record, terms, now = world.market.batch(batch_id), world.terms(batch_id), world.market.clock
    assert record is not None
    claims = {
        k: (replica.outputs_root, replica.total_units)
        for k, replica in enumerate(world.market.state.batches[batch_id].replicas)
        if replica.state == ReplicaState.REVEALED
    }
    evidence = Evidence(world.pools, FactBook(world.market, 0), world.market.domain)
    return OpenBatch(
        record,
        terms,
        claims,
        evidence.commits(batch_id, terms, now),
        evidence.posts(batch_id, terms, now),
        evidence.openings(batch_id, terms, now),
        trees or {},
    )


def decided(world: KeeperWorld, known: OpenBatch, policy: SettlerPolicy = AT_ONCE) -> list[SettlerAction]:
    state = SettlerState(KEEPER, world.market.domain, world.market.stun, [known], policy)
    return decide(state, world.market.clock)


def action_of(world: KeeperWorld, action: SettlerAction) -> actions.Action:
    """The specification's action, with signatures read by the market in memory."""
    match action:
        case BringPost(batch_id, top, _):
            return actions.PostResult(KEEPER, batch_id, top, world.terms(batch_id).casts[0].provider)
        case BringDelivery(batch_id, commits, openings):
            return deliver(world, batch_id, commits, openings)
        case CallTime(batch_id):
            return actions.Expire(KEEPER, batch_id)
        case SettleBatch(batch_id, root, units):
            return actions.Settle(KEEPER, batch_id, root, units)
        case BringResolution(batch_id, resolution):
            return actions.Resolve(KEEPER, batch_id, resolution)


def deliver(
    world: KeeperWorld, batch_id: bytes, commits: tuple[Sealed, ...], openings: tuple[Opening, ...]
) -> actions.Action:
    casts = world.terms(batch_id).casts
    signed = tuple(actions.SignedCommit(c.replica, c.commitment, casts[c.replica].provider) for c in commits)
    return actions.Deliver(KEEPER, batch_id, signed, tuple(actions.Reveal(o.replica, o.top, o.salt) for o in openings))


def run(world: KeeperWorld, known: OpenBatch, policy: SettlerPolicy = AT_ONCE) -> list[SettlerAction]:
    """Decide and do it; Rejected if the contract would refuse."""
    chosen = decided(world, known, policy)
    for action in chosen:
        world.market.apply(action_of(world, action))
    return chosen


STEPS = st.tuples(
    st.integers(0, 2), st.sampled_from(["commit", "other commit", "open", "forge", "post"]), st.integers(0, 45)
)


@given(count=st.integers(1, 3), steps=st.lists(STEPS, min_size=1, max_size=12), seeds=st.lists(
    st.sampled_from(["honest", "honest", "wrong"]), min_size=3, max_size=3))  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_every_action_is_one_that_the_contract_takes_and_the_batch_ends(
    count: int, steps: list[Any], seeds: list[str]
) -> None:
    world = KeeperWorld()
    batch_id = world.open_batch(range(count))
    trees = [results(seed, differing=() if seed == "honest" else (1,)) for seed in seeds]
    for number, what, pause in steps:
        number %= count
        if batch_id not in world.market.state.batches:
            break
        publish(world, number, what, batch_id, trees[number])
        run(world, known_batch(world, batch_id))
        world.market.clock += pause
    for _ in range(12):
        if batch_id not in world.market.state.batches:
            return
        run(world, known_batch(world, batch_id, dict(enumerate(trees[:count]))))
        world.market.clock += 60
    assert batch_id not in world.market.state.batches, "a batch that nobody ends"


def publish(world: KeeperWorld, number: int, what: str, batch_id: bytes, tree: ResultsTree) -> None:
    if what == "commit":
        world.publish_commit(number, batch_id, tree)
    elif what == "other commit":
        world.publish_commit(number, batch_id, results("other", differing=(2,)))
    elif what == "open":
        world.publish_opening(number, batch_id, tree)
    elif what == "forge":
        world.publish_opening(number, batch_id, results("forged", units=2**40))
    else:
        world.publish_post(number, batch_id, tree)


def test_all_commitments_and_openings_go_in_one_transaction() -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1, 2])
    tree = results("honest")
    world.publish_commit(0, batch_id, tree)
    world.publish_commit(1, batch_id, tree)
    world.publish_opening(0, batch_id, tree)
    assert decided(world, known_batch(world, batch_id)) == [], "brought before all were there"
    world.publish_commit(2, batch_id, tree)
    world.publish_opening(1, batch_id, tree)
    world.publish_opening(2, batch_id, tree)
    [action] = run(world, known_batch(world, batch_id))
    assert isinstance(action, BringDelivery)
    assert (len(action.commits), len(action.openings)) == (3, 3)


def test_near_a_deadline_what_there_is_is_brought() -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    tree = results("honest")
    world.publish_commit(0, batch_id, tree)
    world.publish_opening(0, batch_id, tree)
    world.market.clock += 79
    assert decided(world, known_batch(world, batch_id)) == []
    world.market.clock += 1  # 100 seconds to post, 20 of margin
    [action] = run(world, known_batch(world, batch_id))
    assert isinstance(action, BringDelivery)
    assert action.openings == (), "revealed before all had committed"
    assert [commit.replica for commit in action.commits] == [0]
    world.market.clock += 20  # the silent one is out; the other may reveal
    [action] = run(world, known_batch(world, batch_id))
    assert isinstance(action, BringDelivery)
    assert [opening.replica for opening in action.openings] == [0]


def test_a_commitment_that_is_opened_goes_before_one_that_is_not() -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    tree = results("honest")
    world.publish_commit(0, batch_id, results("never opened", differing=(0,)))
    world.reveal_all(batch_id, {0: tree, 1: tree})
    [action] = run(world, known_batch(world, batch_id))
    assert isinstance(action, BringDelivery)
    assert len(action.openings) == 2


def test_a_disagreement_is_resolved_where_the_results_are_known() -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    trees = {0: results("honest"), 1: results("wrong", differing=(1,))}
    world.reveal_all(batch_id, trees)
    run(world, known_batch(world, batch_id))
    assert decided(world, known_batch(world, batch_id)) == [], "nothing is known of the results"
    assert decided(world, known_batch(world, batch_id, {0: trees[0], 1: results("a lie", differing=(3,))})) == []
    [action] = run(world, known_batch(world, batch_id, trees))
    assert isinstance(action, BringResolution)
    assert action.resolution.tasks == (1,)
    world.market.clock += 40
    assert run(world, known_batch(world, batch_id)) == [SettleBatch(batch_id)]


def test_a_disagreement_that_nobody_resolved_is_refunded_after_its_deadline() -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    world.reveal_all(batch_id, {0: results("honest"), 1: results("wrong", differing=(1,))})
    run(world, known_batch(world, batch_id))
    world.market.clock += 40 + 119
    assert decided(world, known_batch(world, batch_id)) == []
    world.market.clock += 1
    assert run(world, known_batch(world, batch_id)) == [SettleBatch(batch_id)]


def test_a_claim_that_the_stored_digest_does_not_confirm_is_not_used() -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0])
    world.publish_post(0, batch_id, results("honest"))
    run(world, known_batch(world, batch_id))
    world.market.clock += 40
    known = known_batch(world, batch_id)
    lied = replace(known, claims={0: (b"\x66" * 32, 5)})
    assert decided(world, lied) == []
    assert decided(world, replace(known, claims={})) == []
    assert len(decided(world, known)) == 1


def test_silence_of_all_ends_the_batch_by_calling_time() -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0, 1])
    world.market.clock += 99
    assert decided(world, known_batch(world, batch_id)) == []
    world.market.clock += 1
    assert run(world, known_batch(world, batch_id)) == [CallTime(batch_id)]
    assert batch_id not in world.market.state.batches


def test_what_pays_less_than_its_gas_is_left_alone() -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0], tip=0)
    world.publish_post(0, batch_id, results("honest"))
    dear = replace(AT_ONCE, profit=ProfitRule({world.asset: 10**9}))
    assert decided(world, known_batch(world, batch_id), dear) == []
    rich = world.open_batch([1], tip=STUN)
    world.publish_post(1, rich, results("honest"))
    assert len(decided(world, known_batch(world, rich), dear)) == 1


def test_a_batch_that_is_acted_on_is_left_alone() -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0])
    world.publish_post(0, batch_id, results("honest"))
    known = known_batch(world, batch_id)
    assert len(decided(world, known)) == 1
    assert decided(world, replace(known, acting=True)) == []


@given(batch_id=st.binary(min_size=32, max_size=32), others=st.lists(st.binary(min_size=32, max_size=32), max_size=6))
def test_known_keepers_have_a_turn_each_and_strangers_one_by_hash(batch_id: bytes, others: list[bytes]) -> None:
    keepers = sorted({KEEPER, *others})
    turns = Turns(slot_seconds=4, places=3, keepers=keepers)
    delays = [turns.delay(batch_id, keeper, 10**6) for keeper in keepers]
    assert sorted(delays) == [4 * place for place in range(len(keepers))]
    stranger = account("stranger")
    assert turns.delay(batch_id, stranger, 10**6) in (0, 4, 8)
    assert turns.delay(batch_id, stranger, 3) <= 3, "patience bounds every turn"
    assert turns.delay(batch_id, stranger, -5) == 0


def test_a_later_turn_waits_and_then_acts_all_the_same() -> None:
    world = KeeperWorld()
    batch_id = world.open_batch([0])
    world.publish_post(0, batch_id, results("honest"))
    run(world, known_batch(world, batch_id))
    keepers = (KEEPER, account("other settler"))
    policy = replace(AT_ONCE, turns=Turns(slot_seconds=4, keepers=keepers))
    delay = policy.turns.delay(batch_id, KEEPER, 100)
    world.market.clock += 40 + delay - 1
    assert decided(world, known_batch(world, batch_id), policy) == []
    world.market.clock += 1
    assert len(decided(world, known_batch(world, batch_id), policy)) == 1
