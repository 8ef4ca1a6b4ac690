"""What the providers of a batch have computed, off chain: honest results, differing ones, and worse."""

from dataclasses import dataclass
from random import Random

from side_by_side import salt_of

from stun.protocol.market.state import Terms
from stun.protocol.messages import Order
from stun.protocol.trees.results import Result, ResultsTree, Top, derive
from stun.protocol.trees.specs import commitment


@dataclass(frozen=True, slots=True)
class Answer:
    """One replica's answer: the top that it shows, and the tree behind it, if there is one."""

    top: Top
    tree: ResultsTree | None


@dataclass(frozen=True, slots=True)
class Plan:
    """One batch's answers by replica."""

    batch_id: bytes
    order: Order
    terms: Terms
    answers: tuple[Answer, ...]

    def commitment(self, replica: int) -> bytes:
        """Return what a replica commits to; garbage that cannot be derived commits to a random word."""
        top = self.answers[replica].top
        root, units = derive(self.terms.count, top)
        provider = self.terms.casts[replica].provider
        return commitment(self.batch_id, provider, root, units, salt_of(self.batch_id, replica))

    def salt(self, replica: int) -> bytes:
        """Return a replica's salt."""
        return salt_of(self.batch_id, replica)

    def claim(self, replica: int) -> tuple[bytes, int]:
        """Return the root and units of a replica's answer."""
        return derive(self.terms.count, self.answers[replica].top)


class Planner:
    """Makes up answers from a seeded source."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def plan(self, batch_id: bytes, order: Order, terms: Terms) -> Plan:
        """Return answers for a batch: mostly equal, often different in some tasks, at times garbage or above limits."""
        honest = self._results(terms)
        answers = [self._answer(honest)] * len(terms.casts)
        for k in range(len(answers)):
            fate = self._rng.random()
            if fate < 0.35:
                answers[k] = self._answer(self._altered(honest, terms))
            elif fate < 0.42:
                answers[k] = self._garbage(terms)
            elif fate < 0.46:
                answers[k] = self._excess(terms)
        return Plan(batch_id, order, terms, tuple(answers))

    def _digest(self) -> bytes:
        return self._rng.randbytes(32)

    def _results(self, terms: Terms) -> list[Result]:
        if terms.count > 1_000:
            digest = self._digest()
            return [Result(digest, terms.max_units)] * terms.count
        return [Result(self._digest(), self._rng.randint(0, terms.max_units)) for _ in range(terms.count)]

    def _answer(self, results: list[Result]) -> Answer:
        tree = ResultsTree(results)
        return Answer(tree.top, tree)

    def _altered(self, honest: list[Result], terms: Terms) -> list[Result]:
        results = list(honest)
        times = self._rng.choice((1, 1, 2, 3, 5, 32, 33))
        for task in self._rng.sample(range(terms.count), min(times, terms.count)):
            kept = results[task]
            units = self._rng.randint(0, terms.max_units) if self._rng.random() < 0.5 else kept.units
            digest = self._digest() if self._rng.random() < 0.8 else kept.output_digest
            results[task] = Result(digest, units)
        return results

    def _garbage(self, terms: Terms) -> Answer:
        units = self._rng.randint(0, terms.unit_limit)
        if terms.count == 1:
            return Answer(Top(self._digest(), units, bytes(32), 0), None)
        left = self._rng.randint(0, units)
        return Answer(Top(self._digest(), left, self._digest(), units - left), None)

    def _excess(self, terms: Terms) -> Answer:
        over = terms.unit_limit + self._rng.choice((1, 2, 10**6))
        if terms.count == 1:
            return Answer(Top(self._digest(), over, bytes(32), 0), None)
        return Answer(Top(self._digest(), terms.unit_limit, self._digest(), over - terms.unit_limit), None)
