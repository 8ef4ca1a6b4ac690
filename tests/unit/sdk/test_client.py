"""A requester orders, waits, and gets outputs that match the chain."""

import pytest
from provider_bench import settle_down
from sdk_world import INPUTS, SdkWorld
from stun_sdk import (
    ModelUnknown,
    NotReady,
    OrderCancelled,
    OrderExpired,
    OrderUnknown,
    ReplicasFailed,
    Stage,
    Task,
    TaskInvalid,
    TasksRefused,
)

from stun.protocol.market.state import ReplicaState

pytestmark = pytest.mark.unit


def test_outputs_of_two_agreeing_providers_come_back(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    for name in ("provider-1", "provider-2"):
        world.add_provider(model_id, name)
    result = client.submit_batch(list(INPUTS), model_id=model_id)
    assert result.status().stage is Stage.WAITING
    world.match(result)
    assert result.status().stage is Stage.RUNNING
    world.finish(result)

    assert result.wait().get_outputs() == [b"ONE", b"TWO", b"THREE"]
    assert result.status().stage is Stage.RESULTS
    world.settle(result)
    final = result.wait(until="final").status()
    assert final.stage is Stage.FINAL
    assert [replica.paid for replica in final.replicas] == [3, 3]


def test_single_task_has_one_output(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    world.add_provider(model_id, "provider-1")
    world.add_provider(model_id, "provider-2")
    result = client.submit_task(Task(model_id, b"hello"))
    world.match(result)
    world.finish(result)

    assert result.get_output() == b"HELLO"


def test_outputs_of_a_batch_are_not_one_output(world: SdkWorld) -> None:
    client = world.client()
    result = client.submit_task(Task(world.upload(client), [b"a", b"b"], max_price=10**6))

    with pytest.raises(TaskInvalid, match="get_outputs"):
        result.get_output()


def test_acceptance_pays_at_once(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    world.add_provider(model_id, "provider-1")
    world.add_provider(model_id, "provider-2")
    result = client.submit_batch(list(INPUTS), model_id=model_id)
    world.match(result)
    world.finish(result)

    status = result.accept()

    assert status.stage is Stage.FINAL
    assert {replica.state for replica in status.replicas} == {ReplicaState.ACCEPTED}
    assert all(replica.paid for replica in status.replicas)
    assert result.get_outputs() == [b"ONE", b"TWO", b"THREE"]


def test_nothing_is_accepted_that_was_not_delivered(world: SdkWorld) -> None:
    client = world.client(timeout_seconds=0.05)
    model_id = world.upload(client)
    result = client.submit_task(Task(model_id, b"a", max_price=10**6))

    with pytest.raises(NotReady):
        result.accept()


def test_cancelled_order_says_so(world: SdkWorld) -> None:
    client = world.client()
    result = client.submit_task(Task(world.upload(client), b"a", max_price=10**6))
    result.cancel()

    assert result.status().stage is Stage.CANCELLED
    with pytest.raises(OrderCancelled):
        result.wait()


def test_expired_order_says_so(world: SdkWorld) -> None:
    client = world.client()
    result = client.submit_task(Task(world.upload(client), b"a", max_price=10**6, expires_in=60))
    world.market.clock += 60

    with pytest.raises(OrderExpired):
        result.wait()


def test_wait_ends_in_time(world: SdkWorld) -> None:
    client = world.client()
    result = client.submit_task(Task(world.upload(client), b"a", max_price=10**6))

    with pytest.raises(NotReady) as caught:
        result.wait(timeout=0)
    assert caught.value.stage == "waiting"


def test_batch_whose_providers_all_fail_has_no_result(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    for name in ("provider-1", "provider-2"):
        world.add_provider(model_id, name, fails=True)
    result = client.submit_batch(list(INPUTS), model_id=model_id)
    world.match(result)
    settle_down(world.providers)
    world.market.clock += 700
    terms = world.market.terms(result.batch_id)
    if world.market.batch(result.batch_id) is not None:
        world.bench.keeper.writer.expire("expire", result.batch_id, terms)

    with pytest.raises(ReplicasFailed):
        result.wait()


def test_refused_inputs_are_told_apart(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    for name in ("provider-1", "provider-2"):
        provider = world.add_provider(model_id, name)
        object.__setattr__(provider.context.settings.policy, "max_refused_bps", 10_000)
    result = client.submit_batch([b"good", b"bad"], model_id=model_id)
    world.match(result)
    world.finish(result)

    with pytest.raises(TasksRefused) as caught:
        result.get_outputs()
    assert caught.value.indices == (1,)
    assert result.get_outputs(allow_refused=True) == [b"GOOD", b""]


def test_order_is_found_again_by_another_client_of_the_same_account(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    world.add_provider(model_id, "provider-1")
    world.add_provider(model_id, "provider-2")
    submitted = client.submit_task(Task(model_id, b"again"))
    world.match(submitted)
    world.finish(submitted)

    restarted = world.client()

    assert [result.id for result in restarted.orders()] == [submitted.id]
    assert restarted.result(submitted.id).get_output() == b"AGAIN"


def test_only_listed_providers_may_bid(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    trusted = world.add_provider(model_id, "provider-1")
    world.add_provider(model_id, "provider-2")
    account = "0x" + trusted.context.account[-20:].hex()
    result = client.submit_task(Task(model_id, b"mine", providers=[account]))
    assert result.order.replicas == 1
    world.match(result)
    world.finish(result)

    assert result.get_output() == b"MINE"


def test_unknown_things_are_named(world: SdkWorld) -> None:
    client = world.client()

    with pytest.raises(ModelUnknown):
        client.submit_task(Task("0x" + "ab" * 32, b"a", max_price=1))
    with pytest.raises(TaskInvalid, match="model_id"):
        client.submit_task(Task("0x12", b"a", max_price=1))
    with pytest.raises(OrderUnknown):
        client.result("ab" * 32)
    with pytest.raises(TaskInvalid, match="order_id"):
        client.result("no hex")


def test_model_is_registered_once(world: SdkWorld) -> None:
    client = world.client()

    assert world.upload(client) == world.upload(client)
    assert len(client.models()) == 2  # the bench's own beside it


def test_orders_never_share_a_nonce(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)

    nonces = {client.submit_task(Task(model_id, b"a", max_price=10**6)).order.nonce for _ in range(8)}

    assert len(nonces) == 8


def test_endpoint_that_calls_every_nonce_used_is_not_believed_for_ever(
    world: SdkWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = world.client()
    model_id = world.upload(client)
    monkeypatch.setattr(world.market, "nonce_used", lambda account, nonce: True)

    with pytest.raises(TaskInvalid, match="endpoint"):
        client.submit_task(Task(model_id, b"a", max_price=10**6))
