"""Graphs of integer operators, class `exact`: the runner executes the graph file itself, never a creator's code.

File: `graph` (stun/protocol/graph/file.py). Input and output are tensors as they are delivered: dtype u8, rows u32,
cols u32, then the rows, big endian. The bits are the specification's, whatever computes them: kernels or NumPy.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from stun.models.exact.engine import Engine
from stun.models.exact.errors import ExactPathError
from stun.models.exact.paths import choose_path
from stun.models.manifest import GRAPH_ROLE
from stun.protocol.errors import Rejected
from stun.protocol.graph.arrays import stored_array, to_tensor
from stun.protocol.graph.executor import require_input
from stun.protocol.graph.file import decode_graph
from stun.protocol.graph.structure import units_of
from stun.protocol.graph.tensors import Tensor, decode_tensor
from stun.provider.runners.base import ERROR_RESULT, PathRefused, Runner, TaskOutput, UnfitModel, required_file

MAX_GRAPH_BYTES = 2**31


class ExactGraphRunner(Runner):
    """One tensor a task; units as the graph's header counts them."""

    id: ClassVar[str] = "exact-graph"
    version: ClassVar[str] = "1"
    unit: ClassVar[str] = "unit"

    def load(self, files: Mapping[str, Path]) -> None:
        path = required_file(files, GRAPH_ROLE, self.id)
        if path.stat().st_size > MAX_GRAPH_BYTES:
            raise UnfitModel(f"a graph file may have at most {MAX_GRAPH_BYTES} bytes")
        try:
            self._graph = decode_graph(path.read_bytes())
            self._engine = Engine(self._graph, choose_path().backend)
        except Rejected as error:
            raise UnfitModel(f"not a graph of class exact: {error.code}") from error
        except ExactPathError as error:
            raise PathRefused(str(error)) from error
        self.roots = (self._graph.graph_root, self._graph.weight_root)

    def check(self, data: bytes, params: Mapping[str, Any]) -> str | None:
        try:
            require_input(self._graph, decode_tensor(data))
        except Rejected as error:
            return f"not an input of this model: {error.code}"
        return None

    def compute(self, data: bytes, params: Mapping[str, Any]) -> TaskOutput:
        return self._compute_all([decode_tensor(data)])[0]

    def run(self, inputs: Sequence[bytes], params: object) -> list[TaskOutput]:
        """Equally long inputs share a pack, which changes no bit."""
        results = [ERROR_RESULT] * len(inputs)
        by_rows: dict[int, list[tuple[int, Tensor]]] = {}
        for place, data in enumerate(inputs):
            if self.validate(params, data) is None:
                tensor = decode_tensor(data)
                by_rows.setdefault(tensor.shape.rows, []).append((place, tensor))
        for members in by_rows.values():
            outputs = self._compute_all([tensor for _, tensor in members])
            for (place, _), output in zip(members, outputs, strict=True):
                results[place] = output
        return results

    def _compute_all(self, tensors: Sequence[Tensor]) -> list[TaskOutput]:
        """Results of tensors of one shape."""
        outputs = self._engine.run(np.stack([stored_array(tensor) for tensor in tensors]))
        units = units_of(self._graph.header, tensors[0].shape.rows)
        dtype = self._graph.operators[-1].dtype
        return [TaskOutput(to_tensor(output, dtype).encode(), units) for output in outputs]
