"""A market in its first state for every test."""

from collections.abc import Iterator

import pytest
from market_stage import Stage, fresh_stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    with fresh_stage() as lent:
        yield lent
