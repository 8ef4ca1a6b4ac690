"""A model as its creator hands it over: data files and the manifest that names them."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from stun.models.manifest import Manifest, NumericClass
from stun.models.packaging import describe_model_file
from stun.protocol import parameters
from stun.storage.blobs import BlobStore
from stun_sdk.errors import TaskInvalid

_CLASSES = {
    NumericClass.EXACT: parameters.NumericClass.EXACT,
    NumericClass.BOUNDED: parameters.NumericClass.BOUNDED,
    NumericClass.TOKEN: parameters.NumericClass.TOKEN,
    NumericClass.OPAQUE: parameters.NumericClass.OPAQUE,
}


@dataclass(frozen=True)
class Model:
    """A manifest and where its files lie on this machine, by role."""

    manifest: Manifest
    files: Mapping[str, Path]

    @classmethod
    def from_file(cls, path: str | Path, name: str | None = None) -> "Model":
        """A model that is one file, whatever it is called: TorchScript, torch.export or ONNX, told by its content.

        Nothing is loaded and nothing unpickled. Class `opaque`: results are compared by digest only. Errors:
        ModelFileError (a pickle among them; its message says what to export), ManifestError, OSError.
        """
        file = Path(path)
        return cls(describe_model_file(file, name or file.stem), {"weights": file})

    @classmethod
    def from_manifest(cls, manifest: Manifest, files: Mapping[str, str | Path]) -> "Model":
        """A model of several files and its manifest. Errors: TaskInvalid if the files are not the manifest's."""
        model = cls(manifest, {role: Path(path) for role, path in files.items()})
        if set(model.files) != set(manifest.files):
            raise TaskInvalid("files", f"the manifest names {sorted(manifest.files)}, not {sorted(model.files)}")
        return model

    @property
    def numeric_class(self) -> parameters.NumericClass:
        """How results are compared."""
        return _CLASSES[self.manifest.numeric_class]

    def put(self, store: BlobStore) -> bytes:
        """Store the files and the manifest; return the manifest's digest.

        Errors: TaskInvalid when a file is not the one that the manifest names, BlobError.
        """
        for role, path in self.files.items():
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").digest()
            if digest != self.manifest.files[role]:
                raise TaskInvalid(f"files.{role}", f"{path} is not the file that the manifest names; was it changed?")
            store.put(path.read_bytes())
        return store.put(self.manifest.to_json())
