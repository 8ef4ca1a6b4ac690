"""Material of a batch from untrusted pools and stores: only what the chain's roots prove is taken."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from court_batch import PRICE, Job, honest
from court_cheats import MUSEUM, TASK
from court_model import small_model, words_of
from court_scene import CourtScene
from exact_record import put_model
from held_pools import Held

from stun.chains.market import ChainEvent, ModelRecord
from stun.checking.charges import NothingToCharge, make_charge, make_search
from stun.checking.errors import NotExact
from stun.checking.examine import Finding, examine
from stun.checking.material import NothingShown, Sources, find_top_node, gather
from stun.checking.rerun import ExactModels
from stun.checking.tasks import Stores, TasksMissing
from stun.models.exact.paths import PORTABLE
from stun.pool.envelopes import DeliveryEnvelope, OrderEnvelope, PostEnvelope
from stun.protocol.messages import Delivery, Order, Post
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import Result, ResultsTree, Top
from stun.storage.blobs import BlobStore, StoreUnavailable
from stun.storage.folder import FolderBlobStore
from stun.storage.packages import PackageRef, TaskPackage, pack_outputs
from stun.storage.results import pack_results

CREATOR = b"\x05" * 32
TASKS = 3


class World:
    """A batch of three tasks with one replica's results, on a chain that says so."""

    def __init__(self, folder: Path, cheat: str | None = None) -> None:
        self.store = FolderBlobStore(folder)
        self.record = put_model(self.store, small_model(), CREATOR)
        job = Job(small_model(), tuple(words_of(3 + i, i) for i in range(TASKS)))
        work = honest(job.graph, job.inputs) if cheat is None else MUSEUM[cheat][0](job)
        scene = CourtScene(job, [work])
        self.terms, self.provider = scene.market.batches[scene.batch_id].terms, scene.providers[0]
        self.domain = scene.market.domain
        self.package = TaskPackage({}, {}, tuple(x.encode() for x in job.inputs), NumericClass.EXACT)
        self.order = replace(scene.order, model_id=self.record.model_id, specs_root=self.package.specs_root)
        self.batch_id = self.order.digest(self.domain)
        self.tree = ResultsTree(work.results)
        self.pools = Held([self.envelope(self.order, self.package.put(self.store))])
        self.shown = True

    def envelope(self, order: Order, ref: PackageRef, stores: tuple[str, ...] = ()) -> OrderEnvelope:
        return OrderEnvelope(order, b"", ref, stores)

    def deliver(self, blob: bytes) -> None:
        """Somebody says that this is the replica's delivery."""
        digest = self.store.put(blob)
        self.pools.delivered.append(DeliveryEnvelope(Delivery(self.batch_id, self.provider, digest), (), b""))

    def events(self, first: int, last: int, batch_id: bytes | None = None) -> list[ChainEvent]:
        fields: dict[str, Any] = {"terms": self.terms, "model_id": self.record.model_id}
        posted = {
            "provider": self.provider, "outputs_root": self.tree.root, "total_units": self.tree.total_units
        }  # fmt: skip
        said = [("BatchOpened", fields), *([("Posted", posted)] if self.shown else [])]
        return [ChainEvent(name, values, 1, bytes(32), 0, bytes(32)) for name, values in said]

    def sources(self, **changes: Any) -> Sources:
        market: Any = SimpleNamespace(
            domain=self.domain, head=lambda: 9, terms=lambda _: self.terms, events=self.events, model=self.model
        )
        made = Sources(market, self.pools, Stores(self.store), ExactModels(self.store, PORTABLE))
        return replace(made, **changes)

    def model(self, model_id: bytes) -> ModelRecord | None:
        return self.record if model_id == self.record.model_id else None


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, "other weights")


def wrong_tasks(sources: Sources, batch_id: bytes) -> list[tuple[int, Finding]]:
    material = gather(sources, batch_id)
    found = examine(material.claims, material.run(range(TASKS)), TASKS, material.tasks.private)
    return [(item.task, item.finding) for item in found if item.finding is not Finding.RIGHT]


def test_a_wrong_task_is_found_from_the_leaves_that_lie_open(world: World) -> None:
    world.deliver(pack_results(world.tree))

    assert wrong_tasks(world.sources(), world.batch_id) == [(TASK, Finding.WRONG)]


def test_leaves_of_another_root_and_garbage_are_passed_over(world: World) -> None:
    world.deliver(pack_results(world.tree))
    world.deliver(b"garbage")
    world.deliver(pack_results(ResultsTree([Result(bytes(32), 1)] * TASKS)))
    world.deliver(pack_outputs([(b"x", 1)] * TASKS, bytes(32), b"another place"))

    assert wrong_tasks(world.sources(), world.batch_id) == [(TASK, Finding.WRONG)]


def test_what_is_withheld_is_unknown_and_can_be_demanded_from_its_top(world: World) -> None:
    sources = world.sources()
    assert wrong_tasks(sources, world.batch_id) == [(task, Finding.UNKNOWN) for task in range(TASKS)]
    material = gather(sources, world.batch_id)
    assert find_top_node(sources, material, material.claims[0]) is None

    lie = replace(world.tree.top, left_units=world.tree.top.left_units + 1)
    for top in (lie, world.tree.top):
        world.pools.posted.append(PostEnvelope(Post(world.batch_id, world.provider, bytes(32), 0), top, b""))
    assert find_top_node(sources, material, material.claims[0]) == world.tree.levels[-1][0]


@pytest.mark.parametrize("is_true", [True, False])
def test_a_top_out_of_a_transaction_counts_if_it_has_the_root(world: World, is_true: bool) -> None:
    said = world.tree.top if is_true else Top(bytes(32), 1, bytes(32), 1)
    sources = world.sources(posted_top=lambda event, count: said)
    material = gather(sources, world.batch_id)

    assert find_top_node(sources, material, material.claims[0]) == (world.tree.levels[-1][0] if is_true else None)


def test_an_honest_replica_that_withholds_is_right_once_all_is_run_again(tmp_path: Path) -> None:
    honest_world = World(tmp_path)

    assert wrong_tasks(honest_world.sources(), honest_world.batch_id) == []


def test_tasks_that_are_not_the_ordered_ones_are_not_taken(world: World) -> None:
    other = TaskPackage({}, {}, tuple(words_of(2, 9 + i).encode() for i in range(TASKS)), NumericClass.EXACT)
    missing = PackageRef(b"\x09" * 32, b"\x08" * 32)
    true = world.pools.orders[0]
    forged = world.envelope(replace(world.order, max_price=PRICE + 1), true.package)
    world.pools.orders = [
        forged,
        world.envelope(world.order, other.put(world.store)),
        world.envelope(world.order, missing),
    ]

    with pytest.raises(TasksMissing) as refused:
        gather(world.sources(), world.batch_id)
    assert "not the ones that were ordered" in str(refused.value)

    world.pools.orders.append(true)
    assert gather(world.sources(), world.batch_id).tasks.order == world.order


def test_named_stores_are_opened_only_where_the_reader_wants_that(world: World, tmp_path: Path) -> None:
    asked: list[str] = []

    def opening(url: str) -> BlobStore:
        asked.append(url)
        if url == "dead":
            raise StoreUnavailable(url, "refused")
        return world.store

    own = FolderBlobStore(tmp_path / "empty")
    world.pools.orders = [replace(world.pools.orders[0], stores=("dead", "named"))]
    with pytest.raises(TasksMissing):
        gather(world.sources(stores=Stores(own)), world.batch_id)
    assert gather(world.sources(stores=Stores(own, opening)), world.batch_id).tasks.order == world.order
    assert asked == ["dead", "named"]


def test_no_result_no_order_and_other_classes_are_told_apart(world: World) -> None:
    sources = world.sources()
    world.shown = False
    with pytest.raises(NothingShown):
        gather(sources, world.batch_id)
    world.shown = True
    world.pools.orders = []
    with pytest.raises(TasksMissing):
        gather(sources, world.batch_id)
    world.record = replace(world.record, numeric_class=NumericClass.OPAQUE)
    with pytest.raises(NotExact):
        gather(world.sources(), world.batch_id)


def test_a_right_result_no_such_task_and_no_such_replica_are_not_charged(world: World) -> None:
    world.deliver(pack_results(world.tree))
    sources = world.sources()
    material = gather(sources, world.batch_id)

    for replica, task in ((0, 0), (0, TASKS), (0, -1), (1, TASK)):
        with pytest.raises(NothingToCharge):
            make_charge(sources, material, replica, task)
    charge = make_charge(sources, material, 0, TASK)
    assert charge.leaf is not None
    assert charge.leaf.output_digest != charge.expected.output_digest


def test_a_search_is_only_made_where_results_are_withheld_and_one_must_be_wrong(world: World, tmp_path: Path) -> None:
    sources = world.sources(posted_top=lambda event, count: world.tree.top)
    material = gather(sources, world.batch_id)
    expected = material.run(range(TASKS))
    assert make_search(sources, material, 0, expected).top == world.tree.levels[-1][0]

    right = World(tmp_path / "right")
    of_right = gather(right.sources(), right.batch_id)
    for replica, known, whose in ((1, expected, material), (0, {0: expected[0]}, material), (0, expected, of_right)):
        with pytest.raises(NothingToCharge):
            make_search(sources, whose, replica, known)
    world.deliver(pack_results(world.tree))
    with pytest.raises(NothingToCharge):
        make_search(sources, gather(sources, world.batch_id), 0, expected)
