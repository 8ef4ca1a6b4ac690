"""Inputs in the form that a model reads, outputs as arrays."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from stun_sdk import Task, TaskInvalid, Text
from stun_sdk.forms import IdsForm, InputForm, NumbersForm, PlainForm, TensorForm, array_reader, input_form

from stun.models.exact.numbers import NumberFormat, number_format
from stun.models.manifest import Manifest, NumericClass
from stun.models.quantize.shipped import shipped_float_model
from stun.models.texts import load_tokenizer
from stun.protocol.graph.arrays import stored_array, to_tensor
from stun.protocol.graph.tensors import Dtype, decode_tensor
from stun.storage.blobs import BlobError
from stun.storage.folder import FolderBlobStore

pytestmark = pytest.mark.unit

ID = "0x" + "11" * 32
TENSOR = to_tensor(np.array([[101], [102]]), 4).encode()


@pytest.fixture(scope="module")
def ids() -> IdsForm:
    return IdsForm(load_tokenizer(shipped_float_model().tokenizer, 8))


def manifest_of(numeric_class: NumericClass, input_format: str, **files: bytes) -> Manifest:
    roots = (b"\x01" * 32, b"\x02" * 32) if numeric_class is NumericClass.EXACT else (bytes(32), b"\x02" * 32)
    return Manifest(
        name="m", runner="exact-graph", runner_version="1", numeric_class=numeric_class, unit="unit",
        input_format=input_format, output_format="tensor", files={"graph": bytes(32), **files},
        weight_root=roots[0], graph_root=roots[1],
    )  # fmt: skip


def test_texts_become_token_ids_however_they_are_given(ids: IdsForm, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("a cat")
    written = Task(ID, [Text("a cat"), b"a cat", str(tmp_path / "text")]).read_inputs(ids)
    assert len(set(written)) == 1
    assert stored_array(decode_tensor(written[0])).tolist() == [[101], [1037], [4937], [102]]


def test_texts_are_cut_at_what_the_model_reads(ids: IdsForm) -> None:
    assert decode_tensor(ids.write(Text("word " * 100))).shape.rows == 8


def test_tensors_pass_as_they_are(ids: IdsForm) -> None:
    assert ids.write(TENSOR) == TensorForm().write(TENSOR) == TENSOR
    assert TensorForm().write(np.array([[101], [102]], np.int32)) == TENSOR


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (Text("a text"), "no text"),
        (b"a text", "tensors: length"),
        (np.zeros((2, 2), np.float32), "float32"),
        (np.zeros((2, 2), np.int64), "int64"),
        (np.zeros(3, np.int8), "tensors: shape"),
    ],
)
def test_what_a_tensor_model_cannot_read_is_said(raw: object, words: str) -> None:
    with pytest.raises(TaskInvalid, match=words):
        TensorForm().write(raw)  # type: ignore[arg-type]


def test_tensors_may_be_npy_files(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.array([[101], [102]], np.int32))
    assert Task(ID, str(tmp_path / "in.npy")).read_inputs(TensorForm()) == (TENSOR,)
    with pytest.raises(TaskInvalid, match="2 arrays"):
        TensorForm().write((tmp_path / "in.npy").read_bytes() * 2)


NUMBERS = NumberFormat(Dtype.INT16, (1, 2, 3), 1, 4)


def test_floats_are_numbers_and_integers_are_tensors(tmp_path: Path) -> None:
    form, values = NumbersForm(NUMBERS), np.array([[0.5, -1.0, 2.0], [0.0, 0.03, 100.0]], np.float32)
    tensor = to_tensor(np.array([[8, -16, 32, 0, 0, 1600]]), 2)
    np.save(tmp_path / "in.npy", values[None])

    assert form.write(values) == form.write(tensor.encode()) == tensor.encode()
    assert form.write(stored_array(tensor).astype(np.int16)) == tensor.encode()
    assert Task(ID, str(tmp_path / "in.npy")).read_inputs(form) == (tensor.encode(),)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (Text("a text"), "no text"),
        (np.zeros((2, 2), np.float32), "shape"),
        (np.full((2, 3), 1e5), "2047.94"),
        (np.full((2, 3), np.nan), "not finite"),
        (np.zeros((2, 3), np.uint8), "uint8"),
    ],
)
def test_what_a_model_of_numbers_cannot_read_is_said(raw: object, words: str) -> None:
    with pytest.raises(TaskInvalid, match=words):
        NumbersForm(NUMBERS).write(raw)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["tensor-int16-r1-4000-q1", "tensor-int32-chw-2000x1x1-q1"])
def test_formats_that_no_tensor_has_are_told(word: str) -> None:
    form = number_format(word)
    assert form is not None
    with pytest.raises(TaskInvalid, match="no tensor holds"):
        NumbersForm(form).write(np.zeros(form.shape))


def test_bytes_that_are_neither_tensor_nor_text_are_refused(ids: IdsForm) -> None:
    with pytest.raises(TaskInvalid, match="neither a tensor nor UTF-8"):
        ids.write(b"\xff\xfe")


def test_the_form_follows_class_and_manifest(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    data = shipped_float_model().tokenizer.read_bytes()
    tokenizer = store.put(data)

    def kind(manifest: Manifest | None) -> type[InputForm]:
        return type(input_form(manifest, store))

    assert kind(None) is kind(manifest_of(NumericClass.OPAQUE, "npy")) is PlainForm
    assert kind(manifest_of(NumericClass.EXACT, "tensor")) is TensorForm
    assert kind(manifest_of(NumericClass.EXACT, "tensor-int32-ids-9")) is TensorForm
    assert kind(manifest_of(NumericClass.EXACT, "tensor-int32-ids-9", tokenizer=tokenizer)) is IdsForm
    assert kind(manifest_of(NumericClass.EXACT, NUMBERS.word)) is NumbersForm
    assert kind(manifest_of(NumericClass.OPAQUE, NUMBERS.word)) is PlainForm
    for broken in ("tensor-int32-ids-", "tensor-int32-ids-x", "tensor-int32-ids-99999999"):
        assert kind(manifest_of(NumericClass.EXACT, broken, tokenizer=tokenizer)) is TensorForm
    with pytest.raises(BlobError):
        input_form(manifest_of(NumericClass.EXACT, "tensor-int32-ids-9", tokenizer=sha256(b"x").digest()), store)


def test_outputs_become_arrays_by_their_format() -> None:
    vector = to_tensor(np.array([[2**14, -(2**15)]]), 2).encode()
    assert array_reader("tensor-int16-vector-2")(vector).tolist() == [0.5, -1.0]
    assert array_reader("tensor")(TENSOR).tolist() == [[101], [102]]
    assert array_reader("f32le-vector-1")(np.array([1.5], "<f4").tobytes()).tolist() == [1.5]
    logits = to_tensor(np.array([[2**20, -(2**19)]]), 4).encode()
    assert array_reader("tensor-int32-r1-2-q20")(logits).tolist() == [1.0, -0.5]
    with pytest.raises(TaskInvalid, match="no array"):
        array_reader("text")
