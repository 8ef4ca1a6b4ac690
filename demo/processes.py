"""Processes of the demonstration: started with their own environment, ended by pid, their output kept in files."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from stun.protocol.errors import StunError

HOST = "127.0.0.1"
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class ActorFailed(StunError):
    """A process of the demonstration ended or did not come up; the message carries the end of its output."""


@dataclass(frozen=True)
class Actor:
    """A running process and where its output goes."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.alive():
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def last_words(self, size: int = 1_500) -> str:
        """Return the end of its output."""
        return self.log.read_text(errors="replace")[-size:] if self.log.is_file() else ""


class Company:
    """All actors of one demonstration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.actors: dict[str, Actor] = {}

    def start(
        self, name: str, module: str, arguments: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> Actor:
        """Start `python -m module` with nothing of this environment but what it needs to run, and `env`."""
        log = self.folder / f"{name}.log"
        root = Path(__file__).resolve().parents[1]
        inherited = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        paths = {"PYTHONPATH": os.pathsep.join((str(root), str(root / "sdk" / "python"))), "OMP_NUM_THREADS": "1"}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env=inherited | paths | dict(env or {}),
                start_new_session=True,
            )
        self.actors[name] = Actor(name, process, log)
        return self.actors[name]

    def check(self) -> None:
        """Raise ActorFailed if an actor that nobody ended is gone."""
        for actor in self.actors.values():
            if not actor.alive() and actor.process.returncode not in (0, -signal.SIGKILL):
                raise ActorFailed(f"{actor.name} ended with {actor.process.returncode}:\n{actor.last_words()}")

    def wait_for_http(self, name: str, url: str, seconds: float = 40.0) -> None:
        """Wait until an actor answers HTTP at all."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            try:
                httpx.get(url, timeout=1.0)
                return
            except httpx.TransportError:
                time.sleep(0.1)
        raise ActorFailed(f"{name} did not answer in {seconds:.0f} s:\n{self.actors[name].last_words()}")

    def end(self) -> None:
        """End every actor: first asked, then killed."""
        for actor in self.actors.values():
            if actor.alive():
                os.killpg(actor.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 3.0
        for actor in self.actors.values():
            try:
                actor.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                actor.kill()


def free_port() -> int:
    """Return a loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
