"""What a provider answers demands from: the results it posted, out of its journal, and its tasks, run once more."""

from dataclasses import dataclass

from stun.checking.errors import CheckingError
from stun.checking.rerun import ExactModel
from stun.disputes.defence import Kept
from stun.models.errors import ManifestError
from stun.protocol.errors import Rejected, StunError
from stun.protocol.graph.trace import Trace
from stun.protocol.messages import FLAG_PRIVATE, Order
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import ResultsTree
from stun.provider.computation import Computation
from stun.provider.context import ProviderContext
from stun.provider.model_cache import CacheError
from stun.provider.standing import Standing
from stun.storage.blobs import BlobError
from stun.storage.bundle import BundleBroken
from stun.storage.packages import PackageBroken

_BROKEN = (BlobError, BundleBroken, PackageBroken, Rejected)


class Unanswerable(StunError):
    """A demand that this provider cannot answer: what it posted is not what it keeps."""


@dataclass(frozen=True, slots=True)
class _Held:
    """One batch in memory; `inputs` of class exact alone."""

    batch_id: bytes
    order: Order
    tree: ResultsTree
    inputs: tuple[bytes, ...]


class Keeping:
    """Opens what batches need for their defence; the last one stays in memory."""

    def __init__(self, context: ProviderContext, computation: Computation) -> None:
        self._context = context
        self._computation = computation
        self._held: _Held | None = None

    def prepare(self, standing: Standing) -> None:
        """Load the model of a batch, so that its first answer does not wait for that. Errors: those of `kept`."""
        if standing.terms.numeric_class == NumericClass.EXACT:
            self._model(self._open(standing).order)

    def kept(self, standing: Standing) -> Kept:
        """What the replica of a batch answers from. Errors, also of its traces: Unanswerable, ChainError, PoolError."""
        held = self._open(standing)
        return Kept(held.tree, lambda task: self._trace(held, task))

    def _open(self, standing: Standing) -> _Held:
        if self._held is None or self._held.batch_id != standing.batch_id:
            try:
                self._held = self._read(standing)
            except _BROKEN as error:
                raise Unanswerable(f"what was kept of the batch cannot be read: {error}") from error
        return self._held

    def _read(self, standing: Standing) -> _Held:
        batch_id, terms = standing.batch_id, standing.terms
        envelope = self._computation.order(batch_id)
        if envelope is None:
            raise Unanswerable("neither the journal nor a pool holds the order of this batch")
        if self._context.journal.progress(batch_id) != terms.count:
            raise Unanswerable("the journal does not hold the outputs of this batch")
        tree = self._computation.tree(batch_id, terms)
        posted = standing.stored.replicas[standing.replica]
        if (tree.root, tree.total_units) != (posted.outputs_root, posted.total_units):
            raise Unanswerable("the outputs in the journal are not those whose root is on chain")
        inputs: tuple[bytes, ...] = ()
        if terms.numeric_class == NumericClass.EXACT:
            inputs = self._context.stores.kept_package(envelope, NumericClass.EXACT).inputs
        return _Held(batch_id, envelope.order, tree, inputs)

    def _trace(self, held: _Held, task: int) -> Trace:
        if held.order.flags & FLAG_PRIVATE:
            raise Unanswerable("a private task binds a ciphertext, which this provider does not make")
        try:
            trace = self._model(held.order).trace(held.inputs[task], self._context.account)
        except Rejected as error:
            raise Unanswerable(f"task {task} has no input of its model: {error}") from error
        if trace.output_digest != held.tree.results[task].output_digest:
            raise Unanswerable(f"task {task} gives another output now than was posted")
        return trace

    def _model(self, order: Order) -> ExactModel:
        record = self._context.reader.model(order.model_id)
        if record is None:
            raise Unanswerable("the chain has no such model any more")
        try:
            return self._context.models.of(record)
        except (CheckingError, ManifestError, CacheError, BlobError) as error:
            raise Unanswerable(f"the model cannot be run again: {error}") from error
