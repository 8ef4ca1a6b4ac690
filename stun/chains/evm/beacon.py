"""The beacon on an EVM chain: implements stun.chains.beacon."""

from typing import Any

from stun.chains.evm.addresses import widen
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.rpc import ChainReader
from stun.chains.interface import Intent, TransactionSender
from stun.protocol.beacon.bls import SIGNATURE_BYTES
from stun.protocol.beacon.rounds import Schedule
from stun.protocol.errors import require


class EvmBeacon:
    """Reads of the beacon at an address of 20 bytes, each at the newest block."""

    def __init__(self, chain: ChainReader, address: bytes) -> None:
        self.reader = chain
        self.address = address

    @property
    def account(self) -> bytes:
        """The beacon's account."""
        return widen(self.address)

    def key(self) -> bytes:
        """Its public key."""
        return b"".join(word.to_bytes(32, "big") for word in self._read("key"))

    def schedule(self) -> Schedule:
        """When its rounds come out, and which count."""
        names = ("GENESIS", "PERIOD_SECONDS", "DELAY_SECONDS", "STRIDE")
        return Schedule(*(int(self._read(name)) for name in names))

    def due_round(self) -> int:
        """The round that decides about what happens now."""
        return int(self._read("due_round"))

    def newest(self) -> int:
        """The highest round stored, 0 before the first."""
        return int(self._read("newest"))

    def randomness(self, number: int) -> bytes:
        """The randomness of a round; 32 zero bytes if it is not stored."""
        return bytes(self._read("randomness", number))

    def _read(self, name: str, *arguments: Any) -> Any:
        return self.reader.view().read(self.address, interface("Beacon").function(name), *arguments)


class EvmBeaconWriter:
    """Actions of the sender's account before a beacon."""

    def __init__(self, sender: TransactionSender, beacon: EvmBeacon) -> None:
        self.sender = sender
        self.beacon = beacon

    @property
    def account(self) -> bytes:
        """The acting account, 32 bytes."""
        return widen(self.sender.account)

    def submit(self, key: str, number: int, signature: bytes) -> Intent:
        """Bring a round. Errors: Rejected ("beacon: point" without a transaction for a wrong length), ChainError."""
        require(len(signature) == SIGNATURE_BYTES, "beacon: point")
        words = [int.from_bytes(signature[at : at + 32], "big") for at in (0, 32)]
        data = interface("Beacon").function("submit").encode(number, words)
        return self.sender.submit(key, self.beacon.address, data)


def constructor_arguments(key: bytes, schedule: Schedule) -> tuple[list[int], int, int, int, int]:
    """Return what Beacon.vy is deployed with."""
    words = [int.from_bytes(key[at : at + 32], "big") for at in range(0, len(key), 32)]
    return words, schedule.genesis, schedule.period_seconds, schedule.delay_seconds, schedule.stride
