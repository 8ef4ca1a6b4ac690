"""Vectors of class exact: tensors, graph leaves, operators, files, traces, and what the referee makes of evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from scripts.conformance.encoding import encode, noise, number, outcome
from scripts.conformance.graph_models import integers, picture, picture_model, sentence, text_model
from stun.protocol.graph import operators as ops
from stun.protocol.graph.arrays import pack_multipliers, pack_norm, pack_records, to_array, to_tensor
from stun.protocol.graph.evidence import element_evidence, leaf_evidence, shape_evidence
from stun.protocol.graph.executor import apply, execute
from stun.protocol.graph.file import decode_graph, encode_graph
from stun.protocol.graph.operators import Opcode, Operator
from stun.protocol.graph.referee import judge
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import (
    Dtype,
    Shape,
    Tensor,
    TensorTree,
    climb,
    leaf_count,
    path_length,
    rows_a_leaf,
    tensor_root,
)
from stun.protocol.graph.trace import Trace

ACCOUNT = bytes(12) + b"\xaa" * 20
SHAPES = [
    Shape(1, 1, 1), Shape(1, 3, 5), Shape(1, 96, 32), Shape(2, 7, 24), Shape(2, 16, 128), Shape(2, 5, 300),
    Shape(4, 384, 1), Shape(0, 6, 100), Shape(1, 2, 4_096),
]  # fmt: skip


def graph_vectors() -> dict[str, Any]:
    """Return tensors, single operators at the edges of their widths, two whole models with tasks, and disputes."""
    models = {"text": text_model(), "picture": picture_model()}
    tasks = {"text": [sentence(1), sentence(4)], "picture": [picture()]}
    traces = {name: [Trace(ACCOUNT, execute(models[name], task)) for task in tasks[name]] for name in models}
    return {
        "tensors": [_tensor(shape) for shape in SHAPES],
        "operators": list(_operators()),
        "models": [_model(name, models[name], traces[name]) for name in models],
        "bad_files": list(_bad_files(models["text"])),
        "disputes": [case for name in models for case in _disputes(name, models[name], traces[name][-1])],
    }


def _tensor(shape: Shape) -> Any:
    size = shape.rows * shape.cols * max(shape.dtype, 1)
    tensor = Tensor(shape, b"".join(noise(f"{shape} {at}") for at in range(0, size, 32))[:size])
    tree = TensorTree(tensor)
    rows = sorted({0, shape.rows // 2, shape.rows - 1})
    return encode({
        "tensor": tensor, "rows_a_leaf": rows_a_leaf(shape), "leaf_count": leaf_count(shape), "top": tree.top,
        "root": tree.root, "openings": {row: tree.open(row) for row in rows},
    })  # fmt: skip


def _operators() -> Iterator[Any]:
    for operator, inputs, weights in _singles():
        y = apply(operator, [to_array(x) for x in inputs], weights, 1)
        out = to_tensor(y, operator.dtype)
        yield encode({"name": Opcode(operator.opcode).name, "leaf": operator.encode(), "inputs": inputs,
                      "weights": weights, "output": out})  # fmt: skip


def _data(name: str, dtype: Dtype, rows: int, cols: int) -> Tensor:
    limit = 2 ** (8 * dtype - 1)
    return to_tensor(integers(name, rows, cols, -limit, limit - 1), dtype)


def _singles() -> Iterator[tuple[Operator, Sequence[Tensor], Sequence[Tensor]]]:
    """Operators of index 2 on what their widths can hold, -128 included, in constant dims."""
    low, high = (to_tensor(np.full((1, 512), value), Dtype.INT16) for value in (-32_768, 32_767))
    bytes_low, bytes_high = (to_tensor(np.full((1, 512), value), Dtype.INT8) for value in (-128, 127))
    most, one = pack_multipliers(np.array([2**31 - 1])), {"a": 0, "b": 1, "w0": 0, "groups": 1, "lo": -127, "hi": 127}
    for a, b in ((low, bytes_low), (low, bytes_high), (high, bytes_low), (high, bytes_high)):
        yield Operator(2, Opcode.MATMUL, 1, 1, 1, mode=ops.ROWS, shift=62, **one), (a, b), (most,)
    for sign in (-1, 1):
        records = pack_records(np.full((1, 1_000), 127 * sign), np.array([2**30 * sign]), np.array([2**31 - 1]))
        x = to_tensor(np.full((1, 1_000), 127), Dtype.INT8)
        yield Operator(2, Opcode.LINEAR, 4, 1, 1, a=0, w0=0, shift=31, lo=-(2**31), hi=2**31 - 1), (x,), (records,)
    for shift in (1, 31, 62):
        x, mult = _data(f"requant {shift}", Dtype.INT32, 2, 4), pack_multipliers(np.array([0, 1, 2**31 - 2, 2**31 - 1]))
        yield Operator(2, Opcode.REQUANT, 2, 2, 4, a=0, w0=0, shift=shift, lo=-32_768, hi=32_767), (x,), (mult,)
    yield from _rows()


def _rows() -> Iterator[tuple[Operator, Sequence[Tensor], Sequence[Tensor]]]:
    half = to_tensor(np.array([[-32_768] * 512 + [32_767] * 512]), Dtype.INT16)
    for gain, bias, shift in ((2**31 - 1, -(2**31), 1), (-(2**31), 2**31 - 1, 36), (2**15, 0, 20)):
        norm = pack_norm(np.full(1_024, gain), np.full(1_024, bias))
        yield Operator(2, Opcode.ADD_NORM, 2, 1, 1_024, a=0, b=1, w0=0, shift=shift), (half, half), (norm,)
    for at, cols in enumerate((1, 2, 3, 8, 64)):
        x = _data(f"rows {at}", Dtype.INT16, 2, cols)
        yield Operator(2, Opcode.SOFTMAX, 2, 2, cols, a=0), (x,), ()
        yield Operator(2, Opcode.L2_NORM, 2, 2, cols, a=0), (x,), ()
        yield Operator(2, Opcode.MEAN, 2, 1, 2, a=0), (x,), ()
    near = to_tensor(integers("near", 3, 20, -600, 600), Dtype.INT16)
    yield Operator(2, Opcode.SOFTMAX, 2, 3, 20, a=0), (near,), ()
    zeros = to_tensor(np.zeros((2, 4), np.int64), Dtype.INT16)
    flat = pack_norm(np.array([1, 2, 3, 4]), np.array([-5, 6, -7, 8]))
    yield Operator(2, Opcode.ADD_NORM, 2, 2, 4, a=0, b=1, w0=0, shift=1), (zeros, zeros), (flat,)
    yield Operator(2, Opcode.L2_NORM, 2, 2, 4, a=0), (zeros,), ()


def _model(name: str, graph: Graph, traces: Sequence[Trace]) -> Any:
    tasks = [
        {"account": trace.account, "outputs": [x.encode() for x in trace.outputs], "output_roots": trace.output_roots,
         "trace_root": trace.root, "of_last": trace.prove_operator(len(trace.outputs) - 1)}
        for trace in traces
    ]  # fmt: skip
    leaves = [graph.header.encode(), *(operator.encode() for operator in graph.operators)]
    return encode({
        "name": name, "file": encode_graph(graph), "graph_root": graph.graph_root, "weight_root": graph.weight_root,
        "leaves": leaves, "of_last": graph.tree.prove(len(leaves) - 1), "tasks": tasks,
    })  # fmt: skip


def _bad_files(graph: Graph) -> Iterator[Any]:
    """Changes of the text model's file: where, what stands there instead, and the code that refuses it."""
    raw = encode_graph(graph)
    for at, value in (
        (0, b"stun"), (4, b"\2"), (5, b"\2"), (6, b"\xff\xff"), (8, b"\0\0"), (10, bytes(4)), (14, b"\0\0\0\6"),
        (18 + 48 * 3 + 2, b"\0"), (18 + 48 * 3 + 3, b"\0"), (18 + 48 * 3 + 8, b"\xff\xff\xff\xff"),
        (18 + 48 * 3 + 12, b"\0\3"), (18 + 48 * 3 + 16, b"\0\xff"), (18 + 48 * 3 + 21, b"\0"),
        (18 + 48 * 3 + 44, b"\1"), (18 + 48 * 3 + 47, b"\1"), (len(raw) - 1, b""), (len(raw), b"\0"),
    ):  # fmt: skip
        changed = raw[:at] + value + raw[at + len(value) :] if value else raw[:at]
        yield encode({"at": at, "value": value}) | _roots(changed)


def _roots(file: bytes) -> dict[str, Any]:
    return outcome(lambda: decode_graph(file).graph_root)


@dataclass(frozen=True)
class _Case:
    """The referee's arguments."""

    graph_leaf: bytes
    n: int
    input_roots: tuple[bytes, ...]
    output_root: bytes
    weight_root: bytes
    evidence: bytes

    def judged(self, name: str) -> Any:
        arguments = [getattr(self, field.name) for field in fields(self)]
        return encode({"case": name, "given": self}) | outcome(judge, *arguments)


def _disputes(model: str, graph: Graph, trace: Trace) -> Iterator[Any]:
    for index, operator in enumerate(graph.operators[1:], 1):
        name = f"{model} {index} {Opcode(operator.opcode).name}"
        shape = trace.outputs[index].shape
        row, col = number(f"{name} row", shape.rows), number(f"{name} col", shape.cols)
        honest = _case(graph, trace, index, element_evidence(graph, trace.outputs, index, row, col))
        yield honest.judged(f"{name}: honest")
        lied = _lie(trace, index, row, col)
        yield _case(graph, lied, index, element_evidence(graph, lied.outputs, index, row, col)).judged(f"{name}: lie")
    if model == "text":
        yield from _bad_evidence(graph, trace)


def _case(graph: Graph, trace: Trace, index: int, evidence: bytes) -> _Case:
    operator, roots = graph.operators[index], trace.output_roots
    read = tuple(roots[predecessor] for predecessor in operator.predecessors)
    return _Case(operator.encode(), trace.outputs[0].shape.rows, read, roots[index], graph.weight_root, evidence)


def _lie(trace: Trace, index: int, row: int, col: int) -> Trace:
    outputs = list(trace.outputs)
    array = to_array(outputs[index])
    array[row, col] += 1 if array[row, col] < 0 else -1
    outputs[index] = to_tensor(array, outputs[index].shape.dtype)
    return Trace(trace.account, tuple(outputs))


def _bad_evidence(graph: Graph, trace: Trace) -> Iterator[Any]:
    """Shapes and leaves that convict, and evidence that decides nothing."""
    tensor, root = trace.outputs[3], trace.output_roots[3]
    good = _case(graph, trace, 3, element_evidence(graph, trace.outputs, 3, 1, 2))
    top, wrong = TensorTree(tensor).top, replace(tensor.shape, rows=tensor.shape.rows + 1)
    path = tuple(noise(f"sibling {at}") for at in range(path_length(tensor.shape, 0)))
    short = leaf_evidence(0, path, b"short")
    yield replace(good, evidence=shape_evidence(tensor.shape, top)).judged("its own shape")
    yield replace(good, output_root=tensor_root(wrong, top), evidence=shape_evidence(wrong, top)).judged(
        "another shape"
    )
    yield replace(good, output_root=tensor_root(wrong, top)).judged("an element of another shape")
    yield replace(good, output_root=climb(tensor.shape, 0, b"short", path), evidence=short).judged("a short leaf")
    yield replace(good, evidence=leaf_evidence(0, (), tensor.data)).judged("a whole leaf")
    yield replace(good, evidence=good.evidence + b"\0").judged("a spare byte")
    yield replace(good, evidence=good.evidence[:-1]).judged("a byte too few")
    yield replace(good, evidence=b"").judged("no evidence")
    yield replace(good, evidence=b"\3" + good.evidence[1:]).judged("another kind")
    yield replace(good, evidence=good.evidence[:1] + b"\xff" * 4 + good.evidence[5:]).judged("a row out of range")
    yield replace(good, evidence=good.evidence[:5] + b"\xff" * 4 + good.evidence[9:]).judged("a column out of range")
    yield replace(good, evidence=good.evidence[:9] + b"\1" + good.evidence[10:]).judged("an input of another shape")
    yield replace(good, output_root=noise("root")).judged("another output root")
    yield replace(good, weight_root=root).judged("another weight root")
    yield replace(good, input_roots=good.input_roots[::-1]).judged("inputs the other way round")
    leaf = graph.operators[3]
    yield replace(good, graph_leaf=replace(leaf, shift=0).encode()).judged("a shift of 0")
    yield replace(good, graph_leaf=replace(leaf, rows=2**32 - 1).encode()).judged("a dim that overflows")
    yield replace(good, graph_leaf=b"\0\3\0" + good.graph_leaf[3:]).judged("an unknown opcode")
    yield replace(good, graph_leaf=graph.operators[0].encode(), input_roots=()).judged("an input")
