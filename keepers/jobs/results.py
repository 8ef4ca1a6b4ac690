"""Results trees of replicas that disagree, from what lies open in the stores this keeper reads.

A provider whose root is not the others' publishes its leaves, digests and units alone, whatever its outputs are sealed
to; outputs that are not sealed will do as well. Where neither is found, resolving is left to who has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from keepers.pools import SettlerPools
from stun.protocol.errors import StunError
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import ResultsTree
from stun.storage.blobs import BlobStore
from stun.storage.packages import results_of, unpack_outputs
from stun.storage.results import MAGIC, unpack_results

DELIVERIES_READ = 8  # the newest of a provider; one delivers outputs and leaves, more are its own business


@dataclass(frozen=True, slots=True)
class Place:
    """Whose results of which batch, and the class of its model."""

    batch_id: bytes
    provider: bytes
    numeric_class: NumericClass


class ResultsSource(Protocol):
    """Where results trees come from."""

    def tree(self, place: Place, outputs_root: bytes) -> ResultsTree | None:
        """The tree under this root, None if it is not known."""


class OpenDeliveries:
    """Reads announced leaves and output packages that are not sealed; `stores`: the owner's, never URLs that strangers
    name."""

    def __init__(self, pools: SettlerPools, stores: Sequence[BlobStore]) -> None:
        self._pools = pools
        self._stores = stores

    def tree(self, place: Place, outputs_root: bytes) -> ResultsTree | None:
        """The tree of a delivery whose root is the one on chain; others are passed over. Errors: PoolError."""
        if not self._stores:
            return None
        found = self._pools.deliveries(place.batch_id)
        announced = [e.delivery.blob for e in found if e.delivery.provider == place.provider]
        for blob in reversed(announced[-DELIVERIES_READ:]):  # leaves come last
            for store in self._stores:
                tree = _read(store, blob, place)
                if tree is not None and tree.root == outputs_root:
                    return tree
        return None


def _read(store: BlobStore, blob: bytes, place: Place) -> ResultsTree | None:
    try:
        data = store.get(blob)
        if data.startswith(MAGIC):
            return unpack_results(data)
        return results_of(unpack_outputs(data, None, place.batch_id + place.provider), place.numeric_class)
    except StunError:  # not there, sealed, or neither of the two: another store or another delivery may have it
        return None
