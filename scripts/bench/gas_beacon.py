"""What a beacon's round costs: the dearest of one round of each kind, signed by the development key."""

from scripts.bench.gas_chain import GasChain
from stun.chains.evm.beacon import EvmBeaconWriter
from stun.protocol.beacon.bls import sign
from stun.protocol.beacon.networks import DEVELOPMENT_SECRET

# One round for each pair of candidates that its two field elements map to: these differ in how many powers they take.
ROUNDS = (2, 4, 16, 18, 20, 22, 26, 28, 66)


def play_rounds(chain: GasChain) -> None:
    """Bring every round and note the dearest as `beacon_round` and the cheapest as `beacon_round_least`."""
    writer = EvmBeaconWriter(chain.newcomer.writer.sender, chain.beacon)
    spent = []
    for number in ROUNDS:
        intent = writer.submit(chain.key(), number, sign(DEVELOPMENT_SECRET, number))
        spent.append(chain.spend("beacon_round", chain.newcomer, intent))
    chain.gas |= {"beacon_round": max(spent), "beacon_round_least": min(spent)}
