"""The devnet's servers: detached processes on the loopback, known by process id and start time, ended by them alone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from stun.chains.evm.nodes import HOST, NodeUnavailable

_RECORD = "servers.json"
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONPATH")
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """A started server; `started` tells the process from a later one with its number."""

    name: str
    pid: int
    started: str
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    def alive(self) -> bool:
        """Whether this very process runs."""
        return started_at(self.pid) == self.started


def started_at(pid: int) -> str:
    """When a process started, as its system says it; "" if there is none, or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except (OSError, IndexError):
        if Path("/proc/self").exists():
            return ""
    listing = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip()


def read_servers(folder: Path) -> dict[str, ServerRecord]:
    """The recorded servers by name. Errors: NodeUnavailable when the record is damaged."""
    path = folder / _RECORD
    try:
        return {name: ServerRecord(**entry) for name, entry in json.loads(path.read_text()).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise NodeUnavailable(f"{path} is damaged ({error}); delete it if no devnet runs") from None


def start_server(folder: Path, name: str, module: str, port: int, env: Mapping[str, str]) -> ServerRecord:
    """Start `python -m module`, or return the one that runs; wait until it answers. Errors: NodeUnavailable."""
    known = read_servers(folder)
    if name in known and known[name].alive():
        return known[name]
    inherited = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=inherited | dict(env),
            start_new_session=True,
        )
    record = ServerRecord(name, process.pid, started_at(process.pid), port)
    _write(folder, known | {name: record})
    _wait_for(process, record, log)
    return record


def stop_servers(folder: Path) -> list[str]:
    """End every recorded server; return the names of those that ran. Errors: NodeUnavailable if one does not end."""
    stopped = []
    for name, record in read_servers(folder).items():
        if record.alive():
            _end(record)
            stopped.append(name)
    (folder / _RECORD).unlink(missing_ok=True)
    return stopped


def _end(record: ServerRecord) -> None:
    os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while record.alive():
        if time.monotonic() > deadline:
            raise NodeUnavailable(f"the {record.name} server's process {record.pid} does not end")
        _reap(record.pid)
        time.sleep(0.05)


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _wait_for(process: "subprocess.Popen[bytes]", record: ServerRecord, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(record.url, timeout=1.0)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    if process.poll() is None:
        _end(record)
    raise NodeUnavailable(f"the {record.name} server did not start: {log.read_text(errors='replace')[-500:]}")


def _write(folder: Path, servers: Mapping[str, ServerRecord]) -> None:
    part = folder / f"{_RECORD}.part"
    part.write_text(json.dumps({name: asdict(record) for name, record in servers.items()}))
    os.replace(part, folder / _RECORD)
