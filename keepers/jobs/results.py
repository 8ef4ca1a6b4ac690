"""Results trees of replicas that disagree, from outputs that lie open in the stores this keeper reads.

Sealed outputs only the requester can open: then resolving is left to the requester and the providers.
"""

from collections.abc import Sequence
from typing import Protocol

from keepers.pools import SettlerPools
from stun.pool.errors import PoolError
from stun.protocol.errors import StunError
from stun.protocol.trees.results import ResultsTree
from stun.storage.blobs import BlobStore
from stun.storage.packages import results_of, unpack_outputs


class ResultsSource(Protocol):
    """Where results trees come from."""

    def tree(self, batch_id: bytes, provider: bytes, outputs_root: bytes) -> ResultsTree | None:
        """The tree under this root, None if it is not known."""


class OpenDeliveries:
    """Reads announced output packages that are not sealed; `stores`: the owner's, never URLs that strangers name."""

    def __init__(self, pools: SettlerPools, stores: Sequence[BlobStore]) -> None:
        self._pools = pools
        self._stores = stores

    def tree(self, batch_id: bytes, provider: bytes, outputs_root: bytes) -> ResultsTree | None:
        """The tree of a delivery whose root is the one on chain; others are passed over."""
        if not self._stores:
            return None
        for envelope in self._pools.deliveries(batch_id):
            if envelope.delivery.provider != provider:
                continue
            for store in self._stores:
                tree = _read(store, envelope.delivery.blob, batch_id + provider)
                if tree is not None and tree.root == outputs_root:
                    return tree
        return None


def _read(store: BlobStore, blob: bytes, context: bytes) -> ResultsTree | None:
    try:
        return results_of(unpack_outputs(store.get(blob), None, context))
    except PoolError:
        raise
    except StunError:  # not there, sealed, or no output package: another store or another delivery may have it
        return None
