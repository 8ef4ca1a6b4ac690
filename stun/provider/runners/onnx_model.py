"""A creator's own ONNX model: tensors in, tensors out.

Input: .npy records in the order of the graph's inputs, or JSON (an object by input name, or the one input's nested
lists). Output: .npy records in the order of the graph's outputs. One unit per task.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from stun.provider.runners.base import InputRefused, Runner, TaskOutput, UnfitModel, required_file
from stun.provider.runners.ort_session import compute_session, open_session
from stun.provider.runners.tensors import Tensor, TensorRefused, json_tensor, read_json, read_npy, write_npy

MAX_INPUT_BYTES = 64 * 2**20
MAX_JSON_BYTES = 4 * 2**20
_TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(bool)": np.bool_,
    **{f"tensor({kind}{bits})": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
}


class OnnxRunner(Runner):
    """Runs an ONNX graph of the `weights` file on one CPU thread."""

    id: ClassVar[str] = "onnx"
    version: ClassVar[str] = "1"
    unit: ClassVar[str] = "inference"

    def load(self, files: Mapping[str, Path]) -> None:
        self._session = open_session(required_file(files, "weights", self.id))
        self._inputs = {each.name: each for each in self._session.get_inputs()}
        unknown = [each.type for each in self._inputs.values() if each.type not in _TYPES]
        if unknown or not self._inputs:
            raise UnfitModel(f"inputs must be tensors of numbers, not {unknown or 'none'}")

    def check(self, data: bytes, params: Mapping[str, Any]) -> str | None:
        try:
            self._feeds(data)
        except TensorRefused as error:
            return str(error)
        return None

    def compute(self, data: bytes, params: Mapping[str, Any]) -> TaskOutput:
        outputs = compute_session(self._session, self._feeds(data))
        tensors = [each for each in outputs if isinstance(each, np.ndarray)]
        if len(tensors) != len(outputs):
            raise InputRefused("an output that is no tensor")
        try:
            return TaskOutput(write_npy(tensors), 1)
        except TensorRefused as error:
            raise InputRefused(str(error)) from error

    def _feeds(self, data: bytes) -> dict[str, Tensor]:
        if not 0 < len(data) <= MAX_INPUT_BYTES:
            raise TensorRefused(f"an input must have 1 to {MAX_INPUT_BYTES} bytes")
        feeds = self._from_npy(data) if data.startswith(b"\x93NUMPY") else self._from_json(data)
        for name, tensor in feeds.items():
            self._check_tensor(name, tensor)
        return feeds

    def _from_npy(self, data: bytes) -> dict[str, Tensor]:
        tensors = read_npy(data)
        if len(tensors) != len(self._inputs):
            raise TensorRefused(f"{len(tensors)} tensors for {len(self._inputs)} inputs")
        return dict(zip(self._inputs, tensors, strict=True))

    def _from_json(self, data: bytes) -> dict[str, Tensor]:
        if len(data) > MAX_JSON_BYTES:
            raise TensorRefused(f"JSON may have at most {MAX_JSON_BYTES} bytes; send .npy")
        document = read_json(data)
        if isinstance(document, list) and len(self._inputs) == 1:
            document = {next(iter(self._inputs)): document}
        if not isinstance(document, dict) or document.keys() != self._inputs.keys():
            raise TensorRefused(f"JSON must be an object with the keys {', '.join(self._inputs)}")
        return {name: json_tensor(document[name], np.dtype(_TYPES[each.type])) for name, each in self._inputs.items()}

    def _check_tensor(self, name: str, tensor: Tensor) -> None:
        wanted = self._inputs[name]
        if tensor.dtype != np.dtype(_TYPES[wanted.type]):
            raise TensorRefused(f"input {name} is {tensor.dtype}, the model wants {wanted.type}")
        if len(wanted.shape) != tensor.ndim or any(
            isinstance(want, int) and want != have for want, have in zip(wanted.shape, tensor.shape, strict=True)
        ):
            raise TensorRefused(f"input {name} has shape {list(tensor.shape)}, the model wants {wanted.shape}")
