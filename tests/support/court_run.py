"""Random histories before the court: honest replicas among hostile challengers, and cheats that must not get away.

Works on a scene of the specification alone and on one that steps the contracts beside it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from random import Random

from court_batch import Job, Work, honest
from court_cheats import MUSEUM, TASK
from court_scene import COIN, CourtScene

from stun.disputes.defence import answer
from stun.protocol.court import actions
from stun.protocol.court.evidence import (
    BadInput,
    BadOutput,
    BadStep,
    BadUnits,
    Evidence,
    GraphLeaf,
    Input,
    Operator,
    seal,
)
from stun.protocol.court.state import Demand, Trace
from stun.protocol.errors import Rejected
from stun.protocol.graph.evidence import element_evidence
from stun.protocol.graph.tensors import TensorTree
from stun.protocol.market.state import ReplicaState

MakeScene = Callable[[Job, Sequence[Work]], CourtScene]
MOVES = 14


class Hostile:
    """A challenger that demands, announces and opens whatever it likes against replica 0 of a scene."""

    def __init__(self, scene: CourtScene, random: Random, tally: Counter[str]) -> None:
        self.scene = scene
        self.random = random
        self.tally = tally
        self.sealed: list[Evidence] = []

    def move(self) -> None:
        """Take one hostile act; refused ones count too."""
        kind = self.random.choice(
            (self._demand, self._demand, self._below, self._below, self._below, self._sham, self._open)
        )
        action = kind()
        if action is None:
            return
        name = type(action).__name__
        try:
            self.scene.act(action)
            self.tally[f"{name} accepted"] += 1
        except Rejected as refused:
            self.tally[f"{name} refused"] += 1
            self.tally[refused.code] += 1

    def _demand(self) -> actions.Action:
        task = self.random.randrange(len(self.scene.job.inputs))
        chosen = self.random.choice((self.scene.ask_top(0), self.scene.ask_trace(0, task)))
        if self.random.random() < 0.15:
            chosen = replace(chosen, replica=self.random.choice((1, 2)))
        return replace(chosen, value=self.random.choice((COIN, COIN, COIN, 0)))

    def _below(self) -> actions.Action | None:
        answered = [seen for seen in self.scene.seen.values() if seen.answered]
        if not answered:
            return None
        seen = self.random.choice(answered)
        parent = seen.parent(self.random.randrange(len(seen.nodes) + 1))
        if self.random.random() < 0.1:
            parent = replace(parent, nodes=parent.nodes[:-1])
        return actions.DemandBelow(self.scene.challenger, COIN, parent)

    def _sham(self) -> actions.Action | None:
        evidence = self._evidence()
        if evidence is None:
            return None
        self.sealed.append(evidence)
        return self.scene.announcement(evidence)

    def _open(self) -> actions.Action | None:
        if not self.sealed:
            return None
        evidence = self.sealed.pop()
        digest = seal(self.scene.challenger, self.scene.digest_of(evidence), self.scene.opening(evidence).salt)
        if self.random.random() < 0.1:
            return actions.Lapse(self.scene.challenger, digest)
        return self.scene.opening(evidence)

    def _evidence(self) -> Evidence | None:
        """True openings of what the replica committed, and sometimes bent: they must never convict an honest one."""
        traces = self.scene.court.traces.items()
        committed = [key[2] for key, digest in traces if key[:2] == (self.scene.batch_id, 0) and digest]
        if not committed:
            return None
        suspect = self.scene.suspect(0, self.random.choice(committed))
        graph, own = suspect.graph, suspect.own
        trace = Trace(suspect.case, own.root, bytes(32))
        index = self.random.randrange(1, len(graph.operators))
        shape = own.outputs[index].shape
        place = self.random.randrange(shape.rows), self.random.randrange(shape.cols)
        tree = TensorTree(own.outputs[0])
        shown = Input(tree.tensor.shape, tree.top)
        at = lambda i: Operator(i, own.output_roots[i], own.prove_operator(i))  # noqa: E731
        operator = graph.operators[index]
        whole = BadStep(
            trace,
            at(index),
            tuple(at(i) for i in operator.predecessors),
            GraphLeaf(operator.encode(), graph.tree.prove(index + 1)),
            shown,
            element_evidence(graph, own.outputs, index, *place),
        )
        header = GraphLeaf(graph.header.encode(), graph.tree.prove(0))
        last = suspect.case.op_count - 1
        choices: list[Evidence] = [
            whole, BadInput(trace, at(0)), BadOutput(trace, at(last)), BadUnits(trace, header, shown),
        ]  # fmt: skip
        chosen = self.random.choice(choices)
        return self._bent(chosen) if self.random.random() < 0.4 else chosen

    def _bent(self, evidence: Evidence) -> Evidence:
        if isinstance(evidence, BadStep):
            spot = self.random.randrange(len(evidence.opened))
            flipped = bytes([evidence.opened[spot] ^ 1 << self.random.randrange(8)])
            return replace(evidence, opened=evidence.opened[:spot] + flipped + evidence.opened[spot + 1 :])
        if isinstance(evidence, BadUnits):
            return replace(evidence, input=replace(evidence.input, top=sha256(b"another").digest()))
        assert isinstance(evidence, BadInput | BadOutput)
        return replace(evidence, operator=replace(evidence.operator, index=evidence.operator.index + 1))


def waiting(scene: CourtScene) -> list[Demand]:
    """Return the demands that wait for replica 0's answer."""
    return [demand for demand, seen in scene.seen.items() if not seen.answered and demand.replica == 0]


def honest_history(make: MakeScene, job: Job, random: Random, tally: Counter[str]) -> None:
    """One history of an honest replica that answers before each deadline. Errors: AssertionError if it is convicted."""
    work = honest(job.graph, job.inputs)
    scene = make(job, [work] * random.choice((1, 1, 2)))
    hostile = Hostile(scene, random, tally)
    for _ in range(MOVES):
        hostile.move()
        for demand in waiting(scene):
            last = random.random() < 0.1
            others = min((d.due for d in waiting(scene)), default=demand.due)
            if last and others - 1 > scene.chain.now:
                scene.travel(others - 1 - scene.chain.now)
            if demand in waiting(scene):
                scene.act(answer(scene.kept(0), demand, demand.provider))
        if random.random() < 0.12:
            scene.travel(random.choice((1, 2, 30)))
    assert scene.state_of(0) == ReplicaState.REVEALED, "an honest replica that answers is never convicted"
    assert scene.convicted == []
    tally["honest histories"] += 1


def cheating_history(make: MakeScene, job: Job, random: Random, tally: Counter[str]) -> None:
    """One history of a cheat among noise, prosecuted in time. Errors: AssertionError if it is not convicted."""
    name = random.choice(list(MUSEUM))
    cheat, verdict = MUSEUM[name]
    scene = make(job, [cheat(job)])
    silent_after = random.choice((99, 99, 1, 2, 3, 5))
    ended = scene.prosecute(0, TASK, answers=lambda demand: demand.links < silent_after)
    assert ended in (verdict, "silent"), f"{name} ended as {ended}"
    assert scene.convicted == [(scene.providers[0], ended != "silent")]
    tally["cheats convicted"] += 1
    tally[ended] += 1
