"""The manifest: the file that says what a registered model is. Its digest goes into `model_id`.

Written as canonical JSON (RFC 8785), so equal manifests have equal bytes; a manifest that is not canonical is refused.
Source: PROTOCOL.md section 4.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from stun.models.errors import ManifestError, ParameterError
from stun.models.parameters import check_schema
from stun.protocol.errors import Rejected
from stun.protocol.trees.merkle import MerkleTree
from stun.protocol.trees.specs import CHUNK_BYTES, canonical_json, read_canonical_json
from stun.protocol.trees.tags import CHUNKS

MAX_MANIFEST_BYTES = 64 * 2**10
MAX_FILES = 64
MAX_NAME = 128
NO_ROOT = bytes(32)
WEIGHTS_ROLE, GRAPH_ROLE = "weights", "graph"
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[a-z0-9][a-z0-9._/+-]{0,63}")
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_TEXTS = ("name", "runner", "runner_version", "unit", "input_format", "output_format")
_KEYS = {*_TEXTS, "numeric_class", "files", "weight_root", "graph_root", "parameters"}


class NumericClass(StrEnum):
    """How results of a model are compared (PROTOCOL.md section 4)."""

    EXACT = "exact"
    BOUNDED = "bounded"
    TOKEN = "token"
    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model is: runner and version, class, unit, formats, files by sha256, roots, schema of task parameters.

    `weight_root` is the crowned root over the 1,024-byte chunks of the file in role `weights`; a root of nothing is 32
    zero bytes. In class `exact` the file in role `graph` is a graph file, and both roots are that graph's. Errors:
    ManifestError, for a field that is out of bounds.
    """

    name: str
    runner: str
    runner_version: str
    numeric_class: NumericClass
    unit: str
    input_format: str
    output_format: str
    files: Mapping[str, bytes] = field(hash=False)
    weight_root: bytes = NO_ROOT
    graph_root: bytes = NO_ROOT
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check_texts(self)
        _check_files(self.files)
        for name, root in (("weight_root", self.weight_root), ("graph_root", self.graph_root)):
            if not isinstance(root, bytes) or len(root) != 32:
                raise ManifestError(name, "must be 32 bytes")
        if not isinstance(self.numeric_class, NumericClass):
            raise ManifestError("numeric_class", "must be exact, bounded, token or opaque")
        _check_roots(self)
        try:
            check_schema(self.parameters)
        except ParameterError as error:
            raise ManifestError("parameters", str(error)) from error

    def to_json(self) -> bytes:
        """Canonical JSON; digests and roots in lower-case hex."""
        document: dict[str, Any] = {key: getattr(self, key) for key in _TEXTS}
        document["numeric_class"] = str(self.numeric_class)
        document["files"] = {role: digest.hex() for role, digest in self.files.items()}
        document["weight_root"] = self.weight_root.hex()
        document["graph_root"] = self.graph_root.hex()
        document["parameters"] = {name: dict(rule) for name, rule in self.parameters.items()}
        try:
            data = canonical_json(document)
        except Rejected as error:
            raise ManifestError("parameters", f"no canonical JSON ({error.code})") from error
        if len(data) > MAX_MANIFEST_BYTES:
            raise ManifestError("size", f"more than {MAX_MANIFEST_BYTES} bytes")
        return data

    def digest(self) -> bytes:
        """sha256 of the canonical JSON: the `manifest_digest` of the registry."""
        return sha256(self.to_json()).digest()


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest; ManifestError for unknown or missing keys, wrong types, size, and bytes that are not canonical.

    At most 64 KiB.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestError("size", f"more than {MAX_MANIFEST_BYTES} bytes")
    try:
        document = read_canonical_json(data)
    except Rejected as error:
        raise ManifestError("json", f"not canonical JSON ({error.code})") from error
    if not isinstance(document, dict):
        raise ManifestError("json", "not an object")
    if document.keys() != _KEYS:
        wrong = sorted(document.keys() ^ _KEYS)
        raise ManifestError(wrong[0][:MAX_NAME], "unknown" if wrong[0] in document else "missing")
    texts = {key: document[key] for key in _TEXTS}
    return Manifest(
        **texts,
        numeric_class=_parse_class(document["numeric_class"]),
        files=_parse_files(document["files"]),
        weight_root=_parse_digest("weight_root", document["weight_root"]),
        graph_root=_parse_digest("graph_root", document["graph_root"]),
        parameters=document["parameters"],
    )


def compute_weight_root(path: Path) -> bytes:
    """The crowned root over the 1,024-byte chunks of a weights file, read in pieces."""
    with path.open("rb") as file:
        return MerkleTree(CHUNKS, iter(lambda: file.read(CHUNK_BYTES), b"")).root


def _check_roots(manifest: Manifest) -> None:
    is_exact = manifest.numeric_class is NumericClass.EXACT
    if is_exact and (GRAPH_ROLE not in manifest.files or WEIGHTS_ROLE in manifest.files):
        raise ManifestError("files", "class exact has a file with the role graph and none with the role weights")
    if is_exact and NO_ROOT in (manifest.graph_root, manifest.weight_root):
        raise ManifestError("graph_root", "class exact has both roots")
    if not is_exact and (manifest.weight_root == NO_ROOT) == (WEIGHTS_ROLE in manifest.files):
        raise ManifestError("weight_root", "must be set if and only if a file has the role weights")


def _check_texts(manifest: Manifest) -> None:
    for key in _TEXTS:
        text = getattr(manifest, key)
        if not isinstance(text, str):
            raise ManifestError(key, "must be a string")
        if key == "name":
            if not 0 < len(text) <= MAX_NAME or not text.isprintable() or text != text.strip():
                raise ManifestError(key, f"must be 1 to {MAX_NAME} printable characters")
        elif not _WORD.fullmatch(text):
            raise ManifestError(key, "must be 1 to 64 of a-z, 0-9 and . _ / + -")


def _check_files(files: Mapping[str, bytes]) -> None:
    if not isinstance(files, Mapping) or not 0 < len(files) <= MAX_FILES:
        raise ManifestError("files", f"must name 1 to {MAX_FILES} files")
    for role, digest in files.items():
        if not isinstance(role, str) or not _ROLE.fullmatch(role):
            raise ManifestError("files", f"role {str(role)[:32]!r} must be a lower-case word")
        if not isinstance(digest, bytes) or len(digest) != 32:
            raise ManifestError("files", f"digest of {role} must be 32 bytes")


def _parse_class(value: Any) -> NumericClass:
    try:
        return NumericClass(value)
    except ValueError as error:
        raise ManifestError("numeric_class", "must be exact, bounded, token or opaque") from error


def _parse_files(value: object) -> dict[str, bytes]:
    if not isinstance(value, dict):
        raise ManifestError("files", "must be an object")
    return {role: _parse_digest("files", digest) for role, digest in value.items()}


def _parse_digest(name: str, value: object) -> bytes:
    if not isinstance(value, str) or not _HEX_DIGEST.fullmatch(value):
        raise ManifestError(name, "must be 64 lower-case hex digits")
    return bytes.fromhex(value)
