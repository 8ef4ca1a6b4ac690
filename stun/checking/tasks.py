"""A batch's order and tasks, from pools and stores that are trusted with nothing: every root is computed again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from stun.checking.errors import CheckingError
from stun.pool.envelopes import DeliveryEnvelope, OpeningEnvelope, OrderEnvelope, PostEnvelope
from stun.protocol.court.actions import Spec
from stun.protocol.errors import Rejected
from stun.protocol.messages import FLAG_PRIVATE, Domain, Order
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.merkle import MerkleTree
from stun.protocol.trees.specs import json_digest, spec_digest, specs_tree
from stun.storage.blobs import BlobError, BlobStore
from stun.storage.bundle import BundleBroken
from stun.storage.digests import digest_input
from stun.storage.mirror import MirrorStore
from stun.storage.packages import PackageBroken, TaskPackage, load_package


class TasksMissing(CheckingError):
    """No pool holds the order of a batch, or no store its tasks."""

    def __init__(self, batch_id: bytes, cause: str) -> None:
        super().__init__(f"the tasks of batch 0x{batch_id.hex()} cannot be had: {cause}")
        self.batch_id = batch_id
        self.cause = cause


class Pools(Protocol):
    """What checking reads in pools; PoolSet is one. Errors: PoolError, ChainError."""

    def order(self, digest: bytes) -> list[OrderEnvelope]: ...

    def posts(self, batch_id: bytes) -> list[PostEnvelope]: ...

    def openings(self, batch_id: bytes) -> list[OpeningEnvelope]: ...

    def deliveries(self, batch_id: bytes) -> list[DeliveryEnvelope]: ...


@dataclass(frozen=True)
class Stores:
    """Where blobs are read: the reader's own stores, then those that a message names, opened by `open_named`.

    Without `open_named` no place that strangers name is ever asked.
    """

    own: BlobStore
    open_named: Callable[[str], BlobStore] | None = None

    @contextmanager
    def reading(self, urls: Sequence[str]) -> Iterator[BlobStore]:
        """One store over all; what was opened is closed again."""
        opened: list[BlobStore] = []
        try:
            for url in urls if self.open_named is not None else ():
                assert self.open_named is not None
                try:
                    opened.append(self.open_named(url))
                except BlobError:
                    continue  # a place that cannot be read has nothing to say; the others are asked
            yield MirrorStore([self.own, *opened])
        finally:
            for store in opened:
                close: Any = getattr(store, "close", None)
                if close is not None:
                    close()


@dataclass(frozen=True)
class Tasks:
    """The tasks of an order, proven to be the ones that were ordered."""

    order: Order
    package: TaskPackage

    @property
    def private(self) -> bool:
        """Whether output digests bind a ciphertext too."""
        return bool(self.order.flags & FLAG_PRIVATE)

    @cached_property
    def input_roots(self) -> tuple[bytes, ...]:
        """Root of each task's input."""
        return tuple(digest_input(data, self.package.numeric_class) for data in self.package.inputs)

    @cached_property
    def _tree(self) -> MerkleTree:
        return specs_tree(spec_digest(root, *self._shared) for root in self.input_roots)

    @cached_property
    def _shared(self) -> tuple[bytes, bytes]:
        return json_digest(self.package.params), json_digest(self.package.document)

    def spec(self, task: int) -> Spec:
        """A task's spec with its path, as a demand for its trace carries it. Errors: "trees: index"."""
        path = self._tree.prove(task)
        return Spec(self.input_roots[task], *self._shared, path)


def find_tasks(pools: Pools, stores: Stores, domain: Domain, batch_id: bytes, numeric_class: NumericClass) -> Tasks:
    """Find a batch's order, whose digest names the batch, and its package, whose root the order names.

    Errors: TasksMissing, PoolError, ChainError.
    """
    orders = [envelope for envelope in pools.order(batch_id) if envelope.order.digest(domain) == batch_id]
    if not orders:
        raise TasksMissing(batch_id, "no pool holds its order")
    causes = []
    for envelope in orders:
        order = envelope.order
        with stores.reading(envelope.stores) as store:
            try:
                package = load_package(store, envelope.package, order.specs_root, order.count, numeric_class)
                return Tasks(order, package)
            except (BlobError, BundleBroken, PackageBroken, Rejected) as error:
                causes.append(str(error))
    raise TasksMissing(batch_id, "; ".join(causes))
