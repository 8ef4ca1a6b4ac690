"""Whole audits: honest seats are paid, silent, lazy, lying and bribed ones are not, and each loses what it should."""

from dataclasses import replace

import pytest
from audit_jobs import BOND, AuditJobs
from market_parties import sign

from stun.chains.evm import audit_calls
from stun.chains.evm.addresses import narrow
from stun.protocol.audit import actions
from stun.protocol.audit.closing import Outcome
from stun.protocol.audit.messages import SeatVerdict
from stun.protocol.audit.state import Audit
from stun.protocol.market import actions as market_actions

pytestmark = pytest.mark.unit


def hear(jobs: AuditJobs, batch_id: bytes, trees: dict[int, str], agrees: dict[int, int] | None = None) -> Audit:
    """Draw a batch; let each seat named seal and open: "truth", or other outputs; return the audit."""
    audit = jobs.draw(batch_id)
    for seat, text in trees.items():
        assert jobs.seal(batch_id, seat, jobs.verdict(audit, jobs.tree(audit.count, text))) is None
    jobs.world.pass_time(audit.seal_by)
    for seat, text in trees.items():
        honest = jobs.agreement(audit, jobs.verdict(audit, jobs.tree(audit.count, text)))
        assert jobs.reveal(batch_id, seat, (agrees or {}).get(seat, honest)) is None
    return jobs.world.audit.audits[batch_id]


def end(jobs: AuditJobs, batch_id: bytes) -> list[tuple[Outcome, int, int]]:
    """End batch and audit; return each seat's outcome, what its balance grew by, and what is left of its bond."""
    world = jobs.world
    audit = world.audit.audits[batch_id]
    world.pass_time(max(audit.close_at, world.now))
    batch = world.market.batches.get(batch_id)
    if batch is not None:
        world.pass_time(batch.quiet_at)
        claim = next(r for r in batch.replicas if r.outputs_root).claim
        world.must_act(market_actions.Settle(world.people.stranger, batch_id, *claim))
    audit = world.audit.audits[batch_id]
    before = [world.market.balances.get((audit.asset, s.account), 0) for s in audit.sittings]
    assert world.take(actions.Close(world.people.stranger, audit)) is None
    found = []
    for was, sitting in zip(before, audit.sittings, strict=True):
        gained = world.market.balances.get((audit.asset, sitting.account), 0) - was
        found.append((gained, world.audit.seats[sitting.place].bond))
    return [(Outcome.PAID if gained else Outcome.UNPAID, gained, bond) for gained, bond in found]


def fund(jobs: AuditJobs) -> None:
    for asset in jobs.world.assets:
        jobs.world.must_act(market_actions.FundAudit(jobs.world.people.requesters[1], asset, 10**11))


def test_seats_that_agree_are_paid_price_and_fee(jobs: AuditJobs) -> None:
    fund(jobs)
    batch_id = jobs.job(count=9)
    audit = hear(jobs, batch_id, {0: "truth", 1: "truth"})
    assert (audit.tasks, len(audit.sittings)) == (8, 2)
    fee = 10**7 if audit.asset == jobs.world.deployed.stun else 10**4
    assert audit.share == -(-9 * 1_000 * 2 * 10**9 // 10**6 * 8 // 9) + fee
    assert end(jobs, batch_id) == [(Outcome.PAID, audit.share, BOND)] * 2


def test_the_reporter_is_paid_and_nobody_twice(jobs: AuditJobs) -> None:
    fund(jobs)
    batch_id = jobs.job()
    audit = hear(jobs, batch_id, {0: "truth", 1: "truth"})
    reporter = jobs.world.people.stranger
    before = jobs.world.market.balances.get((audit.asset, reporter), 0)
    end(jobs, batch_id)
    assert jobs.world.market.balances[audit.asset, reporter] >= before + audit.report_fee > before
    assert jobs.world.take(actions.Close(reporter, audit)) == "audit: unknown"


def test_silent_seats_lose_a_twentieth_and_the_batch_goes_on(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    hear(jobs, batch_id, {0: "truth"})
    (_, gained, bond), (_, nothing, less) = end(jobs, batch_id)
    assert (gained > 0, bond, nothing, less) == (True, BOND, 0, BOND * 95 // 100)


def test_a_seal_that_is_not_opened_is_silence(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    audit = jobs.draw(batch_id)
    for seat in (0, 1):
        assert jobs.seal(batch_id, seat, jobs.verdict(audit, jobs.tree(9, "truth"))) is None
    assert [bond for _, _, bond in end(jobs, batch_id)] == [BOND * 95 // 100] * 2


def test_a_copied_seal_cannot_be_opened(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    audit = jobs.draw(batch_id)
    assert jobs.seal(batch_id, 0, jobs.verdict(audit, jobs.tree(9, "truth"))) is None
    audit = jobs.world.audit.audits[batch_id]
    thief, stolen = audit.sittings[1].account, audit.sittings[0].word
    assert jobs.world.take(actions.Seal(thief, audit, (actions.Sealing(1, stolen),))) is None
    known = jobs.opening(audit, 0, 1)
    assert jobs.reveal(batch_id, 0, 1) is None
    current = jobs.world.audit.audits[batch_id]
    assert jobs.world.take(actions.Reveal(thief, current, (replace(known, seat=1),))) == "audit: opening"
    (_, gained, _), (_, nothing, bond) = end(jobs, batch_id)
    assert gained > 0
    assert (nothing, bond) == (0, BOND * 95 // 100)


def test_anybody_brings_what_seats_have_signed_in_one_call_each(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    audit, keeper = jobs.draw(batch_id), jobs.world.people.stranger
    verdict = jobs.verdict(audit, jobs.tree(9, "truth"))
    seals = tuple(jobs.sealing(audit, seat, verdict, s.account) for seat, s in enumerate(audit.sittings))
    assert jobs.world.take(actions.Seal(keeper, audit, seals)) is None
    sealed = jobs.world.audit.audits[batch_id]
    assert sealed == audit_calls.after(audit, actions.Seal(keeper, audit, seals))
    openings = tuple(jobs.opening(sealed, seat, 1, s.account) for seat, s in enumerate(audit.sittings))
    reveal = actions.Reveal(keeper, sealed, openings)
    assert jobs.world.take(reveal) is None
    assert jobs.world.audit.audits[batch_id] == audit_calls.after(sealed, reveal)
    assert [outcome for outcome, *_ in end(jobs, batch_id)] == [Outcome.PAID] * 2


def test_nobody_speaks_for_a_seat(jobs: AuditJobs) -> None:
    """Not even who knows its opening: with whom a seat agrees is its own word, and its bond is at stake for it."""
    batch_id = jobs.job()
    audit, keeper = jobs.draw(batch_id), jobs.world.people.stranger
    verdict = jobs.verdict(audit, jobs.tree(9, "truth"))
    owner, other = audit.sittings[0].account, audit.sittings[1].account
    for signer in (None, other, keeper):
        seal = jobs.sealing(audit, 0, verdict, signer)
        assert jobs.world.take(actions.Seal(keeper, audit, (seal,))) == "audit: signer"
    jobs.verdicts.clear()
    seals = tuple(jobs.sealing(audit, seat, verdict, s.account) for seat, s in enumerate(audit.sittings))
    assert jobs.world.take(actions.Seal(keeper, audit, seals)) is None
    sealed = jobs.world.audit.audits[batch_id]
    signed = jobs.opening(sealed, 0, 1, owner)
    changed = [replace(signed, signer=None), replace(signed, signer=other), replace(signed, signer=keeper)]
    for opening in changed:
        assert jobs.world.take(actions.Reveal(keeper, sealed, (opening,))) == "audit: signer"
    forged = [sign(owner, SeatVerdict(batch_id, owner, signed.verdict, 1).digest(jobs.world.deployed.domain))]
    data = audit_calls.calldata(actions.Reveal(keeper, sealed, (replace(signed, agrees=0),)), None, forged)
    outcome = jobs.world.deployed.machine.send(narrow(keeper), jobs.world.deployed.addresses["Audit"], data)
    assert outcome.reason == "audit: signer"
    assert jobs.world.take(actions.Reveal(keeper, sealed, (signed,))) is None


def test_a_seat_that_confirms_a_wrong_result_loses_all_and_who_differed_is_paid(jobs: AuditJobs) -> None:
    fund(jobs)
    batch_id = jobs.job(wrong=True)
    audit = hear(jobs, batch_id, {0: "truth", 1: "cheat"})
    jobs.world.convict(batch_id, 0, wrong=True)
    (_, gained, bond), (_, nothing, left) = end(jobs, batch_id)
    assert (gained, bond) == (audit.share, BOND)
    assert (nothing, left) == (0, 0)


def test_a_cheat_that_goes_silent_saves_none_of_its_seats_that_another_contradicts(jobs: AuditJobs) -> None:
    batch_id = jobs.job(wrong=True)
    hear(jobs, batch_id, {0: "truth", 1: "cheat"})
    jobs.world.convict(batch_id, 0, wrong=False)
    (_, gained, _), (_, nothing, left) = end(jobs, batch_id)
    assert gained > 0
    assert (nothing, left) == (0, 0)


def test_seats_lose_nothing_when_the_honest_provider_they_confirmed_goes_off_line(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    hear(jobs, batch_id, {0: "truth", 1: "truth"})
    jobs.world.convict(batch_id, 0, wrong=False)
    assert end(jobs, batch_id) == [(Outcome.UNPAID, 0, BOND)] * 2


def test_all_seats_together_cannot_save_a_wrong_result(jobs: AuditJobs) -> None:
    batch_id = jobs.job(wrong=True)
    hear(jobs, batch_id, {0: "cheat", 1: "cheat"})
    jobs.world.convict(batch_id, 0, wrong=True)
    assert end(jobs, batch_id) == [(Outcome.UNPAID, 0, 0)] * 2


def test_a_lazy_seat_that_claims_to_agree_is_shown_and_loses_its_bond(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    audit = hear(jobs, batch_id, {0: "truth", 1: "guess"}, agrees={0: 1, 1: 1})
    shower = jobs.world.people.challenger
    before = jobs.world.tokens()[shower]
    proof = jobs.proof(audit, 0, jobs.tree(9, "truth"), shower)
    assert jobs.world.take(proof) is None
    assert jobs.world.take(replace(proof, audit=jobs.world.audit.audits[batch_id])) == "audit: shown"
    (_, gained, bond), (_, nothing, left) = end(jobs, batch_id)
    assert (gained > 0, bond, nothing, left) == (True, BOND, 0, 0)
    assert jobs.world.tokens()[shower] == before + BOND // 4


def test_a_seat_that_has_nobodys_results_is_not_paid(jobs: AuditJobs) -> None:
    batch_id = jobs.job()
    hear(jobs, batch_id, {0: "truth", 1: "guess"})
    (_, gained, _), (_, nothing, bond) = end(jobs, batch_id)
    assert (gained > 0, nothing, bond) == (True, 0, BOND)


def test_what_the_account_cannot_pay_stays_a_claim(jobs: AuditJobs) -> None:
    world = jobs.world
    peers = world.deployed.peers()
    drain = world.publish(replace(peers, audit=world.people.auditor))
    world.publish(peers)
    batch_id = jobs.job()
    audit = hear(jobs, batch_id, {0: "truth", 1: "truth"})
    world.pass_time(audit.close_at)
    batch = world.market.batches[batch_id]
    world.pass_time(batch.quiet_at)
    world.must_act(market_actions.Settle(world.people.stranger, batch_id, *batch.replicas[0].claim))
    held, asset = world.market.audit[audit.asset], audit.asset
    payer = world.people.auditor
    world.must_act(market_actions.PayAudit(payer, drain, asset, ((payer, held - audit.report_fee - 1),)))
    assert world.take(actions.Close(payer, audit)) is None
    first, second = (s.account for s in audit.sittings)
    assert (world.audit.owed[asset, first], world.audit.owed[asset, second]) == (audit.share - 1, audit.share)
    collect = actions.Collect(payer, audit.version, asset, second)
    assert world.take(collect) == "audit: nothing"
    world.must_act(market_actions.FundAudit(world.people.requesters[1], asset, audit.share + 5))
    assert world.take(replace(collect, version=drain)) == "batches: peer"
    assert world.take(collect) is None
    assert world.take(collect) == "audit: nothing"
    assert world.take(replace(collect, account=first)) is None
    assert world.audit.owed[asset, first] == audit.share - 6
