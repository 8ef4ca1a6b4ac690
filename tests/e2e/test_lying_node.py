"""A node that loses, delays, reorders and invents answers, under a provider that posts by itself and under the settler:
money is never lost, nothing is signed that costs it, and all goes on when the node is honest again."""

import random
from collections.abc import Iterator, Sequence

import pytest
from chaos_bench import ChaosBench, names_of
from chaos_books import check_fates, check_money, check_pool, read_books, read_stories
from chaos_network import CHALLENGE_SECONDS, PROVIDERS, Network
from rpc_lies import LIES, runs_ahead
from rpc_proxy import RpcProxy, rpc_proxy

from stun.chains.evm.market import ChainMismatch, connect_market
from stun.pool.envelopes import Kind
from stun.protocol.market.state import Phase
from stun.provider.journal import Step

pytestmark = pytest.mark.e2e


@pytest.fixture
def proxy(still_network: Network) -> Iterator[RpcProxy]:
    with rpc_proxy(still_network.url) as made:
        yield made


def _lie(proxy: RpcProxy, name: str, chance: random.Random) -> None:
    proxy.meddle = LIES[name](chance)
    proxy.passes_on = lambda _: name != "swallowed"


def _be_honest(proxy: RpcProxy) -> None:
    proxy.meddle = lambda _, answer: answer
    proxy.passes_on = lambda _: True


def _phase(network: Network, batch_id: bytes) -> Phase:
    record = network.market.batch(batch_id)
    return Phase.NONE if record is None else record.phase


def _suffer(bench: ChaosBench, proxy: RpcProxy, lies: Sequence[str], chance: random.Random, spell: int) -> None:
    """Let each lie last `spell` cycles."""
    for name in lies:
        _lie(proxy, name, chance)
        for _ in range(spell):
            bench.tick()
            bench.network.travel(1)
        _be_honest(proxy)


def _live_through(
    bench: ChaosBench, proxy: RpcProxy, early: Sequence[str], late: Sequence[str], seed: int, spell: int
) -> None:
    """A batch of two replicas from its match to its end: under lies until its results are in, and before it ends."""
    network, chance = bench.network, random.Random(seed)
    before = read_books(network)
    bench.matcher()
    bench.provider(PROVIDERS[0], proxy.url, native=True)
    bench.provider(PROVIDERS[1])
    bench.settler(proxy.url)
    batch_id = network.order(2, 3, chance.choice(network.assets))
    bench.until(lambda: len(network.pools.read(Kind.BID, batch_id=batch_id)) == 2)
    bench.keepers[0].tick()
    _suffer(bench, proxy, early, chance, spell)
    bench.until(lambda: _phase(network, batch_id) is Phase.RESULTS)
    network.travel(CHALLENGE_SECONDS)
    _suffer(bench, proxy, late, chance, spell)
    bench.until(lambda: names_of(network, batch_id)[-1:] == ["Settled"])
    bench.until(lambda: all(p.context.journal.read(batch_id, Step.SETTLED) is not None for p in bench.providers))

    stories = read_stories(network, [batch_id])
    check_fates(stories)
    check_money(network, before, read_books(network), stories)
    check_pool(network, [batch_id])


def test_every_lie_after_the_other(bench: ChaosBench, proxy: RpcProxy) -> None:
    lies = random.Random(3).sample(sorted(LIES), len(LIES))
    _live_through(bench, proxy, lies[:10], lies[10:], seed=3, spell=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", LIES)
def test_one_lie_for_long(bench: ChaosBench, proxy: RpcProxy, name: str) -> None:
    _live_through(bench, proxy, [name], [name], seed=4, spell=8)


def test_a_clock_that_runs_ahead_decides_nothing_beside_an_honest_node(bench: ChaosBench, proxy: RpcProxy) -> None:
    network = bench.network
    bench.matcher()
    provider = bench.provider(PROVIDERS[0], network.url, proxy.url, native=True)
    batch_id = network.order(1, 3, network.usdc)
    bench.until(lambda: bool(network.pools.read(Kind.BID, batch_id=batch_id)))
    while _phase(network, batch_id) is Phase.NONE:  # the matcher alone: the provider has not seen its batch yet
        bench.keepers[0].tick()
        network.travel(1)
    proxy.meddle = runs_ahead(random.Random(0))
    for _ in range(3):
        provider.tick()
    assert names_of(network, batch_id) == ["BatchOpened"], "it left, or posted, by a false clock"

    _be_honest(proxy)
    bench.until(lambda: _phase(network, batch_id) is Phase.RESULTS)
    assert names_of(network, batch_id) == ["BatchOpened", "Posted"]


def test_a_node_of_another_chain_is_not_begun_with(bench: ChaosBench, proxy: RpcProxy) -> None:
    _lie(proxy, "wrong chain id", random.Random(0))
    with pytest.raises(ChainMismatch):
        connect_market(bench.network.deployment, [proxy.url])
