"""A creator's own PyTorch model, as TorchScript or torch.export: tensors in, tensors out.

torch is an extra and is imported when a model is loaded. The file is inspected first: TorchScript is read by torch's
C++ reader, torch.export only in the shape that `stun.models.exported` admits. One thread, one unit per task.
"""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from stun.models.errors import ModelFileError
from stun.models.formats import ModelFormat, inspect_model_file
from stun.provider.runners.base import InputRefused, Runner, TaskOutput, UnfitModel, required_file
from stun.provider.runners.tensors import Tensor, TensorRefused, read_npy, write_npy
from stun.provider.runners.torch_library import import_torch

MAX_INPUT_BYTES = 64 * 2**20
_NUMPY_TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")


class _TorchRunner(Runner):
    version: ClassVar[str] = "1"
    unit: ClassVar[str] = "inference"
    file_format: ClassVar[ModelFormat]

    def load(self, files: Mapping[str, Path]) -> None:
        path = required_file(files, "weights", self.id)
        self._inspect(path)
        self._torch = torch = import_torch(self.id)
        try:
            self._module = self._open(torch, path)
        except (RuntimeError, ValueError, KeyError, AssertionError) as error:
            raise UnfitModel(f"torch refuses the model: {str(error)[:500]}") from error

    @abstractmethod
    def _open(self, torch: Any, path: Path) -> Any:
        """The module in `path`, ready to be called with tensors."""

    def check(self, data: bytes, params: Mapping[str, Any]) -> str | None:
        try:
            self._tensors(data)
        except TensorRefused as error:
            return str(error)
        return None

    def compute(self, data: bytes, params: Mapping[str, Any]) -> TaskOutput:
        torch = self._torch
        inputs = [torch.from_numpy(each) for each in self._tensors(data)]
        try:
            with torch.inference_mode():
                outputs = self._module(*inputs)
        except torch.OutOfMemoryError as error:
            raise MemoryError(str(error)[:500]) from error
        except (RuntimeError, TypeError, ValueError, IndexError, AssertionError) as error:
            if "allocate memory" in str(error):
                raise MemoryError(str(error)[:500]) from error
            raise InputRefused(str(error)[:500]) from error
        try:
            return TaskOutput(write_npy(self._arrays(outputs)), 1)
        except (TensorRefused, TypeError) as error:
            raise InputRefused(str(error)) from error

    def _inspect(self, path: Path) -> None:
        try:
            found = inspect_model_file(path).format
        except ModelFileError as error:
            raise UnfitModel(str(error)) from error
        if found is not self.file_format:
            raise UnfitModel(f"runner {self.id!r} needs a {self.file_format} file, this is {found}")

    def _tensors(self, data: bytes) -> list[Tensor]:
        if not 0 < len(data) <= MAX_INPUT_BYTES:
            raise TensorRefused(f"an input must have 1 to {MAX_INPUT_BYTES} bytes")
        tensors = read_npy(data)
        for tensor in tensors:
            if tensor.dtype.name not in _NUMPY_TYPES:
                raise TensorRefused(f"a tensor of type {tensor.dtype}")
        return tensors

    def _arrays(self, outputs: Any) -> list[Tensor]:
        several = outputs if isinstance(outputs, tuple | list) else [outputs]
        if not all(isinstance(each, self._torch.Tensor) for each in several):
            raise InputRefused("an output that is no tensor")
        return [each.detach().cpu().numpy() for each in several]


class TorchScriptRunner(_TorchRunner):
    """Runs a TorchScript module (torch.jit.save)."""

    id: ClassVar[str] = "torchscript"
    file_format: ClassVar[ModelFormat] = ModelFormat.TORCHSCRIPT

    def _open(self, torch: Any, path: Path) -> Any:
        return torch.jit.load(str(path), map_location="cpu").eval()


class TorchExportRunner(_TorchRunner):
    """Runs an exported program with static shapes (torch.export.save, torch 2.8 and later)."""

    id: ClassVar[str] = "torch-export"
    file_format: ClassVar[ModelFormat] = ModelFormat.TORCH_EXPORT

    def _open(self, torch: Any, path: Path) -> Any:
        return torch.export.load(str(path)).module()
