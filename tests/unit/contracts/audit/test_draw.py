"""Draws: which batches, by which seats; nobody gains by when, by whom or for which order a draw is shown."""

from dataclasses import replace

import pytest
from audit_jobs import BOND, AuditJobs
from audit_world import AuditWorld
from evm_machines import RevmMachine
from market_outside import SetRound

from stun.chains.evm import audit_calls
from stun.chains.evm.addresses import narrow
from stun.chains.evm.market_contracts import interface
from stun.protocol.audit import actions
from stun.protocol.audit.draws import drawn_seats, drawn_tasks, is_drawn
from stun.protocol.parameters import NumericClass

pytestmark = pytest.mark.unit


def take(jobs: AuditJobs, batch_id: bytes) -> str | None:
    return jobs.world.take(actions.Draw(jobs.world.people.stranger, batch_id, jobs.jobs[batch_id].order))


def test_a_batch_is_drawn_once(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    jobs.draw(batch_id)
    assert take(jobs, batch_id) == "audit: repeated"


def test_a_round_that_draws_it_not_is_refused(jobs: AuditJobs) -> None:
    batch_id = jobs.job(audit_ppm=500_000)
    jobs.bring(batch_id, False)
    assert take(jobs, batch_id) == "audit: not drawn"


def test_a_withheld_round_draws_nothing_and_delays_nothing(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    batch = jobs.world.market.batches[batch_id]
    assert take(jobs, batch_id) == "audit: round"
    jobs.world.bring(batch.round + 1, b"\x01" * 32)
    assert take(jobs, batch_id) == "audit: round"
    assert jobs.world.market.batches[batch_id] == batch


def test_without_a_round_there_is_no_draw(jobs: AuditJobs) -> None:
    order = jobs.order(1, 9, 10**6)
    batch_id = jobs.deliver(order, (jobs.tree(9, "truth"),), jobs.tree(9, "truth"), post=False)
    assert take(jobs, batch_id) == "audit: phase"


def test_a_draw_is_late_when_its_time_is_over(jobs: AuditJobs) -> None:
    for wait, code in ((9, None), (10, "audit: late")):
        batch_id = jobs.job()
        jobs.bring(batch_id, True)
        jobs.world.pass_time(jobs.world.now + wait)
        assert take(jobs, batch_id) == code


def test_the_order_must_be_the_batchs_own(jobs: AuditJobs) -> None:
    first, second = jobs.job(), jobs.job()
    order = jobs.jobs[first].order
    for wrong in (jobs.jobs[second].order, replace(order, audit_ppm=10**6 - 1), replace(order, tip=1)):
        jobs.bring(first, True)
        assert jobs.world.take(actions.Draw(order.requester, first, wrong)) == "audit: order"


def test_terms_must_be_the_batchs_own(jobs: AuditJobs) -> None:
    first, second = jobs.job(), jobs.job()
    jobs.bring(first, True)
    world = jobs.world
    action = actions.Draw(world.people.stranger, first, jobs.jobs[first].order)
    data = audit_calls.calldata(action, world.history.opened[second])
    outcome = world.deployed.machine.send(narrow(action.sender), world.deployed.addresses["Audit"], data)
    assert outcome.reason == "batches: unknown"


def test_only_class_exact_is_audited(jobs: AuditJobs) -> None:
    order, tree = jobs.order(1, 9, 10**6, NumericClass.TOKEN), jobs.tree(9, "truth")
    batch_id = jobs.deliver(order, (tree,), tree)
    jobs.bring(batch_id, True)
    assert take(jobs, batch_id) == "audit: class"


def test_an_audit_that_the_config_does_not_name_holds_nothing(jobs: AuditJobs) -> None:
    jobs.world.publish(replace(jobs.world.deployed.peers(), audit=jobs.world.people.auditor))
    batch_id = jobs.job()
    jobs.bring(batch_id, True)
    assert take(jobs, batch_id) == "batches: peer"


def test_without_seats_there_is_no_draw_and_the_batch_goes_on() -> None:
    jobs = AuditJobs(AuditWorld(RevmMachine()), seed=2)
    batch_id = jobs.job()
    jobs.bring(batch_id, True)
    assert take(jobs, batch_id) == "audit: seats"


def test_a_seat_is_drawn_only_from_the_epoch_after_it_joined() -> None:
    jobs = AuditJobs(AuditWorld(RevmMachine()), seed=3)
    world = jobs.world
    assert world.take(actions.Join(world.judges[0], BOND)) is None
    batch_id = jobs.job()
    jobs.bring(batch_id, True)
    assert take(jobs, batch_id) == "audit: seats"
    world.pass_time(world.now + 600)
    assert [sitting.place for sitting in jobs.draw(jobs.job()).sittings] == [0]


def test_no_party_of_a_batch_judges_it() -> None:
    jobs = AuditJobs(AuditWorld(RevmMachine()), seed=4)
    world = jobs.world
    parties = (world.people.requesters[0], *world.people.providers[:3])
    for account in (*parties, world.judges[0]):
        assert world.take(actions.Join(account, BOND)) is None
    world.pass_time(world.now + 600)
    for _ in range(6):
        sittings = jobs.draw(jobs.job(replicas=3)).sittings
        assert [sitting.account for sitting in sittings] == [world.judges[0]]


def test_seats_are_different_and_as_many_as_the_config_says(jobs: AuditJobs) -> None:
    for _ in range(12):
        sittings = jobs.draw(jobs.job()).sittings
        assert len({sitting.account for sitting in sittings}) == 2


def test_joining_and_leaving_after_the_results_does_not_draw_again(jobs: AuditJobs) -> None:
    """The end of an epoch comes between results and draw; whoever joins or leaves then changes nothing."""
    world = jobs.world
    last_second = world.audit.begins(world.audit.epoch(world.now) + 1) - 1
    world.pass_time(last_second)
    early, late = jobs.job(), jobs.job()
    for batch_id in (early, late):
        world.bring(world.market.batches[batch_id].round, b"\x07" * 32)
    assert take(jobs, early) is None
    world.pass_time(last_second + 2)
    for account in world.judges[6:8]:
        assert world.take(actions.Join(account, BOND)) is None
    assert world.take(actions.Leave(world.judges[0])) is None
    assert take(jobs, late) is None
    for batch_id in (early, late):
        expected = drawn_seats(b"\x07" * 32, batch_id, 6, 2, lambda place: True)
        assert tuple(sitting.place for sitting in world.audit.audits[batch_id].sittings) == expected


def test_a_late_reveal_moves_the_round_and_nothing_else_does(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    known = jobs.world.market.batches[batch_id].round
    jobs.world.happen(SetRound(known + 50))
    jobs.draw(batch_id)
    assert jobs.world.market.batches[batch_id].round == known


def test_a_drawn_batch_is_held_until_its_seals_are_open(jobs: AuditJobs) -> None:
    audit = jobs.draw(jobs.job())
    batch = jobs.world.market.batches[audit.batch_id]
    assert batch.hold_until == audit.reveal_by == jobs.world.now + 20 + 20


@pytest.mark.parametrize("count", [1, 7, 8, 9, 16, 17, 1_000, 65_536])
@pytest.mark.parametrize("most", [4, 8, 16])
def test_the_tasks_are_the_specifications(jobs: AuditJobs, count: int, most: int) -> None:
    function = interface("Audit").function("drawn_tasks")
    address = jobs.world.deployed.addresses["Audit"]
    for seed in range(4):
        words = bytes([seed]) * 32, bytes([seed + 100]) * 32
        raw = jobs.world.deployed.machine.read(address, function.encode(*words, count, most))
        tasks = drawn_tasks(*words, count, most)
        assert list(function.decode_output(raw)) == list(tasks)
        assert sorted(set(tasks)) == list(tasks)
        assert len(tasks) == min(count, most)
        assert max(tasks) < count


def test_the_rate_is_the_orders() -> None:
    hits = sum(is_drawn(bytes([k]) * 32, bytes([j]) * 32, 250_000) for k in range(64) for j in range(64))
    assert 900 < hits < 1_150
    assert not is_drawn(bytes(32), bytes(32), 0)
    assert is_drawn(bytes(32), bytes(32), 10**6)
