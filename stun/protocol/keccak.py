"""keccak256 as the EVM computes it (EIP-712 uses it on every chain)."""

from Crypto.Hash import keccak


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte keccak256 digest of the data."""
    return keccak.new(digest_bits=256, data=data).digest()
