"""A provider at work: one cycle sees, bids, computes and does its duties; the next one begins from what is stored.

One thread runs it. What fails for one batch, pool or store is logged and due again in the next cycle; any other error
ends the cycle and reaches the caller.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from stun.chains.interface import ChainError
from stun.pool.errors import PoolError
from stun.protocol.errors import Rejected
from stun.protocol.market.state import Phase, ReplicaState
from stun.protocol.messages import NOBODY
from stun.provider.acting import Acting, Trees, Unfit
from stun.provider.batch_watch import BatchWatch, Ended, Vanished
from stun.provider.bidder import Bidder
from stun.provider.computation import Computation
from stun.provider.context import ProviderContext
from stun.provider.defence import Defence
from stun.provider.deposits import Deposits
from stun.provider.duties import Duty, JournalFacts, PoolFacts, contradicts, decide
from stun.provider.journal import Step
from stun.provider.keeping import Keeping
from stun.provider.policy import decide_withdrawal
from stun.provider.profile import Advertiser
from stun.provider.purse import Purse
from stun.provider.standing import Standing
from stun.storage.blobs import BlobError
from stun.storage.results import MAX_BYTES, ResultsBroken, unpack_results

_POSTPONED = (ChainError, PoolError, BlobError, Rejected, Unfit)
_DELIVERIES_READ = 8
_LAST_DELIVERIES = 10


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one tick did: `standings` of open batches as they were read, and whether work is left to run at once."""

    standings: tuple[Standing, ...] = ()
    busy: bool = False


class ProviderService:
    """The bot of one provider."""

    def __init__(self, context: ProviderContext) -> None:
        self.context = context
        self.bidder = Bidder(context)
        self._computation = Computation(context)
        self._acting = Acting(context, self._computation)
        self.defence = Defence(context, Keeping(context, self._computation))
        self.purse = Purse(context)
        self._deposits = Deposits(context)
        self._watch = BatchWatch(context)
        self._advertiser = Advertiser(context)
        self._payout_at = 0

    def tick(self) -> Cycle:
        """Run one cycle. Errors: what is nobody's ordinary failure."""
        self._try("intents", self._move_intents)
        self._try("purse", self.purse.look)
        self._try("profile", self._advertiser.renew)
        self._try("batches", self._watch.discover)
        standings = [found for batch_id in self.context.journal.active() if (found := self._look(batch_id))]
        standings.sort(key=lambda standing: (standing.terms.post_by, standing.batch_id))
        for standing in standings:
            self._defend(standing)
        self._try("bids", self.bidder.answer_all)
        computing = False
        for standing in standings:
            computing = self._serve(standing, computing) or computing
        self._try("payout", self._pay_out)
        self._try("deposits", self._deposits.collect)
        return Cycle(tuple(standings), computing)

    def run_forever(self, stop: threading.Event | None = None) -> None:
        """Tick until `stop` is set, without a pause while there are tasks to run; then end the workers."""
        ending = stop or threading.Event()
        try:
            while not ending.is_set():
                if not self.tick().busy:
                    ending.wait(self.context.settings.poll_seconds)
        finally:
            self.close()

    def close(self) -> None:
        """End workers and let go of the journal."""
        self.context.workshop.close()
        self.context.journal.close()

    def duties(self, standing: Standing) -> list[Duty]:
        """What is due in a batch. Errors: ChainError, PoolError."""
        return self._decide(standing)[0]

    def _defend(self, standing: Standing) -> None:
        """Answer what a court demands in one batch; it comes before all work, since silence costs the bond."""
        self._try("defence", lambda: self.defence.attend(standing))

    def _serve(self, standing: Standing, computing: bool) -> bool:
        """Do what is due in one batch; return whether a chunk of tasks was run. One chunk runs in a cycle."""
        ran = False
        try:
            duties, trees = self._decide(standing)
            for duty in duties:
                if duty is Duty.COMPUTE and computing:
                    continue
                self._acting.do(duty, standing, trees)
                ran = ran or duty is Duty.COMPUTE
        except _POSTPONED as error:
            self.context.log.warning("duty_postponed", batch=standing.batch_id.hex(), reason=str(error))
        return ran

    def _decide(self, standing: Standing) -> tuple[list[Duty], Trees]:
        settings = self.context.settings
        facts = self._journal_facts(standing.batch_id)
        pool, trees = self._pool_facts(standing)
        if contradicts(standing, facts, pool):
            self.context.log.error("foreign_commitment", batch=standing.batch_id.hex())
        return decide(standing, facts, pool, settings.margins, settings.native), trees

    def _journal_facts(self, batch_id: bytes) -> JournalFacts:
        steps = self.context.journal.steps(batch_id)
        return JournalFacts(
            computed=Step.COMPUTED in steps,
            failed=Step.FAILED in steps,
            commitment=steps.get(Step.COMMITMENT),
            published=Step.PUBLISHED in steps,
            opened=Step.OPENED in steps,
            delivered=Step.DELIVERED in steps,
            leaves=Step.LEAVES in steps,
        )

    def _pool_facts(self, standing: Standing) -> tuple[PoolFacts, Trees]:
        """What the pools add: commitments while they matter, and results of others where the roots differ."""
        terms, batch = standing.terms, standing.batch
        if len(terms.casts) == 1 or batch is None:
            return PoolFacts(), {}
        if standing.state in (ReplicaState.PENDING, ReplicaState.COMMITTED):
            return PoolFacts(self.context.pools.commits(standing.batch_id, terms)), {}
        if standing.state != ReplicaState.REVEALED or batch.phase != Phase.RESULTS:
            return PoolFacts(), {}
        roots = {batch.replicas[k].outputs_root for k in batch.revealed}
        trees = self._foreign_trees(standing) if len(roots) > 1 and batch.dues is None else {}
        return PoolFacts(leaves=frozenset(trees)), trees

    def _foreign_trees(self, standing: Standing) -> Trees:
        """Results trees of other replicas that are published and have the root that is on chain."""
        batch = standing.batch
        assert batch is not None, "results are read of a batch that is open"
        trees: Trees = {}
        for k in set(batch.revealed) - {standing.replica}:
            envelopes = self.context.pools.deliveries(standing.batch_id, standing.terms.casts[k].provider)
            wanted = (batch.replicas[k].outputs_root, batch.replicas[k].total_units)
            for envelope in envelopes[-_DELIVERIES_READ:]:
                try:
                    data = self.context.stores.fetch(envelope.delivery.blob, envelope.stores)
                    tree = unpack_results(data[: MAX_BYTES + 1])
                except (BlobError, ResultsBroken, Rejected):
                    continue  # an output package, or nothing at all
                if (tree.root, tree.total_units) == wanted:
                    trees[k] = tree
        return trees

    def _look(self, batch_id: bytes) -> Standing | None:
        try:
            found = self._watch.look(batch_id)
            if isinstance(found, Ended):
                self._end(found)
            if isinstance(found, Vanished) and not found.ending:
                self._mourn(batch_id)
        except ChainError as error:
            self.context.log.warning("batch_unreadable", batch=batch_id.hex(), reason=str(error))
            return None
        return found if isinstance(found, Standing) else None

    def _mourn(self, batch_id: bytes) -> None:
        """A match is undone: be ready for another one, and close the books when none can come any more."""
        if self._watch.has_just_gone(batch_id):
            self.context.log.warning("batch_gone", batch=batch_id.hex())
            self._renew_attempts(batch_id)
        elif self._watch.is_lost(batch_id):
            self._close_books(batch_id, NOBODY, 0)

    def _end(self, ended: Ended) -> None:
        """Close the books of a final batch, after a last try to deliver what is owed."""
        if not self._owes_outputs(ended.batch_id, self.context.reader.now()):
            self._close_books(ended.batch_id, ended.asset, ended.earned)

    def _close_books(self, batch_id: bytes, asset: bytes, earned: int) -> None:
        journal, now = self.context.journal, self.context.reader.now()
        journal.record(batch_id, Step.SETTLED, asset + earned.to_bytes(8, "big"), now)
        journal.drop_outputs(batch_id)
        self._computation.forget(batch_id)
        self.context.log.info("settled", batch=batch_id.hex(), earned=earned)

    def _owes_outputs(self, batch_id: bytes, now: int) -> bool:
        """Deliver what a batch that ended early still lacks; True if that failed and is worth another try."""
        journal = self.context.journal
        steps = journal.steps(batch_id)
        if Step.PUBLISHED not in steps or Step.DELIVERED in steps:
            return False
        attempt, not_before = journal.attempt(batch_id, Duty.DELIVER_OUTPUTS)
        if now < not_before:
            return True
        try:
            self._acting.deliver_outputs(batch_id)
        except _POSTPONED as error:
            self.context.log.warning("not_delivered", batch=batch_id.hex(), reason=str(error))
            journal.next_attempt(batch_id, Duty.DELIVER_OUTPUTS, now, self.context.settings.retry_seconds)
            return attempt < _LAST_DELIVERIES
        return False

    def _renew_attempts(self, batch_id: bytes) -> None:
        """What was sent for a match that is undone counts for nothing when the order is matched again."""
        for duty in Duty:
            self.context.journal.next_attempt(batch_id, duty, self.context.reader.now(), 0)

    def _move_intents(self) -> None:
        if self.context.writer is not None:
            self.context.writer.tick()

    def _pay_out(self) -> None:
        settings, writer, reader = self.context.settings, self.context.writer, self.context.reader
        now = reader.now()
        if settings.payout_to is None or writer is None or writer.account != self.context.account:
            return
        if now < self._payout_at:
            return
        self._payout_at = now + settings.retry_seconds
        for asset in sorted({price.asset for price in settings.policy.prices}):
            amount = decide_withdrawal(
                reader.balance(asset, writer.account), settings.keep_balance, settings.least_payout
            )
            if amount:
                writer.withdraw(f"provider:payout:{asset.hex()}:{now}", asset, amount, settings.payout_to)

    def _try(self, what: str, act: Callable[[], object]) -> None:
        """Do a part of the cycle that may fail for reasons outside; the rest goes on."""
        try:
            act()
        except _POSTPONED as error:
            self.context.log.warning("postponed", part=what, reason=str(error))
