"""Which path computes here: the fastest one whose known answers come out right on this machine.

A path is tried once a process. By name a path is given or refused; without a name the next slower one is taken where
one is missing or wrong, and `Choice.refused` says why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from stun.models.exact.engine import Backend
from stun.models.exact.errors import ExactPathError, PathMissing
from stun.models.exact.known_answers import require_known_answers
from stun.models.exact.portable import Portable

NATIVE, PORTABLE, TORCH = "native", "portable", "torch"


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend that passed, and what stood against faster ones."""

    backend: Backend
    refused: tuple[ExactPathError, ...] = ()


def choose_path(name: str | None = None) -> Choice:
    """The path of that name, or the fastest that works. PathMissing, KnownAnswerWrong."""
    if name is not None:
        return Choice(_verified(name))
    refused: list[ExactPathError] = []
    for candidate in (NATIVE, PORTABLE):
        try:
            return Choice(_verified(candidate), tuple(refused))
        except ExactPathError as error:
            refused.append(error)
    raise refused[-1]


@cache
def _verified(name: str) -> Backend:
    if name not in _MAKERS:
        raise PathMissing(name, f"there are {', '.join(_MAKERS)}")
    backend = _MAKERS[name]()
    require_known_answers(backend)
    return backend


def _native() -> Backend:
    try:
        from stun.models.exact.native.backend import Native  # numba compiles: only where it is asked for
    except ImportError as error:
        raise PathMissing(NATIVE, f"numba cannot be imported ({error})") from error
    return Native()


def _torch() -> Backend:
    from stun.models.exact.torch_path import TorchPath  # torch is an extra

    return TorchPath()


_MAKERS: dict[str, Callable[[], Backend]] = {NATIVE: _native, PORTABLE: Portable, TORCH: _torch}
