"""Errors of the fast paths."""

from stun.protocol.errors import StunError


class ExactPathError(StunError):
    """A fast path cannot be used here."""


class PathMissing(ExactPathError):
    """The library that a path computes with is not installed, or does not run on this processor."""

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(f"the {path} path is not available: {cause}")
        self.path = path
        self.cause = cause


class KnownAnswerWrong(ExactPathError):
    """A path gave other bits than the specification on this machine; whoever used it would be convicted."""

    def __init__(self, path: str, case: str) -> None:
        super().__init__(
            f"the {path} path is refused: known answer {case!r} came out with other bits on this machine. Results "
            "computed with it would be wrong and could be proven so; use another path"
        )
        self.path = path
        self.case = case
