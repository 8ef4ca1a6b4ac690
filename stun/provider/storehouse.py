"""Where a provider keeps and finds blobs: its own folder first, its shared stores, and those an order names.

No store is trusted: digests are checked on every read, sizes are bounded, and one that lies or is dead is passed over.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from stun.pool.envelopes import OrderEnvelope
from stun.protocol.parameters import NumericClass
from stun.storage.blobs import BlobError, BlobStore, StoreUnavailable
from stun.storage.folder import FolderBlobStore
from stun.storage.http import HttpBlobStore
from stun.storage.mirror import MirrorStore
from stun.storage.packages import TaskPackage, load_package

FETCH_SECONDS = 30.0
OpenStore = Callable[[str], BlobStore]


def http_store(max_bytes: int) -> OpenStore:
    """How stores that orders name are opened: over HTTP, at most `max_bytes` a blob."""
    return lambda url: HttpBlobStore(url, max_bytes, FETCH_SECONDS)


class Storehouse:
    """`local` is the provider's own folder; `shared` are (URL, store) that requesters can read from."""

    def __init__(self, local: FolderBlobStore, shared: Sequence[tuple[str, BlobStore]], open_store: OpenStore) -> None:
        self.local = local
        self._shared = tuple(shared)
        self._open = open_store

    def get(self, digest: bytes) -> bytes:
        """A blob from the own folder or a shared store. Errors: BlobError."""
        return MirrorStore([self.local, *(store for _, store in self._shared)]).get(digest)

    def take_package(self, envelope: OrderEnvelope, numeric_class: NumericClass) -> TaskPackage:
        """Fetch an order's tasks, check them against the order, and keep a copy.

        Errors: those of `load_package`.
        """
        with self._order_stores(envelope.stores) as named:
            source = MirrorStore([self.local, *(store for _, store in self._shared), *(store for _, store in named)])
            package = load_package(
                source, envelope.package, envelope.order.specs_root, envelope.order.count, numeric_class
            )
        package.put(self.local)
        return package

    def kept_package(self, envelope: OrderEnvelope, numeric_class: NumericClass) -> TaskPackage:
        """The tasks of an order out of the own folder. Errors as `take_package`."""
        order = envelope.order
        return load_package(self.local, envelope.package, order.specs_root, order.count, numeric_class)

    def give(self, data: bytes, order_stores: Sequence[str]) -> tuple[str, ...]:
        """Put a blob where its reader looks; return the URLs that took it. Errors: StoreUnavailable if none did."""
        self.local.put(data)
        with self._order_stores(order_stores) as named:
            targets = dict((*self._shared, *named))
            taken = tuple(url for url, store in targets.items() if _took(store, data))
        if not taken:
            raise StoreUnavailable("shared stores", "none took the blob; configure one of your own")
        return taken

    def fetch(self, digest: bytes, stores: Sequence[str]) -> bytes:
        """A blob from stores that a stranger names. Errors: BlobError."""
        with self._order_stores(stores) as named:
            return MirrorStore([self.local, *(store for _, store in self._shared), *(s for _, s in named)]).get(digest)

    @contextmanager
    def _order_stores(self, urls: Sequence[str]) -> Iterator[list[tuple[str, BlobStore]]]:
        """Open the stores that a message names, and close what can be closed."""
        known = {url for url, _ in self._shared}
        opened: list[tuple[str, BlobStore]] = []
        try:
            for url in urls:
                if url not in known:
                    self._try_open(url, opened)
            yield opened
        finally:
            for _, store in opened:
                if isinstance(store, HttpBlobStore):
                    store.close()

    def _try_open(self, url: str, opened: list[tuple[str, BlobStore]]) -> None:
        try:
            opened.append((url, self._open(url)))
        except BlobError as error:
            structlog.get_logger().warning("store_unusable", store=url, reason=str(error))


def _took(store: BlobStore, data: bytes) -> bool:
    try:
        store.put(data)
    except BlobError as error:
        structlog.get_logger().warning("store_refused", store=store.name, code=error.code, reason=str(error))
        return False
    return True
