"""Accepting what 2 of 3 showed let the third, wrong one be judged alone and paid; the client did so without a word."""

from pathlib import Path

import pytest
from sdk_world import INPUTS, SdkWorld
from stun_sdk import DissentUnsettled, Stage

pytestmark = pytest.mark.unit
SPOILT = {b"one": b"WRONG"}


def test_the_client_refuses_and_the_settlement_leaves_the_minority_unpaid(tmp_path: Path) -> None:
    world = SdkWorld(tmp_path)
    client = world.client(timeout_seconds=0.05)
    model_id = world.upload(client)
    world.add_provider(model_id, "provider-1", spoil=SPOILT)
    world.add_provider(model_id, "provider-2")
    world.add_provider(model_id, "provider-3")
    result = client.submit_batch(list(INPUTS), model_id=model_id, replicas=3, max_price=10**6)
    world.match(result)
    world.finish(result)
    status = result.status()
    assert status.agreed is not None
    wrong = [replica.provider for replica in status.replicas if replica.outputs_root != status.agreed[0]]

    with pytest.raises(DissentUnsettled) as caught:
        result.accept()

    assert list(caught.value.providers) == wrong
    assert result.status().stage is Stage.RESULTS
    world.settle(result)
    assert [replica.provider for replica in result.status().replicas if not replica.paid] == wrong
