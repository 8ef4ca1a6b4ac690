"""Money moves only as told; what cannot be paid, priced or kept private is refused before anything leaves."""

import pytest
from fake_market import FAKE_USDC
from provider_bench import Party
from sdk_world import SdkWorld
from stun_sdk import FundsMissing, KeyMissing, PriceUnknown, PrivacyUnavailable, Task

from stun.protocol.errors import Rejected

pytestmark = pytest.mark.unit


def test_missing_money_is_moved_into_the_market(world: SdkWorld) -> None:
    client = world.client(asset="STUN")
    model_id = world.upload(client)
    assert client.balance() == 0

    task = Task(model_id, b"a", max_price=10**9)
    client.submit_task(task)

    assert client.balance() == client.estimate(task).total > 0


def test_missing_money_stays_where_it_is_unless_moving_is_allowed(world: SdkWorld) -> None:
    client = world.client(asset="STUN", auto_deposit=False)
    model_id = world.upload(client)

    with pytest.raises(FundsMissing) as caught:
        client.submit_task(Task(model_id, b"a", max_price=10**9))
    assert (caught.value.free, caught.value.asset) == (0, "STUN")
    assert client.balance() == 0


def test_poor_requester_is_told_what_is_missing(world: SdkWorld) -> None:
    model_id = world.upload(world.client())
    poor = world.client(Party(world.market, "poor"))

    with pytest.raises(FundsMissing) as caught:
        poor.submit_task(Task(model_id, b"a", max_price=10**6))
    assert caught.value.needed > caught.value.wallet == 0
    assert world.pools.orders() == []


def test_money_goes_in_and_out(world: SdkWorld) -> None:
    client = world.client()
    before = client.balance()

    assert client.withdraw(10) == before - 10
    assert world.market.wallet_balance(FAKE_USDC, world.requester.account) == 10
    assert client.deposit(4) == before - 6
    with pytest.raises(FundsMissing):
        client.deposit(7)
    with pytest.raises(Rejected, match="ledger"):
        client.withdraw(before)


def test_client_without_a_key_reads_and_estimates_only(world: SdkWorld) -> None:
    model_id = world.upload(world.client())
    reader = world.reader()
    task = Task(model_id, b"a", max_price=10**6)

    assert reader.estimate(task).replicas == 2
    for act in (
        lambda: reader.submit_task(task),
        lambda: reader.deposit(1),
        lambda: reader.balance(),
        lambda: reader.cancel(bytes(32)),
    ):
        with pytest.raises(KeyMissing):
            act()


def test_private_inputs_are_refused_before_anything_leaves(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)

    for level in ("encrypted", "tee", "fhe"):
        with pytest.raises(PrivacyUnavailable):
            client.submit_task(Task(model_id, b"secret", requirements={"privacy": level}, max_price=10**6))
    assert world.pools.orders() == []
    assert client.orders() == []


def test_price_without_offers_is_unknown(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    world.add_provider(model_id, "provider-1")

    with pytest.raises(PriceUnknown) as caught:
        client.submit_task(Task(model_id, b"a"))
    assert (caught.value.found, caught.value.wanted) == (1, 2)


def test_price_follows_the_cheapest_offers(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    for index, price in enumerate((3 * 10**6, 2 * 10**6, 9 * 10**6)):
        world.add_provider(model_id, f"provider-{index}", price)

    offered = client.estimate(Task(model_id, b"a"))

    assert (offered.start_price, offered.max_price) == (2 * 10**6, 6 * 10**6)
