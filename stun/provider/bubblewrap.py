"""The bubblewrap command line around a worker: new namespaces, and only what the interpreter and the model need.

Everything is read-only but a private /tmp. No network, no home, no keys, no other processes. Needs user namespaces
(or root); `bubblewrap_works` tries it once.
"""

import functools
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
TMP_BYTES = 64 * 2**20
_PROBE_SECONDS = 10
_SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/sys/devices/system/cpu")


@functools.cache
def bubblewrap_works() -> bool:
    """Whether bwrap is there and the kernel lets it make its namespaces."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return False
    probe = [bwrap, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]
    try:
        return subprocess.run(probe, capture_output=True, timeout=_PROBE_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def model_paths(files: Mapping[str, Path]) -> dict[str, Path]:
    """Where the model's files appear inside, by role."""
    return {role: Path("/model") / role for role in files}


def wrap(
    command: Sequence[str],
    environment: Mapping[str, str],
    files: Mapping[str, Path],
    read_only: Sequence[Path],
    devices: Sequence[Path],
) -> list[str]:
    """The command line that runs `command` inside. `read_only` appear at their own paths, `devices` are usable."""
    binds = [Path(path) for path in _SYSTEM]
    binds += [Path(sys.base_prefix).resolve(), Path(sys.prefix), PACKAGE_ROOT / "stun", *read_only]
    arguments = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    for name, value in environment.items():
        arguments += ["--setenv", name, value]
    # /tmp first, so that an interpreter or a package that lies in it is bound over it
    arguments += ["--proc", "/proc", "--dev", "/dev", "--size", str(TMP_BYTES), "--tmpfs", "/tmp"]
    for path in binds:
        arguments += ["--ro-bind-try", str(path), str(path)]
    for device in devices:
        arguments += ["--dev-bind-try", str(device), str(device)]
    for role, inside in model_paths(files).items():
        arguments += ["--ro-bind", str(files[role].resolve()), str(inside)]
    return [shutil.which("bwrap") or "bwrap", *arguments, "--chdir", "/", "--", *command]
