"""Wrong posts, commitments and reveals: one method for each code, None where no state fits it."""

from dataclasses import replace

from market_plans import Plan
from market_seeker import Seeker, Wanted

from stun.protocol.market import actions
from stun.protocol.market.state import Batch, Phase, ReplicaState
from stun.protocol.messages import NOBODY, Accept
from stun.protocol.trees.results import Top

UNREVEALED = (ReplicaState.PENDING, ReplicaState.COMMITTED)


class DeliveryWrongs(Seeker):
    """Deliveries that a rule refuses."""

    def batches_lone(self) -> actions.Action | None:
        found = self.find(lambda batch: True)
        if found is None:
            return None
        plan, batch = found
        if len(batch.replicas) == 1:
            return self.moves.deliver(plan, batch)
        if self.rng.random() < 0.5:
            return self.moves.post(plan, batch)
        accept = self.moves.accept(plan, batch)
        return replace(accept, posted=True, post_signer=batch.terms.casts[0].provider)

    def batches_replica(self) -> actions.Action | None:
        found = self.find(lambda b: any(r.state != ReplicaState.PENDING for r in b.replicas))
        if found is None:
            return None
        plan, batch = found
        index = next(k for k, r in enumerate(batch.replicas) if r.state != ReplicaState.PENDING)
        provider = batch.terms.casts[index].provider
        far = self.rng.choice((len(batch.replicas), 3, 2**64, index))
        made: list[actions.Action] = [
            actions.Convict(self.moves.court(batch), plan.batch_id, far, True, provider),
            actions.LeaveBatch(provider, plan.batch_id, index), actions.LeaveBatch(provider, plan.batch_id, far),
        ]  # fmt: skip
        if len(batch.replicas) == 1:
            return self.rng.choice([*made, self.moves.post(plan, batch)])
        commit = actions.SignedCommit(index, plan.commitment(index), provider)
        reveal = actions.Reveal(far, plan.answers[index].top, NOBODY)
        made.append(actions.Deliver(provider, plan.batch_id, (replace(commit, replica=far),)))
        made.append(actions.Deliver(provider, plan.batch_id, (), (reveal,)))
        made.append(actions.Deliver(provider, plan.batch_id, (commit,), (replace(reveal, replica=index),)))
        return self.rng.choice(made)

    def batches_signer(self) -> actions.Action | None:
        found = self.find_current(Phase.OPEN)
        if found is None:
            return None
        plan, batch = found
        outsider = self.rng.choice((None, None, self.world.people.challenger, batch.terms.requester))
        stranger = self.world.people.stranger
        leave = actions.LeaveBatch(stranger, plan.batch_id, 0)
        if len(batch.replicas) > 1:
            commit = actions.SignedCommit(0, plan.commitment(0), outsider)
            return self.pick(actions.Deliver(stranger, plan.batch_id, (commit,)), leave)
        accept = replace(self.moves.accept(plan, batch), posted=True, post_signer=outsider, sender=stranger)
        accept = replace(accept, signer=batch.terms.requester)
        return self.pick(actions.PostResult(stranger, plan.batch_id, plan.answers[0].top, outsider), leave, accept)

    def batches_units(self) -> actions.Action | None:
        found = self.find_current(Phase.OPEN, lambda b: len(b.replicas) == 1)
        if found is None:
            return None
        plan, batch = found
        limit = batch.terms.unit_limit
        if self.rng.random() < 0.2:
            dues = self.rng.choice(((limit + 1, 0, 0), (0, 1, 0), (0, 0, 2**256 - 1)))
            return actions.SetDue(self.world.people.settlement, plan.batch_id, dues)
        if self.rng.random() < 0.3:
            accept = replace(self.moves.accept(plan, batch), message=Accept(plan.batch_id, NOBODY, limit + 1))
            return replace(accept, posted=True, post_signer=batch.terms.casts[0].provider)
        over = limit + 1 if batch.terms.count == 1 else limit
        right = (NOBODY, 0) if batch.terms.count == 1 else (NOBODY, 1)
        return replace(self.moves.post(plan, batch), top=Top(self.rng.randbytes(32), over, *right))

    def trees_top(self) -> actions.Action | None:
        found = self.find(lambda b: b.terms.count == 1)
        if found is None:
            return None
        plan, batch = found
        wrong = self.rng.choice(((NOBODY, 1), (self.rng.randbytes(32), 0)))
        return self._shown(plan, batch, Top(self.rng.randbytes(32), 1, *wrong))

    def trees_overflow(self) -> actions.Action | None:
        found = self.find(lambda b: b.terms.count > 1)
        if found is None:
            return None
        plan, batch = found
        return self._shown(plan, batch, Top(self.rng.randbytes(32), 2**64 - 1, self.rng.randbytes(32), 1))

    def _shown(self, plan: Plan, batch: Batch, top: Top) -> actions.Action:
        """Show a top by whichever action fits the batch."""
        if len(batch.replicas) == 1:
            outsider = self.rng.random() < 0.2
            sender = self.world.people.stranger if outsider else batch.terms.casts[0].provider
            return actions.PostResult(sender, plan.batch_id, top)
        return actions.Deliver(self.party(), plan.batch_id, (), (actions.Reveal(0, top, NOBODY),))

    def batches_committed(self) -> actions.Action | None:
        """A second commitment that differs, later or in the same call."""
        found = self.find_current(Phase.OPEN, lambda b: len(b.replicas) > 1 and b.replicas[0].state in UNREVEALED)
        if found is None:
            return None
        plan, batch = found
        provider = batch.terms.casts[0].provider
        commits = [actions.SignedCommit(0, word, provider) for word in (plan.commitment(0), self.rng.randbytes(32))]
        if self.rng.random() < 0.3:
            commits.reverse()
        return actions.Deliver(self.party(), plan.batch_id, tuple(commits))

    def batches_opening(self) -> actions.Action | None:
        """An opening of another's answer, or with another's salt; of a stored commitment or one of the same call."""
        sealed: Wanted = lambda b: len(b.replicas) > 1 and all(r.state in UNREVEALED for r in b.replicas)  # noqa: E731
        phase = self.rng.choice((Phase.OPEN, Phase.REVEALING))
        found = self.find_current(phase, sealed) or self.find_current(Phase.OPEN, sealed)
        if found is None:
            return None
        plan, batch = found
        index = self.rng.randrange(len(batch.replicas))
        other = (index + 1) % len(batch.replicas)
        casts = enumerate(batch.terms.casts)
        commits = tuple(actions.SignedCommit(k, plan.commitment(k), cast.provider) for k, cast in casts)
        reveal = actions.Reveal(index, plan.answers[index].top, self.rng.choice((NOBODY, plan.salt(other))))
        return actions.Deliver(self.party(), plan.batch_id, commits, (reveal,))

    def batches_repeated(self) -> actions.Action | None:
        found = self._committed(ReplicaState.COMMITTED) or self._committed(ReplicaState.REVEALED)
        if found is None:
            return None
        plan, batch, index = found
        if batch.replicas[index].state == ReplicaState.REVEALED:
            return actions.Deliver(self.party(), plan.batch_id, (), self.moves.reveals(plan, [index]))
        commit = actions.SignedCommit(index, plan.commitment(index), batch.terms.casts[index].provider)
        twice = actions.Deliver(self.party(), plan.batch_id, (commit, commit))
        return self.pick(twice, actions.Deliver(self.party(), plan.batch_id))

    def _committed(self, state: ReplicaState) -> tuple[Plan, Batch, int] | None:
        alive: Wanted = lambda b: len(b.replicas) > 1 and self.has(b, state)  # noqa: E731
        found = self.find_current(self.rng.choice((Phase.OPEN, Phase.REVEALING, Phase.RESULTS)), alive)
        if found is None:
            return None
        plan, batch = found
        return plan, batch, next(k for k, r in enumerate(batch.replicas) if r.state == state)
