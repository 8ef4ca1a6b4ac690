"""How much work a task is, before it is taken on: a graph may be valid and still too large for whoever reads it."""

from dataclasses import dataclass

from stun.protocol.graph.operators import COLUMNS, Opcode, Operator
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import row_bytes


@dataclass(frozen=True, slots=True)
class Work:
    """Bytes of all outputs of a task, as a trace hashes them; multiplications of its products."""

    output_bytes: int
    multiplications: int


def work_of(graph: Graph, n: int) -> Work:
    """Return the work of a task with an input of n rows, min_rows to max_rows."""
    shapes = [operator.shape(n) for operator in graph.operators]
    return Work(
        sum(shape.rows * row_bytes(shape) for shape in shapes),
        sum(_multiplications(graph, operator, n) for operator in graph.operators),
    )


def _multiplications(graph: Graph, operator: Operator, n: int) -> int:
    if not operator.is_linear:
        return 0
    depth, out = graph.operators[operator.a].shape(n).cols, operator.shape(n)
    if operator.opcode == Opcode.MATMUL and operator.mode == COLUMNS:
        depth //= operator.groups
    return out.rows * out.cols * depth
