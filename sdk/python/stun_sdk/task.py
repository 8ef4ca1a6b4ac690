"""What a requester wants computed: inputs, the model, and the terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stun.protocol.parameters import MAX_COUNT
from stun.provider.hardware import RequirementError, parse_requirements
from stun_sdk.errors import PrivacyUnavailable, TaskInvalid
from stun_sdk.forms import InputForm, PlainForm, Raw, Text

Input: TypeAlias = str | Path | bytes | NDArray[Any]
ModelId: TypeAlias = str | bytes
MAX_INPUT_BYTES = 64 * 2**20
PLAIN: InputForm = PlainForm()


@dataclass(frozen=True)
class Task:
    """One task, or a batch of them if `input_data` is a list or a folder.

    `input_data`: a path (text or Path; a folder is one task a file, in order of name), bytes, a NumPy array (sent as
    .npy), or a list of these. A str is a path: give `Text`, or use `of_texts`, for text itself. In class `exact`
    a model with a tokenizer takes texts (also UTF-8 files and bytes), others tensors or arrays of int8, int16, int32
    (also .npy files), and arrays of floats where the model's format names a unit.
    `requirements`: gpu_memory "16GB", compute_capability "8.0+", gpu_count, privacy "none".
    `asset`: "STUN", "USDC" or an address; the client's setting if empty. `max_price` and `start_price`: smallest units
    per 10^6 units of the model, per replica; estimated from providers' profiles if None. `replicas`: how many providers
    compute every task; 2 in class `opaque`, else 1, if None. `max_units` a task, `audit_ppm`, and the windows in
    seconds follow from model, count and chain if None. `providers`: the only accounts that may bid. `expires_in`:
    seconds until an order that nobody matched is void.
    """

    model_id: ModelId
    input_data: Input | Sequence[Input]
    requirements: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    asset: str = ""
    replicas: int | None = None
    max_price: int | None = None
    start_price: int | None = None
    ramp_seconds: int = 0
    max_units: int | None = None
    audit_ppm: int | None = None
    tip: int = 0
    task_seconds: int | None = None
    post_seconds: int | None = None
    challenge_seconds: int | None = None
    expires_in: int = 3_600
    providers: Sequence[str] = ()

    @classmethod
    def of_texts(cls, model_id: ModelId, texts: Sequence[str], **terms: Any) -> "Task":
        """Tasks whose inputs are texts."""
        return cls(model_id, [Text(text) for text in texts], **terms)

    @property
    def model(self) -> bytes:
        """The model's id, 32 bytes. Errors: TaskInvalid."""
        return parse_id(self.model_id, "model_id")

    def read_inputs(self, form: InputForm = PLAIN) -> tuple[bytes, ...]:
        """The input bytes of every task, in the form that the model reads. Errors: TaskInvalid."""
        if isinstance(self.input_data, str | Path | bytes | np.ndarray):
            found = _read_one(self.input_data)
        else:
            found = [raw for each in self.input_data for raw in _read_one(each)]
        if not 1 <= len(found) <= MAX_COUNT:
            raise TaskInvalid("input_data", f"{len(found)} inputs; 1 to {MAX_COUNT} make an order")
        return tuple(form.write(raw) for raw in found)

    def checked_requirements(self) -> dict[str, Any]:
        """The requirements as providers read them. Errors: TaskInvalid, PrivacyUnavailable."""
        document = dict(self.requirements)
        try:
            wanted = parse_requirements(document)
        except RequirementError as error:
            raise TaskInvalid("requirements", str(error)) from error
        if wanted.privacy != "none":
            raise PrivacyUnavailable(wanted.privacy)
        return document


def parse_id(value: str | bytes, what: str) -> bytes:
    """Read an id: 32 bytes, or 64 hex digits with or without 0x. Errors: TaskInvalid."""
    try:
        raw = value if isinstance(value, bytes) else bytes.fromhex(value.strip().removeprefix("0x"))
    except (ValueError, AttributeError):
        raw = b""
    if len(raw) != 32:
        raise TaskInvalid(what, "needs 32 bytes, or 64 hexadecimal digits")
    return raw


def _read_one(each: Input) -> list[Raw]:
    if isinstance(each, Text | bytes | np.ndarray):
        return [each]
    if not isinstance(each, str | Path):
        raise TaskInvalid("input_data", f"{type(each).__name__} is neither path, bytes nor array")
    path = Path(each)
    try:
        files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
        return [_read_file(file) for file in files]
    except OSError as error:
        raise TaskInvalid(
            "input_data", f"{path} cannot be read ({error.strerror}); text is a path: give bytes for the text itself"
        ) from error


def _read_file(path: Path) -> bytes:
    size = path.stat().st_size
    if size > MAX_INPUT_BYTES:
        raise TaskInvalid("input_data", f"{path} has {size} bytes; a task takes {MAX_INPUT_BYTES}")
    return path.read_bytes()
