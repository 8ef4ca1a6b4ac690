"""A market of its own for every test."""

import pytest
from market_stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
