"""Graph files: numbers and nothing else, one file for one graph.

header 18 bytes | operators, 48 bytes each | shape of each weight tensor, 9 bytes | rows of each weight tensor. Every
length follows from what stands before it, and the file ends where the last weight does. Source: PROTOCOL.md section 9.
"""

from itertools import accumulate
from typing import Final

from stun.protocol.errors import require
from stun.protocol.graph.operators import OPERATOR_BYTES, Operator, decode_operator
from stun.protocol.graph.structure import HEADER_BYTES, Graph, decode_header
from stun.protocol.graph.tensors import SHAPE_BYTES, Tensor, decode_shape, row_bytes

ERR_LENGTH: Final = "graph: length"
ERR_LEAF: Final = "graph: leaf"
ERR_SHAPE: Final = "graph: shape"


def encode_graph(graph: Graph) -> bytes:
    """Write a graph's file."""
    operators = (operator.encode() for operator in graph.operators)
    shapes = (tensor.shape.encode() for tensor in graph.weights)
    return b"".join([graph.header.encode(), *operators, *shapes, *(tensor.data for tensor in graph.weights)])


def decode_graph(data: bytes) -> Graph:
    """Read a graph's file; what comes back is valid, and `encode_graph` of it is `data`.

    Errors: "graph: length" (too short, or bytes to spare), "graph: leaf" (unknown opcode, bytes that no field uses),
    "graph: shape" (of a weight), and those of Graph.
    """
    header = decode_header(data[:HEADER_BYTES])
    shapes_at = HEADER_BYTES + OPERATOR_BYTES * header.op_count
    data_at = shapes_at + SHAPE_BYTES * header.weight_count
    require(len(data) >= data_at, ERR_LENGTH)
    operators = tuple(_operator(leaf) for leaf in _parts(data[HEADER_BYTES:shapes_at], OPERATOR_BYTES))
    shapes = [decode_shape(part) for part in _parts(data[shapes_at:data_at], SHAPE_BYTES)]
    require(all(row_bytes(shape) for shape in shapes), ERR_SHAPE)
    ends = list(accumulate((shape.rows * row_bytes(shape) for shape in shapes), initial=data_at))
    require(len(data) == ends[-1], ERR_LENGTH)
    weights = (Tensor(shape, data[at:end]) for shape, at, end in zip(shapes, ends, ends[1:], strict=False))
    return Graph(header, operators, tuple(weights))


def _operator(leaf: bytes) -> Operator:
    operator = decode_operator(leaf)
    require(operator.encode() == leaf, ERR_LEAF)
    return operator


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
