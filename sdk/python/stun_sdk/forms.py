"""How inputs become the bytes that a model reads, and outputs arrays, by the formats that its manifest names."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from stun.models.errors import UnfitNumbers
from stun.models.exact.formats import TOKENIZER_ROLE, is_tensor, is_vector, most_ids
from stun.models.exact.numbers import NumberFormat, number_format
from stun.models.exact.sentences import read_vector, task_input
from stun.models.manifest import Manifest, NumericClass
from stun.models.texts import read_tokenizer
from stun.protocol.errors import Rejected
from stun.protocol.graph.arrays import stored_array, to_tensor
from stun.protocol.graph.tensors import decode_tensor
from stun.storage.blobs import BlobStore, check_digest
from stun_sdk.errors import TaskInvalid

FLOATS = "f32le-vector-"
_NPY = b"\x93NUMPY"
_WIDTHS = {"int8": 1, "int16": 2, "int32": 4}


class Text(str):
    """An input that is this text itself; any other str is a path."""

    __slots__ = ()


Raw: TypeAlias = Text | bytes | NDArray[Any]


class InputForm(Protocol):
    """How one input is written."""

    def write(self, raw: Raw) -> bytes:
        """Return the bytes of a task. Errors: TaskInvalid."""


class PlainForm:
    """Bytes as they are, texts as UTF-8, arrays as .npy."""

    def write(self, raw: Raw) -> bytes:
        """Return the bytes of a task. Errors: TaskInvalid (objects, which would be pickled)."""
        if isinstance(raw, Text):
            return raw.encode()
        return raw if isinstance(raw, bytes) else write_array(raw)


class TensorForm:
    """Class `exact`: tensors as they are, integer arrays of two dimensions as tensors; arrays also as .npy files."""

    def write(self, raw: Raw) -> bytes:
        """Return a tensor's bytes. Errors: TaskInvalid."""
        if isinstance(raw, Text):
            raise TaskInvalid("input_data", "this model reads tensors of integers, no text")
        try:
            raw = _unpacked(raw)
            return _tensor_of(raw) if isinstance(raw, np.ndarray) else decode_tensor(raw).encode()
        except Rejected as error:
            raise TaskInvalid("input_data", f"no tensor of class exact ({error.code})") from error


@dataclass(frozen=True)
class NumbersForm:
    """Class `exact` with numbers in named units: float arrays are a sample's numbers; tensors and integers as they are.

    Integers would be ambiguous: two-dimensional ones of the tensor's own width are taken for the tensor.
    """

    form: NumberFormat

    def write(self, raw: Raw) -> bytes:
        """Return a tensor's bytes. Errors: TaskInvalid (another shape, numbers past the format's range, texts ...)."""
        raw = raw if isinstance(raw, Text) else _unpacked(raw)
        if not isinstance(raw, np.ndarray) or raw.dtype.kind != "f":
            return TensorForm().write(raw)
        try:
            return self.form.tensor_of(raw).encode()
        except UnfitNumbers as error:
            raise TaskInvalid("input_data", f"{error}") from error
        except Rejected as error:
            raise TaskInvalid("input_data", f"no tensor holds what format {self.form.word} says") from error


@dataclass(frozen=True)
class IdsForm:
    """Class `exact` with a tokenizer: texts, also as UTF-8 bytes, become the token ids that a referee can see."""

    tokenizer: Tokenizer

    def write(self, raw: Raw) -> bytes:
        """Return the ids' tensor. Errors: TaskInvalid."""
        if isinstance(raw, Text):
            return task_input(self.tokenizer, raw)
        if isinstance(raw, np.ndarray):
            return TensorForm().write(raw)
        try:
            return decode_tensor(raw).encode()
        except Rejected:
            return task_input(self.tokenizer, _text_of(raw))


def input_form(manifest: Manifest | None, store: BlobStore) -> InputForm:
    """Return how inputs of a model are written; `manifest` None if it was not found and its class is not `exact`.

    Errors: BlobError, TokenizerRefused.
    """
    if manifest is None or manifest.numeric_class is not NumericClass.EXACT:
        return PlainForm()
    numbers = number_format(manifest.input_format)
    if numbers is not None:
        return NumbersForm(numbers)
    most = most_ids(manifest.input_format)
    if most is None or TOKENIZER_ROLE not in manifest.files:
        return TensorForm()
    digest = manifest.files[TOKENIZER_ROLE]
    return IdsForm(read_tokenizer(TOKENIZER_ROLE, check_digest(store.get(digest), digest), most))


def array_reader(form: str) -> Callable[[bytes], NDArray[Any]]:
    """Return how an output of this format becomes an array. Errors: TaskInvalid for formats that are none."""
    if form == "npy":
        return lambda data: read_arrays(data)[0]
    if form.startswith(FLOATS):
        return lambda data: np.frombuffer(data, dtype="<f4")
    if is_vector(form):
        return read_vector
    numbers = number_format(form)
    if numbers is not None:
        return lambda data: numbers.values_of(decode_tensor(data))
    if is_tensor(form):
        return lambda data: stored_array(decode_tensor(data))
    raise TaskInvalid("output", f"the model's output format {form!r} is no array; use get_outputs()")


def write_array(array: NDArray[Any]) -> bytes:
    """Write one array as .npy. Errors: TaskInvalid (objects, which would be pickled)."""
    file = io.BytesIO()
    try:
        np.save(file, array, allow_pickle=False)
    except ValueError as error:
        raise TaskInvalid("input_data", f"an array of {array.dtype} has no plain form") from error
    return file.getvalue()


def read_arrays(data: bytes) -> list[NDArray[Any]]:
    """Read .npy records, one after the other. Errors: TaskInvalid."""
    file, found = io.BytesIO(data), []
    try:
        while file.tell() < len(data):
            found.append(np.load(file, allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise TaskInvalid("output", f"these {len(data)} bytes are no .npy records ({error})") from error
    return found


def _unpacked(raw: bytes | NDArray[Any]) -> bytes | NDArray[Any]:
    """The array of a .npy file; anything else as it is. Errors: TaskInvalid."""
    if not isinstance(raw, bytes) or not raw.startswith(_NPY):
        return raw
    arrays = read_arrays(raw)
    if len(arrays) != 1:
        raise TaskInvalid("input_data", f"{len(arrays)} arrays in one file; a task reads one")
    return arrays[0]


def _tensor_of(array: NDArray[Any]) -> bytes:
    width = _WIDTHS.get(array.dtype.name)
    if width is None:
        raise TaskInvalid("input_data", f"an array of {array.dtype} is no tensor: int8, int16 or int32 are")
    return to_tensor(array, width).encode()


def _text_of(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TaskInvalid("input_data", f"{len(data)} bytes that are neither a tensor nor UTF-8 text") from error
