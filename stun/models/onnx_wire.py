"""Judge an ONNX file from its protobuf bytes, without the onnx package and without building the model.

Source: onnx.proto3 (ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto). Only what decides safety and
shape is read: versions, one graph with nodes and outputs, and no tensor that points into another file.
"""

from dataclasses import dataclass

from stun.models.errors import MalformedModelFile, UnsafeModelFile
from stun.models.protobuf import fields, messages

MAX_IR_VERSION = 32
MAX_DEPTH = 16

# ModelProto: field number -> wire type. A field outside this table means: not an ONNX model.
_MODEL_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_IR_VERSION, _GRAPH, _OPSET, _TRAINING, _FUNCTION = 1, 7, 8, 20, 25
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _SPARSE = 1, 5, 11, 12, 15
_NODE_ATTRIBUTE, _FUNCTION_NODE, _FUNCTION_ATTRIBUTE = 5, 7, 11
_ATTR_TENSOR, _ATTR_GRAPH, _ATTR_TENSORS, _ATTR_GRAPHS, _ATTR_SPARSE, _ATTR_SPARSES = 5, 6, 10, 11, 22, 23
_TENSOR_EXTERNAL_DATA, _TENSOR_LOCATION, _LOCATION_EXTERNAL = 13, 14, 1


@dataclass(frozen=True, slots=True)
class OnnxSummary:
    """What the header says: IR version, number of nodes, inputs and outputs of the main graph."""

    ir_version: int
    nodes: int
    inputs: int
    outputs: int


def looks_like_onnx(data: memoryview) -> bool:
    """Whether the bytes start as a ModelProto does: field 1, a small varint (every exporter writes it first)."""
    return len(data) >= 4 and data[0] == 0x08 and 1 <= data[1] <= MAX_IR_VERSION


def inspect_onnx(data: memoryview) -> OnnxSummary:
    """Walk the whole file; MalformedModelFile for wrong bytes, UnsafeModelFile for data outside the file."""
    versions: list[int] = []
    graphs: list[memoryview] = []
    opsets = 0
    for number, wire, value in fields(data):
        if _MODEL_FIELDS.get(number) != wire:
            raise MalformedModelFile("ONNX", f"field {number} with wire type {wire} in the model")
        if number == _IR_VERSION and isinstance(value, int):
            versions.append(value)
        elif number == _OPSET:
            opsets += 1
        elif number == _TRAINING:
            raise MalformedModelFile("ONNX", "training graphs are not served")
        elif isinstance(value, memoryview) and number == _GRAPH:
            graphs.append(value)
        elif isinstance(value, memoryview) and number == _FUNCTION:
            _walk_function(value)
    if len(versions) != 1 or not 1 <= versions[0] <= MAX_IR_VERSION:
        raise MalformedModelFile("ONNX", "no single IR version")
    if len(graphs) != 1 or opsets == 0:
        raise MalformedModelFile("ONNX", "not exactly one graph, or no operator set")
    nodes, inputs, outputs = _walk_graph(graphs[0], 0)
    if nodes == 0 or outputs == 0:
        raise MalformedModelFile("ONNX", "a graph without nodes or outputs")
    return OnnxSummary(versions[0], nodes, inputs, outputs)


def _walk_graph(graph: memoryview, depth: int) -> tuple[int, int, int]:
    if depth > MAX_DEPTH:
        raise MalformedModelFile("ONNX", f"graphs nested deeper than {MAX_DEPTH}")
    counts = {_NODE: 0, _INPUT: 0, _OUTPUT: 0}
    for number, value in messages(graph):
        if number in counts:
            counts[number] += 1
        if number == _NODE:
            _walk_node(value, depth)
        elif number == _INITIALIZER:
            _check_tensor(value)
        elif number == _SPARSE:
            _check_sparse(value)
    return counts[_NODE], counts[_INPUT], counts[_OUTPUT]


def _walk_node(node: memoryview, depth: int) -> None:
    for number, value in messages(node):
        if number == _NODE_ATTRIBUTE:
            _walk_attribute(value, depth)


def _walk_attribute(attribute: memoryview, depth: int) -> None:
    for number, value in messages(attribute):
        if number in (_ATTR_TENSOR, _ATTR_TENSORS):
            _check_tensor(value)
        elif number in (_ATTR_SPARSE, _ATTR_SPARSES):
            _check_sparse(value)
        elif number in (_ATTR_GRAPH, _ATTR_GRAPHS):
            _walk_graph(value, depth + 1)


def _walk_function(function: memoryview) -> None:
    for number, value in messages(function):
        if number == _FUNCTION_NODE:
            _walk_node(value, 0)
        elif number == _FUNCTION_ATTRIBUTE:
            _walk_attribute(value, 0)


def _check_sparse(sparse: memoryview) -> None:
    for number, value in messages(sparse):
        if number in (1, 2):
            _check_tensor(value)


def _check_tensor(tensor: memoryview) -> None:
    for number, _, value in fields(tensor):
        external = number == _TENSOR_LOCATION and value == _LOCATION_EXTERNAL
        if external or number == _TENSOR_EXTERNAL_DATA:
            raise UnsafeModelFile("an ONNX model whose weights are in other files (external data)")
