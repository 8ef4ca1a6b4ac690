"""Run a model in a child process that can hurt neither the provider nor its keys, and keep it warm between calls.

Always: rlimits, wall clock, an environment of allow-listed names, no inherited files. With bubblewrap: also no
network, no files but interpreter and model, no other processes. Without it the worker tries to leave the network by
itself; where the kernel forbids that it keeps the host's network and can read what its user can read. The level
reached is in `SandboxReport`, and `minimum` refuses to run below one.

A worker dies with the thread that started it (PR_SET_PDEATHSIG): start it from a thread that outlives it. One caller
at a time.
"""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Any

from stun.models.exact.folders import KERNELS, kernel_folder
from stun.provider.bubblewrap import PACKAGE_ROOT, bubblewrap_works, model_paths, wrap
from stun.provider.runners.base import ERROR_RESULT, TaskOutput
from stun.provider.runners.confinement import SandboxLimits
from stun.provider.runners.frames import Message, encode
from stun.provider.runners.worker import KIND_MEMORY, KIND_RUNNER
from stun.provider.sandbox_errors import (
    ModelRefused,
    SandboxClosed,
    SandboxError,
    SandboxMemoryExceeded,
    SandboxUnavailable,
    WorkerGarbage,
)
from stun.provider.worker_pipe import WorkerPipe

MAX_UNITS = 2**32 - 1
_PASSED_ON = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
_FIXED = {
    "LANG": "C.UTF-8",
    "HOME": "/nonexistent",
    "TMPDIR": "/tmp",
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "RAYON")},
    "TOKENIZERS_PARALLELISM": "false",
}


class Isolation(IntEnum):
    """How far a worker is shut off; each level includes those below."""

    LIMITS = 0  # rlimits, wall clock, bare environment; the host's network and files
    NO_NETWORK = 1  # also no network
    NAMESPACES = 2  # also no files but interpreter and model, no other processes (bubblewrap)


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """What was reached: the level, the limits in force and the process (of bubblewrap where it is used).

    `roots` are the graph and weight root, in hex, of the graph that the runner found in the model's file.
    """

    isolation: Isolation
    limits: SandboxLimits
    pid: int
    roots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerProgram:
    """The command of a worker, and paths it reads besides interpreter and model. The default is the shipped one."""

    arguments: tuple[str, ...] = ("-m", "stun.provider.runners.worker")
    read_only: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How to run workers: limits, the lowest isolation that is accepted, whether to use bubblewrap if it is there."""

    limits: SandboxLimits = field(default_factory=SandboxLimits)
    minimum: Isolation = Isolation.LIMITS
    use_bubblewrap: bool = True
    program: WorkerProgram = field(default_factory=WorkerProgram)


class SandboxSession:
    """One warm worker with one model. Use as a context manager, or call `close`.

    After a SandboxError other than ModelRefused the worker is gone; open another session.
    """

    def __init__(self, runner: str, version: str, files: Mapping[str, Path], settings: SandboxSettings) -> None:
        self._settings = settings
        self._load = {"op": "load", "runner": runner, "version": version}
        self._files = dict(files)
        self._pipe: WorkerPipe | None = None

    def start(self) -> SandboxReport:
        """Start the worker and load the model. SandboxUnavailable, ModelRefused, or what the worker died of."""
        wrapped = self._settings.use_bubblewrap and bubblewrap_works()
        try:
            return self._start(wrapped)
        except SandboxError:
            self.close()
            raise

    def _start(self, wrapped: bool) -> SandboxReport:
        self._pipe = WorkerPipe(*_command(self._settings, self._files, wrapped), self._settings.limits)
        deadline = time.monotonic() + self._settings.limits.load_seconds
        greeting = self._pipe.receive(deadline)
        isolation = Isolation.NAMESPACES if wrapped else Isolation(int(greeting.header.get("has_no_network") is True))
        if isolation < self._settings.minimum:
            raise SandboxUnavailable(isolation.name, self._settings.minimum.name)
        inside = model_paths(self._files) if wrapped else self._files
        files = {role: str(path) for role, path in inside.items()}
        roots = self._ask({**self._load, "files": files}, (), deadline).header.get("roots")
        found = tuple(map(str, roots)) if isinstance(roots, list) else ()
        return SandboxReport(isolation, self._settings.limits, self._pipe.pid, found)

    def validate(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[str | None]:
        """For each input, why its task would be refused, or None."""
        if not inputs:
            return []
        refusals = self._call({"op": "validate", "params": dict(params)}, inputs).header.get("refusals")
        if not isinstance(refusals, list) or len(refusals) != len(inputs):
            raise self._garbage("not one verdict per input")
        if not all(each is None or isinstance(each, str) for each in refusals):
            raise self._garbage("a verdict that is no text")
        return refusals

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        """Outputs and units in the order of the inputs; ERROR_RESULT for a task that the runner refuses."""
        if not inputs:
            return []
        answer = self._call({"op": "run", "params": dict(params)}, inputs)
        units = answer.header.get("units")
        if not isinstance(units, list) or not len(units) == len(answer.parts) == len(inputs):
            raise self._garbage("not one output per input")
        if not all(type(each) is int and 0 <= each <= MAX_UNITS for each in units):
            raise self._garbage("units out of range")
        outputs = [TaskOutput(output, count) for output, count in zip(answer.parts, units, strict=True)]
        if any(each.units == 0 and each != ERROR_RESULT for each in outputs):
            raise self._garbage("an output without units")
        return outputs

    def close(self) -> None:
        """End the worker and everything it started. Safe to call twice."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def __enter__(self) -> "SandboxSession":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _call(self, header: dict[str, Any], parts: Sequence[bytes]) -> Message:
        return self._ask(header, parts, time.monotonic() + self._settings.limits.wall_seconds)

    def _ask(self, header: dict[str, Any], parts: Sequence[bytes], deadline: float) -> Message:
        if self._pipe is None:
            raise SandboxClosed()
        try:
            answer = self._pipe.exchange(encode(header, parts), deadline)
        except SandboxError:
            self.close()
            raise
        if answer.header.get("ok") is True:
            return answer
        kind, text = answer.header.get("kind"), str(answer.header.get("error"))[:2000]
        if kind == KIND_RUNNER:
            raise ModelRefused(text)
        self.close()
        raise SandboxMemoryExceeded(text) if kind == KIND_MEMORY else WorkerGarbage(text)

    def _garbage(self, cause: str) -> WorkerGarbage:
        self.close()
        return WorkerGarbage(cause)


def _command(settings: SandboxSettings, files: Mapping[str, Path], wrapped: bool) -> tuple[list[str], dict[str, str]]:
    """Command line and environment of a worker."""
    worker = json.dumps({"limits": asdict(settings.limits), "leave_network": not wrapped})
    command = [sys.executable, "-s", "-P", *settings.program.arguments, worker]
    environment = {**_FIXED, "PYTHONPATH": str(PACKAGE_ROOT)}
    environment |= {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    program, kernels = settings.program, kernel_folder()
    if kernels is not None:
        environment[KERNELS] = str(kernels)
    if wrapped:
        read_only = program.read_only if kernels is None else (*program.read_only, kernels)
        command = wrap(command, environment, files, read_only, program.devices)
    return command, environment
