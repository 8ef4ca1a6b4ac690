"""What a model's bits are on this machine: known answers and one digest for each path, to be compared with others'."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256, shake_256

import numpy as np

from stun.models.exact.engine import Array, Engine
from stun.models.exact.errors import ExactPathError, PathMissing
from stun.models.exact.known_answers import answers_of
from stun.models.exact.paths import NATIVE, PORTABLE, TORCH, choose_path
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Dtype

MOST_ROWS = 61
_IDS = 30_000


@dataclass(frozen=True, slots=True)
class PathVerdict:
    """One path: the digest of its bits, or why there is none."""

    path: str
    bits: str | None
    refused: ExactPathError | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether the path is there and computes something else than the specification."""
        return self.refused is not None and not isinstance(self.refused, PathMissing)


def verify_paths(graph: Graph) -> list[PathVerdict]:
    """Every path's verdict, the fastest first."""
    return [_verdict(graph, path) for path in (NATIVE, PORTABLE, TORCH)]


def bits_of(engine: Engine) -> str:
    """sha256 over every operator's output for a few inputs of the graph's own kind; hex."""
    total = sha256()
    for inputs in sample_inputs(engine.graph):
        total.update(bytes.fromhex(answers_of(engine.run_all(inputs))))
    return total.hexdigest()


def sample_inputs(graph: Graph) -> Iterator[Array]:
    """Packs of two tasks with the fewest rows, with some and, up to 61, with the most; the same on every machine."""
    header, shape = graph.header, graph.input_shape
    rows = {header.min_rows, min(header.max_rows, 16), min(header.max_rows, MOST_ROWS)}
    for n in sorted(each for each in rows if each >= header.min_rows):
        raw = np.frombuffer(shake_256(n.to_bytes(4, "big")).digest(8 * n * shape.cols), "<u4").astype(np.int64)
        values = raw % _IDS if shape.dtype == Dtype.INT32 else raw % 255 - 127
        yield values.reshape(2, n, shape.cols).astype(f"i{shape.dtype}")


def _verdict(graph: Graph, path: str) -> PathVerdict:
    try:
        return PathVerdict(path, bits_of(Engine(graph, choose_path(path).backend)))
    except ExactPathError as error:
        return PathVerdict(path, None, error)
