"""Doing what `duties.decide` asks for: each act is in the journal before its effect leaves the process."""

import secrets
from collections.abc import Callable

from stun.chains.interface import Intent, IntentConflict, IntentState
from stun.chains.market import MarketWriter, Opening, Sealed
from stun.pool.envelopes import CommitEnvelope, DeliveryEnvelope, OpeningEnvelope, PostEnvelope
from stun.protocol.errors import Rejected, StunError
from stun.protocol.market.settlement import agreed_root
from stun.protocol.market.state import Terms
from stun.protocol.messages import NOBODY, Commit, Delivery, Post
from stun.protocol.trees.resolve import Resolution, prove_differences
from stun.protocol.trees.results import ResultsTree
from stun.protocol.trees.specs import commitment
from stun.provider.computation import Computation, unpack_answer
from stun.provider.context import ProviderContext
from stun.provider.duties import Duty
from stun.provider.journal import Step
from stun.provider.standing import Answer, Standing
from stun.storage.packages import pack_outputs
from stun.storage.results import pack_results

Trees = dict[int, ResultsTree]


class Unfit(StunError):
    """A duty that cannot be done from here, and will not be tried again soon."""


class Acting:
    """The hands of a provider. Each method may raise ChainError, PoolError, BlobError; the duty then stays due."""

    def __init__(self, context: ProviderContext, computation: Computation) -> None:
        self._context = context
        self._computation = computation
        self._acts: dict[Duty, Callable[[Standing, Trees], None]] = {
            Duty.COMPUTE: self._compute,
            Duty.LEAVE: self._leave,
            Duty.PUBLISH_POST: self._publish_post,
            Duty.PUBLISH_COMMIT: self._publish_commit,
            Duty.POST: self._post,
            Duty.COMMIT: self._commit,
            Duty.RELEASE_OPENING: self._release_opening,
            Duty.REVEAL: self._reveal,
            Duty.DELIVER_OUTPUTS: lambda standing, _: self.deliver_outputs(standing.batch_id),
            Duty.PUBLISH_LEAVES: self._publish_leaves,
            Duty.RESOLVE: self._resolve,
            Duty.SETTLE: self._settle,
            Duty.EXPIRE: self._expire,
        }

    def do(self, duty: Duty, standing: Standing, trees: Trees) -> None:
        """Do one duty; `trees` are results trees of other replicas that were fetched and match the chain."""
        self._context.on_step(f"{duty}:begin")
        self._acts[duty](standing, trees)
        self._context.on_step(f"{duty}:end")

    def _compute(self, standing: Standing, trees: Trees) -> None:
        self._computation.advance(standing.batch_id, standing.terms)

    def _leave(self, standing: Standing, trees: Trees) -> None:
        writer = self._writer()
        if writer.account != self._context.account:
            raise Unfit("only the account itself can leave a batch; its operator cannot")
        self._send(standing, Duty.LEAVE, lambda key: writer.leave(key, *_place(standing), standing.replica))

    def _publish_post(self, standing: Standing, trees: Trees) -> None:
        tree = self._computation.tree(standing.batch_id, standing.terms)
        post = Post(standing.batch_id, self._context.account, *self._answer(standing))
        self._context.pools.publish(PostEnvelope(post, tree.top, self._signature(standing, post)))
        self._note(standing, Step.PUBLISHED)

    def _publish_commit(self, standing: Standing, trees: Trees) -> None:
        commit, signature = self._signed_commit(standing)
        self._context.pools.publish(CommitEnvelope(commit, signature))
        self._note(standing, Step.PUBLISHED)

    def _post(self, standing: Standing, trees: Trees) -> None:
        writer, tree = self._writer(), self._computation.tree(standing.batch_id, standing.terms)
        post = Post(standing.batch_id, self._context.account, *self._answer(standing))
        signature = self._signature(standing, post)
        self._send(standing, Duty.POST, lambda key: writer.post(key, *_place(standing), tree.top, signature))

    def _commit(self, standing: Standing, trees: Trees) -> None:
        writer = self._writer()
        commit, signature = self._signed_commit(standing)
        sealed = Sealed(standing.replica, commit.commitment, signature)
        self._send(standing, Duty.COMMIT, lambda key: writer.deliver(key, *_place(standing), [sealed], []))

    def _release_opening(self, standing: Standing, trees: Trees) -> None:
        top, salt = self._computation.tree(standing.batch_id, standing.terms).top, self._salt(standing)
        self._context.pools.publish(OpeningEnvelope(standing.batch_id, self._context.account, top, salt))
        self._note(standing, Step.OPENED)

    def _reveal(self, standing: Standing, trees: Trees) -> None:
        writer, top = self._writer(), self._computation.tree(standing.batch_id, standing.terms).top
        opening = Opening(standing.replica, top, self._salt(standing))
        self._send(standing, Duty.REVEAL, lambda key: writer.deliver(key, *_place(standing), [], [opening]))

    def deliver_outputs(self, batch_id: bytes) -> None:
        """Put the outputs where the requester finds them, and say so. Only when no commitment is awaited any more."""
        context = self._context
        now = context.reader.now()
        envelope = self._computation.order(batch_id)
        recipient = NOBODY if envelope is None else envelope.order.recipient_key
        named = () if envelope is None else envelope.stores
        digest = context.journal.read(batch_id, Step.SEALED)
        if digest is None and context.journal.progress(batch_id) == 0:
            raise Unfit("the journal does not hold the outputs of this batch")
        if digest is None:
            sealed = pack_outputs(context.journal.outputs(batch_id), recipient, batch_id + context.account)
            digest = context.journal.record(batch_id, Step.SEALED, context.stores.local.put(sealed), now)
        self._announce(batch_id, digest, named)
        context.journal.record(batch_id, Step.DELIVERED, b"", now)

    def _publish_leaves(self, standing: Standing, trees: Trees) -> None:
        envelope = self._computation.order(standing.batch_id)
        digest = self._context.stores.local.put(pack_results(self._computation.tree(standing.batch_id, standing.terms)))
        self._announce(standing.batch_id, digest, () if envelope is None else envelope.stores)
        self._context.journal.record(standing.batch_id, Step.LEAVES, digest, standing.now)

    def _resolve(self, standing: Standing, trees: Trees) -> None:
        writer, resolution = self._writer(), self._resolution(standing, trees)
        self._send(standing, Duty.RESOLVE, lambda key: writer.resolve(key, *_place(standing), resolution))

    def _settle(self, standing: Standing, trees: Trees) -> None:
        writer, claim = self._writer(), claim_of(standing)
        self._send(standing, Duty.SETTLE, lambda key: writer.settle(key, *_place(standing), *claim))

    def _expire(self, standing: Standing, trees: Trees) -> None:
        writer = self._writer()
        self._send(standing, Duty.EXPIRE, lambda key: writer.expire(key, *_place(standing)))

    def _signed_commit(self, standing: Standing) -> tuple[Commit, bytes]:
        """The one commitment of this provider for the batch, and its signature."""
        root, units = self._answer(standing)
        made = commitment(standing.batch_id, self._context.account, root, units, self._salt(standing))
        kept = self._context.journal.record(standing.batch_id, Step.COMMITMENT, made, standing.now)
        message = Commit(standing.batch_id, self._context.account, kept)
        return message, self._signature(standing, message)

    def _salt(self, standing: Standing) -> bytes:
        return self._context.journal.record(standing.batch_id, Step.SALT, secrets.token_bytes(32), standing.now)

    def _signature(self, standing: Standing, message: Commit | Post) -> bytes:
        kept = self._context.journal.read(standing.batch_id, Step.SIGNED)
        if kept is not None:
            return kept
        return self._context.journal.record(standing.batch_id, Step.SIGNED, self._context.sign(message), standing.now)

    def _answer(self, standing: Standing) -> Answer:
        answer = unpack_answer(self._context.journal.read(standing.batch_id, Step.COMPUTED))
        assert answer is not None, "a duty that shows an answer comes after the computation"
        return answer

    def _announce(self, batch_id: bytes, digest: bytes, named: tuple[str, ...]) -> None:
        """Put a blob of the own folder where others look, and say where."""
        context = self._context
        taken = context.stores.give(context.stores.local.get(digest), named)
        delivery = Delivery(batch_id, context.account, digest)
        context.pools.publish(DeliveryEnvelope(delivery, taken[:8], context.sign(delivery)))

    def _resolution(self, standing: Standing, trees: Trees) -> Resolution:
        assert standing.batch is not None, "a batch that is resolved is open"
        own = {standing.replica: self._computation.tree(standing.batch_id, standing.terms)}
        return prove_differences([(trees | own)[k] for k in standing.batch.revealed])

    def _note(self, standing: Standing, step: Step) -> None:
        self._context.journal.record(standing.batch_id, step, b"", standing.now)

    def _writer(self) -> MarketWriter:
        if self._context.writer is None:
            raise Unfit("no key is configured, so nothing is sent")
        return self._context.writer

    def _send(self, standing: Standing, duty: Duty, send: Callable[[str], Intent]) -> None:
        """Send a transaction once. One that failed for good is tried again later under another key, at once if the key
        stands for another payload: a reorganisation has replaced the match that it was made for."""
        journal = self._context.journal
        attempt, not_before = journal.attempt(standing.batch_id, duty)
        if standing.now < not_before:
            return
        key = f"provider:{duty}:{standing.batch_id.hex()}:{attempt}"
        try:
            intent = send(key)
        except IntentConflict:
            journal.next_attempt(standing.batch_id, duty, standing.now, 0)
            self._context.log.warning("match_replaced", duty=duty, batch=standing.batch_id.hex())
            return
        except Rejected as error:
            self._fail(standing, duty, error.code)
            return
        if intent.state in (IntentState.FAILED, IntentState.REPLACED):
            self._fail(standing, duty, intent.reason or intent.state)

    def _fail(self, standing: Standing, duty: Duty, reason: str) -> None:
        wait = self._context.settings.retry_seconds
        self._context.journal.next_attempt(standing.batch_id, duty, standing.now, wait)
        self._context.log.warning("transaction_failed", duty=duty, batch=standing.batch_id.hex(), reason=reason)


def claim_of(standing: Standing) -> Answer:
    """What a settlement must claim: the agreed root and its units, zeros where nothing is agreed."""
    batch = standing.batch
    if batch is None or batch.dues is not None:
        return bytes(32), 0
    root = agreed_root(batch)
    if root is None:
        return bytes(32), 0
    return root, next(r.total_units for r in batch.replicas if r.outputs_root == root)


def _place(standing: Standing) -> tuple[bytes, Terms]:
    return standing.batch_id, standing.terms
