"""A worker whose runner was taken over: what its task says is what it does. Started by the sandbox tests only."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from stun.provider.runners import worker
from stun.provider.runners.base import Runner, TaskOutput


class HostileRunner(Runner):
    """Does the misdeed that its input names, and reports what it found."""

    id: ClassVar[str] = "hostile"
    version: ClassVar[str] = "1"
    unit: ClassVar[str] = "misdeed"

    def load(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def check(self, data: bytes, params: Mapping[str, Any]) -> str | None:
        return None

    def compute(self, data: bytes, params: Mapping[str, Any]) -> TaskOutput:
        misdeed, _, argument = data.decode().partition(":")
        found = MISDEEDS[misdeed](argument)
        return TaskOutput(str(found).encode() or b"-", 1)


def hog_memory(argument: str) -> object:
    hoard = []
    while True:
        hoard.append(bytearray(16 * 2**20))


def spin(argument: str) -> object:
    while True:
        pass


def hang(argument: str) -> object:
    return sys.stdin.buffer.read(1)


def read_environment(argument: str) -> object:
    return os.environ.get(argument)


def read_file(argument: str) -> object:
    try:
        return Path(argument).read_text()
    except OSError as error:
        return type(error).__name__


def write_file(argument: str) -> object:
    try:
        return Path(argument).write_text("owned")
    except OSError as error:
        return type(error).__name__


def fill_disk(argument: str) -> object:
    try:
        with Path(argument).open("wb") as file:
            for _ in range(1024):
                file.write(bytes(2**20))
    except OSError as error:
        return type(error).__name__
    return "written"


def connect(argument: str) -> object:
    try:
        with socket.create_connection(("127.0.0.1", int(argument)), timeout=5):
            return "connected"
    except OSError as error:
        return type(error).__name__


def see_process(argument: str) -> object:
    return Path(f"/proc/{argument}/cmdline").exists() and Path(f"/proc/{argument}/cmdline").read_bytes()


def crash(argument: str) -> object:
    os.abort()


def leave(argument: str) -> object:
    os._exit(7)


def babble(argument: str) -> object:
    _answers().write(b"\xff" * 64)
    return "-"


def promise_much(argument: str) -> object:
    _answers().write((2**40).to_bytes(8, "big"))
    return "-"


def trickle(argument: str) -> object:
    stream = _answers()
    stream.write((2**20).to_bytes(8, "big"))
    while True:
        stream.write(b"x")


def print_much(argument: str) -> object:
    print("noise among the answers", flush=True)  # noqa: T201
    return "printed"


def flood(argument: str) -> object:
    return "x" * int(argument)


def _answers() -> Any:
    """The pipe to the provider, found as an intruder would: the highest descriptor that is a pipe."""
    names = [int(name) for name in os.listdir("/proc/self/fd") if _is_pipe(name)]
    return os.fdopen(os.dup(max(names)), "wb", buffering=0)


def _is_pipe(name: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{name}").startswith("pipe:")
    except OSError:
        return False


MISDEEDS = {
    each.__name__: each
    for each in (
        hog_memory, spin, hang, read_environment, read_file, write_file, fill_disk, connect, see_process, crash, leave,
        babble, promise_much, trickle, print_much, flood,
    )
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(worker.main(lambda: {(HostileRunner.id, HostileRunner.version): HostileRunner}))
