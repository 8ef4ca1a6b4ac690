"""What the embedded chain says a transaction needs is enough, and not much more."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.types import TxParams

from stun.chains.evm.abi import AbiFunction
from stun.chains.evm.accounts import EvmAccount
from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.deployments import deploy
from stun.chains.evm.endpoint import Call
from stun.chains.evm.errors import Reverted
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.nodes import embedded_chain, funded_accounts
from stun.chains.evm.rpc import ChainReader
from stun.chains.evm.sender import Sender

pytestmark = pytest.mark.integration

_DIVER = """
# pragma version ~=0.4.3
interface Diver:
    def dive(depth: uint256, work: uint256): nonpayable

done: public(uint256)

@external
def dive(depth: uint256, work: uint256):
    assert work > 0, "diver: idle"
    if depth > 0:
        extcall Diver(self).dive(depth - 1, work)
        return
    for i: uint256 in range(work, bound=100_000):
        self.done += 1
"""


@dataclass(frozen=True)
class Diving:
    """A diver on a chain."""

    account: EvmAccount
    reader: ChainReader
    address: bytes
    function: AbiFunction

    def estimate(self, depth: int, work: int) -> int:
        call = Call(self.address, self.function.encode(depth, work), self.account.address)
        return self.reader.view().estimate(call)


@pytest.fixture
def diving(tmp_path: Path) -> Diving:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "Diver.vy").write_text(_DIVER)
    artifacts = ArtifactStore(tmp_path / "contracts", tmp_path / "cache")
    account = funded_accounts(1)[0]
    reader = ChainReader([embedded_chain().endpoint()])
    sender = Sender(account, reader, IntentStore.open(tmp_path / "intents.db"), poll=0.001)
    address = deploy(sender, reader, "Diver", artifacts=artifacts).address
    return Diving(account, reader, address, artifacts.load("Diver").interface.function("dive"))


@pytest.mark.parametrize("depth", [0, 3, 60])
def test_the_estimate_is_enough_however_deep_the_gas_is_spent(diving: Diving, depth: int) -> None:
    need = diving.estimate(depth, 1_000)
    eth = diving.reader.endpoints[0].w3.eth
    fields: TxParams = {
        "from": to_checksum_address(diving.account.address),
        "to": to_checksum_address(diving.address),
        "data": HexBytes(diving.function.encode(depth, 1_000)),
        "gas": need,
    }
    done = eth.wait_for_transaction_receipt(eth.send_transaction(fields))
    assert done["status"] == 1
    # an inner call is given 63/64 of the gas at most: what is kept back has to be there, and comes back
    assert done["gasUsed"] <= need <= done["gasUsed"] * (64 / 63) ** depth * 1.1 + 30_000


def test_a_refusal_keeps_its_reason(diving: Diving) -> None:
    with pytest.raises(Reverted, match="diver: idle"):
        diving.estimate(2, 0)
