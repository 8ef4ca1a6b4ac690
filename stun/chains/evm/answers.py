"""What nodes answer, as records."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block's identity and the facts decisions need. `base_fee` in wei (0 before EIP-1559), `timestamp` unix s."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    base_fee: int


@dataclass(frozen=True, slots=True)
class Log:
    """One event as the chain recorded it."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction. `ok` is False when it reverted; `created` is the new contract, if any."""

    hash: bytes
    block_number: int
    block_hash: bytes
    ok: bool
    gas_used: int
    created: bytes | None
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class SentTransaction:
    """A transaction of a block, as far as the sender needs it."""

    hash: bytes
    sender: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class Content:
    """What an included transaction asked for; `to` None created a contract."""

    sender: bytes
    to: bytes | None
    data: bytes
