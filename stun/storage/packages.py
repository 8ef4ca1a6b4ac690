"""What a batch's tasks and results look like in storage.

A task package is two blobs: the spec (parameters and document, shared by all tasks) and the inputs, one a task. An
output package is one blob: units and outputs of every task, sealed to the requester where the order names a key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stun.protocol.errors import StunError
from stun.protocol.messages import NOBODY
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import Result, ResultsTree
from stun.protocol.trees.specs import (
    canonical_json,
    json_digest,
    read_canonical_json,
    spec_digest,
    specs_root,
)
from stun.storage import bundle
from stun.storage.blobs import BlobStore
from stun.storage.digests import digest_input, digest_output
from stun.storage.sealed import open_sealed, seal


class PackageBroken(StunError):
    """A package that is not what its order or its root says."""


@dataclass(frozen=True, slots=True)
class PackageRef:
    """Where a task package lies: sha256 of its two blobs."""

    spec_blob: bytes
    inputs_blob: bytes


@dataclass(frozen=True)
class TaskPackage:
    """The tasks of an order: `params` for the runner, `document` (requirements, privacy, formats), one input a task.

    `numeric_class` is the model's and says how inputs are digested.
    """

    params: dict[str, Any]
    document: dict[str, Any]
    inputs: tuple[bytes, ...]
    numeric_class: NumericClass

    @cached_property
    def specs_root(self) -> bytes:
        """The Merkle root over the tasks' spec digests, as the order names it. Errors: those of `digest_input`."""
        params, document = json_digest(self.params), json_digest(self.document)
        roots = (digest_input(data, self.numeric_class) for data in self.inputs)
        return specs_root(spec_digest(root, params, document) for root in roots)

    def put(self, store: BlobStore) -> PackageRef:
        """Store both blobs and return where they lie."""
        spec = bundle.pack([canonical_json(self.params), canonical_json(self.document)])
        return PackageRef(store.put(spec), store.put(bundle.pack(self.inputs)))


def load_package(
    store: BlobStore, ref: PackageRef, expected_specs_root: bytes, count: int, numeric_class: NumericClass
) -> TaskPackage:
    """Fetch a package and check it against its order.

    Errors: PackageBroken (other tasks than ordered, or not two canonical JSON objects), BundleBroken, BlobError,
    Rejected (JSON that is not canonical, or in class `exact` an input that is no tensor).
    """
    parts = bundle.unpack(store.get(ref.spec_blob))
    if len(parts) != 2:
        raise PackageBroken(f"a spec has 2 parts, this one has {len(parts)}")
    params, document = (read_canonical_json(part) for part in parts)
    if not isinstance(params, dict) or not isinstance(document, dict):
        raise PackageBroken("parameters and document of a spec are JSON objects")
    package = TaskPackage(params, document, tuple(bundle.unpack(store.get(ref.inputs_blob))), numeric_class)
    if len(package.inputs) != count or package.specs_root != expected_specs_root:
        raise PackageBroken("the stored tasks are not the ones that were ordered")
    return package


def results_of(outputs: Sequence[tuple[bytes, int]], numeric_class: NumericClass) -> ResultsTree:
    """Return the results tree over (delivered bytes, units) of every task. Errors: those of `digest_output`."""
    return ResultsTree(Result(digest_output(delivered, units, numeric_class), units) for delivered, units in outputs)


def pack_outputs(outputs: Sequence[tuple[bytes, int]], recipient_key: bytes, context: bytes) -> bytes:
    """Return the output package of a replica: sealed to the requester's X25519 key, or open if the key is zero.

    `context` binds it to its place: batch id | provider.
    """
    units = b"".join(count.to_bytes(8, "big") for _, count in outputs)
    data = bundle.pack([units, bundle.pack([delivered for delivered, _ in outputs])])
    return data if recipient_key == NOBODY else seal(data, recipient_key, context)


def unpack_outputs(data: bytes, private_key: bytes | None, context: bytes) -> list[tuple[bytes, int]]:
    """Return (delivered bytes, units) of every task; `private_key` is None for an open package.

    The caller compares `results_of` with the root on chain. Errors: SealBroken, BundleBroken, PackageBroken.
    """
    opened = data if private_key is None else open_sealed(data, private_key, context)
    parts = bundle.unpack(opened)
    if len(parts) != 2:
        raise PackageBroken(f"an output package has 2 parts, this one has {len(parts)}")
    outputs = bundle.unpack(parts[1])
    if len(parts[0]) != 8 * len(outputs):
        raise PackageBroken("an output package names the units of each task")
    units = [int.from_bytes(parts[0][i : i + 8], "big") for i in range(0, len(parts[0]), 8)]
    return list(zip(outputs, units, strict=True))
