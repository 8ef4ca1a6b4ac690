"""Disputes about the shipped exact model, each act a transaction on anvil: `python -m scripts.bench.gas_court`."""

import json
import sys
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from scripts.bench.gas_chain import GasChain, Party, digest, gas_chain
from scripts.bench.gas_lives import Lives
from stun.chains.evm.court import EvmCourt, EvmCourtWriter
from stun.chains.evm.deployments import deploy
from stun.chains.evm.market_contracts import interface
from stun.chains.market import Offer
from stun.disputes.defence import Kept, answer
from stun.disputes.prosecution import Suspect, next_step
from stun.disputes.seen import Record, Seen
from stun.disputes.steps import AskBelow, AskTrace, Show, Wait
from stun.models.quantize.shipped import shipped_graph
from stun.protocol.court import actions
from stun.protocol.court.evidence import Evidence, place_of, seal
from stun.protocol.court.state import Announcement, Case, Demand
from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.executor import execute
from stun.protocol.graph.file import decode_graph
from stun.protocol.graph.operators import Opcode
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Dtype, Tensor, row_bytes
from stun.protocol.graph.trace import Trace
from stun.protocol.messages import NOBODY, Bid, Order, nonce_of
from stun.protocol.parameters import PARAMETERS, NumericClass, development
from stun.protocol.trees.merkle import MerkleTree
from stun.protocol.trees.results import Result, ResultsTree
from stun.protocol.trees.specs import model_id, spec_digest, specs_tree

TOKENS = 128
MANIFEST = digest("exact manifest")
SALT = digest("a challenger's salt")
COIN = 10**18
PRICE = 10**9
CHALLENGE_SECONDS = 1_800
LIFE_SECONDS = 3_600 * 24


@cache
def model() -> Graph:
    """Return the shipped model."""
    return decode_graph(shipped_graph().read_bytes())


@cache
def honest_outputs() -> tuple[Tensor, ...]:
    """Return every operator's output for one input of 128 tokens."""
    ids = np.random.default_rng(1).integers(1_000, 30_000, (TOKENS, 1))
    return execute(model(), to_tensor(ids, Dtype.INT32))


def spoiled(index: int) -> tuple[Tensor, ...]:
    """Return the outputs with one element of one operator changed, in the middle of its tensor."""
    outputs = list(honest_outputs())
    tensor = outputs[index]
    at = (tensor.shape.rows // 2) * row_bytes(tensor.shape) + row_bytes(tensor.shape) // 2
    changed = tensor.data[:at] + bytes([tensor.data[at] ^ 1]) + tensor.data[at + 1 :]
    outputs[index] = Tensor(tensor.shape, changed)
    return tuple(outputs)


@dataclass
class Disputes:
    """Plays disputes on a chain whose newest config version names a court."""

    chain: GasChain
    court: EvmCourt
    orders: int = field(default=0)

    def play(self, label: str, tasks: int, operator: int, withheld: bool = False) -> int:
        """Convict a provider that changed one element; return the gas of the challenge, note that of the whole dispute.

        With `withheld` nothing was published: every node is demanded from the top of the results on.
        """
        dispute = _Dispute(self, label, tasks, operator)
        dispute.open()
        return dispute.run(withheld)


class _Dispute:
    def __init__(self, disputes: Disputes, label: str, tasks: int, operator: int) -> None:
        self.chain, self.court = disputes.chain, disputes.court
        self.label, self.tasks, self.task = label, tasks, tasks - 1
        disputes.orders += 1
        self.number = disputes.orders
        self.claimed = spoiled(operator)
        results = [Result(digest(f"output {k}"), 1) for k in range(tasks)]
        self.results = ResultsTree(results)
        self.total = 0
        self.record = Record()
        self._announced: dict[bytes, Announcement] = {}
        self.challenger = self.chain.settler
        self.provider = self.chain.providers[0]
        self.writers = {
            party.id: EvmCourtWriter(party.writer.sender, self.court) for party in (self.challenger, self.provider)
        }

    def open(self) -> None:
        """Match a lone order and post the results."""
        chain = self.chain
        shown = [digest("params"), digest("json")]
        self.digests = (Trace(self.provider.id, self.claimed).output_roots[0], *shown)
        true = spec_digest(*self.digests)
        self.specs: MerkleTree = specs_tree([digest(f"spec {k}") for k in range(self.tasks - 1)] + [true])
        expires_at = chain.market.now() + LIFE_SECONDS
        self.order = Order(
            requester=chain.requester.id, asset=chain.market.stun, model_id=model_id(chain.creator.id, MANIFEST),
            specs_root=self.specs.root, count=self.tasks, max_units=TOKENS, start_price=PRICE, max_price=PRICE,
            ramp_start=0, ramp_seconds=0, replicas=1, audit_ppm=100_000, post_seconds=600, task_seconds=1,
            challenge_seconds=CHALLENGE_SECONDS, tier=0, flags=0, recipient_key=NOBODY, matcher=NOBODY,
            providers_root=NOBODY, tip=0, config=0, expires_at=expires_at, nonce=nonce_of(expires_at, 7, self.number),
        )  # fmt: skip
        self.batch_id = self.order.digest(chain.market.domain)
        bid = Bid(self.provider.id, self.batch_id, PRICE, chain.matcher.id, expires_at)
        offers = [Offer(bid, chain.sign(self.provider, bid))]
        matched = chain.matcher.writer.match(chain.key(), self.order, chain.sign(chain.requester, self.order), offers)
        chain.matcher.writer.wait(matched)
        self.terms = chain.market.terms(self.batch_id)
        posted = self.provider.writer.post(chain.key(), self.batch_id, self.terms, self.results.top)
        self.provider.writer.wait(posted)

    def run(self, withheld: bool) -> int:
        """Play to the conviction; return the gas of the challenge."""
        parent = self._descend() if withheld else None
        graph = model()
        case = Case(
            self.batch_id, 0, self.task, graph.header.op_count, self.digests[0],
            self.results.results[self.task].output_digest, 1, graph.graph_root, graph.weight_root, False,
        )  # fmt: skip
        suspect = Suspect(graph, Trace(self.provider.id, honest_outputs()), case)
        while True:
            step = next_step(suspect, self.record.seen)
            if isinstance(step, Show):
                return self._show(step.evidence)
            if isinstance(step, Wait):
                self._answer(step.demand)
            elif isinstance(step, AskTrace):
                self._act("demand", self._ask_trace(parent))
            else:
                assert isinstance(step, AskBelow), "the result is wrong"
                self._act("demand", actions.DemandBelow(self.challenger.id, COIN, step.parent))

    def _descend(self) -> actions.Parent:
        """Demand the results down to the task."""
        top, units = self.results.levels[-1][0]
        self._act("demand", actions.DemandTop(self.challenger.id, COIN, self.batch_id, 0, top, units))
        while True:
            seen: Seen = self.record.seen[-1]
            self._answer(seen.demand)
            seen = self.record.demands[seen.demand]
            item = (self.task >> seen.below.level) - seen.below.first
            if seen.below.level == 0:
                return seen.parent(item)
            self._act("demand", actions.DemandBelow(self.challenger.id, COIN, seen.parent(item)))

    def _ask_trace(self, parent: actions.Parent | None) -> actions.DemandTrace:
        graph, result = model(), self.results.results[self.task]
        leaf = actions.Leaf(self.task, result.output_digest, result.units, self.results.prove(self.task))
        return actions.DemandTrace(
            self.challenger.id, COIN, self.batch_id, 0, self.order,
            self._spec(), graph.header.op_count, graph.tree.top,
            None if parent else leaf, parent,
        )  # fmt: skip

    def _spec(self) -> actions.Spec:
        input_root, params, document = self.digests
        return actions.Spec(input_root, params, document, self.specs.prove(self.task))

    def _answer(self, demand: Demand) -> None:
        kept = Kept(self.results, lambda _: Trace(self.provider.id, self.claimed))
        self._act(f"answer_{demand.kind.name.lower()}", answer(kept, demand, self.provider.id))

    def _show(self, evidence: Evidence) -> int:
        opening = actions.Challenge(self.challenger.id, evidence, bytes(32), SALT)
        writer = self.writers[self.challenger.id]
        sealed = seal(self.challenger.id, writer.seal(opening), SALT)
        self._act("announce", actions.Announce(self.challenger.id, COIN, *place_of(evidence), sealed))
        self.chain.node.mine()
        used = self._act("challenge", opening, sealed)
        assert self.court.was_convicted(self.batch_id, 0), "complete evidence convicts"
        self.chain.gas[f"dispute_{self.label}"] = self.total
        return used

    def _act(self, name: str, action: actions.Action, sealed: bytes = b"") -> int:
        writer = self.writers[action.sender]
        announced = self._announced[sealed] if sealed else None
        before = self.chain.market.head()
        intent = writer.act(self.chain.key(), action, self.terms, announced)
        used = self.chain.spend(f"{name}_{self.label}", self._party(action.sender), intent)
        self.total += used
        for event in self.court.events(before + 1, self.chain.market.head()):
            self.record.take(event.name, event.fields)
            if event.name == "ChallengeAnnounced":
                self._announced[event.fields["digest"]] = event.fields["announcement"]
        return used

    def _party(self, account: bytes) -> Party:
        return self.challenger if account == self.challenger.id else self.provider


def open_court(chain: GasChain) -> Disputes:
    """Deploy referees and court, name it in a new config version, and register the shipped model."""
    sender = chain.parties[0].writer.sender
    reader = chain.market.reader
    contracts = chain.market.contracts
    linear = deploy(sender, reader, "RefereeLinear")
    rowwise = deploy(sender, reader, "RefereeRow")
    verdicts = deploy(
        sender, reader, "Verdicts", (contracts.market, contracts.registry, linear.address, rowwise.address)
    )
    court = deploy(sender, reader, "Court", (contracts.market, contracts.config, verdicts.address))
    publish_peers(chain, court.address)
    graph = model()
    creator = chain.creator
    roots = (MANIFEST, graph.weight_root, graph.graph_root, NumericClass.EXACT)
    creator.writer.wait(creator.writer.register_model(chain.key(), *roots))
    return Disputes(chain, EvmCourt(chain.market, court.address))


def publish_peers(chain: GasChain, court: bytes) -> None:
    """Publish the development values again, with a court."""
    sender = chain.parties[0].writer.sender
    values = [development()[0][p.name] for p in PARAMETERS]
    data = interface("Config").function("publish").encode(values, (bytes(20), court, bytes(20), bytes(20)))
    sender.wait(sender.submit(chain.key(), chain.market.contracts.config, data))


def play_disputes(chain: GasChain) -> None:
    """Every kind of operator of the shipped model once, with published results; then with everything withheld."""
    disputes = open_court(chain)
    worst = 0
    firsts: dict[tuple[int, int, int], int] = {}
    for operator in model().operators[1:]:
        shape = operator.shape(TOKENS)
        firsts.setdefault((operator.opcode, shape.cols, len(operator.weights)), operator.index)
    for (opcode, cols, _), index in firsts.items():
        name = f"{Opcode(opcode).name.lower()}_{cols}_{index}"
        worst = max(worst, disputes.play(name, 4, index))
    chain.gas["challenge_max"] = worst
    deepest = max(firsts.values(), key=lambda index: chain.gas[_name_of(firsts, index)])
    for tasks in (4_096, 65_536):
        disputes.play(f"withheld_{tasks}", tasks, deepest, withheld=True)


def _name_of(firsts: dict[tuple[int, int, int], int], index: int) -> str:
    [(opcode, cols, _)] = [key for key, value in firsts.items() if value == index]
    return f"challenge_{Opcode(opcode).name.lower()}_{cols}_{index}"


def measure() -> dict[str, int]:
    """Play every dispute on anvil; return the headline figures, then every act's gas."""
    with gas_chain("anvil") as chain:
        Lives(chain).prepare()
        known = set(chain.gas)
        play_disputes(chain)
        acts = {name: used for name, used in chain.gas.items() if name not in known}
    headline = {
        "gas_challenge_max": acts["challenge_max"],
        "gas_dispute_withheld": acts["dispute_withheld_4096"],
        "gas_dispute_withheld_65536": acts["dispute_withheld_65536"],
    }
    return headline | {f"gas_court_{name}": used for name, used in acts.items()}


def main() -> int:
    """Print what each act cost, and end with one JSON object of all figures."""
    figures = measure()
    for name, used in figures.items():
        sys.stdout.write(f"{name:<52}{used:>12,}\n")
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
