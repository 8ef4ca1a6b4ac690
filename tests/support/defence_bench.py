"""Providers that a court asks: the specification's court beside the market in memory, and a small exact model."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from court_model import small_model, words_of
from exact_record import put_model
from fake_court import COIN, CURIOUS, FakeCourt, FakeCourts, FakeCourtWriter
from provider_bench import Bench, Party

from stun.chains.court import Courts
from stun.chains.evm.addresses import widen
from stun.chains.market import ModelRecord
from stun.disputes.seen import Record, Seen
from stun.models.manifest import GRAPH_ROLE
from stun.pool.envelopes import Kind as PoolKind
from stun.protocol import registry
from stun.protocol.court import actions
from stun.protocol.court.state import Demand, Kind, Stage
from stun.protocol.graph.file import encode_graph
from stun.protocol.messages import Order
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import ResultsTree
from stun.protocol.trees.specs import json_digest, spec_digest, specs_tree
from stun.provider.executor import ProviderService
from stun.provider.runners.base import TaskOutput
from stun.provider.runners.exact_graph import ExactGraphRunner
from stun.storage.digests import digest_input
from stun.storage.packages import results_of

DEPTHS = 12


def inputs_of(tasks: int = 18, longest: int = 64) -> tuple[bytes, ...]:
    """Inputs of the small model: one so long that a tensor of its trace has more leaves than one answer shows."""
    return tuple(words_of(longest if task == 1 else 1 + task % 3, task).encode() for task in range(tasks))


class ExactWorker:
    """The small model in this process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "graph"
        path.write_bytes(encode_graph(small_model()))
        self._runner = ExactGraphRunner()
        self._runner.load({GRAPH_ROLE: path})

    def validate(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[str | None]:
        return [self._runner.check(data, params) for data in inputs]

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        return self._runner.run(inputs, params)

    def close(self) -> None:
        return None


class ExactWorkshop:
    """Hands out one ExactWorker; `spoil` changes what it hands in."""

    def __init__(self, folder: Path, spoil: Callable[[TaskOutput], TaskOutput] = lambda output: output) -> None:
        self._worker = ExactWorker(folder)
        self._spoil = spoil

    def worker(self, record: ModelRecord) -> "ExactWorkshop":
        return self

    def validate(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[str | None]:
        return self._worker.validate(inputs, params)

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        return [self._spoil(output) for output in self._worker.run(inputs, params)]

    def discard(self, model_id: bytes) -> None:
        return None

    def close(self) -> None:
        return None


class DefenceBench(Bench):
    """A bench whose model is the small one of class exact, and whose market has a court."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.court = FakeCourt(self.market)
        self.writers: dict[bytes, FakeCourtWriter] = {}
        self.opaque_id, self.model_id = self.model_id, self._register()

    def _register(self) -> bytes:
        creator = widen(b"\x77" * 20)
        record = put_model(self.store, small_model(), creator)
        roots = (record.manifest_digest, record.weight_root, record.graph_root)
        self.market.set_model(record.model_id, registry.register(None, creator, *roots, NumericClass.EXACT, 0))
        return record.model_id

    def courts(self, party: Party) -> Courts | None:
        return FakeCourts(self.court, self.court_writer(party.account))

    def court_writer(self, account: bytes) -> FakeCourtWriter:
        """The writer of an account: the same one after a restart."""
        return self.writers.setdefault(account, FakeCourtWriter(self.court, account))

    def exact_provider(self, name: str, **changes: Any) -> ProviderService:
        """A provider that runs the small model."""
        workshop = changes.pop("workshop", None) or ExactWorkshop(self.folder / f"work-{name}")
        return self.provider(name, workshop=workshop, **changes)

    def with_results(self, provider: ProviderService, inputs: Sequence[bytes] | None = None) -> "Asked":
        """Order, compute and post; the court may ask from now on."""
        tasks = inputs_of() if inputs is None else tuple(inputs)
        order = self.order(1, tasks, challenge_seconds=600)
        batch_id = self.open_batch(order, [provider])
        while provider.tick().busy or not self.pools.read(PoolKind.POST, batch_id=batch_id):
            pass
        self.bring(batch_id)
        return Asked(self, provider, order, tasks)


class Asked:
    """A batch with results, and whoever is curious about it; `bench` has a market and a court."""

    def __init__(
        self, bench: Any, provider: ProviderService, order: Order, inputs: Sequence[bytes], asker: bytes = CURIOUS
    ) -> None:
        self.bench, self.order, self.inputs, self.asker = bench, order, inputs, asker
        self.account = provider.context.account
        self.batch_id = order.digest(bench.market.domain)
        outputs = provider.context.journal.outputs(self.batch_id)
        self.tree: ResultsTree = results_of(outputs, NumericClass.EXACT)
        digests = [(digest_input(data, NumericClass.EXACT), json_digest({}), json_digest({})) for data in inputs]
        self.digests, self.specs = digests, specs_tree(spec_digest(*parts) for parts in digests)

    @property
    def seen(self) -> list[Seen]:
        """Every demand of the batch and its answer."""
        record = Record()
        for event in self.bench.court.log:
            record.take(event.name, event.fields)
        return [seen for seen in record.seen if seen.demand.batch_id == self.batch_id]

    def top(self) -> actions.DemandTop:
        """Ask for the upper nodes of the results."""
        return actions.DemandTop(self.asker, COIN, self.batch_id, 0, *self.tree.levels[-1][0])

    def trace(self, task: int) -> actions.DemandTrace:
        """Ask for a task's trace."""
        graph, result = small_model(), self.tree.results[task]
        leaf = actions.Leaf(task, result.output_digest, result.units, self.tree.prove(task))
        return actions.DemandTrace(
            self.asker, COIN, self.batch_id, 0, self.order, actions.Spec(*self.digests[task], self.specs.prove(task)),
            graph.header.op_count, graph.tree.levels[-1][0], leaf,
        )  # fmt: skip

    def ask(self, action: actions.Action) -> Demand:
        """Take a demand to the court; return it as its event shows it."""
        self.bench.court.act(action)
        found: Demand = next(e for e in reversed(self.bench.court.log) if e.name == "Demanded").fields["demand"]
        return found

    def below(self, seen: Seen, item: int) -> Demand:
        """Ask about a node of an answer."""
        return self.ask(actions.DemandBelow(self.asker, COIN, seen.parent(item)))

    def stages(self) -> dict[Kind, set[Stage | None]]:
        """How demands of each kind stand."""
        found: dict[Kind, set[Stage | None]] = {}
        for seen in self.seen:
            found.setdefault(seen.demand.kind, set()).add(self.bench.court.stage(seen.demand))
        return found

    def convicted(self) -> bool:
        """Whether the court convicted the replica."""
        return self.bench.court.was_convicted(self.batch_id, 0)


def follow(asked: Asked, provider: ProviderService, demand: Demand, item: int) -> list[Demand]:
    """Ask about one node of each answer down to the last one; the provider answers between."""
    asked_about = [demand]
    for _ in range(DEPTHS):
        provider.tick()
        seen = next(seen for seen in asked.seen if seen.demand == asked_about[-1])
        assert seen.answered, f"{seen.demand.kind.name} waits"
        below = seen.below
        if seen.demand.kind is Kind.ROW or (seen.demand.kind is Kind.RESULTS and below.level == 0):
            return asked_about
        asked_about.append(asked.below(seen, min(item, below.size - 1)))
    raise AssertionError("a descent without end")
