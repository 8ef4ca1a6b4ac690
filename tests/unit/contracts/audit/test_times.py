"""Seats and seals at their moments: the last second counts, the next does not."""

from dataclasses import replace

import pytest
from audit_jobs import BOND, AuditJobs

from stun.protocol.audit import actions
from stun.protocol.messages import NOBODY

pytestmark = pytest.mark.unit

UNBONDING_SECONDS = 4 * 3_600


def test_a_bond_lies_between_the_configs_and_48_bits(jobs: AuditJobs) -> None:
    account = jobs.world.judges[6]
    for bond in (0, BOND - 1, 2**48, 2**256 - 1):
        assert jobs.world.take(actions.Join(account, bond)) == "audit: bond"
    assert jobs.world.take(actions.Join(account, BOND)) is None
    assert jobs.world.take(actions.Join(account, BOND)) == "audit: joined"


def test_a_seat_is_left_in_a_later_epoch_and_its_bond_taken_after_all_its_audits(jobs: AuditJobs) -> None:
    world, account = jobs.world, jobs.world.judges[6]
    assert world.take(actions.Leave(account)) == "audit: seat"
    assert world.take(actions.Join(account, BOND)) is None
    assert world.take(actions.Leave(account)) == "audit: epoch"
    assert world.take(actions.TakeBond(account, account)) == "audit: early"
    world.pass_time(world.now + 600)
    assert world.take(actions.Leave(account)) is None
    assert world.take(actions.Leave(account)) == "audit: left"
    unlocked = world.audit.begins(world.audit.epoch(world.now) + 1) + UNBONDING_SECONDS
    world.pass_time(unlocked - 1)
    assert world.take(actions.TakeBond(account, account)) == "audit: early"
    world.pass_time(unlocked)
    assert world.take(actions.TakeBond(account, NOBODY)) == "audit: receiver"
    assert world.take(actions.TakeBond(account, world.judges[0])) is None
    assert world.take(actions.TakeBond(account, account)) == "audit: seat"
    assert world.take(actions.Join(account, BOND)) is None
    assert len(world.audit.seats) == 8


def test_seals_end_at_seal_by_and_openings_begin(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    audit = jobs.draw(batch_id)
    verdict = jobs.verdict(audit, jobs.tree(9, "truth"))
    jobs.world.pass_time(audit.seal_by - 1)
    assert jobs.seal(batch_id, 0, verdict) is None
    assert jobs.seal(batch_id, 0, verdict) == "audit: sealed"
    current = jobs.world.audit.audits[batch_id]
    assert jobs.reveal(batch_id, 0, 1) == "audit: early"
    assert jobs.world.take(jobs.proof(current, 0, jobs.tree(9, "truth"), NOBODY)) == "audit: early"
    jobs.world.pass_time(audit.seal_by)
    assert jobs.seal(batch_id, 1, verdict) == "audit: late"
    assert jobs.reveal(batch_id, 0, 1) is None


def test_openings_begin_when_all_have_sealed_and_end_at_reveal_by(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    audit = jobs.draw(batch_id)
    verdict = jobs.verdict(audit, jobs.tree(9, "truth"))
    assert [jobs.seal(batch_id, seat, verdict) for seat in (0, 1)] == [None, None]
    assert jobs.reveal(batch_id, 0, 1) is None
    assert jobs.reveal(batch_id, 0, 1) == "audit: opened"
    jobs.world.pass_time(audit.reveal_by)
    assert jobs.reveal(batch_id, 1, 1) == "audit: late"


def test_an_opening_is_the_seats_own_and_whole(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    audit = jobs.draw(batch_id)
    verdict = jobs.verdict(audit, jobs.tree(9, "truth"))
    assert [jobs.seal(batch_id, seat, verdict) for seat in (0, 1)] == [None, None]
    current = jobs.world.audit.audits[batch_id]
    honest, account = jobs.opening(current, 0, 1), current.sittings[0].account
    for change, code in (
        ({"seat": 1}, "audit: signer"), ({"seat": 2}, "audit: seat"), ({"verdict": bytes(32)}, "audit: opening"),
        ({"salt": bytes(32)}, "audit: opening"), ({"agrees": 2}, "audit: agrees"), ({"agrees": 8}, "audit: agrees"),
        ({"agrees": 2**255}, "audit: agrees"),
    ):  # fmt: skip
        wrong = replace(honest, **change)  # type: ignore[arg-type]
        assert jobs.world.take(actions.Reveal(account, current, (wrong,))) == code
    assert jobs.world.take(actions.Reveal(account, current, ())) == "audit: nothing"
    assert jobs.world.take(actions.Reveal(account, current, (honest, honest))) == "audit: opened"
    assert jobs.world.take(actions.Reveal(account, current, (honest,))) is None


def test_a_stale_or_altered_record_is_refused(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    audit = jobs.draw(batch_id)
    assert jobs.seal(batch_id, 0, jobs.verdict(audit, jobs.tree(9, "truth"))) is None
    account = audit.sittings[1].account
    richer = replace(jobs.world.audit.audits[batch_id], share=10**12)
    for stale in (audit, richer):
        sealing = actions.Sealing(1, bytes(32))
        assert jobs.world.take(actions.Seal(account, stale, (sealing,))) == "audit: unknown"
        assert jobs.world.take(actions.Close(account, stale)) == "audit: unknown"


def test_an_audit_ends_only_with_its_batch_and_not_before_its_time(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    audit = jobs.draw(batch_id)
    stranger = jobs.world.people.stranger
    jobs.world.pass_time(audit.close_at - 1)
    assert jobs.world.take(actions.Close(stranger, audit)) == "audit: early"
    jobs.world.pass_time(audit.close_at)
    assert jobs.world.take(actions.Close(stranger, audit)) == "audit: open"
