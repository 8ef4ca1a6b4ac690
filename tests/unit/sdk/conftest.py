"""A market in memory with a requester's client."""

from pathlib import Path

import pytest
from sdk_world import SdkWorld


@pytest.fixture
def world(tmp_path: Path) -> SdkWorld:
    return SdkWorld(tmp_path)
