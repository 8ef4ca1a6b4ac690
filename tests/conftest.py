"""Drawn examples are the same in every run of `make test`, and new ones in every `make test-long`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

# Checks that several tests share say what differed, as those in test files do.
pytest.register_assert_rewrite(*(path.stem for path in (Path(__file__).parent / "support").glob("*.py")))

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile(os.environ.get("STUN_EXAMPLES", "steady"))


@pytest.fixture(autouse=True)
def _logs_as_by_default() -> Iterator[None]:
    """What one test makes of the logs, its level above all, must not hide them from the next."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
