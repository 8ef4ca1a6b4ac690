"""What every runner is: an allow-listed program with data-only inputs, and one rule for inputs it refuses.

A spec that a runner refuses from its bytes alone (or that its model refuses while it computes, which is as
deterministic) has the canonical error result: empty output, 0 units, unpaid. All providers give the same.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from stun.models.errors import ParameterError
from stun.models.parameters import Schema, complete_parameters
from stun.protocol.errors import StunError


@dataclass(frozen=True, slots=True)
class TaskOutput:
    """Delivered bytes of one task and the units it used."""

    output: bytes
    units: int


ERROR_RESULT = TaskOutput(b"", 0)


class RunnerError(StunError):
    """A runner cannot serve: unknown, its runtime is missing, or its files do not fit it."""


class UnknownRunner(RunnerError):
    """No runner of that id and version ships with this provider."""

    def __init__(self, runner: str, version: str) -> None:
        super().__init__(f"no runner {runner!r} of version {version!r}; a model can only use runners that are shipped")
        self.runner = runner
        self.version = version


class RuntimeMissing(RunnerError):
    """The library that a runner computes with is not installed."""

    def __init__(self, runner: str, extra: str) -> None:
        super().__init__(f"runner {runner!r} needs {extra}; install it with `pip install stun[{extra}]`")
        self.runner = runner
        self.extra = extra


class UnfitModel(RunnerError):
    """The model's files do not fit the runner: a role is missing, or the format or architecture is another."""


class PathRefused(RunnerError):
    """This machine computes class `exact` with other bits than the specification; it must not serve it."""


class InputRefused(StunError):
    """The model itself refuses this input, whoever runs it; becomes the canonical error result."""


class Runner(ABC):
    """Loads one model and computes tasks with it. Subclasses define the data they read; `run` is the same for all."""

    id: ClassVar[str]
    version: ClassVar[str]
    unit: ClassVar[str]
    parameters: ClassVar[Schema] = {}
    roots: tuple[bytes, bytes] | None = None  # graph and weight root of a graph that the runner itself executes

    @abstractmethod
    def load(self, files: Mapping[str, Path]) -> None:
        """Load the model from its files by role. Raises RunnerError; the files' digests were checked before."""

    @abstractmethod
    def check(self, data: bytes, params: Mapping[str, Any]) -> str | None:
        """Why these input bytes are refused, or None. A function of bytes, parameters and model alone."""

    @abstractmethod
    def compute(self, data: bytes, params: Mapping[str, Any]) -> TaskOutput:
        """Compute one checked input. Raises InputRefused where the model refuses it."""

    def validate(self, params: object, data: bytes) -> str | None:
        """Why a task is refused from its parameters and input bytes, or None if it will be computed."""
        try:
            return self.check(data, complete_parameters(self.parameters, params))
        except ParameterError as error:
            return str(error)

    def run(self, inputs: Sequence[bytes], params: object) -> list[TaskOutput]:
        """Outputs and units of each input, in order; ERROR_RESULT for each that is refused."""
        try:
            complete = complete_parameters(self.parameters, params)
        except ParameterError:
            return [ERROR_RESULT] * len(inputs)
        return [self._run_one(data, complete) for data in inputs]

    def _run_one(self, data: bytes, params: Mapping[str, Any]) -> TaskOutput:
        if self.check(data, params) is not None:
            return ERROR_RESULT
        try:
            return self.compute(data, params)
        except InputRefused:
            return ERROR_RESULT


def required_file(files: Mapping[str, Path], role: str, runner: str) -> Path:
    """The file of a role; UnfitModel if the model has none."""
    if role not in files:
        raise UnfitModel(f"runner {runner!r} needs a file with the role {role!r}")
    return files[role]
