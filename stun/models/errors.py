"""Errors about model files and manifests."""

from stun.protocol.errors import StunError

HOW_TO_EXPORT = (
    "Export the model in a data-only format instead: TorchScript (torch.jit.save(torch.jit.script(model), path)), "
    "torch.export (torch.export.save(torch.export.export(model, example_inputs), path)), ONNX (torch.onnx.export), "
    "or safetensors weights (safetensors.torch.save_file) with a registered architecture."
)


class ModelFileError(StunError):
    """A model file that is refused."""


class UnsafeModelFile(ModelFileError):
    """A file that would run code, or read other files, when it is loaded. The message says what to export instead."""

    def __init__(self, found: str) -> None:
        super().__init__(f"refused: {found}. Loading it could run code on the provider. {HOW_TO_EXPORT}")
        self.found = found


class MalformedModelFile(ModelFileError):
    """A file of a known format that is truncated, inconsistent or disguised."""

    def __init__(self, kind: str, cause: str) -> None:
        super().__init__(f"malformed {kind} file: {cause}")
        self.kind = kind
        self.cause = cause


class UnknownModelFile(ModelFileError):
    """A file whose content is none of the supported formats, whatever it is called."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: content is not a model file in a supported format. {HOW_TO_EXPORT}")
        self.name = name


class ManifestError(StunError):
    """A manifest that is refused; `field` names the part at fault."""

    def __init__(self, field: str, cause: str) -> None:
        super().__init__(f"manifest: {field}: {cause}")
        self.field = field
        self.cause = cause


class ParameterError(StunError):
    """Task parameters that the model's schema refuses; `parameter` names the one at fault."""

    def __init__(self, parameter: str, cause: str) -> None:
        super().__init__(f"parameter {parameter}: {cause}")
        self.parameter = parameter
        self.cause = cause


class UnfitTexts(StunError):
    """Texts that cannot be read, or cannot calibrate or judge a model: none, too many, or not text."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"texts: {cause}")
        self.cause = cause


class TokenizerRefused(ModelFileError):
    """A file that is no tokenizer.json."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name} is not a tokenizer.json: {cause}")
        self.cause = cause


class UnfitNumbers(StunError):
    """An array that a model's format cannot hold: another shape, or numbers past its range."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"numbers: {cause}")
        self.cause = cause
