"""Hashing to BN254: the map by its definition, on drawn and on extreme elements, beside py_ecc's curve."""

import pytest
from beacon_rounds import NINE, pair_of, round_of
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.bench.gas_beacon import ROUNDS
from stun.protocol.beacon.bn254 import P, is_g1
from stun.protocol.beacon.hash_to_curve import (
    candidates,
    expand_message,
    hash_to_field,
    hash_to_g1,
    is_square,
    map_to_curve,
    right_side,
)
from stun.protocol.keccak import keccak256

pytestmark = pytest.mark.unit

ROOT_OF_MINUS_12 = 8815841940592487685674414971303048083897117035520822607866
HALF = (P + 1) // 2
EXTREMES = (0, 1, 2, P - 1, P - 2, HALF, P - HALF, 2**128, 2**253)
elements = st.one_of(st.integers(0, P - 1), st.sampled_from(EXTREMES))


@settings(max_examples=200)
@given(elements)
def test_the_first_candidate_on_the_curve_is_taken(element: int) -> None:
    x, y = map_to_curve(element)
    before = candidates(element)[: candidates(element).index(x)]

    assert is_g1((x, y))
    assert not any(is_square(right_side(other)) for other in before)
    assert y % 2 == element % 2


@pytest.mark.parametrize("element", EXTREMES)
def test_extreme_elements_have_points(element: int) -> None:
    assert is_g1(map_to_curve(element))


@settings(max_examples=200)
@given(elements.filter(lambda element: (4 * element * element) % P not in (1, P - 1)))
def test_the_product_of_the_right_sides_is_a_square(element: int) -> None:
    """The contract takes the third candidate's root from the first two for this reason."""
    first, second, third = (right_side(x) for x in candidates(element))
    square = 4 * element * element % P
    ratio = (1 + square) * pow(1 - square, -1, P) % P
    root = 32 * first * second * pow(ratio, 3, P) * pow(3 * ROOT_OF_MINUS_12, -1, P)

    assert (root * root - first * second * third) % P == 0


@pytest.mark.parametrize("pair", NINE)
def test_every_pair_of_candidates_occurs(pair: tuple[int, int]) -> None:
    assert pair_of(round_of(pair)) == pair


@pytest.mark.parametrize(("length", "blocks"), [(1, 1), (32, 1), (33, 2), (96, 3), (255 * 32, 255)])
def test_expansion_has_the_length_asked_for(length: int, blocks: int) -> None:
    expanded = expand_message(b"round", length)

    assert len(expanded) == length
    assert len({expanded[32 * i : 32 * i + 32] for i in range(blocks)}) == blocks


def test_length_is_part_of_the_message() -> None:
    assert expand_message(b"round", 96)[:32] != expand_message(b"round", 32)


def test_known_elements_and_point() -> None:
    """Round 1 as two other implementations have it (py_ecc's curve under a map of their own)."""
    message = keccak256((1).to_bytes(8, "big"))

    assert hash_to_field(message) == (
        12251745566242639254352848275153058887796662329759385644863022520198335152070,
        5058838268592637542354628188168483122391549308172748124801637892822371472875,
    )
    assert hash_to_g1(message) == (
        3274388634597322850260789370149388140895047873973358019313287818327097230193,
        10513082672822249208187315831936923759893212599696164836629308721715663163524,
    )


def test_the_benchmark_brings_a_round_of_every_pair() -> None:
    assert {pair_of(number) for number in ROUNDS} == set(NINE)
