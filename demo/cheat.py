"""The provider that saves money: its weights have 4 bits instead of 8, and it answers the court with what they make.

What anyone could do who changes the code on his own machine. In the first, large batch it is honest, whichever two
providers the matcher finds first.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from stun.chains.market import ModelRecord
from stun.checking.rerun import ExactModel, ExactModels, load_graph
from stun.models.manifest import GRAPH_ROLE
from stun.protocol.graph.arrays import split_records
from stun.protocol.graph.file import encode_graph
from stun.protocol.graph.operators import NONE, Opcode
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Tensor
from stun.provider.model_cache import BlobSource
from stun.provider.runners.base import TaskOutput
from stun.provider.runners.exact_graph import ExactGraphRunner
from stun.provider.workshop import Worker, Workshop

SMALL_TASKS = 8  # fewer than a chunk of the first order has
COARSE_STEP = 16  # what a weight of 4 bits can tell apart


class Computes(Protocol):
    """What turns inputs into outputs: a worker, or a runner in this process."""

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        """Outputs in the order of the inputs."""


class CheapWorker:
    """A worker that computes few tasks with coarse weights, and many with the true ones."""

    def __init__(self, honest: Worker, cheap: Computes) -> None:
        self._honest = honest
        self._cheap = cheap

    def validate(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[str | None]:
        """Validate as an honest worker does."""
        return self._honest.validate(inputs, params)

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        """Return embeddings, those of a worse model where they are few."""
        chosen: Computes = self._honest if len(inputs) > SMALL_TASKS else self._cheap
        return chosen.run(inputs, params)

    def close(self) -> None:
        """End it."""
        self._honest.close()


class CheapModels(ExactModels):
    """What it answers the court from: the model that it really ran."""

    def of(self, record: ModelRecord) -> ExactModel:
        """Return the registered model with coarse weights."""
        if record.model_id not in self._kept:
            self._kept[record.model_id] = ExactModel(coarsen(load_graph(self._store, record)))
        return self._kept[record.model_id]


class CheapWorkshop:
    """A workshop whose workers save on the model; `folder` takes the coarse graph."""

    def __init__(self, honest: Workshop, source: BlobSource, folder: Path) -> None:
        self._honest = honest
        self._source = source
        self._folder = folder
        self._cheap: dict[bytes, ExactGraphRunner] = {}

    def worker(self, record: ModelRecord) -> Worker:
        """Return a worker that cheats."""
        if record.model_id not in self._cheap:
            self._cheap[record.model_id] = self._coarse_runner(record)
        return CheapWorker(self._honest.worker(record), self._cheap[record.model_id])

    def discard(self, model_id: bytes) -> None:
        """End a model's worker."""
        self._honest.discard(model_id)

    def close(self) -> None:
        """End every worker."""
        self._honest.close()

    def _coarse_runner(self, record: ModelRecord) -> ExactGraphRunner:
        path = self._folder / "cheap.graph"
        path.write_bytes(encode_graph(coarsen(load_graph(self._source, record))))
        runner = ExactGraphRunner()
        runner.load({GRAPH_ROLE: path})
        return runner


def coarsen(graph: Graph) -> Graph:
    """Return the same operators with the 4 highest bits of every weight of a linear layer."""
    weights = list(graph.weights)
    for operator in graph.operators:
        if operator.opcode == Opcode.LINEAR:
            weights[operator.w0] = _coarse(weights[operator.w0], operator.w1 != NONE)
    return Graph(graph.header, graph.operators, tuple(weights))


def _coarse(records: Tensor, has_lut: bool) -> Tensor:
    w, _ = split_records(records, has_lut)
    raw = np.frombuffer(records.data, np.uint8).reshape(records.shape.rows, records.shape.cols).copy()
    coarse = np.clip(w.astype(np.int16) // COARSE_STEP * COARSE_STEP, -127, 127).astype(np.int8)
    raw[:, : w.shape[1]] = coarse.view(np.uint8)
    return Tensor(records.shape, raw.tobytes())
