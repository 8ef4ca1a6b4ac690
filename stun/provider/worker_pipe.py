"""One worker process and the two pipes to it: every read and write has a deadline and a bound."""

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO, cast

from stun.provider.runners.confinement import SandboxLimits
from stun.provider.runners.frames import LENGTH_BYTES, MAX_HEADER_BYTES, GarbledFrame, Message, decode, read_length
from stun.provider.sandbox_errors import (
    SandboxCpuExceeded,
    SandboxError,
    SandboxMemoryExceeded,
    SandboxTimeout,
    WorkerCrashed,
    WorkerGarbage,
)

_PIECE = 2**20
_STDERR_TAIL = 2000
_REAP_SECONDS = 10
_OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Cannot allocate memory", "failed to map segment")


class WorkerPipe:
    """Starts a worker and exchanges frames with it. Any SandboxError from it has ended the process."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], limits: SandboxLimits) -> None:
        self._limits = limits
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
        self._streams = (cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout))
        self._input, self._output = (stream.fileno() for stream in self._streams)
        os.set_blocking(self._input, False)
        os.set_blocking(self._output, False)
        self._received = bytearray()

    @property
    def pid(self) -> int:
        """Process id of the worker, or of bubblewrap around it."""
        return self._process.pid

    def exchange(self, frame: bytes, deadline: float) -> Message:
        """Send a frame and receive the answer, both before `deadline` (monotonic seconds)."""
        return self._transfer(memoryview(frame), deadline)

    def receive(self, deadline: float) -> Message:
        """Receive a frame that was not asked for: the greeting."""
        return self._transfer(memoryview(b""), deadline)

    def close(self) -> None:
        """End the process and everything in its session. Safe to call twice."""
        if self._process.poll() is None:
            self._kill()
        for stream in self._streams:
            stream.close()
        self._errors.close()

    def _transfer(self, to_send: memoryview, deadline: float) -> Message:
        started = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            if to_send:
                selector.register(self._input, selectors.EVENT_WRITE)
            while True:
                left = deadline - time.monotonic()
                ready = selector.select(left) if left > 0 else []
                if not ready:
                    raise self._ended(SandboxTimeout(time.monotonic() - started))
                for key, _ in ready:
                    if key.fd == self._input:
                        to_send = self._send(to_send)
                        if not to_send:
                            selector.unregister(self._input)
                    elif (message := self._receive()) is not None:
                        return message

    def _send(self, to_send: memoryview) -> memoryview:
        try:
            return to_send[os.write(self._input, to_send[:_PIECE]) :]
        except BlockingIOError:
            return to_send
        except BrokenPipeError:
            raise self._obituary() from None

    def _receive(self) -> Message | None:
        """Take what is there; the message once it is whole."""
        piece = os.read(self._output, _PIECE)
        if not piece:
            raise self._obituary()
        self._received += piece
        if len(self._received) < LENGTH_BYTES:
            return None
        try:
            limit = self._limits.output_bytes + MAX_HEADER_BYTES
            end = LENGTH_BYTES + read_length(bytes(self._received[:LENGTH_BYTES]), limit)
            if len(self._received) > end:
                raise GarbledFrame("bytes after the answer")
            if len(self._received) < end:
                return None
            message = decode(bytes(self._received[LENGTH_BYTES:]))
        except GarbledFrame as error:
            raise self._ended(WorkerGarbage(str(error))) from error
        self._received.clear()
        return message

    def _obituary(self) -> SandboxError:
        """Why a worker is gone that closed its end of the pipe."""
        try:
            status = self._process.wait(_REAP_SECONDS)
        except subprocess.TimeoutExpired:
            return self._ended(WorkerGarbage("closed its output and lives on"))
        signalled = -status if status < 0 else status - 128  # bubblewrap reports a signal as 128 + its number
        stderr = self._stderr_tail()
        if signalled == signal.SIGXCPU:
            return self._ended(SandboxCpuExceeded(self._limits.cpu_seconds))
        if any(sign in stderr for sign in _OUT_OF_MEMORY):
            return self._ended(SandboxMemoryExceeded(stderr))
        return self._ended(WorkerCrashed(status, stderr))

    def _ended(self, error: SandboxError) -> SandboxError:
        self.close()
        return error

    def _stderr_tail(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _STDERR_TAIL))
        return self._errors.read().decode("utf-8", "replace").strip()

    def _kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            self._process.wait()
