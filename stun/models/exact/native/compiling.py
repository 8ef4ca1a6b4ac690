"""How kernels are compiled: without the interpreter's lock, for this processor, kept in the user's cache.

numba notices no change in files that a kernel's file calls, so the cache's folder carries a digest of all sources here.
"""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numba.core.config

from stun.models.exact.folders import cache_folder

_SETTINGS: Any = numba.core.config
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """A kernel that is compiled for the types of its arguments when it is first called with them."""
    before, _SETTINGS.CACHE_DIR = _SETTINGS.CACHE_DIR, str(_CACHE or "")
    try:
        return cast(Kernel, numba.njit(nogil=True, cache=_CACHE is not None, error_model="numpy")(function))
    finally:
        _SETTINGS.CACHE_DIR = before


def _cache_folder() -> Path | None:
    """A folder that only this user writes, or None: machine code is loaded from it."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = sha256(b"".join(path.read_bytes() for path in sources) + numba.__version__.encode()).hexdigest()
    try:
        folder = cache_folder("kernels", digest[:16])
    except OSError:
        return None
    owner = folder.stat()
    is_private = owner.st_uid == os.getuid() and owner.st_mode & 0o022 == 0
    return folder if is_private and os.access(folder, os.W_OK) else None


_CACHE = _cache_folder()


@compiled
def clamp(value: Any, low: Any, high: Any) -> Any:
    """The value, held within low and high."""
    return min(max(value, low), high)
