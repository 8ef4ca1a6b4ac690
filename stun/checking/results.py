"""What replicas published of their results: whole trees out of deliveries, top nodes out of posts and openings."""

from collections.abc import Iterator

from stun.checking.tasks import Pools, Stores
from stun.pool.envelopes import DeliveryEnvelope
from stun.protocol.errors import Rejected
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import Node, Result, ResultsTree, Top, derive, join, leaf_node
from stun.storage.blobs import BlobError, BlobStore
from stun.storage.bundle import BundleBroken
from stun.storage.packages import PackageBroken, results_of, unpack_outputs
from stun.storage.results import MAGIC, ResultsBroken, unpack_results
from stun.storage.sealed import SealBroken

DELIVERIES_READ = 8  # the newest of a provider; one delivers outputs and leaves, more are its own business
Root = tuple[bytes, int]


def find_tree(
    pools: Pools, stores: Stores, batch_id: bytes, root: Root, numeric_class: NumericClass, key: bytes | None = None
) -> ResultsTree | None:
    """The published results tree under a root (outputs root, total units), whoever delivered it; None if there is none.

    `key` opens outputs that are sealed to the requester (32 bytes). Errors: PoolError, ChainError.
    """
    newest: dict[bytes, list[DeliveryEnvelope]] = {}
    for envelope in pools.deliveries(batch_id):
        newest.setdefault(envelope.delivery.provider, []).append(envelope)
    for envelopes in newest.values():
        for envelope in reversed(envelopes[-DELIVERIES_READ:]):
            with stores.reading(envelope.stores) as store:
                tree = _read(store, envelope, numeric_class, key)
            if tree is not None and (tree.root, tree.total_units) == root:
                return tree
    return None


def find_top(pools: Pools, batch_id: bytes, count: int, root: Root) -> Top | None:
    """What a post or an opening in a pool shows of the tree under a root. Errors: PoolError, ChainError."""
    return next((top for top in _tops(pools, batch_id) if fits(top, count, root)), None)


def fits(top: Top, count: int, root: Root) -> bool:
    """Whether a post that shows this has that root."""
    try:
        return derive(count, top) == root
    except Rejected:
        return False


def top_node(top: Top, count: int) -> Node:
    """The top node that a post shows, with its units; the only leaf of a batch of one. Errors: "trees: overflow"."""
    left, right = (top.left, top.left_units), (top.right, top.right_units)
    return leaf_node(0, Result(*left)) if count == 1 else join(left, right)


def _tops(pools: Pools, batch_id: bytes) -> Iterator[Top]:
    for post in pools.posts(batch_id):
        yield post.top
    for opening in pools.openings(batch_id):
        yield opening.top


def _read(
    store: BlobStore, envelope: DeliveryEnvelope, numeric_class: NumericClass, key: bytes | None
) -> ResultsTree | None:
    delivery = envelope.delivery
    try:
        data = store.get(delivery.blob)
        if data.startswith(MAGIC):
            return unpack_results(data)
        outputs = unpack_outputs(data, key, delivery.batch_id + delivery.provider)
        return results_of(outputs, numeric_class)
    except (BlobError, BundleBroken, PackageBroken, ResultsBroken, SealBroken, Rejected):
        return None  # not there, sealed to another, or no results at all: another delivery may have them
