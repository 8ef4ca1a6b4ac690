"""Networks that tests which break things share: setting one up takes most of their time."""

from collections.abc import Iterator

import pytest
from chaos_bench import ChaosBench, chaos_bench
from chaos_network import Network, chaos_network, node_kind


@pytest.fixture(scope="session")
def still_network() -> Iterator[Network]:
    """A network on anvil where nothing moves by itself; skipped where anvil is not installed."""
    if node_kind() != "anvil":
        pytest.skip("anvil is not installed: run `npm ci`")
    with chaos_network(interval=None) as network:
        yield network


@pytest.fixture
def bench(still_network: Network) -> Iterator[ChaosBench]:
    """Actors on it, ended after the test."""
    with chaos_bench(still_network) as made:
        yield made
