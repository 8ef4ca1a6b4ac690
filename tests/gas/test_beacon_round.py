"""A round of the beacon under the rules of two forks: under Osaka powers cost more than twice as much (EIP-7883)."""

from pathlib import Path

import pytest

from scripts.bench.gas_beacon import ROUNDS
from stun.chains.evm.beacon import EvmBeacon, EvmBeaconWriter, constructor_arguments
from stun.chains.evm.deployments import deploy
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.nodes import NodeUnavailable, anvil, anvil_binary, funded_accounts
from stun.chains.evm.rpc import ChainReader
from stun.chains.evm.sender import Sender
from stun.protocol.beacon.bls import sign
from stun.protocol.beacon.networks import DEVELOPMENT_SECRET, development_key, development_schedule

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("hardfork", "limit"), [("prague", 185_000), ("osaka", 200_000)])
def test_every_kind_of_round_stays_below_the_limit(tmp_path: Path, hardfork: str, limit: int) -> None:
    try:
        anvil_binary()
    except NodeUnavailable as error:
        pytest.skip(str(error))
    with anvil(hardfork=hardfork) as node:
        reader = ChainReader([node.endpoint()])
        sender = Sender(funded_accounts(1)[0], reader, IntentStore.open(tmp_path / "intents.db"), poll=0.01)
        arguments = constructor_arguments(development_key(), development_schedule())
        beacon = EvmBeacon(reader, deploy(sender, reader, "Beacon", arguments).address)
        writer = EvmBeaconWriter(sender, beacon)
        spent = [
            sender.wait(writer.submit(f"round:{number}", number, sign(DEVELOPMENT_SECRET, number))).gas_used
            for number in ROUNDS
        ]
    assert max(gas or limit + 1 for gas in spent) <= limit, spent
