"""Rounds to test beacons with: real ones of drand's evmnet, and a development key's with every pair of candidates."""

from functools import cache

from stun.protocol.beacon import bls
from stun.protocol.beacon.hash_to_curve import candidates, hash_to_field, is_square, right_side
from stun.protocol.beacon.networks import DEVELOPMENT_SECRET

# Public data: signatures that drand's evmnet published.
REAL_ROUNDS = {
    1: "11f812d738a36b2210dc88c2d635ad8039588205f42445d6de09e6530165c346"
    "2a23aca348c84badcf8df5321ac24577b7963d5b0d780bc4626baedb45cde373",
    513: "06ded8c05af23042a0caf9b404c6140f9ec64adbaf82f04d5c37153e8412ed58"
    "0f827c7d5ac7d02ca0bbd989d07594729bdcde7d6dc1001191c59dc9033d31b2",
    12_345_678: "1f82751a21ca166dcc2c804ddd5846cb5f0f8f4ded7e93a8ec9b34cdc885d99a"
    "26353f2dbf384155cc898695316de8ce942f167a0faf3906ca066ebc7200aa86",
    20_000_000: "1ad7a10ece71f082a5c931983eca674ecb297b22f9396cde3a5015b9d9179541"
    "1f11d5de506f74f17645ac04a2fe6b53458a123f66e2fcb1e2ab86cb8c2d5409",
}
REAL_SIGNATURES = {number: bytes.fromhex(text) for number, text in REAL_ROUNDS.items()}
# On the curve that G2 is part of, but not in G2.
OUTSIDE_G2 = (
    0,
    1,
    5912654199736721486680175016176231956195085055698687135131307249486702594212,
    18278151005453108793778860132295291098363647455926340152056652516292830556603,
)
NINE = tuple((first, second) for first in range(3) for second in range(3))


def pair_of(number: int) -> tuple[int, int]:
    """Which candidates of the map the two field elements of a round take."""
    first, second = (
        next(place for place, x in enumerate(candidates(element)) if is_square(right_side(x)))
        for element in hash_to_field(bls.message(number))
    )
    return first, second


@cache
def round_of(pair: tuple[int, int], skip: int = 0) -> int:
    """The first even round with a pair of candidates, or the one after `skip` such."""
    number = 0
    for _ in range(skip + 1):
        number += 2
        while pair_of(number) != pair:
            number += 2
    return number


@cache
def signed(number: int) -> bytes:
    """The development key's signature of a round."""
    return bls.sign(DEVELOPMENT_SECRET, number)


def words(data: bytes) -> list[int]:
    """Big-endian words of 32 bytes."""
    return [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]


def joined(*numbers: int) -> bytes:
    """Numbers as words of 32 bytes."""
    return b"".join(number.to_bytes(32, "big") for number in numbers)
