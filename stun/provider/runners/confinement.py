"""What a worker does to itself before it touches a model: limits, no new privileges, no network where it can.

Runs in the child before any runner is imported. Linux. Without bubblewrap the network is left by `unshare` of a
network namespace (as root, or through a user namespace); where the kernel forbids both, the worker keeps the host's
network and says so in its greeting. Files are hidden by bubblewrap only.
"""

import ctypes
import os
import resource
import signal
from dataclasses import dataclass

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Bounds of a worker. CPU and wall seconds are per call (of tasks), the rest for the worker's whole life.

    `load_seconds` bounds the start and the loading of the model, in CPU and in wall clock.
    `memory_bytes` bounds the address space; None leaves it open, which CUDA needs (it reserves far more than it uses).
    `output_bytes` bounds everything one call returns.
    """

    cpu_seconds: int = 600
    wall_seconds: float = 900.0
    load_seconds: int = 120
    memory_bytes: int | None = 4 * 2**30
    file_bytes: int = 16 * 2**20
    open_files: int = 256
    output_bytes: int = 256 * 2**20


def confine(limits: SandboxLimits, leave_network: bool) -> bool:
    """Apply everything; returns whether the process has no network now. OSError if a limit cannot be set."""
    _set_limit(resource.RLIMIT_CORE, 0)
    _set_limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _set_limit(resource.RLIMIT_NOFILE, limits.open_files)
    if limits.memory_bytes is not None:
        _set_limit(resource.RLIMIT_AS, limits.memory_bytes)
    renew_cpu_limit(limits.load_seconds)
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    _prctl(libc, _PR_SET_DUMPABLE, 0)
    return _leave_network(libc) if leave_network else False


def renew_cpu_limit(seconds: int) -> None:
    """Allow `seconds` of CPU from now on; past that the kernel ends the process with SIGXCPU."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _set_limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (bound, bound))


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _leave_network(libc: ctypes.CDLL) -> bool:
    before = os.readlink("/proc/self/ns/net")
    for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET):
        if libc.unshare(flags) == 0:
            return os.readlink("/proc/self/ns/net") != before
    return False
