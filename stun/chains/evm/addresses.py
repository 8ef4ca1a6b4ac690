"""EVM addresses (20 bytes) and the protocol's accounts (32 bytes, left-padded)."""

from eth_utils.address import to_checksum_address
from web3.types import Nonce
from web3.utils.address import get_create_address

from stun.chains.interface import ChainError

PADDING = bytes(12)


class NotAnAddress(ChainError):
    """An account that no EVM address stands behind."""


def widen(address: bytes) -> bytes:
    """Return an address as a protocol account."""
    if len(address) != 20:
        raise NotAnAddress(f"an EVM address has 20 bytes, not {len(address)}")
    return PADDING + address


def narrow(account: bytes) -> bytes:
    """Return the address of a protocol account."""
    if len(account) != 32 or account[:12] != PADDING:
        raise NotAnAddress(f"0x{account.hex()} is no EVM account")
    return account[12:]


def contract_address(account: bytes, nonce: int) -> bytes:
    """Return the address of the contract that an account's transaction with a nonce creates (CREATE)."""
    return bytes.fromhex(get_create_address(to_checksum_address(account), Nonce(nonce))[2:])
