"""Batches to audit on both sides, and what honest parties do with them."""

from dataclasses import dataclass
from hashlib import sha256
from random import Random

from audit_world import AuditWorld
from deployed_market import model_of
from market_outside import SetRound

from stun.protocol.audit import actions
from stun.protocol.audit.draws import drawn_tasks, is_drawn, seal_of, verdict_of
from stun.protocol.audit.state import Audit
from stun.protocol.market import actions as market_actions
from stun.protocol.messages import NOBODY, Bid, Order, nonce_of
from stun.protocol.parameters import BY_NAME, NumericClass
from stun.protocol.trees.resolve import shared_siblings
from stun.protocol.trees.results import Result, ResultsTree

BOND = BY_NAME["seat_bond"].default
PRICE = 2 * 10**9


@dataclass(frozen=True, slots=True)
class Job:
    """One batch: its order, each replica's tree, and what an honest auditor finds."""

    order: Order
    trees: tuple[ResultsTree, ...]
    truth: ResultsTree


class AuditJobs:
    """One world; `jobs` by batch, `verdicts` what each sealed seat will open. Everything from a seeded source."""

    def __init__(self, world: AuditWorld, seed: int) -> None:
        self.world = world
        self.rng = Random(seed)
        self.jobs: dict[bytes, Job] = {}
        self.verdicts: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
        self.ended: list[Audit] = []
        self.drain = 0  # a version whose audit is a key of the test's
        self._orders = 0

    def job(self, replicas: int = 1, count: int = 9, audit_ppm: int = 10**6, wrong: bool = False) -> bytes:
        """Open a batch and bring its results; return its id. `wrong`: the first replica's results are not the truth."""
        truth = self.tree(count, "truth")
        trees = [truth] * replicas
        if wrong:
            trees[0] = self.tree(count, "cheat")
        order = self.order(replicas, count, audit_ppm)
        return self.deliver(order, tuple(trees), truth)

    def tree(self, count: int, text: str) -> ResultsTree:
        """Return results of one unit a task."""
        return ResultsTree(Result(sha256(f"{text} {task}".encode()).digest(), 1) for task in range(count))

    def order(self, replicas: int, count: int, audit_ppm: int, kind: NumericClass = NumericClass.EXACT) -> Order:
        """Return an order with a nonce of its own."""
        world, self._orders = self.world, self._orders + 1
        expires_at = world.now + 100_000
        return Order(
            requester=world.people.requesters[0], asset=self.rng.choice(world.assets),
            model_id=model_of(world.people.creator, kind)[0], specs_root=self.rng.randbytes(32), count=count,
            max_units=1_000, start_price=PRICE, max_price=PRICE, ramp_start=0, ramp_seconds=0, replicas=replicas,
            audit_ppm=audit_ppm, post_seconds=600, task_seconds=1, challenge_seconds=60, tier=0, flags=0,
            recipient_key=NOBODY, matcher=NOBODY, providers_root=NOBODY, tip=0, config=0, expires_at=expires_at,
            nonce=nonce_of(expires_at, self._orders // 256, self._orders % 256),
        )  # fmt: skip

    def deliver(self, order: Order, trees: tuple[ResultsTree, ...], truth: ResultsTree, post: bool = True) -> bytes:
        """Match an order with the first providers and bring their results; return the batch's id."""
        world, batch_id = self.world, order.digest(self.world.market.domain)
        bids = [Bid(p, batch_id, PRICE, NOBODY, world.now + 60) for p in world.people.providers[: order.replicas]]
        signed = tuple(market_actions.SignedBid(bid, bid.provider) for bid in bids)
        world.must_act(market_actions.Match(order.requester, order, order.requester, signed))
        self.jobs[batch_id] = Job(order, trees, truth)
        world.happen(SetRound(len(self.jobs)))
        if not post:
            return batch_id
        if len(trees) == 1:
            world.must_act(market_actions.PostResult(bids[0].provider, batch_id, trees[0].top))
            return batch_id
        casts = world.history.opened[batch_id].casts
        salts = [bytes([k]) * 32 for k in range(len(trees))]
        commits = tuple(
            market_actions.SignedCommit(k, _commitment(batch_id, casts[k].provider, tree, salts[k]), casts[k].provider)
            for k, tree in enumerate(trees)
        )
        reveals = tuple(market_actions.Reveal(k, tree.top, salts[k]) for k, tree in enumerate(trees))
        world.must_act(market_actions.Deliver(world.people.stranger, batch_id, commits, reveals))
        return batch_id

    def bring(self, batch_id: bytes, wanted: bool | None = None) -> None:
        """Bring the batch's round; one that draws it, or does not, if that is wanted."""
        batch = self.world.market.batches[batch_id]
        ppm = self.jobs[batch_id].order.audit_ppm
        randomness = self.rng.randbytes(32)
        while wanted is not None and is_drawn(randomness, batch_id, ppm) != wanted:
            randomness = self.rng.randbytes(32)
        self.world.bring(batch.round, randomness)

    def draw(self, batch_id: bytes) -> Audit:
        """Bring a round that draws the batch and show it; return the audit."""
        self.bring(batch_id, True)
        assert self.world.take(actions.Draw(self.world.people.stranger, batch_id, self.jobs[batch_id].order)) is None
        return self.world.audit.audits[batch_id]

    def verdict(self, audit: Audit, tree: ResultsTree) -> bytes:
        """Return what an auditor with this tree seals."""
        tasks = drawn_tasks(audit.randomness, audit.batch_id, audit.count, audit.tasks)
        return verdict_of([tree.results[task].output_digest for task in tasks])

    def seal(self, batch_id: bytes, seat: int, verdict: bytes) -> str | None:
        """Let a seat seal a verdict by its own call."""
        audit = self.world.audit.audits[batch_id]
        account = audit.sittings[seat].account
        return self.world.take(actions.Seal(account, audit, (self.sealing(audit, seat, verdict),)))

    def sealing(self, audit: Audit, seat: int, verdict: bytes, signer: bytes | None = None) -> actions.Sealing:
        """Return a seat's seal; how it opens is kept."""
        account, salt = audit.sittings[seat].account, self.rng.randbytes(32)
        self.verdicts.setdefault((audit.batch_id, account), (verdict, salt))
        return actions.Sealing(seat, seal_of(audit.batch_id, account, verdict, salt), signer)

    def opening(self, audit: Audit, seat: int, agrees: int, signer: bytes | None = None) -> actions.Opening:
        """Return how a seat opens its seal."""
        account = audit.sittings[seat].account
        verdict, salt = self.verdicts.get((audit.batch_id, account), (bytes(32), bytes(32)))
        return actions.Opening(seat, agrees, verdict, salt, signer)

    def reveal(self, batch_id: bytes, seat: int, agrees: int) -> str | None:
        """Let a seat open its seal by its own call."""
        audit = self.world.audit.audits[batch_id]
        return self.world.take(
            actions.Reveal(audit.sittings[seat].account, audit, (self.opening(audit, seat, agrees),))
        )

    def proof(self, audit: Audit, replica: int, tree: ResultsTree, sender: bytes) -> actions.Show:
        """Return the proof of a replica's results of the drawn tasks."""
        tasks = drawn_tasks(audit.randomness, audit.batch_id, audit.count, audit.tasks)
        leaves = tuple(tree.results[task] for task in tasks)
        siblings = shared_siblings(tree, tasks)
        return actions.Show(sender, audit, replica, tree.root, tree.total_units, leaves, siblings)

    def agreement(self, audit: Audit, verdict: bytes) -> int:
        """Return the honest mask: with which replicas a verdict agrees."""
        trees = self.jobs[audit.batch_id].trees
        there = [k for k in range(len(trees)) if audit.results[k] != bytes(32)]
        return sum(1 << k for k in there if self.verdict(audit, trees[k]) == verdict)


def _commitment(batch_id: bytes, provider: bytes, tree: ResultsTree, salt: bytes) -> bytes:
    units = tree.total_units.to_bytes(8, "big")
    return sha256(b"\x12" + batch_id + provider + tree.root + units + salt).digest()
