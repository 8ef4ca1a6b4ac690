"""Hashing a message to a point of G1 of BN254: RFC 9380 with expand_message_xmd over keccak256 and the map SVDW.

drand's evmnet: two field elements a message, each mapped, the points added; the curve's cofactor is 1. Source: RFC
9380, sections 3, 5.3.1 and 6.6.1 with Z = 1.
"""

from typing import Final

from stun.protocol.beacon.bn254 import P, PointG1, add_g1
from stun.protocol.keccak import keccak256

DST: Final = b"BLS_SIG_BN254G1_XMD:KECCAK-256_SVDW_RO_NUL_"
_DST_PRIME: Final = DST + bytes([len(DST)])
_KECCAK_RATE: Final = 136
_ELEMENT_BYTES: Final = 48
_ROOT_EXPONENT: Final = (P + 1) // 4  # P = 3 mod 4
_C1: Final = 4  # g(Z)
_C2: Final = -pow(2, -1, P) % P  # -Z / 2
_C3: Final = 8815841940592487685674414971303048083897117035520822607866  # the even root of -12
_C4: Final = -16 * pow(3, -1, P) % P


def hash_to_g1(message: bytes) -> PointG1:
    """Return the point of G1 that a message hashes to."""
    first, second = hash_to_field(message)
    return add_g1(map_to_curve(first), map_to_curve(second))


def hash_to_field(message: bytes) -> tuple[int, int]:
    """Return the two field elements of a message."""
    uniform = expand_message(message, 2 * _ELEMENT_BYTES)
    first, second = uniform[:_ELEMENT_BYTES], uniform[_ELEMENT_BYTES:]
    return int.from_bytes(first, "big") % P, int.from_bytes(second, "big") % P


def expand_message(message: bytes, length: int) -> bytes:
    """Return `length` uniform bytes, at most 255 * 32, of a message (expand_message_xmd)."""
    start = keccak256(bytes(_KECCAK_RATE) + message + length.to_bytes(2, "big") + b"\0" + _DST_PRIME)
    block = keccak256(start + b"\1" + _DST_PRIME)
    out = block
    for number in range(2, -(-length // 32) + 1):
        mixed = bytes(left ^ right for left, right in zip(start, block, strict=True))
        block = keccak256(mixed + bytes([number]) + _DST_PRIME)
        out += block
    return out[:length]


def candidates(u: int) -> tuple[int, int, int]:
    """Return the three x of a field element, of which the first that is on the curve counts."""
    square = u * u * _C1 % P
    over, under = (1 + square) % P, (1 - square) % P
    inverse = _inverse_or_zero(over * under)
    shift = u * under * inverse * _C3 % P
    third = (1 + _C4 * pow(over * over * inverse, 2, P)) % P
    return (_C2 - shift) % P, (_C2 + shift) % P, third


def map_to_curve(u: int) -> PointG1:
    """Return the point of a field element; its y has the parity of u."""
    x = next(x for x in candidates(u) if is_square(right_side(x)))
    y = pow(right_side(x), _ROOT_EXPONENT, P)
    return x, y if y % 2 == u % 2 else P - y


def right_side(x: int) -> int:
    """Return x^3 + 3, which is y^2 on the curve."""
    return (x * x * x + 3) % P


def is_square(value: int) -> bool:
    """Whether a field element has a square root."""
    return pow(value, (P - 1) // 2, P) in (0, 1)


def _inverse_or_zero(value: int) -> int:
    return pow(value, P - 2, P)
