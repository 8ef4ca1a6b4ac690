"""Rounds to test beacons with: real ones of drand's evmnet, and a development key's with every pair of candidates."""

from functools import cache

from scripts.conformance.beacon import REAL_SIGNATURES as REAL_SIGNATURES
from stun.protocol.beacon import bls
from stun.protocol.beacon.hash_to_curve import candidates, hash_to_field, is_square, right_side
from stun.protocol.beacon.networks import DEVELOPMENT_SECRET

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
