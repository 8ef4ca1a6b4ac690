"""The user's folder for what can be made again: integer models and compiled kernels."""

import os
from pathlib import Path


def cache_folder(*parts: str) -> Path:
    """$XDG_CACHE_HOME/stun/... or ~/.cache/stun/...; made, private to the user. OSError if it cannot be."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(base, "stun", *parts)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
