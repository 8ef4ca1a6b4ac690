"""The client for event loops: waits hold no thread, cancelling one leaves nothing behind, acts happen once."""

import asyncio
import threading

import pytest
from provider_bench import settle_down
from sdk_world import INPUTS, SdkWorld
from stun_sdk import AsyncStunClient, DeliveryMissing, NotReady, Stage, Task

pytestmark = pytest.mark.unit


async def test_outputs_come_back(world: SdkWorld) -> None:
    inner = world.client()
    client = AsyncStunClient(inner)
    model_id = world.upload(inner)
    for name in ("provider-1", "provider-2"):
        world.add_provider(model_id, name)
    result = await client.submit_batch(list(INPUTS), model_id=model_id)
    world.match(result.inner)
    world.finish(result.inner)

    assert await result.get_outputs() == [b"ONE", b"TWO", b"THREE"]
    assert (await result.wait()).id == result.id
    assert (await result.accept()).stage is Stage.FINAL
    assert (await client.result(result.id)).batch_id == result.batch_id
    assert (await client.status(result.id)).done
    await client.close()


async def test_single_output_and_estimate(world: SdkWorld) -> None:
    inner = world.client()
    client = AsyncStunClient(inner)
    model_id = world.upload(inner)
    for name in ("provider-1", "provider-2"):
        world.add_provider(model_id, name)
    task = Task(model_id, b"one")
    assert (await client.estimate(task)).replicas == 2
    result = await client.submit_task(task)
    world.match(result.inner)
    world.finish(result.inner)

    assert await result.get_output() == b"ONE"
    assert len(await client.models()) == 2


async def test_cancelled_wait_ends_at_once_and_leaves_no_thread(world: SdkWorld) -> None:
    inner = world.client(timeout_seconds=60.0)
    client = AsyncStunClient(inner)
    result = await client.submit_task(Task(world.upload(inner), b"a", max_price=10**6))
    waiting = asyncio.create_task(result.wait())
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await result.status()).stage is Stage.WAITING


async def test_act_whose_caller_is_cancelled_happens_once(world: SdkWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = world.client()
    client = AsyncStunClient(inner)
    before = inner.balance()
    inner.withdraw(10)
    started, go = threading.Event(), threading.Event()
    deposit = inner.deposit

    def slow(amount: int, asset: str | None = None) -> int:
        started.set()
        go.wait(5)
        return deposit(amount, asset)

    monkeypatch.setattr(inner, "deposit", slow)
    act = asyncio.create_task(client.deposit(10))
    await asyncio.to_thread(started.wait, 5)
    act.cancel()
    with pytest.raises(asyncio.CancelledError):
        await act
    go.set()

    assert await client.balance() == before  # a call waits for those before it


async def test_waits_end_in_time(world: SdkWorld) -> None:
    inner = world.client()
    client = AsyncStunClient(inner)
    model_id = world.upload(inner)
    for name in ("provider-1", "provider-2"):
        world.add_provider(model_id, name)
    result = await client.submit_task(Task(model_id, b"one"))
    with pytest.raises(NotReady):
        await result.wait(timeout=0)
    world.match(result.inner)
    settle_down(world.providers)
    world.bench.bring(result.batch_id)
    monkey = world.pools.deliveries
    world.pools.deliveries = lambda batch_id: []  # type: ignore[method-assign]
    with pytest.raises(DeliveryMissing):
        await result.get_output(timeout=0)
    world.pools.deliveries = monkey  # type: ignore[method-assign]


async def test_cancelled_order(world: SdkWorld) -> None:
    inner = world.client()
    client = AsyncStunClient(inner)
    result = await client.submit_task(Task(world.upload(inner), b"a", max_price=10**6))
    await result.cancel()

    assert (await result.status()).stage is Stage.CANCELLED
