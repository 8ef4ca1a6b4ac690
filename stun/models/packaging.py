"""From a creator's model file to its manifest: the runner follows from the content of the file."""

from hashlib import file_digest
from pathlib import Path

from stun.models.errors import ModelFileError
from stun.models.formats import ModelFormat, inspect_model_file
from stun.models.manifest import WEIGHTS_ROLE, Manifest, NumericClass, compute_weight_root

_RUNNERS = {
    ModelFormat.TORCHSCRIPT: ("torchscript", "1"),
    ModelFormat.TORCH_EXPORT: ("torch-export", "1"),
    ModelFormat.ONNX: ("onnx", "1"),
}


class ArchitectureMissing(ModelFileError):
    """Weights alone: safetensors says what the numbers are, not what to compute with them."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} holds weights without a graph; name a registered architecture (text-embedding, with roles "
            "weights, config and tokenizer) in a manifest of its own, or export TorchScript, torch.export or ONNX"
        )
        self.path = path


def describe_model_file(path: Path, name: str) -> Manifest:
    """The manifest of a model that is one file: tensors in and out as .npy, one unit per inference, class `opaque`.

    Raises ModelFileError (what `inspect_model_file` refuses; ArchitectureMissing for safetensors) and ManifestError.
    """
    found = inspect_model_file(path).format
    if found not in _RUNNERS:
        raise ArchitectureMissing(path)
    runner, version = _RUNNERS[found]
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").digest()
    return Manifest(
        name=name,
        runner=runner,
        runner_version=version,
        numeric_class=NumericClass.OPAQUE,
        unit="inference",
        input_format="npy",
        output_format="npy",
        files={WEIGHTS_ROLE: digest},
        weight_root=compute_weight_root(path),
    )
