"""Roots of one task's outputs, made when its trace is demanded: sixteen hashes at a time, or in plain Python.

Source: stun/protocol/graph/tensors.py and trace.py; both ways give the same roots.
"""

from collections.abc import Callable, Sequence

from stun.models.exact.engine import Array, Engine, task_outputs
from stun.models.exact.errors import KnownAnswerWrong, PathMissing
from stun.models.exact.known_answers import gauntlet, gauntlet_inputs
from stun.models.exact.portable import Portable
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import root_of

Rooter = Callable[[Graph, Sequence[Array], int], tuple[bytes, ...]]


def plain_roots(graph: Graph, outputs: Sequence[Array], task: int) -> tuple[bytes, ...]:
    """The output root of every operator, for one task of a pack, in plain Python."""
    return tuple(root_of(tensor) for tensor in task_outputs(graph, outputs, task))


def native_roots() -> Rooter:
    """The compiled way, after it gave known roots. PathMissing, KnownAnswerWrong."""
    try:
        from stun.models.exact.native.roots import output_roots
    except ImportError as error:
        raise PathMissing("native hashing", f"numba cannot be imported ({error})") from error
    graph, inputs = gauntlet(), gauntlet_inputs()
    outputs = Engine(graph, Portable()).run_all(inputs)
    if output_roots(graph, outputs, 1) != plain_roots(graph, outputs, 1):
        raise KnownAnswerWrong("native hashing", "roots of every width")
    return output_roots
