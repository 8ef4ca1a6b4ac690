"""Running the tasks of a batch, a chunk at a time: a crash loses at most one chunk, and no batch waits for another."""

from stun.models.errors import ManifestError
from stun.pool.envelopes import Kind, OrderEnvelope
from stun.pool.wire import decode
from stun.protocol.errors import Rejected
from stun.protocol.market.state import Terms
from stun.protocol.messages import Order
from stun.protocol.trees.results import ResultsTree
from stun.provider.context import ProviderContext
from stun.provider.journal import Step
from stun.provider.model_cache import CacheError
from stun.provider.sandbox_errors import SandboxError
from stun.provider.standing import Answer
from stun.provider.workshop import ModelUnfit
from stun.storage.blobs import BlobError
from stun.storage.bundle import BundleBroken
from stun.storage.packages import PackageBroken, TaskPackage, results_of

_FAILURES = (
    SandboxError, CacheError, ModelUnfit, ManifestError, BlobError, BundleBroken, PackageBroken, Rejected
)  # fmt: skip


class Computation:
    """The work of one provider. A batch whose work fails `max_failures` times in a row is given up in the journal."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._failures: dict[bytes, int] = {}
        self._packages: dict[bytes, TaskPackage] = {}

    def advance(self, batch_id: bytes, terms: Terms) -> bool:
        """Run the next chunk; return whether all tasks are computed. Errors: ChainError, PoolError."""
        try:
            envelope = self.order(batch_id)
            if envelope is None:
                raise PackageBroken("no pool holds the order of this batch")
            done = self._advance(batch_id, envelope, terms)
        except _FAILURES as error:
            self._fail(batch_id, error)
            return False
        self._failures.pop(batch_id, None)
        return done

    def order(self, batch_id: bytes) -> OrderEnvelope | None:
        """The order of a batch: from the journal, else from the pools. Errors: PoolError, ChainError."""
        context = self._context
        kept = context.journal.read(batch_id, Step.ORDER)
        if kept is not None:
            envelope = decode(Kind.ORDER, kept)
            assert isinstance(envelope, OrderEnvelope)
            return envelope
        return next(iter(context.pools.orders(batch_id)), None)

    def tree(self, batch_id: bytes, terms: Terms) -> ResultsTree:
        """The results tree over what was computed."""
        return results_of(self._context.journal.outputs(batch_id), terms.numeric_class)

    def forget(self, batch_id: bytes) -> None:
        """Let go of the tasks in memory."""
        self._packages.pop(batch_id, None)

    def _advance(self, batch_id: bytes, envelope: OrderEnvelope, terms: Terms) -> bool:
        context = self._context
        package = self._package(batch_id, envelope, terms)
        first = context.journal.progress(batch_id)
        if first < len(package.inputs):
            inputs = package.inputs[first : first + context.settings.chunk_tasks]
            outputs = self._run(envelope.order, package, inputs)
            context.journal.add_outputs(batch_id, first, outputs)
        if context.journal.progress(batch_id) < len(package.inputs):
            return False
        self._finish(batch_id, terms)
        return True

    def _run(self, order: Order, package: TaskPackage, inputs: tuple[bytes, ...]) -> list[tuple[bytes, int]]:
        record = self._context.reader.model(order.model_id)
        if record is None:
            raise ModelUnfit("the model of this order is not registered")
        try:
            results = self._context.workshop.worker(record).run(inputs, package.params)
        except SandboxError:
            self._context.workshop.discard(order.model_id)
            raise
        return [(result.output, result.units) for result in results]

    def _finish(self, batch_id: bytes, terms: Terms) -> None:
        tree = self.tree(batch_id, terms)
        if tree.total_units > terms.unit_limit:
            raise Rejected("batches: units")
        self._context.journal.record(
            batch_id, Step.COMPUTED, pack_answer((tree.root, tree.total_units)), self._context.reader.now()
        )
        self.forget(batch_id)

    def _package(self, batch_id: bytes, envelope: OrderEnvelope, terms: Terms) -> TaskPackage:
        stores = self._context.stores
        if batch_id not in self._packages:
            if self._context.journal.read(batch_id, Step.PACKAGE) is None:
                self._packages[batch_id] = stores.take_package(envelope, terms.numeric_class)
            else:
                self._packages[batch_id] = stores.kept_package(envelope, terms.numeric_class)
        return self._packages[batch_id]

    def _fail(self, batch_id: bytes, error: Exception) -> None:
        count = self._failures[batch_id] = self._failures.get(batch_id, 0) + 1
        self._context.log.warning("work_failed", batch=batch_id.hex(), failures=count, reason=str(error))
        if count >= self._context.settings.max_failures:
            self._context.journal.record(batch_id, Step.FAILED, str(error)[:500].encode(), self._context.reader.now())


def pack_answer(answer: Answer) -> bytes:
    """Outputs root and total units as the journal keeps them."""
    return answer[0] + answer[1].to_bytes(8, "big")


def unpack_answer(payload: bytes | None) -> Answer | None:
    """Read what `pack_answer` wrote; None of nothing."""
    return None if payload is None else (payload[:32], int.from_bytes(payload[32:], "big"))
