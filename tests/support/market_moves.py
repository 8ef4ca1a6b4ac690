"""Actions that a batch's rules allow now, as honest and greedy parties would choose them."""

from collections.abc import Callable
from random import Random

from market_plans import Plan
from side_by_side import World

from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.market.settlement import agreed_root
from stun.protocol.market.state import Batch, Phase, ReplicaState
from stun.protocol.messages import NOBODY, Accept
from stun.protocol.trees.resolve import Resolution, prove_differences


def due_moment(batch: Batch) -> int:
    """Return the next moment at which time alone changes what the batch allows."""
    if batch.phase == Phase.OPEN:
        return batch.terms.post_by
    if batch.phase == Phase.REVEALING:
        return batch.reveal_by
    return batch.quiet_at if agreed_root(batch) is not None or batch.dues is not None else batch.resolve_by


def evidence(plan: Plan, batch: Batch) -> Resolution | None:
    """Return the true resolution of the replicas that revealed, if there is one."""
    trees = [plan.answers[k].tree for k in batch.revealed]
    if len(trees) < 2 or any(tree is None for tree in trees):
        return None
    try:
        return prove_differences([tree for tree in trees if tree is not None])
    except Rejected:
        return None


Move = Callable[[Plan, Batch], actions.Action]


class Moves:
    """Chooses a move for a batch from a seeded source."""

    def __init__(self, world: World, rng: Random) -> None:
        self.world = world
        self.rng = rng

    def move(self, plan: Plan) -> actions.Action:
        """Return something that may be done with a batch now."""
        batch = self.world.market.batches[plan.batch_id]
        if self.world.now >= due_moment(batch):
            late: tuple[Move, ...] = (self.expire, *(self.settle,) * 4, self.deliver, self.convict)
            return self.rng.choice(late)(plan, batch)
        split = batch.phase == Phase.RESULTS and batch.dues is None and agreed_root(batch) is None
        if split and self.rng.random() < 0.5:
            disputes: tuple[Move, ...] = (self.resolve, self.resolve, self.set_due)
            return self.rng.choice(disputes)(plan, batch)
        choices: dict[Phase, tuple[Move, ...]] = {
            Phase.OPEN: (*(self.answer,) * 12, self.leave, self.convict),
            Phase.REVEALING: (*(self.deliver,) * 6, self.convict),
            Phase.RESULTS: (
                self.resolve, self.set_due, self.set_due, self.accept, self.release, self.hold, self.convict,
                self.settle, self.deliver,
            ),
        }  # fmt: skip
        return self.rng.choice(choices[batch.phase])(plan, batch)

    def anybody(self) -> bytes:
        """Return some account."""
        return self.rng.choice((self.world.people.stranger, *self.world.people.matchers, *self.world.people.providers))

    def signer(self, provider: bytes) -> bytes:
        """Return whose key signs a duty of a provider."""
        operator = self.world.market.operators.get(provider, NOBODY)
        return operator if operator != NOBODY and self.rng.random() < 0.5 else provider

    def answer(self, plan: Plan, batch: Batch) -> actions.Action:
        """Post, post with acceptance, or commit."""
        if len(plan.answers) > 1:
            return self.deliver(plan, batch)
        if self.rng.random() < 0.25:
            return self.accept(plan, batch)
        return self.post(plan, batch)

    def post(self, plan: Plan, batch: Batch) -> actions.PostResult:
        """A lone provider's post, native or brought by anybody."""
        provider = batch.terms.casts[0].provider
        native = self.rng.random() < 0.5
        sender = self.signer(provider) if native else self.anybody()
        return actions.PostResult(sender, plan.batch_id, plan.answers[0].top, None if native else self.signer(provider))

    def deliver(self, plan: Plan, batch: Batch) -> actions.Deliver:
        """Some commitments and some reveals, in any mixture; repeated ones too."""
        casts = batch.terms.casts
        commits: list[int] = [k for k, r in enumerate(batch.replicas) if r.state == ReplicaState.PENDING]
        if batch.phase != Phase.OPEN or self.rng.random() < 0.5:
            least = 1 if commits and batch.phase == Phase.OPEN else 0
            commits = self.rng.sample(commits, self.rng.randint(least, len(commits)))
        reveals = [k for k, r in enumerate(batch.replicas) if r.state == ReplicaState.COMMITTED or k in commits]
        left = any(r.state == ReplicaState.PENDING and k not in commits for k, r in enumerate(batch.replicas))
        if left and self.world.now < batch.terms.post_by:
            reveals = []
        reveals = reveals if self.rng.random() < 0.3 else self.rng.sample(reveals, self.rng.randint(0, len(reveals)))
        if self.rng.random() < 0.1:
            commits = [*commits, *commits][:3]
        self.rng.shuffle(commits)
        self.rng.shuffle(reveals)
        native = self.rng.random() < 0.3 and len(commits) == 1
        sender = self.signer(casts[commits[0]].provider) if native else self.anybody()
        signed = tuple(
            actions.SignedCommit(k, plan.commitment(k), None if native else self.signer(casts[k].provider))
            for k in commits
        )
        return actions.Deliver(sender, plan.batch_id, signed, self.reveals(plan, reveals))

    def reveals(self, plan: Plan, replicas: list[int]) -> tuple[actions.Reveal, ...]:
        """Return the openings of some replicas."""
        return tuple(actions.Reveal(k, plan.answers[k].top, plan.salt(k)) for k in replicas)

    def leave(self, plan: Plan, batch: Batch) -> actions.LeaveBatch:
        """A provider steps back."""
        waiting = [k for k, r in enumerate(batch.replicas) if r.state == ReplicaState.PENDING] or [0]
        index = self.rng.choice(waiting)
        return actions.LeaveBatch(batch.terms.casts[index].provider, plan.batch_id, index)

    def expire(self, plan: Plan, _batch: Batch) -> actions.Expire:
        """Anybody calls time."""
        return actions.Expire(self.anybody(), plan.batch_id)

    def settle(self, plan: Plan, batch: Batch) -> actions.Settle:
        """Anybody ends the batch with the right claim."""
        root = agreed_root(batch)
        claim = (NOBODY, 0)
        if root is not None:
            winner = next(r for r in batch.replicas if r.outputs_root == root)
            claim = (root, winner.total_units)
        return actions.Settle(self.anybody(), plan.batch_id, *claim)

    def accept(self, plan: Plan, batch: Batch) -> actions.AcceptResult:
        """The requester takes a result, by its own call or its signature; a lone one before it is posted."""
        index = self.rng.choice(batch.revealed or (0,))
        message = Accept(plan.batch_id, *plan.claim(index))
        native = self.rng.random() < 0.5
        requester = batch.terms.requester
        sender, signer = (requester, None) if native else (self.anybody(), requester)
        posted = len(plan.answers) == 1 and (batch.phase == Phase.OPEN or self.rng.random() < 0.2)
        post_signer = self.signer(batch.terms.casts[0].provider) if posted else None
        return actions.AcceptResult(sender, message, signer, posted, post_signer)

    def hold(self, plan: Plan, batch: Batch) -> actions.Hold:
        """The court or the audit holds the batch, at times for as long as it may."""
        sender = self.rng.choice((self.court(batch), self.world.people.auditor))
        until = self.world.now + self.rng.choice((-10, 0, 1, 60, 600, 10**9))
        return actions.Hold(sender, plan.batch_id, until)

    def convict(self, plan: Plan, batch: Batch) -> actions.Convict:
        """The court ends a live replica."""
        index = self.rng.choice(batch.live or (0,))
        challenger = self.rng.choice((self.world.people.challenger, *(cast.provider for cast in batch.terms.casts)))
        return actions.Convict(self.court(batch), plan.batch_id, index, self.rng.random() < 0.5, challenger)

    def resolve(self, plan: Plan, batch: Batch) -> actions.Action:
        """Anybody shows the tasks that differ, if they can be shown; else the court holds."""
        shown = evidence(plan, batch)
        return self.hold(plan, batch) if shown is None else actions.Resolve(self.anybody(), plan.batch_id, shown)

    def release(self, plan: Plan, batch: Batch) -> actions.Release:
        """The settlement peer releases a result."""
        index = self.rng.choice(batch.revealed or (0,))
        return actions.Release(self.world.people.settlement, plan.batch_id, *plan.claim(index), self.anybody())

    def set_due(self, plan: Plan, batch: Batch) -> actions.SetDue:
        """The settlement peer says what is due."""
        limit = batch.terms.unit_limit
        dues = [self.rng.choice((0, limit, self.rng.randint(0, limit))) for _ in plan.answers] + [0, 0]
        return actions.SetDue(self.world.people.settlement, plan.batch_id, tuple(dues[:3]))

    def court(self, batch: Batch) -> bytes:
        """Return the court of the batch's config version."""
        versions = self.world.market.config.versions
        return versions[(batch.terms.rules >> 240) - 1].peers.court
