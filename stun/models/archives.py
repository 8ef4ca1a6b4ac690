"""Judge the zip archives that PyTorch writes: TorchScript, torch.export, and pickles in disguise.

The central directory, every local header and the few small members that decide are read; nothing is unpacked to disk
and nothing is unpickled. A TorchScript archive is loaded by a C++ reader that resolves the names in
`pickles.TORCHSCRIPT_NAMES` only; a plain checkpoint (data.pkl without code/) is loaded by Python's unpickler, which
runs what the file says, and is refused.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from stun.models.errors import MalformedModelFile, UnsafeModelFile
from stun.models.exported import check_program
from stun.models.pickles import (
    MAX_PICKLE_BYTES,
    TENSOR_NAMES,
    TORCHSCRIPT_NAMES,
    NotAPickle,
    forbidden_import,
)

MAX_MEMBERS = 200_000
MAX_COMPRESSED_TOTAL = 256 * 2**20
MAX_RATIO = 200
MAX_JSON_BYTES = 64 * 2**20
_NATIVE_CODE = (".so", ".dll", ".dylib", ".o", ".a", ".cubin", ".hsaco", ".fatbin", ".ptx", ".cpp", ".c", ".py", ".pyc")
_ENCRYPTED = 0x1

Members = Mapping[str, zipfile.ZipInfo]


def inspect_archive(path: Path) -> str:
    """`torchscript` or `torch_export` for a zip of that kind; otherwise UnsafeModelFile or MalformedModelFile."""
    with path.open("rb") as file:
        archive = _open(file)
        with archive:
            members = _checked_members(archive, path.stat().st_size)
            return _kind(archive, members)


def _kind(archive: zipfile.ZipFile, members: Members) -> str:
    if "serialized_exported_program.json" in members or any(_tail(name) == "archive_format" for name in members):
        _check_export(archive, members)
        return "torch_export"
    pickled = [name for name in members if _tail(name) == "data.pkl"]
    if not pickled:
        raise UnsafeModelFile("a zip archive that is neither TorchScript nor torch.export")
    root = _root(members)
    code = [name for name in members if name.startswith(f"{root}code/") and name.endswith(".py")]
    if f"{root}constants.pkl" not in members or not code:
        raise UnsafeModelFile("a pickled checkpoint (torch.save of a module or state dict)")
    _check_torchscript(archive, members, root)
    return "torchscript"


def _open(file: BinaryIO) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, UnicodeDecodeError) as error:
        raise MalformedModelFile("zip", f"{error} (truncated?)") from error
    if archive.comment:
        raise MalformedModelFile("zip", "carries a comment")
    return archive


def _checked_members(archive: zipfile.ZipFile, size: int) -> Members:
    """Members by name; refuses repeated or climbing names, encryption, bombs, overlaps and forged local headers."""
    infos = archive.infolist()
    if not 0 < len(infos) <= MAX_MEMBERS:
        raise MalformedModelFile("zip", f"{len(infos)} members")
    members = {info.filename: info for info in infos}
    if len(members) != len(infos):
        raise MalformedModelFile("zip", "two members of one name")
    _check_sizes(infos, size)
    for info in infos:
        if info.flag_bits & _ENCRYPTED or not _is_plain_name(info.filename):
            raise MalformedModelFile("zip", f"member {info.filename[:80]!r} is encrypted or climbs out of the archive")
        try:
            archive.open(info).close()
        except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError) as error:
            raise MalformedModelFile("zip", f"member {info.filename[:80]!r}: {error}") from error
    return members


def _check_sizes(infos: list[zipfile.ZipInfo], size: int) -> None:
    at = 0
    for info in sorted(infos, key=lambda each: each.header_offset):
        if info.header_offset < at:
            raise MalformedModelFile("zip", "members overlap")
        at = info.header_offset + info.compress_size
    if at > size:
        raise MalformedModelFile("zip", "members reach past the end (truncated?)")
    packed = [info for info in infos if info.compress_type != zipfile.ZIP_STORED]
    if any(info.file_size != info.compress_size for info in infos if info.compress_type == zipfile.ZIP_STORED):
        raise MalformedModelFile("zip", "a stored member with two sizes")
    bomb = any(info.file_size > MAX_RATIO * max(info.compress_size, 1) for info in packed)
    if bomb or sum(info.file_size for info in packed) > MAX_COMPRESSED_TOTAL:
        raise MalformedModelFile("zip", "unpacks to far more than it holds (zip bomb)")


def _check_torchscript(archive: zipfile.ZipFile, members: Members, root: str) -> None:
    pickles = [name for name in members if name.endswith(".pkl") and not name.startswith(f"{root}code/")]
    required = {f"{root}data.pkl", f"{root}version"}
    if not required <= members.keys():
        raise MalformedModelFile("TorchScript", "data.pkl or version is missing")
    for name in pickles:
        _check_pickle(_read(archive, members[name], MAX_PICKLE_BYTES), name, TORCHSCRIPT_NAMES)
    if not _read(archive, members[f"{root}version"], 32).strip().isdigit():
        raise MalformedModelFile("TorchScript", "version is not a number")


def _check_export(archive: zipfile.ZipFile, members: Members) -> None:
    """torch.export: a JSON program, raw weights, and one pickle (sample inputs) that holds tensors and no more."""
    programs = [name for name in members if name.endswith(".json") and "models/" in name]
    if not programs:
        raise UnsafeModelFile("a torch.export archive of a version before 2.8, which holds pickled weights")
    for name, info in members.items():
        if name.endswith(_NATIVE_CODE) or "custom_obj" in name:
            raise UnsafeModelFile(f"a torch.export archive with compiled code or custom objects ({_tail(name)[:80]})")
        if name.endswith(".json"):
            check_program(_read(archive, info, MAX_JSON_BYTES), name)
        elif name.endswith((".pt", ".pkl", ".pth")):
            _check_nested(_read(archive, info, MAX_COMPRESSED_TOTAL), name)


def _check_nested(data: bytes, name: str) -> None:
    if not data:
        return
    if not data.startswith(b"PK\x03\x04"):
        _check_pickle(data, name, TENSOR_NAMES)
        return
    with _open(io.BytesIO(data)) as nested:
        members = _checked_members(nested, len(data))
        for inner, info in members.items():
            if inner.endswith(".pkl"):
                _check_pickle(_read(nested, info, MAX_PICKLE_BYTES), f"{name}/{inner}", TENSOR_NAMES)


def _check_pickle(data: bytes, name: str, allowed: tuple[str, ...]) -> None:
    try:
        found = forbidden_import(data, allowed)
    except NotAPickle as error:
        raise MalformedModelFile("zip", f"{name}: {error}") from error
    if found is not None:
        raise UnsafeModelFile(f"{name} names {found}, which is not part of a data-only model")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    if info.file_size > limit:
        raise MalformedModelFile("zip", f"member {info.filename[:80]!r} is larger than {limit} bytes")
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        raise MalformedModelFile("zip", f"member {info.filename[:80]!r}: {error}") from error


def _root(members: Members) -> str:
    """The one top folder that PyTorch puts every member in, with its slash."""
    roots = {name.split("/", 1)[0] for name in members if "/" in name}
    if len(roots) != 1 or any("/" not in name for name in members):
        raise UnsafeModelFile("a zip archive with pickles outside one top folder")
    return f"{roots.pop()}/"


def _tail(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _is_plain_name(name: str) -> bool:
    parts = name.split("/")
    return bool(name) and not name.startswith("/") and "\\" not in name and ".." not in parts and "\0" not in name
