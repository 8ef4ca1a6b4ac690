"""Errors of checking."""

from stun.protocol.errors import StunError


class CheckingError(StunError):
    """Something cannot be checked."""


class NotExact(CheckingError):
    """A model of another class: its outputs are not the same on every machine, so a second run proves nothing."""

    def __init__(self, model_id: bytes, numeric_class: str) -> None:
        super().__init__(
            f"model 0x{model_id.hex()} is of class {numeric_class}: only in class exact can anybody run a task again "
            "and show a court that a result is wrong"
        )
        self.model_id = model_id


class ModelDiffers(CheckingError):
    """What the stores hold under a model's manifest is not the graph that the chain's record names."""

    def __init__(self, model_id: bytes, cause: str) -> None:
        super().__init__(f"the stored graph of model 0x{model_id.hex()} is not the registered one: {cause}")
        self.model_id = model_id
        self.cause = cause
