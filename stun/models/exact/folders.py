"""The user's folder for what can be made again: integer models and compiled kernels."""

import importlib.metadata
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

KERNELS = "STUN_KERNELS"  # a folder of compiled kernels to read and never write: what a sandboxed process is given
_READY = "ready"
_WARMING = "from stun.models.exact import hashing, paths; paths.choose_path(); hashing._require_known_roots()"
_WARMING_SECONDS = 300


def cache_folder(*parts: str) -> Path:
    """$XDG_CACHE_HOME/stun/... or ~/.cache/stun/...; made, private to the user. OSError if it cannot be."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(base, "stun", *parts)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def kernel_folder() -> Path | None:
    """Where this version's kernels are kept, written by this user alone; None if there is no such place, or no numba.

    Named by a digest of the kernels' sources: numba notices no change in files that a kernel's file calls.
    """
    sources = sorted((Path(__file__).parent / "native").glob("*.py"))
    try:
        version = importlib.metadata.version("numba")
        name = sha256(b"".join(path.read_bytes() for path in sources) + version.encode()).hexdigest()[:16]
        folder = cache_folder("kernels", name)
    except (OSError, importlib.metadata.PackageNotFoundError):
        return None
    status = folder.stat()
    is_private = status.st_uid == os.getuid() and status.st_mode & 0o022 == 0
    return folder if is_private and os.access(folder, os.W_OK) else None


def warm_kernels() -> Path | None:
    """Have the kernels compiled, once, by a process of its own; returns where they are, or None."""
    folder = kernel_folder()
    if folder is not None and not (folder / _READY).exists():
        command = [sys.executable, "-c", _WARMING]
        ran = subprocess.run(command, capture_output=True, timeout=_WARMING_SECONDS, check=False)
        if ran.returncode == 0:
            (folder / _READY).touch()
    return folder
