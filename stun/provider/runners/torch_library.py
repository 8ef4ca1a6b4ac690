"""torch, an extra: imported when a model needs it, set to one thread and deterministic kernels."""

from typing import Any

from stun.provider.runners.base import RunnerError, RuntimeMissing

_OUT_OF_MEMORY = ("failed to map segment", "cannot allocate memory")


def import_torch(runner: str) -> Any:
    """The torch module. RuntimeMissing if it is not installed, MemoryError if its libraries do not fit the limit."""
    try:
        import torch
    except ModuleNotFoundError as error:
        raise RuntimeMissing(runner, "torch") from error
    except ImportError as error:
        if any(sign in str(error).lower() for sign in _OUT_OF_MEMORY):
            raise MemoryError("torch does not fit the memory limit of the sandbox") from error
        raise RunnerError(f"torch is installed but cannot be loaded: {error}") from error
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    return torch
