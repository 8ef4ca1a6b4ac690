"""The beacon on real nodes, read and written through its adapter."""

import pytest
from beacon_rounds import REAL_SIGNATURES, signed

from stun.chains.evm.beacon import EvmBeacon, EvmBeaconWriter, constructor_arguments
from stun.chains.evm.deployments import deploy
from stun.chains.evm.market_deploy import BeaconPlan, development_plan, production_plan
from stun.chains.interface import IntentState
from stun.protocol.beacon.bls import randomness
from stun.protocol.beacon.networks import EVMNET_KEY, evmnet_schedule
from stun.protocol.errors import Rejected
from tests.integration.conftest import Bench

pytestmark = pytest.mark.integration

EVERY = evmnet_schedule(stride_seconds=3)


def deployed(bench: Bench, plan: BeaconPlan) -> tuple[EvmBeacon, EvmBeaconWriter]:
    arguments = constructor_arguments(plan.key, plan.schedule)
    beacon = EvmBeacon(bench.reader, deploy(bench.sender, bench.reader, "Beacon", arguments).address)
    return beacon, EvmBeaconWriter(bench.sender, beacon)


def bring(writer: EvmBeaconWriter, number: int, signature: bytes) -> None:
    intent = writer.submit(f"round:{number}", number, signature)
    writer.sender.wait(intent, IntentState.INCLUDED)


def test_a_real_round_is_brought_once(any_bench: Bench) -> None:
    beacon, writer = deployed(any_bench, BeaconPlan(EVMNET_KEY, EVERY))

    assert (beacon.key(), beacon.schedule(), beacon.newest()) == (EVMNET_KEY, EVERY, 0)
    assert beacon.randomness(513) == bytes(32)
    bring(writer, 513, REAL_SIGNATURES[513])
    assert beacon.randomness(513) == randomness(REAL_SIGNATURES[513])
    assert beacon.newest() == 513
    assert beacon.due_round() == EVERY.due_round(any_bench.reader.view().block.timestamp, 513)
    with pytest.raises(Rejected, match="beacon: stored"):
        writer.submit("again", 513, REAL_SIGNATURES[513])
    with pytest.raises(Rejected, match="beacon: signature"):
        writer.submit("forged", 1, REAL_SIGNATURES[513])


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_is_never_sent(any_bench: Bench, length: int) -> None:
    _, writer = deployed(any_bench, BeaconPlan(EVMNET_KEY, EVERY))
    before = any_bench.reader.view().nonce(any_bench.keeper.address)

    with pytest.raises(Rejected, match="beacon: point"):
        writer.submit("wrong", 1, (REAL_SIGNATURES[1] + b"\0")[:length])
    assert any_bench.reader.view().nonce(any_bench.keeper.address) == before


def test_a_development_network_takes_the_development_keys_rounds(any_bench: Bench) -> None:
    beacon, writer = deployed(any_bench, development_plan().beacon)
    bring(writer, 2, signed(2))

    assert beacon.randomness(2) == randomness(signed(2))
    with pytest.raises(Rejected, match="beacon: round"):
        writer.submit("odd", 3, signed(3))


def test_a_real_network_takes_every_hundredth_round_of_drand() -> None:
    plan = production_plan("0x" + "11" * 20, bytes(20))

    assert plan.beacon == BeaconPlan(EVMNET_KEY, evmnet_schedule())
    assert plan.beacon.schedule.stride == 100
