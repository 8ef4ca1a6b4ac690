"""One replica against one, outputs sealed to the requester: the settler resolves the disagreement from the leaves that
both have published, and every task in which they agree is paid to both."""

import pytest
from chaos_bench import ChaosBench, names_of
from chaos_books import check_money, read_books, read_stories
from chaos_network import CHALLENGE_SECONDS, PROVIDERS, Network

from stun.protocol import money
from stun.protocol.market.state import Phase
from stun.storage.sealed import recipient_keypair

pytestmark = pytest.mark.e2e
TASKS = 4


def _sender_of(network: Network, batch_id: bytes, name: str) -> str:
    """Who brought the transaction of an event."""
    events = network.market.events(0, network.market.head(), batch_id)
    (event,) = [event for event in events if event.name == name]
    sender = network.request("eth_getTransactionByHash", "0x" + event.transaction.hex())["from"]
    return network.name_of(bytes.fromhex(sender[2:]).rjust(32, b"\0"))


def test_a_settler_alone_resolves_what_two_sealed_replicas_disagree_about(bench: ChaosBench) -> None:
    network = bench.network
    before = read_books(network)
    bench.matcher()
    bench.settler()
    bench.provider(PROVIDERS[0])
    bench.provider(PROVIDERS[1], spoil={b"task 1 of order %d" % (network.orders + 1): b"something else"})
    recipient = recipient_keypair(b"\x07" * 32).public
    batch_id = network.order(2, TASKS, network.usdc, recipient_key=recipient)

    bench.until(lambda: "Resolved" in names_of(network, batch_id))
    record = network.market.batch(batch_id)
    assert record is not None
    assert (record.phase, record.dues) == (Phase.RESULTS, (TASKS - 1, TASKS - 1))
    assert _sender_of(network, batch_id, "Resolved") == "settler"
    network.travel(CHALLENGE_SECONDS)
    bench.until(lambda: names_of(network, batch_id)[-1:] == ["Settled"])

    (story,) = stories = read_stories(network, [batch_id])
    price = story.terms.casts[0].price
    assert story.paid == (money.price_of(TASKS - 1, price),) * 2
    check_money(network, before, read_books(network), stories)
