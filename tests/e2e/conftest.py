"""Networks that the tests of one file share: setting one up takes most of their time.

Not those of several files: a batch that one leaves open is settled, and moves money, under another.
"""

from collections.abc import Iterator

import pytest
from chaos_bench import ChaosBench, chaos_bench
from chaos_network import Network, chaos_network, node_kind


@pytest.fixture(scope="module")
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
