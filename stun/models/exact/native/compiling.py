"""How kernels are compiled: without the interpreter's lock, for this processor, kept in the user's cache.

A sandboxed process is given the cache to read (STUN_KERNELS) and compiles what it lacks for itself.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba.core.caching

from stun.models.exact.folders import KERNELS, kernel_folder

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_numba: Any = numba
_caching: Any = numba.core.caching
_IS_GIVEN = KERNELS in os.environ
_FOLDER = Path(os.environ[KERNELS]) if _IS_GIVEN else kernel_folder()


class _Locator(_caching.UserProvidedCacheLocator):  # type: ignore[misc]  # numba is half typed
    """The kernels' folder, a part of it for each file."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        self._py_file, self._lineno = py_file, py_func.__code__.co_firstlineno
        self._cache_path = str(Path(str(_FOLDER), Path(py_file).stem))

    def ensure_cache_path(self) -> None:
        if not _IS_GIVEN:
            super().ensure_cache_path()

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        return cls(py_func, py_file)


class _Implementation(_caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [_Locator]  # noqa: RUF012


class _Cache(_caching.FunctionCache):  # type: ignore[misc]
    _impl_class = _Implementation

    def save_overload(self, sig: Any, data: Any) -> None:
        if not _IS_GIVEN:
            super().save_overload(sig, data)


def compiled(function: Kernel) -> Kernel:
    """A kernel that is compiled for the types of its arguments when it is first called with them."""
    kernel = _numba.njit(nogil=True, error_model="numpy")(function)
    if _FOLDER is not None:
        kernel._cache = _Cache(function)
    return cast(Kernel, kernel)


@compiled
def clamp(value: Any, low: Any, high: Any) -> Any:
    """The value, held within low and high."""
    return min(max(value, low), high)
