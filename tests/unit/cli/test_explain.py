"""A batch in words: how it was checked and where the money went, honestly for each way it can end."""

import pytest
from fake_market import FAKE_USDC
from provider_bench import settle_down
from sdk_world import INPUTS, SdkWorld
from stun_sdk import BatchStatus, Task, TaskResult

from stun.cli.amounts import format_amount
from stun.cli.batch import batch_record
from stun.cli.explain import agreement, explain, split_rows

pytestmark = pytest.mark.unit


@pytest.fixture
def world(tmp_path: object) -> SdkWorld:
    return SdkWorld(tmp_path)  # type: ignore[arg-type]


def finished(world: SdkWorld, names: int = 2, **spoil: object) -> TaskResult:
    client = world.client()
    model_id = world.upload(client)
    for index in range(names):
        world.add_provider(model_id, f"provider-{index}", 10**9, **(spoil if index == 0 else {}))
    result = client.submit_batch(list(INPUTS), model_id=model_id, replicas=names)
    world.match(result)
    world.finish(result)
    return result


def told(status: BatchStatus) -> str:
    return "\n".join(explain(status, lambda amount: format_amount(amount, "USDC")))


def test_waiting_order_locks_nothing(world: SdkWorld) -> None:
    client = world.client()
    status = client.submit_task(Task(world.upload(client), b"a", max_price=10**6)).status()

    assert told(status) == "It waits in the pools for a match; nothing is locked."
    assert agreement(status) == "none"


def test_agreement_and_the_split_to_the_last_unit(world: SdkWorld) -> None:
    result = finished(world)
    world.settle(result)
    status = result.status()

    words = told(status)

    assert agreement(status) == "all"
    assert "All 2 replicas sealed their results before any was shown" in words
    assert "Nobody can show a wrong result of this class" in words
    assert "no protection against one owner with several accounts" in words
    assert "0.0024 USDC" in words  # 80 % of 3 units at 10^9 per 10^6
    for row in split_rows(status):
        parts = [int(row[name]) for name in ("provider", "creator", "matcher", "settler", "treasury")]
        assert sum(parts) == int(row["paid"]) == 3_000
        assert parts == [2_400, 150, 60, 15, 375]


def test_majority_names_the_unpaid(world: SdkWorld) -> None:
    result = finished(world, 3, spoil={b"one": b"WRONG"})
    world.settle(result)
    status = result.status()

    assert agreement(status) == "majority"
    assert "Two of 3 replicas show the same root; the third is unpaid." in told(status)
    assert told(status).count("it was not paid") == 1


def test_disagreement_of_two(world: SdkWorld) -> None:
    status = finished(world, 2, spoil={b"one": b"WRONG"}).status()

    assert agreement(status) == "disagreement"
    assert "The replicas disagree" in told(status)
    assert batch_record(status)["outputs_root"] is None


def test_accepted(world: SdkWorld) -> None:
    status = finished(world).accept()

    assert agreement(status) == "accepted"
    assert "accepted the result by signature" in told(status)


def test_withdrawn_provider_and_its_loss(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    world.add_provider(model_id, "provider-0", 10**9, fails=True)
    world.add_provider(model_id, "provider-1", 10**9)
    result = client.submit_batch(list(INPUTS), model_id=model_id)
    world.match(result)
    settle_down(world.providers)

    assert "withdrew and lost 0.00003 USDC of its bond" in told(result.status())


def test_keys_of_the_record_are_stable(world: SdkWorld) -> None:
    result = finished(world)
    record = batch_record(result.status())

    assert sorted(record) == [
        "agreement", "asset", "batch_id", "block", "class", "count", "dues", "model_id", "opened_at", "outputs_root",
        "post_by", "replicas", "requester", "settler", "split", "stage", "total_units", "transactions",
    ]  # fmt: skip
    assert sorted(record["replicas"][0]) == [
        "bond", "matcher", "outputs_root", "paid", "penalty", "price", "provider", "state", "total_units",
    ]  # fmt: skip
    assert record["asset"] == "0x" + FAKE_USDC[-20:].hex()
