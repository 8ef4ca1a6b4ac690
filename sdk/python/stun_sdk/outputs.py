"""Outputs that may be believed: opened, hashed again, and equal to what the chain says the provider showed."""

from collections.abc import Callable, Sequence

from stun.pool.envelopes import DeliveryEnvelope
from stun.protocol.errors import StunError
from stun.storage.blobs import BlobError, BlobStore
from stun.storage.http import HttpBlobStore
from stun.storage.mirror import MirrorStore
from stun.storage.packages import results_of, unpack_outputs
from stun.storage.results import MAGIC as OPEN_RESULTS
from stun_sdk.errors import DeliveryMissing, ReplicasDisagree
from stun_sdk.status import BatchStatus, ReplicaStatus

Outputs = list[tuple[bytes, int]]
MAX_DELIVERIES = 16  # looked at of one provider


class OutputFinder:
    """Fetches and checks deliveries; `store` is asked before those that a provider names. No store is trusted."""

    def __init__(self, store: BlobStore, open_store: Callable[[str], BlobStore], private_key: bytes) -> None:
        self._store = store
        self._open = open_store
        self._private_key = private_key

    def find(self, status: BatchStatus, deliveries: Sequence[DeliveryEnvelope], sealed: bool) -> Outputs:
        """Outputs of the agreed root, from whichever replica serves them. Errors: ReplicasDisagree, DeliveryMissing."""
        agreed = status.agreed
        if agreed is None:
            raise ReplicasDisagree(status.batch_id, {r.provider: r.outputs_root for r in status.replicas if r.shown})
        winners = [r for r in status.replicas if r.shown and (r.outputs_root, r.total_units) == agreed]
        return self.find_of(status, winners, deliveries, sealed)

    def find_of(
        self,
        status: BatchStatus,
        replicas: Sequence[ReplicaStatus],
        deliveries: Sequence[DeliveryEnvelope],
        sealed: bool,
    ) -> Outputs:
        """Outputs of the first of these replicas whose delivery matches its own root. Errors: DeliveryMissing."""
        reasons: dict[bytes, str] = {}
        for replica in replicas:
            mine = [d for d in deliveries if d.delivery.provider == replica.provider][:MAX_DELIVERIES]
            reasons[replica.provider] = "delivered nothing"
            for delivery in mine:
                try:
                    return self._open_one(status, replica, delivery, sealed)
                except _Unfit as unfit:
                    reasons[replica.provider] = str(unfit)
                except StunError as error:
                    reasons[replica.provider] = str(error)
        raise DeliveryMissing(status.batch_id, reasons)

    def _open_one(
        self, status: BatchStatus, replica: ReplicaStatus, delivery: DeliveryEnvelope, sealed: bool
    ) -> Outputs:
        data = self._fetch(delivery)
        if data.startswith(OPEN_RESULTS):
            raise _Unfit("delivered only the results' digests")
        context = status.batch_id + replica.provider
        outputs = unpack_outputs(data, self._private_key if sealed else None, context)
        if status.terms is None or len(outputs) != status.terms.count:
            raise _Unfit(f"delivered {len(outputs)} outputs, another number than ordered")
        tree = results_of(outputs, status.terms.numeric_class)
        if (tree.root, tree.total_units) != (replica.outputs_root, replica.total_units):
            raise _Unfit("delivered other outputs than its root on the chain says")
        return outputs

    def _fetch(self, delivery: DeliveryEnvelope) -> bytes:
        """The blob from the own stores, then from those that the provider names. Errors: BlobError."""
        digest = delivery.delivery.blob
        try:
            return self._store.get(digest)
        except BlobError:
            if not delivery.stores:
                raise
        opened: list[BlobStore] = []
        try:
            opened += [self._open(url) for url in delivery.stores]
            return MirrorStore(opened).get(digest)
        finally:
            for store in opened:
                if isinstance(store, HttpBlobStore):
                    store.close()


class _Unfit(StunError):
    """A delivery that is not what its provider showed on the chain."""
