"""A batch's status is the fold of its events: what a reorganisation takes away is gone, what is shallow waits."""

from dataclasses import replace

import pytest
from provider_bench import settle_down
from sdk_world import INPUTS, SdkWorld
from stun_sdk import Stage, Task
from stun_sdk.status import fold, read_status, split_of

from stun.protocol import money
from stun.protocol.market.state import ReplicaState
from stun.protocol.messages import NOBODY

pytestmark = pytest.mark.unit


def test_undone_match_is_undone(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    world.add_provider(model_id, "provider-1")
    world.add_provider(model_id, "provider-2")
    result = client.submit_batch(list(INPUTS), model_id=model_id)
    state, log = world.market.state, list(world.market.log)
    world.match(result)
    assert result.status().stage is Stage.RUNNING

    world.market.state, world.market.log = state, log

    assert result.status().stage is Stage.WAITING
    assert result.status().replicas == ()


def test_events_count_once_they_are_deep_enough(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    world.add_provider(model_id, "provider-1")
    world.add_provider(model_id, "provider-2")
    result = client.submit_batch(list(INPUTS), model_id=model_id)
    world.match(result)
    opened = world.market.head()

    def stage_of(confirmations: int) -> Stage:
        return read_status(world.market, result.batch_id, 0, result.order, confirmations).stage

    assert (stage_of(0), stage_of(1)) == (Stage.RUNNING, Stage.WAITING)  # used nonce, but not cancelled
    world.market.publish([])
    assert world.market.head() == opened + 1
    assert stage_of(1) is Stage.RUNNING


def test_withdrawn_and_silent_replicas_are_told_with_what_they_lost(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    world.add_provider(model_id, "provider-1", price=10**9, fails=True)
    world.add_provider(model_id, "provider-2", price=10**9)
    result = client.submit_batch(list(INPUTS), model_id=model_id)
    world.match(result)
    settle_down(world.providers)

    (left, other) = result.status().replicas

    assert left.state is ReplicaState.WITHDRAWN
    assert 0 < left.penalty < left.bond
    assert other.state is not ReplicaState.WITHDRAWN


def test_a_convicted_replica_lost_its_bond_and_says_to_whom(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    for name in ("provider-1", "provider-2"):
        world.add_provider(model_id, name, price=10**9)
    result = client.submit_batch(list(INPUTS), model_id=model_id)
    world.match(result)
    world.finish(result)
    before = result.status()
    accused = before.replicas[0]
    fields = {"provider": accused.provider, "challenger": b"\x0c" * 32, "reward": 7, "wrong": True}
    events = [*world.market.events(0, world.market.head(), result.batch_id)]
    conviction = replace(events[-1], name="Convicted", fields=fields)

    (convicted, other) = fold(result.batch_id, [*events, conviction], 9).replicas

    assert (convicted.state, convicted.penalty, convicted.reward) == (ReplicaState.CONVICTED, accused.bond, 7)
    assert convicted.challenger == b"\x0c" * 32
    assert not convicted.shown
    assert other == before.replicas[1]


def test_split_adds_up_to_what_was_paid(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    for name in ("provider-1", "provider-2"):
        world.add_provider(model_id, name, price=10**9)
    result = client.submit_batch(list(INPUTS), model_id=model_id)
    world.match(result)
    world.finish(result)
    world.settle(result)

    status = result.status()

    for replica in status.replicas:
        parts = split_of(status, replica)
        assert replica.paid == money.price_of(3, 10**9)
        whole = parts.provider + parts.creator + parts.matcher + parts.settler + parts.treasury
        assert whole == replica.paid
        assert parts.provider == replica.paid * 8 // 10
        assert replica.matcher != NOBODY


def test_no_events_are_a_waiting_order() -> None:
    assert fold(bytes(32), [], 7).stage is Stage.WAITING
    assert fold(bytes(32), [], 7).agreed is None


def test_status_of_a_cancelled_order_that_was_never_matched(world: SdkWorld) -> None:
    client = world.client()
    result = client.submit_task(Task(world.upload(client), b"a", max_price=10**6))
    client.cancel(result.id)

    assert client.status(result.id).stage is Stage.CANCELLED
    assert client.status(result.id).done
