"""A reorganisation undoes a match under a provider: no wrong post, one commitment, and in the end the batch runs again
or every unit of money is where it was."""

import pytest
from chaos_bench import ChaosBench, names_of
from chaos_books import check_fates, check_money, check_pool, read_books, read_stories
from chaos_network import CHALLENGE_SECONDS, PROVIDERS, Network

from stun.pool.envelopes import Kind
from stun.protocol.market.state import Phase
from stun.provider.journal import Step

pytestmark = pytest.mark.e2e


def _undo(network: Network, back_to: int) -> None:
    """Replace every block above a height by empty ones; what they held is forgotten by the node."""
    network.request("evm_setAutomine", False)
    network.request("anvil_reorg", network.market.head() - back_to, [])
    network.request("anvil_dropAllTransactions")
    network.request("evm_setAutomine", True)


def _phase(network: Network, batch_id: bytes) -> Phase:
    record = network.market.batch(batch_id)
    return Phase.NONE if record is None else record.phase


def _finish(bench: ChaosBench, batch_id: bytes) -> None:
    """From wherever a batch stands to its end."""
    network = bench.network
    bench.until(lambda: _phase(network, batch_id) is Phase.RESULTS)
    network.travel(CHALLENGE_SECONDS)
    bench.until(lambda: names_of(network, batch_id)[-1:] == ["Settled"])
    bench.until(lambda: all(p.context.journal.read(batch_id, Step.SETTLED) is not None for p in bench.providers))


@pytest.mark.parametrize(
    ("replicas", "native"),
    [
        (1, False),
        (2, True),
        pytest.param(1, True, marks=pytest.mark.slow),
        pytest.param(2, False, marks=pytest.mark.slow),
    ],
)
def test_a_match_that_is_undone_is_made_again_and_paid_once(bench: ChaosBench, replicas: int, native: bool) -> None:
    network = bench.network
    before = read_books(network)
    bench.matcher()
    for name in PROVIDERS[:replicas]:
        bench.provider(name, native=native)
    batch_id = network.order(replicas, 3, network.usdc)
    bench.until(lambda: bool(network.pools.read(Kind.BID, batch_id=batch_id)))
    height = network.market.head()
    bench.until(lambda: _phase(network, batch_id) is not Phase.NONE)
    bench.until(lambda: all(p.context.journal.read(batch_id, Step.PUBLISHED) is not None for p in bench.providers))

    _undo(network, height)
    assert _phase(network, batch_id) is Phase.NONE
    assert read_books(network) == before, "money of a match that never was"
    bench.settler()
    _finish(bench, batch_id)

    stories = read_stories(network, [batch_id])
    check_fates(stories)
    check_money(network, before, read_books(network), stories)
    check_pool(network, [batch_id])


@pytest.mark.parametrize("native", [pytest.param(False, marks=pytest.mark.slow), True])
def test_results_and_settlement_that_are_undone_are_brought_again(bench: ChaosBench, native: bool) -> None:
    network = bench.network
    before = read_books(network)
    bench.matcher()
    bench.settler()
    for name in PROVIDERS[:2]:
        bench.provider(name, native=native)
    batch_id = network.order(2, 3, network.usdc)
    bench.until(lambda: _phase(network, batch_id) is not Phase.NONE)
    height = network.market.head()
    _finish(bench, batch_id)

    _undo(network, height)
    assert names_of(network, batch_id) == ["BatchOpened"]
    bench.until(lambda: _phase(network, batch_id) is Phase.RESULTS)
    network.travel(CHALLENGE_SECONDS)
    bench.until(lambda: names_of(network, batch_id)[-1:] == ["Settled"])

    stories = read_stories(network, [batch_id])
    check_fates(stories)
    check_money(network, before, read_books(network), stories)


def test_an_order_that_is_cancelled_instead_leaves_the_provider_free(bench: ChaosBench) -> None:
    network = bench.network
    before = read_books(network)
    bench.matcher()
    bench.settler()
    provider = bench.provider(PROVIDERS[0])
    batch_id = network.order(1, 3, network.usdc)
    (envelope,) = network.pools.order(batch_id)
    bench.until(lambda: bool(network.pools.read(Kind.BID, batch_id=batch_id)))
    height = network.market.head()
    bench.until(lambda: _phase(network, batch_id) is not Phase.NONE)
    bench.until(lambda: provider.context.journal.read(batch_id, Step.PUBLISHED) is not None)

    _undo(network, height)
    requester = network.writer("requester")
    requester.wait(requester.cancel_order(f"cancel:{batch_id.hex()}", envelope.order.nonce))
    bench.until(lambda: batch_id not in provider.context.journal.active(), seconds=400)

    assert names_of(network, batch_id) == []
    assert read_books(network) == before
    assert provider.bidder.workload().batches == 0
