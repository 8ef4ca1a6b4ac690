"""Roots of one task's outputs, made when its trace is demanded: sixteen hashes at a time, or in plain Python.

Source: stun/protocol/graph/tensors.py and trace.py; both ways give the same roots.
"""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

from stun.models.exact.engine import Array, Engine, task_outputs
from stun.models.exact.errors import ExactPathError, KnownAnswerWrong, PathMissing
from stun.models.exact.known_answers import gauntlet, gauntlet_inputs
from stun.models.exact.portable import Portable
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import root_of


class Hasher(Protocol):
    """Output roots of one graph's tasks."""

    def roots(self, outputs: Sequence[Array], task: int) -> tuple[bytes, ...]:
        """The output root of every operator, for one task of a pack: outputs [tasks, rows, cols], the input first."""

    def trace(self, engine: Engine, task_input: Array) -> tuple[bytes, ...]:
        """The same of one task [1, n, cols] that is run again."""


class PlainHasher:
    """In plain Python."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def roots(self, outputs: Sequence[Array], task: int) -> tuple[bytes, ...]:
        """One leaf after the other."""
        return tuple(root_of(tensor) for tensor in task_outputs(self._graph, outputs, task))

    def trace(self, engine: Engine, task_input: Array) -> tuple[bytes, ...]:
        """Keeps every output until it is hashed."""
        return self.roots(engine.run_all(task_input), 0)


def open_hasher(graph: Graph) -> Hasher:
    """The compiled hasher where it works, else the plain one."""
    try:
        return native_hasher(graph)
    except ExactPathError:
        return PlainHasher(graph)


def native_hasher(graph: Graph) -> Hasher:
    """The compiled way, once it gave known roots. PathMissing, KnownAnswerWrong."""
    _require_known_roots()
    from stun.models.exact.native.roots import NativeHasher

    return NativeHasher(graph)


@cache
def _require_known_roots() -> None:
    try:
        from stun.models.exact.native.roots import NativeHasher
    except ImportError as error:
        raise PathMissing("native hashing", f"numba cannot be imported ({error})") from error
    graph, inputs = gauntlet(), gauntlet_inputs()
    outputs = Engine(graph, Portable()).run_all(inputs)
    if NativeHasher(graph).roots(outputs, 1) != PlainHasher(graph).roots(outputs, 1):
        raise KnownAnswerWrong("native hashing", "roots of every width")
