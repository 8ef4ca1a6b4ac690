"""The vectors of class exact are replayed from the file alone, by the executor, the referee and plain hashes."""

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import pytest

from scripts.conformance.encoding import encode, outcome
from scripts.vectors import FOLDER
from stun.protocol.graph.arrays import to_array
from stun.protocol.graph.elements import element
from stun.protocol.graph.executor import apply, execute
from stun.protocol.graph.file import decode_graph
from stun.protocol.graph.operators import Opcode, decode_operator
from stun.protocol.graph.referee import judge
from stun.protocol.graph.shapes import Reads, require_fitting
from stun.protocol.graph.tensors import Shape, Tensor, decode_tensor

pytestmark = pytest.mark.conformance


@cache
def loaded() -> Any:
    return json.loads((FOLDER / "graph.json").read_text())


def raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def tensor(value: Any) -> Tensor:
    shape = value["shape"]
    return Tensor(Shape(int(shape["dtype"]), int(shape["rows"]), int(shape["cols"])), raw(value["data"]))


def plain_root(x: Tensor) -> bytes:
    """A tensor's root by RFC 6962's recursion, split at the largest power of two below the count."""

    def top(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return sha256(b"\x24\x00" + leaves[0]).digest()
        split = 1 << ((len(leaves) - 1).bit_length() - 1)
        return sha256(b"\x24\x01" + top(leaves[:split]) + top(leaves[split:])).digest()

    size, packed = x.shape.cols * max(x.shape.dtype, 1), 512
    while packed > 1 and (x.shape.rows % packed or packed * size > 512):
        packed //= 2
    leaves = [x.data[at : at + packed * size] for at in range(0, len(x.data), packed * size)]
    fields = b"".join(n.to_bytes(4, "big") for n in (x.shape.rows, x.shape.cols))
    return sha256(b"\x24\x02" + bytes([x.shape.dtype]) + fields + top(leaves)).digest()


@dataclass(frozen=True)
class Rows:
    """Rows of a vector's tensors, as the referee asks for them."""

    out: Shape
    inputs: list[Tensor]
    weights: list[Tensor]

    @property
    def reads(self) -> Reads:
        return Reads(tuple(x.shape for x in self.inputs), tuple(x.shape for x in self.weights))

    def open_input(self, which: int, row: int) -> bytes:
        return self.inputs[which].row(row)

    def open_weight(self, which: int, row: int) -> bytes:
        return self.weights[which].row(row)


def test_tensors_have_their_roots() -> None:
    for entry in loaded()["tensors"]:
        assert encode(plain_root(tensor(entry["tensor"]))) == entry["root"]


@pytest.mark.parametrize("at", range(len(loaded()["operators"])))
def test_an_operator_by_arrays_and_by_elements(at: int) -> None:
    entry = loaded()["operators"][at]
    operator, expected = decode_operator(raw(entry["leaf"])), tensor(entry["output"])
    rows = Rows(operator.shape(1), [tensor(x) for x in entry["inputs"]], [tensor(x) for x in entry["weights"]])
    assert rows.out == expected.shape
    require_fitting(operator, rows.out, rows.reads)
    y = apply(operator, [to_array(x) for x in rows.inputs], rows.weights, 1)
    np.testing.assert_array_equal(y, to_array(expected))
    columns = range(0, rows.out.cols, max(1, rows.out.cols // 8))
    for row in range(rows.out.rows):
        assert [element(operator, rows, row, col) for col in columns] == [int(y[row, col]) for col in columns]


@pytest.mark.parametrize("at", [0, 1])
def test_a_model_is_read_run_and_traced_from_the_file(at: int) -> None:
    entry = loaded()["models"][at]
    graph = decode_graph(raw(entry["file"]))
    assert [encode(graph.graph_root), encode(graph.weight_root)] == [entry["graph_root"], entry["weight_root"]]
    leaves = [raw(leaf) for leaf in entry["leaves"]]
    assert raw(entry["file"]).startswith(b"".join(leaves))
    for task in entry["tasks"]:
        outputs = execute(graph, decode_tensor(raw(task["outputs"][0])))
        assert [encode(x.encode()) for x in outputs] == task["outputs"]
        assert [encode(plain_root(x)) for x in outputs] == task["output_roots"]


def test_the_models_use_every_operator() -> None:
    used = {raw(leaf)[2] for entry in loaded()["models"] for leaf in entry["leaves"][1:]}
    assert used == set(Opcode)


def test_a_bad_file_is_refused_with_its_code() -> None:
    file = raw(loaded()["models"][0]["file"])
    for entry in loaded()["bad_files"]:
        at, value = int(entry["at"]), raw(entry["value"])
        changed = file[:at] + value + file[at + len(value) :] if value else file[:at]
        assert outcome(decode_graph, changed) == {"error": entry["error"]}


def test_disputes_are_judged_from_the_file() -> None:
    for entry in loaded()["disputes"]:
        given = entry["given"]
        roots = tuple(raw(root) for root in given["input_roots"])
        whole = [raw(given[name]) for name in ("output_root", "weight_root", "evidence")]
        made = outcome(judge, raw(given["graph_leaf"]), int(given["n"]), roots, *whole)
        if "error" in entry:
            assert made == {"error": entry["error"]}
        else:
            verdict = entry["result"]["verdict"]
            assert made["result"] == entry["result"]
            assert (verdict is None) != (": lie" in entry["case"] or entry["case"] in ("another shape", "a short leaf"))


def test_every_operator_is_judged_both_ways_and_every_refusal_is_shown() -> None:
    entries = loaded()["disputes"]
    for word in ("honest", "lie"):
        named = {entry["case"].split()[2][:-1] for entry in entries if entry["case"].endswith(f": {word}")}
        assert named == {opcode.name for opcode in Opcode if opcode != Opcode.INPUT}
    assert {entry["error"] for entry in entries if "error" in entry} == {
        "graph: leaf", "graph: shape", "graph: scalar", "referee: opcode", "referee: element", "referee: path",
        "referee: evidence",
    }  # fmt: skip
