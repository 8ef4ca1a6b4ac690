"""A batch of the small model with results, in the specification: what each replica did, and what it posted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from fake_market import FAKE_STUN, FakeMarket
from market_parties import parties

from stun.protocol import registry
from stun.protocol.graph.executor import execute
from stun.protocol.graph.structure import Graph, units_of
from stun.protocol.graph.tensors import Tensor, root_of
from stun.protocol.market import actions
from stun.protocol.market.state import Market
from stun.protocol.messages import FLAG_PRIVATE, FLAG_PUBLIC_DISPUTE, NOBODY, Bid, Order, nonce_of
from stun.protocol.parameters import NumericClass
from stun.protocol.staking import Stake
from stun.protocol.trees.merkle import MerkleTree
from stun.protocol.trees.results import Result, ResultsTree
from stun.protocol.trees.specs import commitment, model_id, private_output_digest, spec_digest, specs_tree

MONEY = 10**15
PRICE = 10**10
MAX_UNITS = 100
POST_SECONDS = 600
TASK_SECONDS = 10
CHALLENGE_SECONDS = 600
PUBLIC = bytes(32)
Outputs = Sequence[Tensor]


@dataclass(frozen=True)
class Work:
    """What one replica did: the outputs its traces claim by task, and the results it posted."""

    outputs: Callable[[int], Outputs]
    results: tuple[Result, ...]


def work_of(graph: Graph, outputs: Sequence[Outputs], cipher_root: bytes = PUBLIC) -> Work:
    """Return the work of a replica whose results follow from the outputs that it claims."""
    results = []
    for claimed in outputs:
        root = root_of(claimed[-1])
        digest = root if cipher_root == PUBLIC else private_output_digest(root, cipher_root)
        results.append(Result(digest, units_of(graph.header, claimed[0].shape.rows)))
    return Work(lambda task: outputs[task], tuple(results))


def honest(graph: Graph, inputs: Sequence[Tensor], cipher_root: bytes = PUBLIC) -> Work:
    """Return the work of a replica that runs the model."""
    outputs = {x: execute(graph, x) for x in dict.fromkeys(inputs)}
    return work_of(graph, [outputs[x] for x in inputs], cipher_root)


@dataclass(frozen=True)
class Job:
    """What the requester ordered: inputs for a model, and whether it is private."""

    graph: Graph
    inputs: tuple[Tensor, ...]
    private: bool = False

    @property
    def digests(self) -> tuple[tuple[bytes, bytes, bytes], ...]:
        """Input root, parameters' digest and document's digest of every task."""
        parts = [(sha256(b"params %d" % i).digest(), sha256(b"json %d" % i).digest()) for i in range(len(self.inputs))]
        return tuple((root_of(x), *part) for x, part in zip(self.inputs, parts, strict=True))

    @property
    def specs(self) -> MerkleTree:
        """The tree over the specs."""
        return specs_tree(spec_digest(*digests) for digests in self.digests)

    def order(self, model: bytes, replicas: int, expires_at: int, asset: bytes = FAKE_STUN, word: int = 0) -> Order:
        """Return the order; `word` tells its nonce from others."""
        flags = FLAG_PRIVATE | FLAG_PUBLIC_DISPUTE if self.private else 0
        return Order(
            parties().requesters[0], asset, model, self.specs.root, len(self.inputs), MAX_UNITS, PRICE, PRICE, 0, 0,
            replicas, 500_000, POST_SECONDS, TASK_SECONDS, CHALLENGE_SECONDS, 0, flags, bytes(32), NOBODY, NOBODY, 0, 0,
            expires_at, nonce_of(expires_at, word, 1),
        )  # fmt: skip


def salt_of(replica: int) -> bytes:
    """Return a replica's salt."""
    return sha256(b"salt %d" % replica).digest()


def start(graph: Graph) -> tuple[Market, bytes]:
    """Return a market with funded and staked parties and the model registered, and the model's id."""
    people = parties()
    state = FakeMarket().state
    accounts = (*people.requesters, *people.providers)
    creator, manifest = people.creator, sha256(b"manifest").digest()
    record = registry.register(None, creator, manifest, graph.weight_root, graph.graph_root, NumericClass.EXACT, 0)
    model = model_id(creator, manifest)
    state = replace(
        state,
        balances={(FAKE_STUN, account): MONEY for account in accounts},
        held={FAKE_STUN: MONEY * len(accounts)},
        stakes={account: Stake(active=10**12) for account in people.providers},
        models={model: record},
    )
    return state, model


def matching(order: Order, batch_id: bytes) -> actions.Match:
    """Return the match of an order with the first providers."""
    people = parties()
    bids = [Bid(provider, batch_id, PRICE, NOBODY, order.expires_at) for provider in people.providers[: order.replicas]]
    signed = tuple(actions.SignedBid(bid, bid.provider) for bid in bids)
    return actions.Match(people.matchers[0], order, order.requester, signed)


def delivery(batch_id: bytes, works: Sequence[Work]) -> actions.Action:
    """Return what brings every replica's results."""
    people = parties()
    trees = [ResultsTree(work.results) for work in works]
    if len(works) == 1:
        return actions.PostResult(people.providers[0], batch_id, trees[0].top)
    sealed = [
        actions.SignedCommit(
            k, commitment(batch_id, people.providers[k], t.root, t.total_units, salt_of(k)), people.providers[k]
        )
        for k, t in enumerate(trees)
    ]
    reveals = [actions.Reveal(k, tree.top, salt_of(k)) for k, tree in enumerate(trees)]
    return actions.Deliver(people.stranger, batch_id, tuple(sealed), tuple(reveals))
