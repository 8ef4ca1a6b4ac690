"""Everything that checking one batch needs, gathered from chain, pools and stores; and the second run itself."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from stun.chains.interface import ChainError
from stun.chains.market import ChainEvent, MarketReader
from stun.checking.errors import CheckingError
from stun.checking.examine import Claim
from stun.checking.rerun import ExactModel, ExactModels
from stun.checking.results import Root, find_top, find_tree, fits, top_node
from stun.checking.tasks import Pools, Stores, Tasks, find_tasks
from stun.protocol.errors import Rejected
from stun.protocol.market.state import Terms
from stun.protocol.messages import NOBODY
from stun.protocol.trees.results import Node, Result, Top

PACK_TASKS = 256
PostedTop = Callable[[ChainEvent, int], Top | None]
_SHOWING = ("Posted", "Revealed")


class NothingShown(CheckingError):
    """A batch without results: there is nothing to check yet."""

    def __init__(self, batch_id: bytes) -> None:
        super().__init__(f"no replica of batch 0x{batch_id.hex()} has shown a result; there is nothing to check yet")
        self.batch_id = batch_id


@dataclass(frozen=True)
class Sources:
    """Where to look. `first_block`: where the market's events begin; `key` opens what is sealed to the requester.

    `posted_top` reads what a post showed out of its transaction, where pools do not hold it.
    """

    market: MarketReader
    pools: Pools
    stores: Stores
    models: ExactModels
    first_block: int = 0
    key: bytes | None = None
    posted_top: PostedTop = field(default=lambda event, count: None)


@dataclass(frozen=True)
class Material:
    """A batch of class `exact` with its tasks, proven against the order, and what its replicas claim."""

    batch_id: bytes
    terms: Terms
    model: ExactModel
    tasks: Tasks
    claims: tuple[Claim, ...]
    events: tuple[ChainEvent, ...]

    def claim(self, replica: int) -> Claim | None:
        """What a replica claims, None if it shows nothing."""
        return next((claim for claim in self.claims if claim.replica == replica), None)

    def run(self, tasks: Iterable[int], tell: Callable[[int], None] = lambda _: None) -> dict[int, Result | None]:
        """Run tasks again, some at a time; `tell` gets how many are done. None of a task whose input is refused."""
        wanted = sorted(set(tasks))
        results: dict[int, Result | None] = {}
        for first in range(0, len(wanted), PACK_TASKS):
            part = wanted[first : first + PACK_TASKS]
            results.update(zip(part, self._results([self.tasks.package.inputs[task] for task in part]), strict=True))
            tell(len(results))
        return results

    def _results(self, inputs: Sequence[bytes]) -> Sequence[Result | None]:
        try:
            return self.model.results(inputs)
        except Rejected:
            return [self._result(data) for data in inputs]

    def _result(self, data: bytes) -> Result | None:
        try:
            return self.model.results([data])[0]
        except Rejected:
            return None


def gather(sources: Sources, batch_id: bytes) -> Material:
    """Gather a batch's material.

    Errors: NothingShown, TasksMissing, NotExact, ModelDiffers, BatchUnknown, ChainError, PoolError, BlobError.
    """
    market = sources.market
    terms = market.terms(batch_id)
    events = tuple(market.events(sources.first_block, market.head(), batch_id))
    opened = next((event for event in reversed(events) if event.name == "BatchOpened"), None)
    if opened is None:
        raise ChainError(f"the chain's events do not show how batch 0x{batch_id.hex()} was opened")
    record = market.model(opened.fields["model_id"])
    if record is None:
        raise ChainError(f"the chain does not show the model of batch 0x{batch_id.hex()}")
    model = sources.models.of(record)
    shown = _shown(terms, events)
    if not shown:
        raise NothingShown(batch_id)
    tasks = find_tasks(sources.pools, sources.stores, market.domain, batch_id, terms.numeric_class)
    claims = tuple(_claim(sources, terms, tasks, replica, root) for replica, (root, _) in sorted(shown.items()))
    return Material(batch_id, terms, model, tasks, claims, events)


def find_top_node(sources: Sources, material: Material, claim: Claim) -> Node | None:
    """The top node of a replica's results, published or out of the transaction that showed it; None if neither is had.

    Errors: PoolError, ChainError.
    """
    count, root = material.terms.count, (claim.outputs_root, claim.total_units)
    if claim.tree is not None:
        return claim.tree.levels[-1][0]
    top = find_top(sources.pools, material.batch_id, count, root)
    if top is None:
        _, event = _shown(material.terms, material.events)[claim.replica]
        top = sources.posted_top(event, count)
    return top_node(top, count) if top is not None and fits(top, count, root) else None


def _shown(terms: Terms, events: Sequence[ChainEvent]) -> dict[int, tuple[Root, ChainEvent]]:
    """Root and units of each replica that showed a result, and the event that did."""
    places = {cast.provider: replica for replica, cast in enumerate(terms.casts)}
    return {
        places[event.fields["provider"]]: (
            (bytes(event.fields["outputs_root"]), int(event.fields["total_units"])), event
        )
        for event in events
        if event.name in _SHOWING and event.fields["provider"] in places
    }  # fmt: skip


def _claim(sources: Sources, terms: Terms, tasks: Tasks, replica: int, root: Root) -> Claim:
    key = None if tasks.order.recipient_key == NOBODY else sources.key
    batch_id = tasks.order.digest(sources.market.domain)
    tree = find_tree(sources.pools, sources.stores, batch_id, root, terms.numeric_class, key)
    if tree is not None and tree.count != terms.count:
        tree = None
    return Claim(replica, terms.casts[replica].provider, *root, tree)
