"""What can go wrong with a sandboxed worker, one class per cause."""

from stun.protocol.errors import StunError


class SandboxError(StunError):
    """Base class. Unless said otherwise the worker is gone afterwards."""


class SandboxUnavailable(SandboxError):
    """The machine cannot shut a worker off as far as the settings demand."""

    def __init__(self, reached: str, demanded: str) -> None:
        super().__init__(f"isolation {reached} reached, {demanded} demanded; install bubblewrap or lower `minimum`")
        self.reached = reached
        self.demanded = demanded


class SandboxClosed(SandboxError):
    """The session was not started, or its worker is gone."""

    def __init__(self) -> None:
        super().__init__("the sandbox session is closed; open another one")


class ModelRefused(SandboxError):
    """The runner refuses the model or its runtime is missing. The worker lives on."""


class SandboxTimeout(SandboxError):
    """No answer within the wall clock of a call."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:.1f} s")
        self.seconds = seconds


class SandboxCpuExceeded(SandboxError):
    """The call used more CPU seconds than its limit."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"more than {seconds} s of CPU for one call")
        self.seconds = seconds


class SandboxMemoryExceeded(SandboxError):
    """The worker asked for more memory than its limit."""


class WorkerCrashed(SandboxError):
    """The worker ended by itself: its exit status (negative: a signal) and the end of what it wrote to stderr."""

    def __init__(self, status: int, stderr: str) -> None:
        super().__init__(f"the worker ended with status {status}: {stderr or 'nothing on stderr'}")
        self.status = status
        self.stderr = stderr


class WorkerGarbage(SandboxError):
    """The worker answered with something that is no answer."""
