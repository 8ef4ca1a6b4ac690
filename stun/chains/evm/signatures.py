"""Who signed a digest, judged as the contracts judge it: 65 bytes, low s, v 27 or 28."""

import coincurve
from eth_utils.crypto import keccak

_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def recover(digest: bytes, signature: bytes) -> bytes | None:
    """Return the signer's 20-byte address, or None for a malformed or malleable signature."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        return None
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not 0 < s <= _HALF_ORDER or r == 0:
        return None
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            signature[:64] + bytes([signature[64] - 27]), digest, hasher=None
        )
    except ValueError:
        return None
    return bytes(keccak(key.format(compressed=False)[1:])[-20:])
