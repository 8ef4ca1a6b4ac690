"""The runner of class exact: tensors in and out, the specification's bits, and nothing but the registered graph."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exact_models import held_out_texts, minilm_graph, write_tiny_bert

from stun.models.exact.errors import KnownAnswerWrong
from stun.models.exact.sentences import read_vector, task_input
from stun.models.manifest import NumericClass, parse_manifest
from stun.models.quantize.bert import BertQuantizer
from stun.models.quantize.calibration import calibrate
from stun.models.quantize.encoder import load_encoder
from stun.models.texts import load_tokenizer
from stun.protocol.errors import Rejected
from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.executor import execute
from stun.protocol.graph.file import encode_graph
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import decode_tensor, root_of
from stun.provider.runners import exact_graph
from stun.provider.runners.base import ERROR_RESULT, PathRefused, UnfitModel
from stun.provider.runners.exact_graph import ExactGraphRunner
from stun.provider.runners.exact_minilm import exact_minilm_model
from stun.provider.sandbox import SandboxSettings
from stun.provider.workshop import ModelUnfit, _open_session

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    files = write_tiny_bert(tmp_path_factory.mktemp("bert"))
    encoder, tokenizer = load_encoder(*files[:2]), load_tokenizer(files[2], 24)
    return BertQuantizer(encoder, calibrate(encoder, tokenizer, ["the cat sat", "a dog ran far on the mat"])).build()


@pytest.fixture
def path(graph: Graph, tmp_path: Path) -> Path:
    (tmp_path / "graph").write_bytes(encode_graph(graph))
    return tmp_path / "graph"


@pytest.fixture
def runner(path: Path) -> ExactGraphRunner:
    loaded = ExactGraphRunner()
    loaded.load({"graph": path})
    return loaded


def ids(*values: int) -> bytes:
    return to_tensor(np.array(values, np.int64)[:, None], 4).encode()


def test_outputs_are_the_last_operators_tensors(runner: ExactGraphRunner, graph: Graph) -> None:
    inputs = [ids(1, 2, 3), ids(4), ids(3, 2, 1), ids(*range(-3, 20))]

    for data, result in zip(inputs, runner.run(inputs, {}), strict=True):
        expected = execute(graph, decode_tensor(data))[-1]
        assert result.output == expected.encode()
        assert root_of(decode_tensor(result.output)) == root_of(expected)
        assert result.units == 1


def test_units_follow_from_the_graph(graph: Graph, path: Path) -> None:
    path.write_bytes(encode_graph(replace(graph, header=replace(graph.header, unit_rule=1))))
    runner = ExactGraphRunner()
    runner.load({"graph": path})

    assert [result.units for result in runner.run([ids(1, 2), ids(7)], {})] == [2, 1]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x04", ids(1)[:-1], ids(1) + b"\0", ids(*[1] * 25), to_tensor(np.ones((2, 2), np.int64), 4).encode(),
     to_tensor(np.ones((2, 1), np.int64), 2).encode(), b"\x04" + b"\xff" * 8, b"the cat sat"],
)  # fmt: skip
def test_other_inputs_are_refused_alike(runner: ExactGraphRunner, data: bytes) -> None:
    good = ids(1, 2)

    assert runner.validate({}, data) is not None
    assert runner.run([good, data, good], {}) == [*runner.run([good], {}), ERROR_RESULT, *runner.run([good], {})]


def test_unknown_parameters_are_refused(runner: ExactGraphRunner) -> None:
    assert runner.run([ids(1)], {"precision": 4}) == [ERROR_RESULT]


def test_files_that_are_no_graph_are_refused(path: Path) -> None:
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole + b"\0", b"X" + whole[1:], whole[:200]):
        path.write_bytes(damaged)
        with pytest.raises(UnfitModel):
            ExactGraphRunner().load({"graph": path})
    with pytest.raises(UnfitModel, match="role 'graph'"):
        ExactGraphRunner().load({"weights": path})


def test_a_machine_with_wrong_bits_serves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise KnownAnswerWrong("portable", "extremes")

    monkeypatch.setattr(exact_graph, "choose_path", refused)

    with pytest.raises(PathRefused, match="other bits"):
        ExactGraphRunner().load({"graph": path})


def test_the_shipped_model_serves_from_the_sandbox() -> None:
    model = exact_minilm_model()
    tokenizer = load_tokenizer(model.files["tokenizer"], 256)
    worker = _open_session(model.manifest, model.files, SandboxSettings())
    try:
        texts = held_out_texts()[:3]
        results = worker.run([task_input(tokenizer, text) for text in texts], {})
    finally:
        worker.close()

    for text, result in zip(texts, results, strict=True):
        expected = execute(minilm_graph(), decode_tensor(task_input(tokenizer, text)))[-1]
        assert result.output == expected.encode()
        assert abs(np.linalg.norm(read_vector(result.output)) - 1) < 1e-3
    assert parse_manifest(model.manifest.to_json()) == model.manifest
    assert model.manifest.numeric_class is NumericClass.EXACT
    assert model.manifest.graph_root == minilm_graph().graph_root
    assert model.manifest.weight_root == minilm_graph().weight_root


@pytest.mark.parametrize("field", ["graph_root", "weight_root"])
def test_a_graph_that_is_not_the_registered_one_is_not_run(path: Path, field: str) -> None:
    model = exact_minilm_model()
    manifest = replace(model.manifest, **{field: b"\x05" * 32})

    with pytest.raises(ModelUnfit, match="other roots"):
        _open_session(manifest, {"graph": path}, SandboxSettings())


@pytest.mark.parametrize("delivered", [b"", b"\x02" * 5, b"\xff" * 30])
def test_what_is_no_vector_is_refused(delivered: bytes) -> None:
    with pytest.raises(Rejected):
        read_vector(delivered)
