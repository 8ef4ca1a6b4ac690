"""A devnet that outlives the command that starts it: anvil detached, its state and its process id on disk."""

import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from stun.chains.evm.endpoint import connect
from stun.chains.evm.errors import Unreachable
from stun.chains.evm.nodes import CHAIN_ID, HOST, NodeUnavailable, anvil_command, free_port, wait_until_ready

_RECORD = "node.json"
_STATE = "state.json"
_LOG = "node.log"
_STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class DevnetRecord:
    """What is known of a started devnet; `port` on the loopback."""

    pid: int
    port: int
    chain_id: int
    hardfork: str

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"


def read_record(folder: Path) -> DevnetRecord | None:
    """The record of a folder, None when no devnet was started there. Errors: NodeUnavailable when it is damaged."""
    path = folder / _RECORD
    if not path.is_file():
        return None
    try:
        return DevnetRecord(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise NodeUnavailable(f"{path} is damaged ({error}); delete it if no devnet runs") from None


def _ours(record: DevnetRecord, folder: Path) -> bool:
    """True when the recorded process is still the anvil of this folder, not another that got its number."""
    try:
        command = Path(f"/proc/{record.pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        listing = subprocess.run(["ps", "-o", "args=", "-p", str(record.pid)], capture_output=True, check=False)
        command = listing.stdout
    return b"anvil" in command and str(folder / _STATE).encode() in command


def status(folder: Path) -> DevnetRecord | None:
    """The running devnet of a folder, None when it does not run or does not answer."""
    folder = folder.resolve()
    record = read_record(folder)
    if record is None or not _ours(record, folder):
        return None
    try:
        return record if connect(record.url, timeout=2.0).chain_id() == record.chain_id else None
    except Unreachable:
        return None


def start(
    folder: Path,
    *,
    chain_id: int = CHAIN_ID,
    hardfork: str = "prague",
    port: int | None = None,
    block_time: int | None = None,
) -> DevnetRecord:
    """Start a devnet in a folder, or return the one that runs there; a stopped one goes on from its kept state.

    `port` None: a free one. Errors: NodeUnavailable.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    running = status(folder)
    if running is not None:
        return running
    before = read_record(folder)
    if before is not None and _ours(before, folder):
        raise NodeUnavailable(f"the devnet of {folder} (process {before.pid}) runs but does not answer; stop it first")
    chosen = port or free_port()
    extra = ("--state-interval", "10", "--preserve-historical-states")
    command = anvil_command(chosen, chain_id, hardfork, block_time, folder / _STATE, extra)
    with (folder / _LOG).open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=folder
        )
    node = wait_until_ready(process, chosen, chain_id, folder / _LOG)
    record = DevnetRecord(node.pid, chosen, chain_id, hardfork)
    part = folder / f"{_RECORD}.part"
    part.write_text(json.dumps(asdict(record)))
    os.replace(part, folder / _RECORD)
    return record


def stop(folder: Path) -> bool:
    """End the devnet of a folder by its process id, its state kept; False when none runs. Errors: NodeUnavailable."""
    folder = folder.resolve()
    record = read_record(folder)
    if record is None or not _ours(record, folder):
        return False
    os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _ours(record, folder):
        if time.monotonic() > deadline:
            raise NodeUnavailable(f"the devnet's process {record.pid} does not end")
        _reap(record.pid)
        time.sleep(0.05)
    (folder / _RECORD).unlink(missing_ok=True)
    return True


def _reap(pid: int) -> None:
    """Collect the process if it is our child, so that it does not linger as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
