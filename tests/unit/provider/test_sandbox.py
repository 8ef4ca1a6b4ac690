"""A runner that was taken over can hurt neither the provider nor its keys, and its end is named."""

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stun.provider.bubblewrap import bubblewrap_works
from stun.provider.runners.confinement import SandboxLimits
from stun.provider.sandbox import Isolation, SandboxSession, SandboxSettings, WorkerProgram
from stun.provider.sandbox_errors import (
    ModelRefused,
    SandboxClosed,
    SandboxCpuExceeded,
    SandboxMemoryExceeded,
    SandboxTimeout,
    SandboxUnavailable,
    WorkerCrashed,
    WorkerGarbage,
)

pytestmark = pytest.mark.unit

HOSTILE = Path(__file__).parents[2] / "support" / "hostile_worker.py"
LIMITS = SandboxLimits(
    cpu_seconds=20, wall_seconds=30, memory_bytes=2**30, file_bytes=2**20, output_bytes=2**20, open_files=64
)

START_AND_WAIT = """
import sys
from pathlib import Path
from stun.provider.sandbox import SandboxSession, SandboxSettings, WorkerProgram
path = Path(sys.argv[1])
settings = SandboxSettings(use_bubblewrap=sys.argv[2] == "1", program=WorkerProgram((str(path),), (path,)))
session = SandboxSession("hostile", "1", {"weights": path}, settings)
print(session.start().pid, flush=True)
session.run([b"spin"], {})
"""

StartSession = Callable[..., SandboxSession]


def isolation_levels() -> list[object]:
    skip = pytest.mark.skipif(
        not bubblewrap_works(), reason="bubblewrap (bwrap) is not installed, or may not make namespaces here"
    )
    return [pytest.param(True, id="bubblewrap", marks=skip), pytest.param(False, id="limits")]


BUBBLEWRAP_ONLY = pytest.mark.parametrize("wrapped", isolation_levels()[:1], indirect=True)


@pytest.fixture(params=isolation_levels())
def wrapped(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def start_session(wrapped: bool, tmp_path: Path) -> Iterator[StartSession]:
    opened: list[SandboxSession] = []
    model = tmp_path / "weights"
    model.write_bytes(b"weights")

    def start(**limits: object) -> SandboxSession:
        program = WorkerProgram((str(HOSTILE),), read_only=(HOSTILE,))
        settings = SandboxSettings(replace(LIMITS, **limits), use_bubblewrap=wrapped, program=program)  # type: ignore[arg-type]
        session = SandboxSession("hostile", "1", {"weights": model}, settings)
        opened.append(session)
        session.start()
        return session

    yield start
    for session in opened:
        session.close()


def do(session: SandboxSession, misdeed: str) -> str:
    return session.run([misdeed.encode()], {})[0].output.decode()


def test_memory_hog_is_stopped(start_session: StartSession) -> None:
    session = start_session()
    with pytest.raises(SandboxMemoryExceeded):
        do(session, "hog_memory")
    with pytest.raises(SandboxClosed):
        do(session, "flood:1")


def test_endless_loop_ends_at_the_cpu_limit(start_session: StartSession) -> None:
    session = start_session(cpu_seconds=1)
    with pytest.raises(SandboxCpuExceeded) as caught:
        do(session, "spin")
    assert caught.value.seconds == 1


def test_cpu_limit_is_per_call(start_session: StartSession) -> None:
    session = start_session(cpu_seconds=1)
    for _ in range(5):
        assert do(session, "flood:3") == "xxx"


@pytest.mark.parametrize("misdeed", ["spin", "hang", "trickle"])
def test_wall_clock_ends_a_call(start_session: StartSession, misdeed: str) -> None:
    session = start_session(wall_seconds=0.5)
    with pytest.raises(SandboxTimeout):
        do(session, misdeed)
    with pytest.raises(SandboxClosed):
        do(session, misdeed)


def test_killed_worker_leaves_no_process(wrapped: bool, tmp_path: Path) -> None:
    program = WorkerProgram((str(HOSTILE),), read_only=(HOSTILE,))
    settings = SandboxSettings(replace(LIMITS, wall_seconds=0.5), use_bubblewrap=wrapped, program=program)
    session = SandboxSession("hostile", "1", {"weights": HOSTILE}, settings)
    report = session.start()
    with pytest.raises(SandboxTimeout):
        do(session, "spin")
    assert not Path(f"/proc/{report.pid}").exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(report.pid, 0)


def test_worker_dies_with_a_killed_provider(wrapped: bool) -> None:
    provider = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, str(HOSTILE), str(int(wrapped))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(HOSTILE.parents[2])},
    )
    assert provider.stdout is not None
    worker = os.pidfd_open(int(provider.stdout.readline()))
    provider.kill()
    ended, _, _ = select.select([worker], [], [], 20)
    os.close(worker)
    provider.communicate()
    assert ended


def test_program_below_tmp_is_seen(wrapped: bool, tmp_path: Path) -> None:
    copy = tmp_path / "worker.py"
    copy.write_bytes(HOSTILE.read_bytes())
    program = WorkerProgram((str(copy),), read_only=(copy,))
    settings = SandboxSettings(LIMITS, use_bubblewrap=wrapped, program=program)
    with SandboxSession("hostile", "1", {"weights": copy}, settings) as session:
        assert do(session, "flood:2") == "xx"


def test_environment_holds_no_key(start_session: StartSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUN_PRIVATE_KEY", "0x" + "11" * 32)
    session = start_session()
    assert do(session, "read_environment:STUN_PRIVATE_KEY") == "None"
    assert do(session, "read_environment:LANG") == "C.UTF-8"
    assert "11" * 32 not in do(session, "read_file:/proc/self/environ")


def test_network_is_gone(start_session: StartSession) -> None:
    session = start_session()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert do(session, f"connect:{port}") in ("OSError", "ConnectionRefusedError")


@BUBBLEWRAP_ONLY
def test_files_of_the_host_are_hidden(start_session: StartSession, tmp_path: Path) -> None:
    secret = tmp_path / "keystore.json"
    secret.write_text("secret")
    session = start_session()
    for path in (secret, Path("/etc/passwd"), Path(__file__)):
        assert do(session, f"read_file:{path}") == "FileNotFoundError"
    assert do(session, "read_file:/model/weights") == "weights"
    assert do(session, "write_file:/model/weights") == "OSError"
    assert do(session, "write_file:/model/other") in ("OSError", "5")
    assert not (tmp_path / "other").exists()


@BUBBLEWRAP_ONLY
def test_processes_of_the_host_are_hidden(start_session: StartSession) -> None:
    assert b"pytest" not in do(start_session(), f"see_process:{os.getpid()}").encode()


def test_disk_cannot_be_filled(start_session: StartSession, wrapped: bool, tmp_path: Path) -> None:
    target = Path("/tmp/fill") if wrapped else tmp_path / "fill"
    assert do(start_session(), f"fill_disk:{target}") == "OSError"
    assert wrapped or target.stat().st_size <= LIMITS.file_bytes


def test_crash_is_named(start_session: StartSession) -> None:
    session = start_session()
    with pytest.raises(WorkerCrashed) as caught:
        do(session, "crash")
    assert caught.value.status in (-6, 134)


def test_exit_is_named(start_session: StartSession) -> None:
    session = start_session()
    with pytest.raises(WorkerCrashed) as caught:
        do(session, "leave")
    assert caught.value.status == 7


@pytest.mark.parametrize("misdeed", ["babble", "promise_much", f"flood:{2**25}"])
def test_garbage_is_named(start_session: StartSession, misdeed: str) -> None:
    with pytest.raises(WorkerGarbage):
        do(start_session(), misdeed)


def test_prints_do_not_mix_with_answers(start_session: StartSession) -> None:
    assert do(start_session(), "print_much") == "printed"


def test_large_input_to_a_worker_that_does_not_read_times_out(start_session: StartSession) -> None:
    session = start_session(wall_seconds=0.5)
    with pytest.raises(SandboxTimeout):
        session.run([b"hang", bytes(2**22)], {})


def test_unknown_runner_is_refused(wrapped: bool) -> None:
    session = SandboxSession("creators-own", "1", {"weights": HOSTILE}, SandboxSettings(use_bubblewrap=wrapped))
    with pytest.raises(ModelRefused, match="no runner 'creators-own'"):
        session.start()


def test_model_that_does_not_fit_is_refused(wrapped: bool) -> None:
    session = SandboxSession("onnx", "1", {"weights": HOSTILE}, SandboxSettings(use_bubblewrap=wrapped))
    with pytest.raises(ModelRefused):
        session.start()


def test_missing_isolation_is_refused() -> None:
    settings = SandboxSettings(LIMITS, minimum=Isolation.NAMESPACES, use_bubblewrap=False)
    with pytest.raises(SandboxUnavailable) as caught:
        SandboxSession("onnx", "1", {"weights": HOSTILE}, settings).start()
    assert caught.value.demanded == "NAMESPACES"


def test_report_says_what_was_reached(wrapped: bool) -> None:
    program = WorkerProgram((str(HOSTILE),), read_only=(HOSTILE,))
    settings = SandboxSettings(LIMITS, use_bubblewrap=wrapped, program=program)
    session = SandboxSession("hostile", "1", {"weights": HOSTILE}, settings)
    report = session.start()
    session.close()
    session.close()
    assert report.limits == LIMITS
    assert (report.isolation is Isolation.NAMESPACES) == wrapped


def test_closed_session_says_so(start_session: StartSession) -> None:
    session = start_session()
    session.close()
    with pytest.raises(SandboxClosed):
        session.validate([b"x"], {})


def test_sessions_side_by_side_do_not_mix(start_session: StartSession) -> None:
    found: dict[int, list[str]] = {}
    sessions = [start_session() for _ in range(3)]

    def work(index: int) -> None:
        found[index] = [do(sessions[index], f"flood:{index + 1}") for _ in range(20)]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {index: ["x" * (index + 1)] * 20 for index in range(3)}
