"""The manifest of a registered model, from an untrusted store."""

from stun.chains.market import ModelRecord
from stun.models.manifest import Manifest, parse_manifest
from stun.storage.blobs import BlobStore, check_digest


def read_manifest(store: BlobStore, record: ModelRecord) -> Manifest:
    """Fetch and check a manifest. Errors: BlobError, ManifestError."""
    return parse_manifest(check_digest(store.get(record.manifest_digest), record.manifest_digest))
