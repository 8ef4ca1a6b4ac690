"""Tell a model file's format from its content, and refuse what could run code. The extension does not matter.

Served: TorchScript, torch.export (.pt2), ONNX, safetensors. Refused with UnsafeModelFile: pickles in every wrapping
(zip, raw, legacy tar, gzip), ONNX with external data, compiled code. Refused with MalformedModelFile: truncated,
inconsistent or disguised files. Anything else: UnknownModelFile.
"""

import mmap
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from safetensors import SafetensorError, safe_open

from stun.models.archives import inspect_archive
from stun.models.errors import MalformedModelFile, UnknownModelFile, UnsafeModelFile
from stun.models.onnx_wire import inspect_onnx, looks_like_onnx
from stun.models.pickles import looks_like_pickle

MAX_MODEL_BYTES = 64 * 2**30
MAX_SAFETENSORS_HEADER = 100_000_000
MAX_ONNX_BYTES = 2**31 - 1
_HEAD_BYTES = 64 * 2**10
_ZIP, _ZIP_EMPTY, _GZIP, _BZIP2, _XZ, _HDF5 = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x89HDF"
_TAR_MAGIC = slice(257, 262)


class ModelFormat(StrEnum):
    """The data-only formats that providers load."""

    TORCHSCRIPT = "torchscript"
    TORCH_EXPORT = "torch_export"
    ONNX = "onnx"
    SAFETENSORS = "safetensors"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that passed: where it is, its format, its size in bytes."""

    path: Path
    format: ModelFormat
    size: int


def inspect_model_file(path: Path) -> ModelFile:
    """The format of a model file by its bytes. Raises a ModelFileError for anything that should not be loaded."""
    size = path.stat().st_size
    if not path.is_file():
        raise UnknownModelFile(path.name)
    if not 8 <= size <= MAX_MODEL_BYTES:
        raise MalformedModelFile("model", f"{size} bytes")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return ModelFile(path, _format(path, head, size), size)


def _format(path: Path, head: bytes, size: int) -> ModelFormat:
    if head.startswith(_ZIP):
        return ModelFormat(inspect_archive(path))
    _refuse_unsafe(head, size)
    if _looks_like_safetensors(head):
        _check_safetensors(path)
        return ModelFormat.SAFETENSORS
    if looks_like_onnx(memoryview(head)):
        _check_onnx(path)
        return ModelFormat.ONNX
    raise UnknownModelFile(path.name)


def _refuse_unsafe(head: bytes, size: int) -> None:
    if head.startswith(_ZIP_EMPTY):
        raise MalformedModelFile("zip", "no members")
    if head[_TAR_MAGIC] == b"ustar" or _looks_like_old_tar(head):
        raise UnsafeModelFile("a tar archive (the legacy torch.save format, which holds pickles)")
    if head.startswith((_GZIP, _BZIP2, _XZ)):
        raise UnsafeModelFile("a compressed stream (joblib and others keep pickles in it)")
    if head.startswith(_HDF5):
        raise UnsafeModelFile("an HDF5 file (Keras models in it may hold code)")
    if looks_like_pickle(head, size):
        raise UnsafeModelFile("a pickle")


def _looks_like_old_tar(head: bytes) -> bool:
    """A tar header without magic (version 7): a checksum in octal that fits the first block."""
    block = head[:512]
    digits = block[148:156].strip(b" \0")
    if len(block) < 512 or not digits or any(digit not in b"01234567" for digit in digits):
        return False
    return int(digits, 8) == sum(block[:148]) + 8 * 0x20 + sum(block[156:])


def _looks_like_safetensors(head: bytes) -> bool:
    length = int.from_bytes(head[:8], "little")
    return 2 <= length <= MAX_SAFETENSORS_HEADER and head[8:9] == b"{"


def _check_safetensors(path: Path) -> None:
    """The library's own checks: known types, shapes that fit offsets, no gap, no overlap, no byte left over."""
    try:
        with safe_open(str(path), framework="numpy") as tensors:
            names = list(tensors.keys())
    except (SafetensorError, OSError, ValueError) as error:
        raise MalformedModelFile("safetensors", str(error)) from error
    if not names:
        raise MalformedModelFile("safetensors", "no tensors")


def _check_onnx(path: Path) -> None:
    if path.stat().st_size > MAX_ONNX_BYTES:
        raise MalformedModelFile("ONNX", f"larger than {MAX_ONNX_BYTES} bytes, the limit of its encoding")
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    inspect_onnx(memoryview(mapped))  # the mapping goes with the last view on it
