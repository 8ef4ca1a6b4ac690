"""What every chain adapter offers, whatever its virtual machine.

Addresses, hashes and payloads are `bytes` (an EVM address has 20, a Solana one 32); amounts are int in the chain's
smallest unit; times are unix seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from stun.protocol.errors import StunError


class ChainError(StunError):
    """Base class of everything a chain, or the road to it, can answer that is not a result."""


class IntentState(StrEnum):
    """How far an intent has come; `final`, `failed` and `replaced` are the ends."""

    PLANNED = "planned"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    INCLUDED = "included"
    FINAL = "final"
    FAILED = "failed"
    REPLACED = "replaced"

    @property
    def terminal(self) -> bool:
        """True when no tick moves the intent any further."""
        return self in (IntentState.FINAL, IntentState.FAILED, IntentState.REPLACED)


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """One signed form of an intent; all forms of an intent share a nonce, so that at most one can land.

    Fees in the chain's smallest unit per unit of gas (0 where a chain has none).
    """

    hash: bytes
    raw: bytes
    nonce: int
    max_fee: int
    priority_fee: int
    signed_at: int


class IntentConflict(ChainError):
    """The same idempotency key was submitted with another recipient, payload or value."""


class WaitTimeout(ChainError):
    """An intent was not where the caller wanted it in time; it stays open and later ticks move it on."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One action an account wants done exactly once, as it stands in the store.

    `key` is unique for an account on a chain. `to` is None for the creation of a contract. `signed` is oldest first.
    `landed` is the hash included in `block_hash`, `ok` whether it did what was asked; `created` the new contract;
    `reason` says why the intent failed or what holds it up. `planned_block` and `signed_block` are the chain's height
    at the plan and at the newest signature.
    """

    id: int
    chain_id: int
    account: bytes
    key: str
    to: bytes | None
    data: bytes
    value: int
    state: IntentState
    nonce: int | None
    signed: tuple[SignedTransaction, ...]
    landed: bytes | None
    block_number: int | None
    block_hash: bytes | None
    gas_used: int | None
    created: bytes | None
    ok: bool | None
    reason: str | None
    planned_block: int
    signed_block: int | None
    gas: int | None
    planned_at: int
    updated_at: int


@runtime_checkable
class TransactionSender(Protocol):
    """Brings actions of one account onto a chain, each exactly once, across crashes and reorganisations."""

    @property
    def account(self) -> bytes:
        """The address that pays and signs."""

    def submit(self, key: str, to: bytes | None, data: bytes, value: int = 0) -> Intent:
        """Record, simulate, sign and broadcast an action; the same key again returns the same intent.

        Errors: Rejected (a simulation the chain refuses; recorded as failed), ChainError.
        """

    def tick(self) -> Sequence[Intent]:
        """Move every open intent of the account as far as the chain allows now; returns those that changed."""

    def wait(self, intent: Intent, until: IntentState = IntentState.INCLUDED, timeout: float = 60.0) -> Intent:
        """Tick until the intent is included or final; raises Rejected when it failed on the chain."""


@runtime_checkable
class TransactionSigner(Protocol):
    """A key that signs; the key itself never leaves it."""

    @property
    def address(self) -> bytes:
        """The account the key controls."""

    def sign_digest(self, digest: bytes) -> bytes:
        """The signature over a 32-byte digest, in the chain's canonical bytes (EVM: r, s low, v 27 or 28)."""
