"""Random runs of audits on both sides: honest, lazy, lying and silent seats, early, late and repeated calls."""

from collections.abc import Callable
from dataclasses import replace

from audit_jobs import BOND, AuditJobs

from stun.protocol.audit import actions
from stun.protocol.audit.draws import seal_of
from stun.protocol.audit.state import Audit, Stage
from stun.protocol.market import actions as market_actions
from stun.protocol.market.settlement import agreed_root
from stun.protocol.market.state import Batch, Phase
from stun.protocol.messages import NOBODY
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import Result

COUNTS = (1, 2, 5, 8, 9, 16, 17, 40)
CODES = (
    "audit: bond", "audit: joined", "audit: seat", "audit: left", "audit: epoch", "audit: receiver", "audit: early",
    "batches: unknown", "audit: phase", "audit: order", "audit: class", "audit: late", "audit: repeated",
    "audit: round", "audit: not drawn", "audit: unknown", "audit: signer", "audit: sealed",
    "audit: opened", "audit: opening", "audit: agrees", "audit: replica", "audit: shown",
    "audit: root", "resolve: leaves", "resolve: siblings", "resolve: root", "audit: open", "audit: nothing",
    "batches: peer",
)  # fmt: skip


class AuditRun(AuditJobs):
    """Chooses steps for all parties."""

    def start(self) -> None:
        """Fill the list of seats and let an epoch pass."""
        for account in self.world.judges[:6]:
            assert self.world.take(actions.Join(account, BOND)) is None
        self.world.pass_time(self.world.now + 600)
        peers = self.world.deployed.peers()
        self.drain = self.world.publish(replace(peers, audit=self.world.people.auditor))
        self.world.publish(peers)

    def step(self) -> None:
        """Take one step of some kind."""
        kinds: tuple[tuple[float, Callable[[], None]], ...] = (
            (0.14, self._open), (0.14, self._time), (0.06, self._seats), (0.14, self._draw), (0.16, self._seal),
            (0.22, self._reveal), (0.06, self._show), (0.03, self._convict), (0.08, self._close), (0.05, self._collect),
            (0.06, self._settle), (0.04, self._fund),
        )  # fmt: skip
        self.rng.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])[0]()

    def _open(self) -> None:
        rng = self.rng
        if len(self.world.market.batches) >= 8:
            return
        count, replicas = rng.choice(COUNTS), rng.randint(1, 3)
        kind = NumericClass.TOKEN if rng.random() < 0.04 else NumericClass.EXACT
        order = self.order(replicas, count, rng.choice((10**6, 500_000, 10_000)), kind)
        if rng.random() < 0.1:
            order = replace(order, requester=rng.choice(self.world.people.requesters))
        self.world.top_up()
        truth = self.tree(count, f"truth {self._orders}")
        cheat = self.tree(count, f"cheat {self._orders}")
        trees = tuple(cheat if rng.random() < 0.35 else truth for _ in range(replicas))
        self.deliver(order, trees, truth, rng.random() < 0.93)

    def _time(self) -> None:
        now, audits = self.world.now, self.world.audit.audits.values()
        moments = [moment for a in audits for moment in (a.seal_by, a.reveal_by, a.close_at) if moment > now]
        later = self.rng.choice((1, 1, 1, 2, 3, 4, 9, 30, 600) if self.rng.random() < 0.3 else (0, 1))
        if moments and self.rng.random() < 0.25:
            later = min(moments) - now + self.rng.choice((-1, 0, 0, 1))
        self.world.pass_time(now + max(0, later))

    def _seats(self) -> None:
        rng, world = self.rng, self.world
        account = rng.choice(world.judges) if rng.random() < 0.6 else world.audit.seats[-1].account
        kind = rng.choice((actions.Join, actions.Join, actions.Leave, actions.TakeBond))
        if kind is actions.Join:
            world.take(actions.Join(account, rng.choice((BOND, BOND, 2 * BOND, BOND - 1, 2**48))))
        elif kind is actions.Leave:
            if sum(seat.bond > 0 and not seat.left for seat in world.audit.seats) > 3 or rng.random() < 0.2:
                world.take(actions.Leave(account))
        else:
            if rng.random() < 0.1:
                world.pass_time(world.now + 15_000)
            world.take(actions.TakeBond(account, rng.choice((account, account, NOBODY))))

    def _draw(self) -> None:
        rng, world = self.rng, self.world
        if not self.jobs:
            return
        batches = world.market.batches.items()
        fresh = [key for key, batch in batches if world.now < batch.phase_at + 10 or batch.phase == Phase.OPEN]
        if not fresh and rng.random() < 0.8:
            return
        batch_id = rng.choice(fresh or list(self.jobs))
        if rng.random() < 0.1:
            batch_id = rng.choice(list(self.jobs))
        order = self.jobs[batch_id].order
        batch = world.market.batches.get(batch_id)
        if batch is not None and rng.random() < 0.8:
            randomness = world.market.beacons[world.deployed.beacon].randomness(batch.round)
            if randomness == bytes(32):
                self.bring(batch_id, rng.choice((True, True, None)))
        if rng.random() < 0.06:
            order = rng.choice((replace(order, audit_ppm=10**6 - 1), rng.choice(list(self.jobs.values())).order))
        world.take(actions.Draw(rng.choice(world.people.all), batch_id, order))

    def _some(self, wanted: Callable[[Audit], bool] = lambda audit: True) -> Audit | None:
        """Return some running audit; at times an altered or ended record."""
        running = [audit for audit in self.world.audit.audits.values() if wanted(audit)]
        if self.rng.random() < 0.05 and self.ended:
            return self.rng.choice(self.ended)
        if not running:
            return None
        audit = self.rng.choice(running)
        if self.rng.random() < 0.05:
            other = replace(audit.sittings[0], agrees=audit.sittings[0].agrees ^ 1)
            changes: tuple[dict[str, object], ...] = (
                {"share": audit.share + 1}, {"seal_by": audit.seal_by + 1}, {"sittings": (other, *audit.sittings[1:])},
            )  # fmt: skip
            return replace(audit, **self.rng.choice(changes))  # type: ignore[arg-type]
        return audit

    def _seal(self) -> None:
        audit, rng = self._some(), self.rng
        if audit is None:
            return
        fitting = [k for k, s in enumerate(audit.sittings) if s.stage == Stage.DRAWN] or [0]
        seats = rng.sample(fitting, rng.randint(1, len(fitting))) if rng.random() < 0.5 else [rng.choice(fitting)]
        native = len(seats) == 1 and rng.random() < 0.5
        seals, opened = [], {}
        for seat in seats:
            account = audit.sittings[seat].account
            verdict, salt = self._found(audit), rng.randbytes(32)
            word = seal_of(audit.batch_id, account, verdict, salt)
            known = [s.word for s in audit.sittings if s.stage == Stage.SEALED]
            if known and rng.random() < 0.08:
                word = rng.choice(known)  # a copy, which can never be opened
            opened[audit.batch_id, account] = verdict, salt
            seals.append(actions.Sealing(seat, word, None if native else self._signer(account)))
        sender = audit.sittings[seats[0]].account if native else rng.choice(self.world.people.all)
        if rng.random() < 0.04:
            seals = rng.choice(([], [*seals, seals[0]], [replace(seals[0], seat=len(audit.sittings))]))
        if self.world.take(actions.Seal(sender, audit, tuple(seals[:7]))) is None:
            self.verdicts |= opened

    def _found(self, audit: Audit) -> bytes:
        """Return what some auditor found: mostly the truth, at times a replica's results, or nothing at all."""
        job = self.jobs[audit.batch_id]
        if self.rng.random() < 0.1:
            return self.rng.randbytes(32)
        return self.verdict(audit, self.rng.choice((job.truth, job.truth, job.truth, *job.trees)))

    def _signer(self, account: bytes) -> bytes | None:
        return account if self.rng.random() < 0.93 else self.rng.choice((None, self.world.people.stranger))

    def _reveal(self) -> None:
        rng = self.rng
        audit = self._some(lambda a: any(s.stage == Stage.SEALED for s in a.sittings))
        if audit is None:
            return
        wanted = rng.choice((Stage.SEALED, Stage.SEALED, Stage.SEALED, Stage.REVEALED))
        fitting = [k for k, s in enumerate(audit.sittings) if s.stage == wanted] or [0]
        seats = rng.sample(fitting, rng.randint(1, len(fitting))) if rng.random() < 0.5 else [rng.choice(fitting)]
        native = len(seats) == 1 and rng.random() < 0.5
        openings = []
        for seat in seats:
            account = audit.sittings[seat].account
            honest = self.opening(audit, seat, 0, None if native else self._signer(account))
            mask = self.agreement(audit, honest.verdict)
            changes: tuple[dict[str, int | bytes], ...] = ({}, {}, {}, {}, {}, {}, {}, {"agrees": mask ^ 1},
                {"agrees": 8}, {"agrees": 7}, {"salt": bytes(32)}, {"verdict": bytes(32)})  # fmt: skip
            openings.append(replace(honest, agrees=mask))
            openings[-1] = replace(openings[-1], **rng.choice(changes))  # type: ignore[arg-type]
        sender = audit.sittings[seats[0]].account if native else rng.choice(self.world.people.all)
        if rng.random() < 0.04:
            openings = rng.choice(([], [*openings, openings[0]], [replace(openings[0], seat=len(audit.sittings))]))
        self.world.take(actions.Reveal(sender, audit, tuple(openings[:7])))

    def _show(self) -> None:
        audit = self._some()
        if audit is None:
            return
        trees = self.jobs[audit.batch_id].trees
        replica = self.rng.randrange(3) if self.rng.random() < 0.2 else self.rng.randrange(len(trees))
        tree = trees[min(replica, len(trees) - 1)]
        action = self.proof(audit, replica, tree, self.rng.choice(self.world.people.all))
        other = (*action.leaves[1:], Result(bytes(32), 1))
        changes: tuple[dict[str, object], ...] = ({}, {}, {}, {}, {"leaves": action.leaves[1:]}, {"leaves": other},
            {"siblings": action.siblings[1:]}, {"siblings": (*action.siblings, (bytes(32), 1))},
            {"total_units": tree.total_units + 1}, {"outputs_root": bytes(32)})  # fmt: skip
        self.world.take(replace(action, **self.rng.choice(changes)))  # type: ignore[arg-type]

    def _convict(self) -> None:
        found = [(key, k) for key, batch in self.world.market.batches.items() for k in self._guilty(key, batch)]
        if found:
            self.world.convict(*self.rng.choice(found), self.rng.random() < 0.6)

    def _guilty(self, batch_id: bytes, batch: Batch) -> list[int]:
        job = self.jobs[batch_id]
        lying = [k for k in batch.revealed if job.trees[k] is not job.truth]
        return lying or (list(batch.revealed) if self.rng.random() < 0.1 else [])

    def _settle(self) -> None:
        for batch_id, batch in list(self.world.market.batches.items()):
            if batch.phase == Phase.OPEN and self.world.now >= batch.terms.post_by:
                self.world.must_act(market_actions.Expire(self.world.people.stranger, batch_id))
            ready = batch.phase == Phase.RESULTS and self.world.now >= batch.quiet_at
            root = agreed_root(batch)
            if ready and root is not None:
                claim = next(r for r in batch.replicas if r.outputs_root == root).claim
                self.world.must_act(market_actions.Settle(self.world.people.stranger, batch_id, *claim))
            elif ready and self.world.now >= batch.resolve_by:
                self.world.must_act(market_actions.Settle(self.world.people.stranger, batch_id))

    def _close(self) -> None:
        ready = [a for a in self.world.audit.audits.values() if self.world.now >= a.close_at]
        final = [audit for audit in ready if audit.batch_id not in self.world.market.batches]
        audit = self.rng.choice(final) if final and self.rng.random() < 0.8 else self._some()
        if audit is not None and self.world.take(actions.Close(self.world.people.stranger, audit)) is None:
            self.ended.append(audit)

    def _collect(self) -> None:
        rng, world = self.rng, self.world
        owed = list(world.audit.owed)
        asset, account = rng.choice(owed) if owed and rng.random() < 0.8 else (world.assets[0], world.judges[0])
        version = 1 if rng.random() < 0.6 else rng.choice((0, 9, self.drain))
        world.take(actions.Collect(world.people.stranger, version, asset, account))

    def _fund(self) -> None:
        asset = self.rng.choice(self.world.assets)
        funder, amount = self.world.people.requesters[1], self.rng.randint(1, 10**7)
        if self.rng.random() < 0.5:
            held = self.world.market.audit.get(asset, 0)
            payer = self.world.people.auditor
            self.world.must_act(market_actions.PayAudit(payer, self.drain, asset, ((funder, held * 9 // 10),)))
        self.world.must_act(market_actions.FundAudit(funder, asset, amount))
