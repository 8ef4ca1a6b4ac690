"""A small exact model, a batch and a replica that may cheat, on a real node with the deployed court."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from court_batch import Work, honest
from court_model import small_model, words_of
from exact_record import manifest_of, put_model
from held_pools import Held

from scripts.bench.gas_chain import DEPOSIT, STAKE, GasChain
from stun.chains.evm.court import EvmCourt, EvmCourtWriter
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.posted_tops import find_posted_top
from stun.chains.market import Offer
from stun.checking.material import Sources
from stun.checking.rerun import ExactModels
from stun.checking.tasks import Stores
from stun.disputes.defence import Kept, answer
from stun.models.exact.paths import PORTABLE
from stun.pool.envelopes import DeliveryEnvelope, OrderEnvelope
from stun.protocol.court.state import Demand, Stage
from stun.protocol.graph.tensors import Tensor
from stun.protocol.graph.trace import Trace
from stun.protocol.messages import NOBODY, Bid, Delivery, Order, nonce_of
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import ResultsTree
from stun.protocol.trees.specs import model_id
from stun.storage.folder import FolderBlobStore
from stun.storage.packages import PackageRef, TaskPackage
from stun.storage.results import pack_results

PRICE = 10**9
MAX_UNITS = 100
CHALLENGE_SECONDS = 120
WORDS = ((3, 1), (7, 2), (1, 3), (5, 4), (9, 5))


@dataclass
class DisputeChain:
    """Everything that does not change from batch to batch."""

    chain: GasChain
    store: FolderBlobStore
    court: EvmCourt
    model: bytes
    orders: int = field(default=0)

    def open(self, work: Callable[[tuple[Tensor, ...]], Work], published: bool = True) -> "PlayedBatch":
        """A batch whose lone replica did `work`; its leaves are published or not."""
        self.orders += 1
        return PlayedBatch(self, work, published)

    def writer(self, index: int) -> EvmCourtWriter:
        """Acts of a party before the court."""
        return EvmCourtWriter(self.chain.parties[index].writer.sender, self.court)


def dispute_chain(chain: GasChain, folder: Path) -> DisputeChain:
    """Fund the parties and register the small model."""
    store, stun = FolderBlobStore(folder), chain.market.stun
    for party in (chain.requester, chain.providers[0]):
        party.writer.wait(party.writer.deposit(chain.key(), stun, DEPOSIT, party.id))
    chain.providers[0].writer.wait(chain.providers[0].writer.stake(chain.key(), STAKE))
    graph, creator = small_model(), chain.creator
    put_model(store, graph, creator.id)
    digest = manifest_of(graph).digest()
    roots = (digest, graph.weight_root, graph.graph_root, NumericClass.EXACT)
    creator.writer.wait(creator.writer.register_model(chain.key(), *roots))
    function = interface("Config").function("court_of")
    address = bytes(chain.market.view().read(chain.market.contracts.config, function, 1))
    return DisputeChain(chain, store, EvmCourt(chain.market, address), model_id(creator.id, digest))


class PlayedBatch:
    """A batch with results on the chain, and its replica, which answers from what it claims."""

    def __init__(self, disputes: DisputeChain, work: Callable[[tuple[Tensor, ...]], Work], published: bool) -> None:
        self.disputes, self.chain = disputes, disputes.chain
        self.provider = self.chain.providers[0]
        self.inputs = tuple(words_of(*shape) for shape in WORDS)
        self.work = work(self.inputs)
        self.tree = ResultsTree(self.work.results)
        package = TaskPackage({}, {}, tuple(x.encode() for x in self.inputs), NumericClass.EXACT)
        self.order = self._order(package)
        self.batch_id = self.order.digest(self.chain.market.domain)
        self.pools = Held([self._envelope(package.put(disputes.store))])
        self._match_and_post()
        if published:
            blob = disputes.store.put(pack_results(self.tree))
            delivery = Delivery(self.batch_id, self.provider.id, blob)
            self.pools.delivered.append(DeliveryEnvelope(delivery, (), b""))

    def sources(self) -> Sources:
        """Where an honest reader looks."""
        market, store = self.chain.market, self.disputes.store
        return Sources(
            market, self.pools, Stores(store), ExactModels(store, PORTABLE), market.contracts.first_block,
            posted_top=lambda event, count: find_posted_top(market, event, count),
        )  # fmt: skip

    def answer(self) -> int:
        """Answer every demand that waits; return how many."""
        court = self.disputes.court
        events = court.events(0, self.chain.market.head(), self.batch_id)
        demands: list[Demand] = [event.fields["demand"] for event in events if event.name == "Demanded"]
        open_ones = [demand for demand in demands if court.stage(demand) is Stage.OPEN]
        if court.was_convicted(self.batch_id, 0):
            return 0
        kept = Kept(self.tree, lambda task: Trace(self.provider.id, tuple(self.work.outputs(task))))
        writer = EvmCourtWriter(self.provider.writer.sender, court)
        for demand in open_ones:
            intent = writer.act(self.chain.key(), answer(kept, demand, self.provider.id), self.terms)
            self.provider.writer.wait(intent)
        return len(open_ones)

    def _order(self, package: TaskPackage) -> Order:
        expires_at = self.chain.market.now() + 3_600
        return Order(
            requester=self.chain.requester.id, asset=self.chain.market.stun, model_id=self.disputes.model,
            specs_root=package.specs_root, count=len(self.inputs), max_units=MAX_UNITS, start_price=PRICE,
            max_price=PRICE, ramp_start=0, ramp_seconds=0, replicas=1, audit_ppm=100_000, post_seconds=60,
            task_seconds=1, challenge_seconds=CHALLENGE_SECONDS, tier=0, flags=0, recipient_key=NOBODY,
            matcher=NOBODY, providers_root=NOBODY, tip=0, config=0, expires_at=expires_at,
            nonce=nonce_of(expires_at, 9, self.disputes.orders),
        )  # fmt: skip

    def _envelope(self, ref: PackageRef) -> OrderEnvelope:
        return OrderEnvelope(self.order, self.chain.sign(self.chain.requester, self.order), ref, ())

    def _match_and_post(self) -> None:
        chain, matcher = self.chain, self.chain.matcher
        bid = Bid(self.provider.id, self.batch_id, PRICE, matcher.id, self.order.expires_at)
        offers = [Offer(bid, chain.sign(self.provider, bid))]
        signature = chain.sign(chain.requester, self.order)
        matcher.writer.wait(matcher.writer.match(chain.key(), self.order, signature, offers))
        self.terms = chain.market.terms(self.batch_id)
        posted = self.provider.writer.post(chain.key(), self.batch_id, self.terms, self.tree.top)
        self.provider.writer.wait(posted)


def honest_work(inputs: tuple[Tensor, ...]) -> Work:
    """Run the model."""
    return honest(small_model(), inputs)
