"""A model of class `exact`, loaded from stores by the chain's record, that runs single tasks again.

A graph is numbers; no code of a creator is ever executed. The fastest path whose known answers come out right computes,
and the specification's own executor where none does.
"""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

import numpy as np

from stun.chains.market import ModelRecord
from stun.checking.errors import ModelDiffers, NotExact
from stun.models.exact.engine import Engine, task_outputs
from stun.models.exact.errors import ExactPathError
from stun.models.exact.paths import choose_path
from stun.models.manifest import GRAPH_ROLE, parse_manifest
from stun.protocol.errors import Rejected
from stun.protocol.graph.arrays import stored_array, to_tensor
from stun.protocol.graph.executor import execute, require_input
from stun.protocol.graph.file import decode_graph
from stun.protocol.graph.structure import Graph, units_of
from stun.protocol.graph.tensors import Tensor, decode_tensor, root_of
from stun.protocol.graph.trace import Trace
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.results import Result

SPECIFICATION = "specification"
KEPT_TRACES = 4  # a trace holds every operator's output: some 40 MB for 256 tokens of the shipped model
KEPT_MODELS = 2


class BlobSource(Protocol):
    """Where manifests and graph files come from; a BlobStore is one. Errors: BlobError, and those of its own."""

    def get(self, digest: bytes) -> bytes: ...


class ExactModel:
    """A valid graph and a way to compute it; keeps the last few traces. One thread at a time.

    `path` names how it computes: native, portable, torch, or `specification`, which is slow and always right. None
    takes the fastest that works here. Errors when made: ExactPathError, for a path that was named and cannot be used.
    """

    def __init__(self, graph: Graph, path: str | None = None, kept: int = KEPT_TRACES) -> None:
        self.graph = graph
        self._engine = None if path == SPECIFICATION else _open_engine(graph, path)
        self._kept: OrderedDict[bytes, Trace] = OrderedDict()
        self._most_kept = kept

    @property
    def path(self) -> str:
        """The name of the path that computes."""
        return SPECIFICATION if self._engine is None else self._engine.backend.name

    def trace(self, task_input: bytes, account: bytes) -> Trace:
        """Run a task, input as delivered, and return its trace under an account (32 bytes).

        Errors: Rejected, for an input that is no tensor of this model ("tensors: ...", "graph: input").
        """
        name = sha256(task_input).digest()
        known = self._kept.pop(name, None)
        if known is None:
            known = Trace(account, self._run(self._read(task_input)))
        elif known.account != account:
            known = Trace(account, known.outputs)
        self._kept[name] = known
        while len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)
        return known

    def result(self, task_input: bytes) -> tuple[bytes, int]:
        """Run a task and return its output's root and its units. Errors: as `trace`."""
        [made] = self.results([task_input])
        return made.output_digest, made.units

    def results(self, inputs: Sequence[bytes]) -> list[Result]:
        """The same of many tasks, in their order; equally long inputs share a pack. Errors: as `trace`."""
        tensors = [self._read(data) for data in inputs]
        by_rows: dict[int, list[int]] = {}
        for place, tensor in enumerate(tensors):
            by_rows.setdefault(tensor.shape.rows, []).append(place)
        roots: dict[int, bytes] = {}
        for places in by_rows.values():
            outputs = self._last_outputs([tensors[place] for place in places])
            roots.update({place: root_of(output) for place, output in zip(places, outputs, strict=True)})
        units = [units_of(self.graph.header, tensor.shape.rows) for tensor in tensors]
        return [Result(roots[place], count) for place, count in enumerate(units)]

    def confirms(self, trace: Trace) -> bool:
        """Whether the specification's executor gives the same bits: ask before a deposit depends on a fast path."""
        return self._engine is None or execute(self.graph, trace.outputs[0]) == trace.outputs

    def _read(self, task_input: bytes) -> Tensor:
        tensor = decode_tensor(task_input)
        require_input(self.graph, tensor)
        return tensor

    def _run(self, tensor: Tensor) -> tuple[Tensor, ...]:
        if self._engine is None:
            return execute(self.graph, tensor)
        return task_outputs(self.graph, self._engine.run_all(stored_array(tensor)[None]), 0)

    def _last_outputs(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Outputs of tasks with equally many rows."""
        if self._engine is None:
            return [execute(self.graph, tensor)[-1] for tensor in tensors]
        outputs = self._engine.run(np.stack([stored_array(tensor) for tensor in tensors]))
        return [to_tensor(output, self.graph.operators[-1].dtype) for output in outputs]


class ExactModels:
    """Models by the chain's record, the last few ready to run; the one unused for longest goes."""

    def __init__(self, store: BlobSource, path: str | None = None, kept: int = KEPT_MODELS) -> None:
        self._store = store
        self._path = path
        self._most_kept = kept
        self._kept: OrderedDict[bytes, ExactModel] = OrderedDict()

    def of(self, record: ModelRecord) -> ExactModel:
        """A registered model, ready to run. Errors: as `load_graph`."""
        known = self._kept.pop(record.model_id, None) or ExactModel(load_graph(self._store, record), self._path)
        self._kept[record.model_id] = known
        while len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)
        return known


def load_graph(store: BlobSource, record: ModelRecord) -> Graph:
    """Fetch a registered model's graph: manifest, then the graph file, whose own roots must be the registered ones.

    Errors: NotExact, ModelDiffers, ManifestError, those of the source.
    """
    if record.numeric_class != NumericClass.EXACT:
        raise NotExact(record.model_id, record.numeric_class.name.lower())
    files = parse_manifest(store.get(record.manifest_digest)).files
    if GRAPH_ROLE not in files:
        raise ModelDiffers(record.model_id, "its manifest names no file with the role graph")
    try:
        graph = decode_graph(store.get(files[GRAPH_ROLE]))
    except Rejected as error:
        raise ModelDiffers(record.model_id, error.code) from error
    if (graph.graph_root, graph.weight_root) != (record.graph_root, record.weight_root):
        raise ModelDiffers(record.model_id, "its roots are others")
    return graph


def _open_engine(graph: Graph, path: str | None) -> Engine | None:
    """The engine of a path; None where no path was named and none works here."""
    try:
        return Engine(graph, choose_path(path).backend)
    except ExactPathError:
        if path is not None:
            raise
        return None
