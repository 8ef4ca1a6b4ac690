"""A dispute in the specification: a batch with results, a challenger, and replicas that answer or not."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

from court_batch import PUBLIC, Job, Work, delivery, honest, matching, start
from court_model import small_model, words_of
from fake_market import FAKE_COURT, START
from market_parties import parties

from stun.disputes.defence import Kept, answer
from stun.disputes.prosecution import Suspect, next_step
from stun.disputes.seen import Record, Seen
from stun.disputes.steps import AskBelow, AskTrace, Right, Show, Wait
from stun.protocol.court import actions
from stun.protocol.court.evidence import Evidence, place_of, seal
from stun.protocol.court.state import Case, Chain, Court, Demand
from stun.protocol.court.step import step
from stun.protocol.errors import Rejected
from stun.protocol.graph.executor import execute
from stun.protocol.graph.trace import Trace
from stun.protocol.market.state import Event, ReplicaState
from stun.protocol.market.step import step as market_step
from stun.protocol.trees.results import ResultsTree

COIN = 10**20
SALT = sha256(b"a challenger's salt").digest()
MOST_STEPS = 40


def small_job(tasks: int = 3, private: bool = False) -> Job:
    """Return inputs of 1 to 12 words for the small model; the same ones again after 24 tasks."""
    return Job(small_model(), tuple(words_of(1 + 5 * i % 12, i % 24) for i in range(tasks)), private)


class CourtScene:
    """A batch whose replicas did `works`; the clock stands at the first moment with results."""

    def __init__(self, job: Job, works: Sequence[Work], cipher_root: bytes = PUBLIC) -> None:
        self.job, self.works, self.cipher_root = job, works, cipher_root
        self.providers = parties().providers[: len(works)]
        self.challenger = parties().challenger
        self.chain = Chain(START, 100, 7 * 10**9)
        self.court = Court(FAKE_COURT)
        self.events: list[Event] = []
        self.record = Record()
        state, model = start(job.graph)
        self.order = job.order(model, len(works), START + 3_600)
        self.batch_id = self.order.digest(state.domain)
        for action in (matching(self.order, self.batch_id), delivery(self.batch_id, works)):
            state, _ = market_step(state, action, START)
        self.market = state

    @property
    def seen(self) -> dict[Demand, Seen]:
        """Every demand so far, and its answer."""
        return self.record.demands

    def act(self, action: actions.Action) -> tuple[Event, ...]:
        """Take an action in a block of its own. Errors: Rejected."""
        chain = replace(self.chain, block=self.chain.block + 1)
        self.market, self.court, events = step(self.market, self.court, action, chain)
        self.chain = chain
        self.events.extend(events)
        for event in events:
            self.record.take(event.name, event.fields)
        return events

    def refusal(self, action: actions.Action, same_block: bool = False) -> str | None:
        """Return the code with which an action is refused; it is not taken."""
        chain = self.chain if same_block else replace(self.chain, block=self.chain.block + 1)
        try:
            step(self.market, self.court, action, chain)
        except Rejected as refused:
            return refused.code
        return None

    def travel(self, seconds: int) -> None:
        """Let time pass."""
        self.chain = replace(self.chain, now=self.chain.now + seconds)

    def state_of(self, replica: int) -> ReplicaState | None:
        """Return where a replica stands, None once its batch is final."""
        batch = self.market.batches.get(self.batch_id)
        return None if batch is None else batch.replicas[replica].state

    @property
    def convicted(self) -> list[tuple[bytes, bool]]:
        """Who was convicted, and whether of a wrong result."""
        found = [event.fields for event in self.events if event.name == "Convicted"]
        return [(fields["provider"], fields["wrong"]) for fields in found]

    def kept(self, replica: int) -> Kept:
        """Return what a replica keeps to answer from."""
        work, account = self.works[replica], self.providers[replica]
        traces = lambda task: Trace(account, tuple(work.outputs(task)))  # noqa: E731
        return Kept(ResultsTree(work.results), traces, lambda _: self.cipher_root)

    def leaf(self, replica: int, task: int) -> actions.Leaf:
        """Return a published result with its path."""
        tree = ResultsTree(self.works[replica].results)
        return actions.Leaf(task, tree.results[task].output_digest, tree.results[task].units, tree.prove(task))

    def ask_top(self, replica: int) -> actions.DemandTop:
        """Return the demand for the upper nodes of a results tree."""
        top, units = ResultsTree(self.works[replica].results).levels[-1][0]
        return actions.DemandTop(self.challenger, COIN, self.batch_id, replica, top, units)

    def ask_trace(self, replica: int, task: int, parent: actions.Parent | None = None) -> actions.DemandTrace:
        """Return the demand for a task's trace, by its published leaf or by an answer that showed it."""
        graph = self.job.graph
        spec = actions.Spec(*self.job.digests[task], self.job.specs.prove(task))
        leaf = None if parent else self.leaf(replica, task)
        return actions.DemandTrace(
            self.challenger, COIN, self.batch_id, replica, self.order, spec, graph.header.op_count,
            graph.tree.levels[-1][0], leaf, parent,
        )  # fmt: skip

    def suspect(self, replica: int, task: int) -> Suspect:
        """Return a task as a challenger sees it that ran it again."""
        graph, result = self.job.graph, self.works[replica].results[task]
        case = Case(
            self.batch_id, replica, task, graph.header.op_count, self.job.digests[task][0], result.output_digest,
            result.units, graph.graph_root, graph.weight_root, self.job.private,
        )  # fmt: skip
        return Suspect(graph, Trace(self.providers[replica], execute(graph, self.job.inputs[task])), case)

    def answer(self, demand: Demand) -> None:
        """Let the replica answer from what it keeps."""
        self.act(answer(self.kept(demand.replica), demand, demand.provider))

    def prosecute(self, replica: int, task: int, answers: Callable[[Demand], bool] = lambda _: True) -> str:
        """Play a dispute to its end; `answers` says which demands the replica answers.

        Returns "right" (nothing to show), "silent" (convicted of not answering), or the evidence that convicted.
        """
        suspect = self.suspect(replica, task)
        for _ in range(MOST_STEPS):
            found = next_step(suspect, list(self.seen.values()))
            if isinstance(found, Right):
                return "right"
            if isinstance(found, Show):
                return type(found.evidence).__name__ if self.show(found.evidence) else "acquitted"
            if isinstance(found, AskTrace):
                self.act(self.ask_trace(replica, task))
            elif isinstance(found, AskBelow):
                self.act(actions.DemandBelow(self.challenger, COIN, found.parent))
            elif isinstance(found, Wait) and answers(found.demand):
                self.answer(found.demand)
            else:
                self.travel(found.demand.due - self.chain.now)
                self.act(actions.ExpireDemand(self.challenger, found.demand))
                return "silent"
        raise AssertionError("a dispute without end")

    def show(self, evidence: Evidence) -> bool:
        """Announce and open evidence; return whether it convicted."""
        self.act(self.announcement(evidence))
        events = self.act(self.opening(evidence))
        return bool(next(event for event in events if event.name == "ChallengeOpened").fields["wrong"])

    def announcement(self, evidence: Evidence, sender: bytes | None = None) -> actions.Announce:
        """Return the action that announces evidence."""
        who = sender or self.challenger
        return actions.Announce(who, COIN, *place_of(evidence), seal(who, self.digest_of(evidence), SALT))

    def opening(self, evidence: Evidence, sender: bytes | None = None) -> actions.Challenge:
        """Return the action that opens announced evidence."""
        return actions.Challenge(sender or self.challenger, evidence, self.digest_of(evidence), SALT)

    def digest_of(self, evidence: Evidence) -> bytes:
        """Return a digest of evidence; each chain has an encoding of its own."""
        return sha256(repr(evidence).encode()).digest()


def honest_scene(replicas: int = 1, tasks: int = 3) -> CourtScene:
    """Return a scene in which every replica ran the model."""
    job = small_job(tasks)
    return CourtScene(job, [honest(job.graph, job.inputs)] * replicas)
