"""The `stun` command as processes of their own, on a devnet in a folder; every word they say is kept."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from stun.chains.evm.endpoint import connect
from stun.cli.main import main

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Said:
    """What a finished command said."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        """The last line of its output, as JSON."""
        return json.loads(self.out.splitlines()[-1])


@dataclass
class CommandLine:
    """A person's shell: `folder` is the home of everything; `heard` all output of finished commands."""

    folder: Path
    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        """No settings but the devnet's folder, and `more`."""
        inherited = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        own = {
            "STUN_DEVNET": str(self.folder / "devnet"), "STUN_CONFIG": str(self.folder / "config.toml"),
            "XDG_DATA_HOME": str(self.folder / "data"), "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        return inherited | own | more

    def stun(self, *arguments: str, **environment: str) -> Said:
        """Run a command to its end, in this process; `@name` is a path in the folder."""
        cleared = {name: None for name in os.environ if name.startswith("STUN_")}
        places = [str(self.folder / word[1:]) if word.startswith("@") else word for word in arguments]
        done = CliRunner(mix_stderr=False).invoke(main, places, env=cleared | self.environment(**environment))
        self.heard += [done.stdout_bytes, done.stderr_bytes or b""]
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.stdout_bytes, done.stderr)

    def process(self, *arguments: str, timeout: float = 120.0, **environment: str) -> Said:
        """Run a command to its end, as a process."""
        return self.run(["-m", "stun.cli.main", *arguments], timeout, **environment)

    def run(self, arguments: Sequence[str], timeout: float = 120.0, **environment: str) -> Said:
        """Run Python to its end in the folder."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=self.environment(**environment), capture_output=True,
            timeout=timeout, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.heard += [done.stdout, done.stderr]
        return Said(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    def start(self, name: str, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start a command that goes on; its words go to `<name>.log`."""
        return self.program(name, "stun.cli.main", *arguments, **environment)

    def program(self, name: str, module: str, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start any of the project's programs; its words go to `<name>.log`."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments], cwd=self.folder, stdout=log, stderr=log,
                env=self.environment(**environment), stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self.started.append(process)
        return process

    def end(self) -> list[int]:
        """Ask everything that was started to end; return the exit codes."""
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        codes = []
        for process in self.started:
            try:
                codes.append(process.wait(20))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                codes.append(process.wait())
        self.started.clear()
        return codes

    def words(self) -> bytes:
        """Everything that was printed or logged."""
        logs = [path.read_bytes() for path in self.folder.rglob("*.log")]
        return b"\n".join([*self.heard, *logs])

    def travel(self, url: str, seconds: int) -> None:
        """Let the devnet's clock jump."""
        answer = connect(url).w3.provider.make_request("evm_increaseTime", [seconds])  # type: ignore[arg-type]
        assert "error" not in answer, answer

    def until(self, *arguments: str, key: str, value: Any, seconds: float = 60.0) -> Any:
        """Ask a command again and again until its JSON says so."""
        deadline = time.monotonic() + seconds
        while (said := self.stun("--json", *arguments)).code != 0 or said.json[key] != value:
            assert time.monotonic() < deadline, (said.out, said.err)
        return said.json
