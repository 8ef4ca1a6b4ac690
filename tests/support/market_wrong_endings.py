"""Wrong moments, claims and callers: one method for each code, None where no state fits it."""

from dataclasses import replace

from market_moves import due_moment, evidence
from market_seeker import Seeker, Wanted

from stun.protocol.market import actions
from stun.protocol.market.settlement import agreed_root
from stun.protocol.market.state import Phase, ReplicaState
from stun.protocol.messages import NOBODY, Accept
from stun.protocol.trees.resolve import Resolution
from stun.protocol.trees.results import Result, Top


class EndingWrongs(Seeker):
    """Actions that come too early, too late, from nobody entitled, or about nothing."""

    def batches_unknown(self) -> actions.Action | None:
        gone = sorted(self.world.history.final)
        if not gone:
            return None
        batch_id = self.rng.choice((self.rng.choice(gone), self.rng.randbytes(32)))
        sender = self.world.translator.terms_of(batch_id).requester
        accept = actions.AcceptResult(sender, Accept(batch_id, NOBODY, 0))
        resolution = Resolution((0,), ((Result(NOBODY, 0), Result(NOBODY, 0)),), ())
        court = self.world.people.court
        return self.pick(
            actions.PostResult(sender, batch_id, Top(NOBODY, 0, NOBODY, 0)), actions.Deliver(sender, batch_id),
            actions.LeaveBatch(sender, batch_id, 0), actions.Expire(sender, batch_id),
            actions.Settle(sender, batch_id), accept, actions.Resolve(sender, batch_id, resolution),
            actions.Hold(court, batch_id, 0), actions.Convict(court, batch_id, 0, True, sender),
            actions.Release(court, batch_id, NOBODY, 0, court), actions.SetDue(court, batch_id, (0, 0, 0)),
        )  # fmt: skip

    def batches_late(self) -> actions.Action | None:
        if self.rng.random() < 0.3:
            return self._late_resolution()
        found = self.find_next(lambda b: b.phase == Phase.OPEN, lambda b: b.terms.post_by)
        if found is None:
            return None
        plan, batch = found
        self.world.pass_time(batch.terms.post_by + self.rng.choice((0, 0, 1)))
        waits = any(r.state == ReplicaState.COMMITTED for r in batch.replicas)
        if len(batch.replicas) == 1:
            return self.move(found, self.moves.post, self.moves.leave, self.moves.accept)
        if waits:
            return self.moves.leave(plan, batch)
        moves = self.moves
        return self.move(
            found, moves.deliver, moves.hold, moves.convict, moves.leave, moves.accept, moves.release, moves.set_due
        )

    def _late_resolution(self) -> actions.Action | None:
        split: Wanted = lambda b: b.phase == Phase.RESULTS and agreed_root(b) is None  # noqa: E731
        found = self.find_next(split, lambda b: b.resolve_by)
        if found is None:
            return None
        shown = evidence(*found)
        if shown is None or found[1].resolve_by > self.world.now + 1_200:
            return None
        self.world.pass_time(found[1].resolve_by + self.rng.choice((0, 0, 1)))
        return actions.Resolve(self.party(), found[0].batch_id, shown)

    def batches_early(self) -> actions.Action | None:
        if self.rng.random() < 0.3:
            return self._last_second()
        found = self.find(lambda b: self.world.now < b.terms.post_by or b.phase == Phase.RESULTS)
        if found is None:
            return None
        plan, batch = found
        if batch.phase == Phase.RESULTS:
            return self.move(found, self.moves.settle, self.moves.expire)
        if len(batch.replicas) > 1 and self.rng.random() < 0.6:
            commit = actions.SignedCommit(0, plan.commitment(0), batch.terms.casts[0].provider)
            return actions.Deliver(self.party(), plan.batch_id, (commit,), self.moves.reveals(plan, [0]))
        return self.moves.expire(plan, batch)

    def _last_second(self) -> actions.Action | None:
        """Settle or expire one second before a batch allows it."""
        found = self.find_next(lambda b: True, due_moment)
        if found is None or due_moment(found[1]) > self.world.now + 1_200:
            return None
        self.world.pass_time(due_moment(found[1]) - 1)
        return self.moves.settle(*found) if found[1].phase == Phase.RESULTS else self.moves.expire(*found)

    def batches_phase(self) -> actions.Action | None:
        found = self.find_current(self.rng.choice((Phase.OPEN, Phase.REVEALING)))
        if found is None:
            return None
        plan, batch = found
        if batch.phase == Phase.REVEALING and evidence(plan, batch) is not None:
            return self.moves.resolve(plan, batch)
        if self.rng.random() < 0.2:
            return replace(self.moves.accept(plan, batch), posted=False)
        return self.move(found, self.moves.settle, self.moves.hold, self.moves.release, self.moves.set_due)

    def batches_disagree(self) -> actions.Action | None:
        split: Wanted = lambda b: b.phase == Phase.RESULTS and agreed_root(b) is None and b.dues is None  # noqa: E731
        found = self.find_next(split, lambda b: b.resolve_by)
        if found is None or found[1].quiet_at > self.world.now + 1_200:
            return None
        plan, batch = found
        self.world.pass_time(self.rng.choice((batch.quiet_at, batch.resolve_by - 1)))
        return self.moves.settle(plan, batch)

    def batches_claim(self) -> actions.Action | None:
        agree: Wanted = lambda b: b.phase == Phase.RESULTS and agreed_root(b) is not None and b.dues is None  # noqa: E731
        found = self.find_next(agree, lambda b: b.quiet_at) or self.find(agree)
        if found is None or found[1].quiet_at > self.world.now + 1_200:
            return None
        plan, batch = found
        self.world.pass_time(batch.quiet_at)
        right = self.moves.settle(plan, batch)
        wrong = replace(right, outputs_root=self.rng.randbytes(32))
        return self.pick(wrong, replace(right, total_units=right.total_units + 1))

    def batches_peer(self) -> actions.Action | None:
        found = self.find(lambda batch: True)
        if found is None:
            return None
        plan, batch = found
        people = self.world.people
        outsider = self.rng.choice((people.stranger, people.owner, batch.terms.requester, people.auditor))
        if self.rng.random() < 0.4:
            version = self.rng.choice((0, 1, self.world.market.config.version, 2**16))
            payer = people.auditor if version in (0, 2**16) else people.court
            return actions.PayAudit(payer, version, batch.terms.asset, ((outsider, 1),))
        if outsider != people.auditor and self.rng.random() < 0.6:
            return replace(self.moves.hold(plan, batch), sender=outsider)
        if self.rng.random() < 0.5:
            other = self.rng.choice((outsider, people.court))
            release, dues = self.moves.release(plan, batch), self.moves.set_due(plan, batch)
            return self.pick(replace(release, sender=other), replace(dues, sender=other))
        return replace(self.moves.convict(plan, batch), sender=outsider)

    def accept_signer(self) -> actions.Action | None:
        found = self.find(lambda batch: True)
        if found is None:
            return None
        signer = self.rng.choice((None, None, self.world.people.stranger, found[1].terms.casts[0].provider))
        return replace(self.moves.accept(*found), sender=self.world.people.stranger, signer=signer)

    def accept_root(self) -> actions.Action | None:
        found = self.find_current(Phase.RESULTS)
        if found is None:
            return None
        plan, batch = found
        root, units = plan.claim(0)
        wrong = self.rng.choice((Accept(plan.batch_id, NOBODY, units), Accept(plan.batch_id, root, units + 1)))
        release = actions.Release(
            self.world.people.settlement, plan.batch_id, wrong.outputs_root, wrong.total_units, self.party()
        )
        return self.pick(replace(self.moves.accept(plan, batch), message=wrong), release)
