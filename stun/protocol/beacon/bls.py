"""BLS signatures of rounds as drand's evmnet makes them: 64 bytes in G1, under a key of 128 bytes in G2 of BN254.

A signature is x then y, 32 bytes each, big-endian, both below P and on the curve: a point has one encoding, so that the
randomness of a round, the sha256 of its signature, cannot be chosen among several.
"""

from functools import lru_cache
from hashlib import sha256
from typing import Final

from stun.protocol.beacon.bn254 import (
    G2,
    ORDER,
    PointG1,
    PointG2,
    is_g1,
    is_g2,
    multiply_g1,
    multiply_g2,
    negated,
    pairings_are_one,
)
from stun.protocol.beacon.hash_to_curve import hash_to_g1
from stun.protocol.errors import require
from stun.protocol.keccak import keccak256
from stun.protocol.parameters import U64

SCHEME: Final = "bls-bn254-unchained-on-g1"
SIGNATURE_BYTES: Final = 64
KEY_BYTES: Final = 128


def message(number: int) -> bytes:
    """Return what is signed of a round: keccak256 of its number in 8 bytes, big-endian."""
    return keccak256(number.to_bytes(8, "big"))


@lru_cache(maxsize=1_024)
def verify(key: bytes, number: int, signature: bytes) -> bytes:
    """Return the randomness of a round that the key signed; `key` passed check_key.

    Errors: "beacon: round" (0, or more than 64 bits), "beacon: point" (no canonical encoding of a point of G1),
    "beacon: signature" (of another round or key).
    """
    require(0 < number <= U64, "beacon: round")
    require(len(signature) == SIGNATURE_BYTES, "beacon: point")
    point = _words(signature)
    require(is_g1((point[0], point[1])), "beacon: point")
    pairs = [(negated((point[0], point[1])), G2), (_hashed(number), key_point(key))]
    require(pairings_are_one(pairs), "beacon: signature")
    return randomness(signature)


def randomness(signature: bytes) -> bytes:
    """Return the randomness of a canonical signature."""
    return sha256(signature).digest()


def check_key(key: bytes) -> None:
    """Refuse what is no key. Errors: "beacon: key" (length, coordinates, curve, subgroup or infinity)."""
    require(len(key) == KEY_BYTES, "beacon: key")
    require(is_g2(key_point(key)), "beacon: key")


def key_point(key: bytes) -> PointG2:
    """Return a key's four coordinates."""
    first, second, third, fourth = _words(key)
    return first, second, third, fourth


def public_key(secret: int) -> bytes:
    """Return the key of a secret in [1, ORDER)."""
    return b"".join(word.to_bytes(32, "big") for word in multiply_g2(G2, _checked(secret)))


def sign(secret: int, number: int) -> bytes:
    """Return the signature of a round by a secret in [1, ORDER)."""
    return b"".join(word.to_bytes(32, "big") for word in multiply_g1(_hashed(number), _checked(secret)))


@lru_cache(maxsize=1_024)
def _hashed(number: int) -> PointG1:
    return hash_to_g1(message(number))


def _checked(secret: int) -> int:
    if not 0 < secret < ORDER:
        raise ValueError("a secret is a number in [1, ORDER)")
    return secret


def _words(data: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32))
