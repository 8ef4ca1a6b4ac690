"""The secret that outputs are sealed to, and signed orders, survive restarts and are read by nobody else."""

import stat
from pathlib import Path

import pytest
from sdk_world import SdkWorld
from stun_sdk import SettingsInvalid, Task
from stun_sdk.keeping import SEED_FILE, Keeping

pytestmark = pytest.mark.unit


def test_recipient_key_stays_the_same(tmp_path: Path) -> None:
    first = Keeping(tmp_path).recipient()

    assert Keeping(tmp_path).recipient() == first
    assert stat.S_IMODE((tmp_path / SEED_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "zz", "ab" * 31, "ab" * 33])
def test_damaged_seed_is_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / SEED_FILE).write_text(content)

    with pytest.raises(SettingsInvalid, match="backup"):
        Keeping(tmp_path).recipient()
    assert (tmp_path / SEED_FILE).read_text() == content


def test_order_is_kept_before_a_pool_can_fail(world: SdkWorld) -> None:
    client = world.client()
    model_id = world.upload(client)
    world.pools.publish = _fail  # type: ignore[method-assign]

    with pytest.raises(ConnectionError):
        client.submit_task(Task(model_id, b"a", max_price=10**6))

    (kept,) = client.orders()
    assert kept.order.count == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"order": {}, "first_block": 0}', "\x00"])
def test_damaged_order_is_named(world: SdkWorld, content: str) -> None:
    client = world.client()
    digest = bytes(31) + b"\x01"
    path = client.connection.folder / "orders" / f"{digest.hex()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)

    with pytest.raises(SettingsInvalid, match="damaged"):
        client.result(digest)


def _fail(envelope: object) -> None:
    raise ConnectionError("no pool answers")
