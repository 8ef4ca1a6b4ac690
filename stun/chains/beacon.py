"""The beacon as every chain adapter offers it: which round decides, which are known, and bringing one."""

from typing import Protocol

from stun.chains.interface import Intent
from stun.protocol.beacon.rounds import Schedule


class BeaconReader(Protocol):
    """Reads of one beacon. Errors of every call: ChainError."""

    @property
    def account(self) -> bytes:
        """The beacon's account, as a config's peers name it."""

    def key(self) -> bytes:
        """Its public key, 128 bytes."""

    def schedule(self) -> Schedule:
        """When its rounds come out, and which count."""

    def due_round(self) -> int:
        """The round that decides about what happens now."""

    def newest(self) -> int:
        """The highest round stored, 0 before the first."""

    def randomness(self, number: int) -> bytes:
        """The randomness of a round; 32 zero bytes if it is not stored."""


class BeaconWriter(Protocol):
    """Actions of one account before a beacon."""

    @property
    def account(self) -> bytes:
        """The acting account, 32 bytes."""

    def submit(self, key: str, number: int, signature: bytes) -> Intent:
        """Bring a round; the same intent key again returns the same intent. Errors: Rejected, ChainError."""
