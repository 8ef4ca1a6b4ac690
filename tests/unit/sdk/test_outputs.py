"""No store, pool or provider can make the client return outputs that the chain does not vouch for."""

from collections.abc import Callable

import pytest
from provider_bench import Party, settle_down
from sdk_world import INPUTS, SdkWorld
from stun_sdk import DeliveryMissing, ReplicasDisagree, StunClient, TaskResult

from stun.pool.envelopes import DeliveryEnvelope, Kind
from stun.protocol.messages import Delivery
from stun.protocol.parameters import NumericClass
from stun.storage.blobs import BlobMissing, StoreUnavailable, digest_of
from stun.storage.packages import pack_outputs, results_of
from stun.storage.results import pack_results

pytestmark = pytest.mark.unit
HONEST = [b"ONE", b"TWO", b"THREE"]


class LyingStore:
    """Serves what `spoil` makes of every blob, whatever its name says."""

    name = "lying"

    def __init__(self, inner: object, spoil: Callable[[bytes], bytes]) -> None:
        self.inner = inner
        self.spoil = spoil

    def put(self, data: bytes) -> bytes:
        return self.inner.put(data)  # type: ignore[attr-defined, no-any-return]

    def get(self, digest: bytes) -> bytes:
        return self.spoil(self.inner.get(digest))  # type: ignore[attr-defined]

    def has(self, digest: bytes) -> bool:
        return True


def finished(world: SdkWorld, names: tuple[str, ...] = ("provider-1", "provider-2"), **spoil: object) -> TaskResult:
    """A batch whose providers have shown and delivered; the first one's answers are spoilt as told."""
    client = world.client(timeout_seconds=0.05)
    model_id = world.upload(client)
    for index, name in enumerate(names):
        world.add_provider(model_id, name, **(spoil if index == 0 else {}))
    result = client.submit_batch(list(INPUTS), model_id=model_id, replicas=len(names), max_price=10**6)
    world.match(result)
    world.finish(result)
    return result


def forget_deliveries(world: SdkWorld) -> None:
    """The pools lose every delivery."""
    kept = [(kind, body) for kind, body in zip(world.pools.kinds, world.pools.held, strict=True)]
    kept = [(kind, body) for kind, body in kept if kind is not Kind.DELIVERY]
    world.pools.kinds, world.pools.held = [kind for kind, _ in kept], [body for _, body in kept]


def deliver(world: SdkWorld, result: TaskResult, name: str, data: bytes) -> None:
    """A provider says that its outputs are these bytes."""
    party = Party(world.market, name)
    message = Delivery(result.batch_id, party.account, world.store.put(data))
    world.pools.publish(DeliveryEnvelope(message, (), party.sign(message)))


def test_wrong_outputs_of_one_are_passed_over_for_those_of_another(world: SdkWorld) -> None:
    result = finished(world)
    forget_deliveries(world)
    key, context = result.order.recipient_key, result.batch_id + Party(world.market, "provider-1").account
    wrong = [(b"WRONG", 1)] * 3
    deliver(world, result, "provider-1", pack_outputs(wrong, key, context))
    context = result.batch_id + Party(world.market, "provider-2").account
    deliver(world, result, "provider-2", pack_outputs([(data, 1) for data in HONEST], key, context))

    assert result.get_outputs() == HONEST


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ([(b"WRONG", 1)] * 3, "other outputs"),
        ([(b"ONE", 2), (b"TWO", 1), (b"THREE", 1)], "other outputs"),
        ([(b"TWO", 1), (b"ONE", 1), (b"THREE", 1)], "other outputs"),
        ([(b"ONE", 1)], "another number"),
    ],
)
def test_outputs_that_do_not_hash_to_the_shown_root_are_refused(
    world: SdkWorld, outputs: list[tuple[bytes, int]], reason: str
) -> None:
    result = finished(world)
    forget_deliveries(world)
    for name in ("provider-1", "provider-2"):
        context = result.batch_id + Party(world.market, name).account
        deliver(world, result, name, pack_outputs(outputs, result.order.recipient_key, context))

    with pytest.raises(DeliveryMissing, match=reason) as caught:
        result.get_outputs()
    assert len(caught.value.reasons) == 2


def test_outputs_sealed_for_another_place_do_not_open(world: SdkWorld) -> None:
    result = finished(world)
    forget_deliveries(world)
    elsewhere = bytes(32) + Party(world.market, "provider-1").account
    honest = [(data, 1) for data in HONEST]
    deliver(world, result, "provider-1", pack_outputs(honest, result.order.recipient_key, elsewhere))
    deliver(world, result, "provider-2", pack_outputs(honest, bytes(32), elsewhere))

    with pytest.raises(DeliveryMissing, match="do not open"):
        result.get_outputs()


def test_delivery_of_digests_alone_is_no_delivery(world: SdkWorld) -> None:
    result = finished(world)
    forget_deliveries(world)
    deliver(world, result, "provider-1", pack_results(results_of([(data, 1) for data in HONEST], NumericClass.OPAQUE)))

    with pytest.raises(DeliveryMissing, match="only the results' digests"):
        result.get_outputs()


def test_missing_delivery_is_told(world: SdkWorld) -> None:
    result = finished(world)
    forget_deliveries(world)

    with pytest.raises(DeliveryMissing, match="delivered nothing"):
        result.get_outputs()


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[:-1], lambda data: b"", lambda data: data + b"\0", lambda data: b"STB1" + b"\xff" * 64],
    ids=["truncated", "empty", "longer", "invented"],
)
def test_store_that_serves_other_bytes_gives_no_outputs(world: SdkWorld, spoil: Callable[[bytes], bytes]) -> None:
    result = finished(world)
    lied_to: StunClient = world.client(store=LyingStore(world.store, spoil), timeout_seconds=0.05)

    with pytest.raises(DeliveryMissing):
        lied_to.result(result.id).get_outputs()
    assert result.get_outputs() == HONEST


@pytest.mark.parametrize("error", [BlobMissing(digest_of(b"")), StoreUnavailable("store", "it is down")])
def test_store_that_has_nothing_is_told(world: SdkWorld, error: Exception) -> None:
    result = finished(world)

    def fail(data: bytes) -> bytes:
        raise error

    with pytest.raises(DeliveryMissing):
        world.client(store=LyingStore(world.store, fail), timeout_seconds=0.05).result(result.id).get_outputs()


def test_majority_of_three_wins(world: SdkWorld) -> None:
    result = finished(world, ("provider-1", "provider-2", "provider-3"), spoil={b"one": b"WRONG"})

    assert result.get_outputs() == HONEST


def test_disagreement_of_two_is_told_and_either_can_be_looked_at(world: SdkWorld) -> None:
    result = finished(world, spoil={b"one": b"WRONG"})

    with pytest.raises(ReplicasDisagree) as caught:
        result.get_outputs()
    assert len(set(caught.value.roots.values())) == 2
    addresses = ["0x" + Party(world.market, name).account[-20:].hex() for name in ("provider-1", "provider-2")]
    assert result.get_outputs(provider=addresses[0]) == [b"WRONG", b"TWO", b"THREE"]
    assert result.get_outputs(provider=addresses[1]) == HONEST
    with pytest.raises(ReplicasDisagree):
        result.accept()


def test_delivery_that_comes_after_the_reveal_is_waited_for(world: SdkWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    client = world.client()
    model_id = world.upload(client)
    for name in ("provider-1", "provider-2"):
        world.add_provider(model_id, name)
    result = client.submit_batch(list(INPUTS), model_id=model_id)
    world.match(result)
    monkeypatch.setattr("stun_sdk.result.time.sleep", lambda _: step(world, result))

    assert result.get_outputs() == HONEST


def step(world: SdkWorld, result: TaskResult) -> None:
    """What happens while the client sleeps."""
    settle_down(world.providers, 1)
    if len(world.pools.openings(result.batch_id)) == 2 and world.market.batch(result.batch_id).phase.name == "OPEN":
        world.bench.bring(result.batch_id)
