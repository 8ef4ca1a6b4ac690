"""Running tasks of class exact again: the specification's bits on every path, and no graph but the registered one."""

from dataclasses import replace
from pathlib import Path

import pytest
from court_model import small_model, words_of
from exact_record import manifest_of, put_model
from graph_models import image, image_model, sentence, sentence_model

from stun.checking import rerun
from stun.checking.errors import ModelDiffers, NotExact
from stun.checking.rerun import SPECIFICATION, ExactModel, ExactModels, load_graph
from stun.models.errors import ManifestError
from stun.models.exact.errors import PathMissing
from stun.models.exact.paths import NATIVE, PORTABLE
from stun.protocol.errors import Rejected
from stun.protocol.graph.arrays import to_array, to_tensor
from stun.protocol.graph.executor import execute
from stun.protocol.graph.file import encode_graph
from stun.protocol.graph.structure import Graph, units_of
from stun.protocol.graph.tensors import Shape, Tensor, root_of
from stun.protocol.graph.trace import Trace
from stun.protocol.parameters import NumericClass
from stun.storage.blobs import BlobMissing
from stun.storage.folder import FolderBlobStore

ACCOUNT, OTHER, CREATOR = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
CASES = [
    (small_model(), [words_of(rows, rows) for rows in (1, 5, 64, 5)]),
    (sentence_model(), [sentence(rows, rows) for rows in (1, 7, 32)]),
    (image_model(), [image(1), image(2)]),
]


@pytest.mark.parametrize("path", [SPECIFICATION, PORTABLE, NATIVE])
@pytest.mark.parametrize(("graph", "inputs"), CASES, ids=["encoder", "sentence", "image"])
def test_every_path_gives_the_specifications_trace_roots_and_units(
    graph: Graph, inputs: list[Tensor], path: str
) -> None:
    model = ExactModel(graph, path)
    expected = [Trace(ACCOUNT, execute(graph, task)) for task in inputs]

    for task, trace in zip(inputs, expected, strict=True):
        made = model.trace(task.encode(), ACCOUNT)
        assert (made.outputs, made.root) == (trace.outputs, trace.root)
        assert model.result(task.encode()) == (trace.output_digest, units_of(graph.header, task.shape.rows))
    many = model.results([task.encode() for task in inputs])
    assert [result.output_digest for result in many] == [trace.output_digest for trace in expected]
    assert model.path == path


def test_a_trace_is_bound_to_the_account_it_is_asked_for() -> None:
    model = ExactModel(small_model(), PORTABLE)
    task = words_of(4, 1).encode()

    first, second = model.trace(task, ACCOUNT), model.trace(task, OTHER)

    assert first.outputs is second.outputs, "the task ran once"
    assert first.root != second.root
    assert second.root == Trace(OTHER, execute(small_model(), words_of(4, 1))).root


def test_the_last_few_traces_are_kept_and_no_more() -> None:
    model = ExactModel(small_model(), PORTABLE, kept=2)
    tasks = [words_of(3, seed).encode() for seed in range(3)]

    first = model.trace(tasks[0], ACCOUNT)
    model.trace(tasks[1], ACCOUNT)
    assert model.trace(tasks[0], ACCOUNT) is first
    model.trace(tasks[2], ACCOUNT)
    assert model.trace(tasks[0], ACCOUNT) is first, "the one unused for longest goes first"
    model.trace(tasks[1], ACCOUNT)
    model.trace(tasks[2], ACCOUNT)
    assert model.trace(tasks[0], ACCOUNT) is not first


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "tensors: length"),
        (b"\x04\0\0\0\x01\0\0\0\x01", "tensors: length"),
        (Shape(3, 1, 1).encode() + b"\0", "tensors: shape"),
        (image(1).encode(), "graph: input"),
        (to_tensor(to_array(words_of(64, 1)).repeat(2, 0), 4).encode(), "graph: input"),
    ],
)
def test_what_is_no_input_of_the_model_is_refused_by_name(data: bytes, code: str) -> None:
    model = ExactModel(small_model(), PORTABLE)

    for ask in (lambda: model.trace(data, ACCOUNT), lambda: model.result(data)):
        with pytest.raises(Rejected) as refused:
            ask()
        assert refused.value.code == code


def test_only_a_trace_with_the_specifications_bits_is_confirmed() -> None:
    model = ExactModel(small_model(), PORTABLE)
    trace = model.trace(words_of(4, 1).encode(), ACCOUNT)
    last = trace.outputs[-1]
    wrong = Tensor(last.shape, last.data[:-1] + bytes([last.data[-1] ^ 1]))

    assert model.confirms(trace)
    assert not model.confirms(Trace(ACCOUNT, (*trace.outputs[:-1], wrong)))


def test_without_a_fast_path_the_specification_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_works(name: str | None) -> None:
        raise PathMissing(name or "any", "not on this machine")

    monkeypatch.setattr(rerun, "choose_path", none_works)

    assert ExactModel(small_model()).path == SPECIFICATION
    with pytest.raises(PathMissing):
        ExactModel(small_model(), NATIVE)


def test_a_registered_model_is_loaded_once_and_the_oldest_goes(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    records = [put_model(store, graph, CREATOR) for graph, _ in CASES]
    models = ExactModels(store, PORTABLE, kept=2)

    first = models.of(records[0])
    assert root_of(first.graph.weights[0]) == root_of(small_model().weights[0])
    assert models.of(records[0]) is first
    models.of(records[1])
    models.of(records[2])
    assert models.of(records[0]) is not first


def test_a_graph_that_is_not_the_registered_one_is_refused(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    other = put_model(store, small_model(), CREATOR, encode_graph(small_model(seed=2)))
    broken = put_model(store, small_model(), CREATOR, encode_graph(small_model())[:-1])
    record = put_model(store, small_model(), CREATOR)

    for bad in (other, broken, replace(record, graph_root=bytes(32)), replace(record, weight_root=bytes(32))):
        with pytest.raises(ModelDiffers):
            load_graph(store, bad)
    assert load_graph(store, record).graph_root == record.graph_root


def test_models_of_another_class_missing_blobs_and_bad_manifests_are_told_apart(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    record = put_model(store, small_model(), CREATOR)
    nothing = store.put(b"{}")
    unheld = store.put(manifest_of(small_model(seed=3)).to_json())

    with pytest.raises(NotExact):
        load_graph(store, replace(record, numeric_class=NumericClass.OPAQUE))
    with pytest.raises(ManifestError):
        load_graph(store, replace(record, manifest_digest=nothing))
    with pytest.raises(BlobMissing):
        load_graph(store, replace(record, manifest_digest=unheld))
