"""Signatures of rounds: real ones verify, and nothing else passes for one."""

import json
import subprocess
import sys
from hashlib import sha256

import pytest
from beacon_rounds import NINE, OUTSIDE_G2, REAL_SIGNATURES, joined, round_of, signed, words

from stun.protocol.beacon import bls
from stun.protocol.beacon.bn254 import G2, ORDER, P, add_g1, is_g2, multiply_g1
from stun.protocol.beacon.networks import DEVELOPMENT_SECRET, EVMNET_KEY, development_key
from stun.protocol.errors import Rejected

pytestmark = pytest.mark.unit

ROUND = 12_345_678
X, Y = words(REAL_SIGNATURES[ROUND])


def refusal(key: bytes, number: int, signature: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        bls.verify(key, number, signature)
    return refused.value.code


@pytest.mark.parametrize("number", REAL_SIGNATURES)
def test_real_rounds_verify(number: int) -> None:
    signature = REAL_SIGNATURES[number]

    assert bls.verify(EVMNET_KEY, number, signature) == sha256(signature).digest()


@pytest.mark.parametrize("pair", NINE)
def test_development_rounds_verify(pair: tuple[int, int]) -> None:
    number = round_of(pair)

    assert bls.verify(development_key(), number, signed(number)) == bls.randomness(signed(number))


FORGED = {
    "another round": (ROUND + 1, joined(X, Y), "beacon: signature"),
    "another round's": (ROUND, REAL_SIGNATURES[1], "beacon: signature"),
    "negated": (ROUND, joined(X, P - Y), "beacon: signature"),
    "doubled": (ROUND, joined(*add_g1((X, Y), (X, Y))), "beacon: signature"),
    "generator": (ROUND, joined(1, 2), "beacon: signature"),
    "another key's": (ROUND, bls.sign(DEVELOPMENT_SECRET, ROUND), "beacon: signature"),
    "x above P": (ROUND, joined(X + P, Y), "beacon: point"),
    "y above P": (ROUND, joined(X, Y + P), "beacon: point"),
    "off the curve": (ROUND, joined(X, Y ^ 1), "beacon: point"),
    "swapped": (ROUND, joined(Y, X), "beacon: point"),
    "zero": (ROUND, bytes(64), "beacon: point"),
    "greatest words": (ROUND, b"\xff" * 64, "beacon: point"),
    "truncated": (ROUND, joined(X, Y)[:-1], "beacon: point"),
    "longer": (ROUND, joined(X, Y) + b"\0", "beacon: point"),
    "empty": (ROUND, b"", "beacon: point"),
    "x alone": (ROUND, joined(X), "beacon: point"),
    "round 0": (0, joined(X, Y), "beacon: round"),
    "round below 0": (-1, joined(X, Y), "beacon: round"),
    "round of 65 bits": (2**64, joined(X, Y), "beacon: round"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_signatures_are_refused(name: str) -> None:
    number, signature, code = FORGED[name]

    assert refusal(EVMNET_KEY, number, signature) == code


def test_the_greatest_round_can_be_signed() -> None:
    greatest = 2**64 - 1

    assert bls.verify(development_key(), greatest, signed(greatest)) == bls.randomness(signed(greatest))


def test_a_real_round_is_not_the_development_keys() -> None:
    assert refusal(development_key(), ROUND, joined(X, Y)) == "beacon: signature"


def test_real_keys_are_keys() -> None:
    bls.check_key(EVMNET_KEY)
    bls.check_key(development_key())


K = words(EVMNET_KEY)
FALSE_KEYS = {
    "zero": bytes(128),
    "truncated": EVMNET_KEY[:-1],
    "longer": EVMNET_KEY + b"\0",
    "empty": b"",
    "coordinate above P": joined(K[0] + P, *K[1:]),
    "off the curve": joined(K[0] ^ 1, *K[1:]),
    "real part first": joined(K[1], K[0], K[3], K[2]),
    "outside the subgroup": joined(*OUTSIDE_G2),
}


@pytest.mark.parametrize("name", FALSE_KEYS)
def test_false_keys_are_refused(name: str) -> None:
    with pytest.raises(Rejected, match="beacon: key"):
        bls.check_key(FALSE_KEYS[name])


def test_the_generator_is_in_the_subgroup() -> None:
    assert is_g2(G2)
    assert not is_g2(OUTSIDE_G2)


@pytest.mark.parametrize("secret", [0, -1, ORDER, ORDER + 1])
def test_secrets_are_below_the_order(secret: int) -> None:
    with pytest.raises(ValueError, match="secret"):
        bls.sign(secret, 1)
    with pytest.raises(ValueError, match="secret"):
        bls.public_key(secret)


def test_the_greatest_secret_signs_the_negative() -> None:
    x, y = multiply_g1((1, 2), ORDER - 1)

    assert (x, y) == (1, P - 2)
    assert words(bls.sign(ORDER - 1, 7))[0] == words(bls.sign(1, 7))[0]
    assert sum(words(bls.sign(ORDER - 1, 7))[1:] + words(bls.sign(1, 7))[1:]) == P


def test_the_library_leaves_the_recursion_limit_alone() -> None:
    code = "import sys; before = sys.getrecursionlimit(); import stun.protocol.beacon.bls; "
    code += "print([before, sys.getrecursionlimit()])"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert len(set(json.loads(said))) == 1
