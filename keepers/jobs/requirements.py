"""What an order's tasks ask of a machine, read from the stores that this keeper's owner trusts to be quick."""

from collections.abc import Sequence

from keepers.jobs.memory import Remembered
from stun.pool.envelopes import OrderEnvelope
from stun.protocol.errors import StunError
from stun.protocol.trees.specs import read_canonical_json
from stun.provider.hardware import Requirements, parse_requirements
from stun.storage import bundle
from stun.storage.blobs import BlobStore

_AGAIN_SECONDS = 2**40


class StoredRequirements:
    """Reads the spec blob of an order. A hint for ranking only: providers check the specs against their root.

    `stores` are the owner's, never URLs that an order names: a keeper fetches nothing that strangers choose.
    """

    def __init__(self, stores: Sequence[BlobStore]) -> None:
        self._stores = stores
        self._known: Remembered[bytes, Requirements | None] = Remembered(self._read, _AGAIN_SECONDS, most=50_000)

    def __call__(self, envelope: OrderEnvelope) -> Requirements | None:
        """The requirements, None if they cannot be read."""
        return self._known.get(envelope.package.spec_blob, 0)

    def _read(self, blob: bytes) -> Requirements | None:
        for store in self._stores:
            try:
                parts = bundle.unpack(store.get(blob))
                document = read_canonical_json(parts[-1])
                return parse_requirements(document.get("requirements", {}))
            except (StunError, AttributeError, IndexError):  # not there, or no spec: another store may have it
                continue
        return None
