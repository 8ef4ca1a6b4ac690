"""Actions about batches and money that a rule has to refuse: one method for each code, None where no state fits it."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from market_moves import Moves, due_moment, evidence
from market_plans import Plan
from side_by_side import World

from stun.protocol.market import actions
from stun.protocol.market.settlement import agreed_root
from stun.protocol.market.state import Batch, Phase, ReplicaState
from stun.protocol.messages import NOBODY, Accept, Operator
from stun.protocol.trees.resolve import Resolution
from stun.protocol.trees.results import Result, Top

Wanted = Callable[[Batch], bool]


class Wrongs:
    """Finds a batch in a fitting state and a wrong action for it; `plans` are the open batches' answers."""

    def __init__(self, world: World, rng: Random, plans: dict[bytes, Plan]) -> None:
        self.world = world
        self.rng = rng
        self.plans = plans
        self.moves = Moves(world, rng)

    def make(self, code: str) -> actions.Action | None:
        """Return an action for a code."""
        made: actions.Action | None = getattr(self, code.replace(": ", "_"))()
        return made

    def find(self, wanted: Wanted) -> tuple[Plan, Batch] | None:
        """Return some open batch that fits."""
        fitting = [key for key in self.plans if wanted(self.world.market.batches[key])]
        if not fitting:
            return None
        key = self.rng.choice(fitting)
        return self.plans[key], self.world.market.batches[key]

    def find_next(self, wanted: Wanted, moment: Callable[[Batch], int]) -> tuple[Plan, Batch] | None:
        """Return the open batch whose moment is the next to come, so that a jump to it leaves the others alone."""
        fitting = [key for key in self.plans if wanted(self.world.market.batches[key])]
        coming = [key for key in fitting if self.world.now < moment(self.world.market.batches[key])]
        if not coming:
            return None
        key = min(coming, key=lambda k: moment(self.world.market.batches[k]))
        return self.plans[key], self.world.market.batches[key]

    def find_current(self, phase: Phase, wanted: Wanted = lambda batch: True) -> tuple[Plan, Batch] | None:
        """Return some batch in a phase whose time has not run out."""
        ends = {Phase.OPEN: lambda b: b.terms.post_by, Phase.REVEALING: lambda b: b.reveal_by}
        far = 2**64
        fits: Wanted = lambda b: b.phase == phase and self.world.now < ends.get(phase, lambda _: far)(b) and wanted(b)  # noqa: E731
        return self.find(fits)

    # money and operators

    def ledger_asset(self) -> actions.Action:
        return actions.Deposit(self._party(), self._party(), 1, self._party())

    def ledger_nobody(self) -> actions.Action:
        asset = self.rng.choice(self.world.assets)
        if self.rng.random() < 0.5:
            return actions.Deposit(self._party(), asset, 1, NOBODY)
        return actions.Withdraw(self._party(), asset, 1, NOBODY)

    def ledger_nothing(self) -> actions.Action:
        asset = self.rng.choice(self.world.assets)
        if self.rng.random() < 0.5:
            return actions.Deposit(self._party(), asset, 0, self._party())
        return actions.Withdraw(self._party(), asset, 0, self._party())

    def ledger_balance(self) -> actions.Action:
        asset, party = self.rng.choice(self.world.assets), self._party()
        free = self.world.market.balances.get((asset, party), 0)
        return actions.Withdraw(party, asset, free + self.rng.choice((1, 2**64)), party)

    def money_range(self) -> actions.Action:
        rich = self.world.people.requesters[0]
        return actions.Deposit(rich, self.world.deployed.usdc, 2**64 + self.rng.choice((0, 1)), rich)

    def operators_signature(self) -> actions.Action:
        message = self._operator()
        signer = self.rng.choice((None, None, self.world.people.stranger, message.operator))
        if self.rng.random() < 0.1:
            message = replace(message, account=NOBODY)
        return actions.SetOperator(self.world.people.stranger, message, signer)

    def operators_expired(self) -> actions.Action:
        message = replace(self._operator(), expires_at=self.world.now - self.rng.choice((0, 1)))
        return actions.SetOperator(self.world.people.stranger, message, message.account)

    def operators_nonce(self) -> actions.Action:
        message = self._operator()
        message = replace(message, nonce=message.nonce + self.rng.choice((1, 2**32)))
        return actions.SetOperator(self.world.people.stranger, message, message.account)

    def nonces_used(self) -> actions.Action | None:
        used = sorted(self.world.market.nonces)
        return actions.CancelOrder(*self.rng.choice(used)) if used else None

    def _party(self) -> bytes:
        return self.rng.choice(self.world.people.all)

    def _operator(self) -> Operator:
        account = self.rng.choice(self.world.people.providers)
        nonce = self.world.market.operator_nonces.get(account, 0)
        return Operator(account, self.rng.choice(self.world.people.operators), nonce, self.world.now + 60)

    # batches

    def batches_unknown(self) -> actions.Action | None:
        gone = sorted(self.world.history.final)
        if not gone:
            return None
        batch_id = self.rng.choice((self.rng.choice(gone), self.rng.randbytes(32)))
        sender = self.world.translator.terms_of(batch_id).requester
        accept = actions.AcceptResult(sender, Accept(batch_id, NOBODY, 0))
        resolution = Resolution((0,), ((Result(NOBODY, 0), Result(NOBODY, 0)),), ())
        court = self.world.people.court
        return self.rng.choice((
            actions.PostResult(sender, batch_id, Top(NOBODY, 0, NOBODY, 0)), actions.Deliver(sender, batch_id),
            actions.LeaveBatch(sender, batch_id, 0), actions.Expire(sender, batch_id),
            actions.Settle(sender, batch_id), accept, actions.Resolve(sender, batch_id, resolution),
            actions.Hold(court, batch_id, 0), actions.Convict(court, batch_id, 0, True, sender),
            actions.Release(court, batch_id, NOBODY, 0, court), actions.SetDue(court, batch_id, (0, 0, 0)),
        ))  # fmt: skip

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
            accept = self.moves.accept(plan, batch)
            return self.rng.choice((self.moves.post(plan, batch), self.moves.leave(plan, batch), accept))
        if waits:
            return self.moves.leave(plan, batch)
        others = (
            self.moves.deliver, self.moves.hold, self.moves.convict, self.moves.leave, self.moves.accept,
            self.moves.release, self.moves.set_due,
        )  # fmt: skip
        return self.rng.choice(others)(plan, batch)

    def _late_resolution(self) -> actions.Action | None:
        split: Wanted = lambda b: b.phase == Phase.RESULTS and agreed_root(b) is None  # noqa: E731
        found = self.find_next(split, lambda b: b.resolve_by)
        if found is None:
            return None
        shown = evidence(*found)
        if shown is None or found[1].resolve_by > self.world.now + 1_200:
            return None
        self.world.pass_time(found[1].resolve_by + self.rng.choice((0, 0, 1)))
        return actions.Resolve(self._party(), found[0].batch_id, shown)

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
            return self.rng.choice((actions.Deliver(stranger, plan.batch_id, (commit,)), leave))
        accept = replace(self.moves.accept(plan, batch), posted=True, post_signer=outsider, sender=stranger)
        accept = replace(accept, signer=batch.terms.requester)
        return self.rng.choice((actions.PostResult(stranger, plan.batch_id, plan.answers[0].top, outsider), leave, accept))

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
        return actions.Deliver(self._party(), plan.batch_id, (), (actions.Reveal(0, top, NOBODY),))

    def batches_early(self) -> actions.Action | None:
        if self.rng.random() < 0.3:
            return self._last_second()
        found = self.find(lambda b: self.world.now < b.terms.post_by or b.phase == Phase.RESULTS)
        if found is None:
            return None
        plan, batch = found
        if batch.phase == Phase.RESULTS:
            return self.rng.choice((self.moves.settle, self.moves.expire))(plan, batch)
        if len(batch.replicas) > 1 and self.rng.random() < 0.6:
            commit = actions.SignedCommit(0, plan.commitment(0), batch.terms.casts[0].provider)
            return actions.Deliver(self._party(), plan.batch_id, (commit,), self.moves.reveals(plan, [0]))
        return self.moves.expire(plan, batch)

    def _last_second(self) -> actions.Action | None:
        """Settle or expire one second before a batch allows it."""
        found = self.find_next(lambda b: True, due_moment)
        if found is None or due_moment(found[1]) > self.world.now + 1_200:
            return None
        self.world.pass_time(due_moment(found[1]) - 1)
        return self.moves.settle(*found) if found[1].phase == Phase.RESULTS else self.moves.expire(*found)

    def batches_committed(self) -> actions.Action | None:
        found = self._committed(ReplicaState.COMMITTED)
        if found is None:
            return None
        plan, batch, index = found
        commit = actions.SignedCommit(index, self.rng.randbytes(32), batch.terms.casts[index].provider)
        return actions.Deliver(self._party(), plan.batch_id, (commit,))

    def batches_opening(self) -> actions.Action | None:
        found = self.find_current(Phase.REVEALING, lambda b: self._has(b, ReplicaState.COMMITTED))
        if found is None:
            return None
        plan, batch = found
        index = next(k for k, r in enumerate(batch.replicas) if r.state == ReplicaState.COMMITTED)
        other = (index + 1) % len(batch.replicas)
        salt = self.rng.choice((NOBODY, plan.salt(other)))
        reveal = actions.Reveal(index, plan.answers[self.rng.choice((index, other))].top, salt)
        return actions.Deliver(self._party(), plan.batch_id, (), (reveal,))

    def batches_repeated(self) -> actions.Action | None:
        found = self._committed(ReplicaState.COMMITTED) or self._committed(ReplicaState.REVEALED)
        if found is None:
            return None
        plan, batch, index = found
        if batch.replicas[index].state == ReplicaState.REVEALED:
            return actions.Deliver(self._party(), plan.batch_id, (), self.moves.reveals(plan, [index]))
        commit = actions.SignedCommit(index, plan.commitment(index), batch.terms.casts[index].provider)
        return self.rng.choice((
            actions.Deliver(self._party(), plan.batch_id, (commit, commit)),
            actions.Deliver(self._party(), plan.batch_id),
        ))  # fmt: skip

    def _has(self, batch: Batch, state: ReplicaState) -> bool:
        return any(replica.state == state for replica in batch.replicas)

    def _committed(self, state: ReplicaState) -> tuple[Plan, Batch, int] | None:
        alive: Wanted = lambda b: len(b.replicas) > 1 and self._has(b, state)  # noqa: E731
        found = self.find_current(self.rng.choice((Phase.OPEN, Phase.REVEALING, Phase.RESULTS)), alive)
        if found is None:
            return None
        plan, batch = found
        return plan, batch, next(k for k, r in enumerate(batch.replicas) if r.state == state)

    def batches_phase(self) -> actions.Action | None:
        found = self.find_current(self.rng.choice((Phase.OPEN, Phase.REVEALING)))
        if found is None:
            return None
        plan, batch = found
        if batch.phase == Phase.REVEALING and evidence(plan, batch) is not None:
            return self.moves.resolve(plan, batch)
        accept = replace(self.moves.accept(plan, batch), posted=False)
        others = (self.moves.settle, self.moves.hold, self.moves.release, self.moves.set_due)
        return self.rng.choice((accept, *(other(plan, batch) for other in others)))

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
        return self.rng.choice((wrong, replace(right, total_units=right.total_units + 1)))

    def batches_peer(self) -> actions.Action | None:
        found = self.find(lambda batch: True)
        if found is None:
            return None
        plan, batch = found
        people = self.world.people
        outsider = self.rng.choice((people.stranger, people.owner, batch.terms.requester, people.auditor))
        if outsider != people.auditor and self.rng.random() < 0.3:
            return replace(self.moves.hold(plan, batch), sender=outsider)
        if self.rng.random() < 0.5:
            chosen = self.rng.choice((self.moves.release, self.moves.set_due))(plan, batch)
            return replace(chosen, sender=self.rng.choice((outsider, people.court)))
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
        return replace(self.moves.accept(plan, batch), message=wrong)

    # resolutions

    def _split(self, wanted: Wanted) -> tuple[Plan, Batch] | None:
        return self.find_current(
            Phase.RESULTS, lambda b: len(b.revealed) > 1 and agreed_root(b) is None and wanted(b)
        )

    def _altered(self, change: Callable[[Resolution, Batch], Resolution]) -> actions.Action | None:
        found = self.find(lambda b: evidence(self.plans_of(b), b) is not None if len(b.revealed) > 1 else False)
        if found is None:
            return None
        plan, batch = found
        shown = evidence(plan, batch)
        assert shown is not None
        return actions.Resolve(self._party(), plan.batch_id, change(shown, batch))

    def plans_of(self, batch: Batch) -> Plan:
        """Return the plan of a batch."""
        return next(plan for plan in self.plans.values() if plan.terms is batch.terms)

    def resolve_agreed(self) -> actions.Action | None:
        found = self.find(lambda b: b.phase == Phase.RESULTS and agreed_root(b) is not None)
        if found is None:
            return None
        plan, batch = found
        shown = evidence(plan, batch) or Resolution((0,), ((Result(NOBODY, 0),) * len(batch.revealed),), ())
        return actions.Resolve(self._party(), plan.batch_id, shown)

    def resolve_empty(self) -> actions.Action | None:
        return self._altered(lambda r, b: Resolution((), (), r.siblings))

    def resolve_leaves(self) -> actions.Action | None:
        cut = self.rng.choice((0, 1))
        return self._altered(lambda r, b: replace(r, leaves=r.leaves[:-1] if cut else (*r.leaves, r.leaves[0])))

    def resolve_order(self) -> actions.Action | None:
        twice = self.rng.choice((lambda t: (t[0], t[0]), lambda t: (t[0] + 1, t[0]), lambda t: (2**32 - 1, t[0])))
        return self._altered(lambda r, b: replace(r, tasks=twice(r.tasks), leaves=(r.leaves[0], r.leaves[0])))

    def resolve_index(self) -> actions.Action | None:
        past = self.rng.choice((0, 1, 2**31))
        return self._altered(lambda r, b: replace(r, tasks=(*r.tasks[:-1], b.terms.count + past)))

    def resolve_siblings(self) -> actions.Action | None:
        extra = self.rng.random() < 0.5
        return self._altered(
            lambda r, b: replace(r, siblings=(*r.siblings, (NOBODY, 0)) if extra or not r.siblings else r.siblings[:-1])
        )

    def resolve_overflow(self) -> actions.Action | None:
        def change(r: Resolution, b: Batch) -> Resolution:
            if r.siblings:
                return replace(r, siblings=((NOBODY, 2**64 - 1), *r.siblings[1:]))
            return replace(r, leaves=tuple(tuple(Result(x.output_digest, 2**64 - 1) for x in row) for row in r.leaves))

        return self._altered(change)

    def resolve_root(self) -> actions.Action | None:
        def change(r: Resolution, b: Batch) -> Resolution:
            first = tuple(replace(leaf, output_digest=self.rng.randbytes(32)) for leaf in r.leaves[0])
            return replace(r, leaves=(first, *r.leaves[1:]))

        return self._altered(change)

    def resolve_standing(self) -> actions.Action | None:
        found = self._split(lambda b: b.dues is not None and self.world.now < b.resolve_by)
        return None if found is None else self.moves.resolve(*found)
