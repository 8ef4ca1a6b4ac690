"""hash_to_bn254.vy beside the specification, on rounds and on drawn and extreme field elements."""

from functools import cache

import pytest
from beacon_rounds import NINE, round_of
from deployed_beacon import ANYBODY
from evm_machines import RevmMachine
from hypothesis import given, settings
from hypothesis import strategies as st

from stun.chains.evm.artifacts import load
from stun.protocol.beacon import bls
from stun.protocol.beacon.bn254 import P, add_g1, negated
from stun.protocol.beacon.hash_to_curve import hash_to_field, hash_to_g1, map_to_curve

pytestmark = pytest.mark.unit

HALF = (P + 1) // 2  # with its negative the elements that have no denominator
EXTREMES = (0, 1, 2, P - 1, P - 2, HALF, P - HALF, 2**128 - 1, 2**128, 2**253)
elements = st.one_of(st.integers(0, P - 1), st.sampled_from(EXTREMES))
rounds = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([1, 255, 256, 2**32, 2**63, 2**64 - 1]))


@cache
def probe() -> tuple[RevmMachine, bytes]:
    machine = RevmMachine()
    return machine, machine.deploy(ANYBODY, load("HashProbe").deploy_bytecode)


def ask(name: str, argument: object) -> tuple[int, int]:
    machine, address = probe()
    function = load("HashProbe").interface.function(name)
    outcome = machine.send(ANYBODY, address, function.encode(argument))
    assert outcome.reason is None
    first, second = function.decode_output(outcome.output)
    return first, second


def expected(first: int, second: int) -> tuple[int, int]:
    one, other = map_to_curve(first), map_to_curve(second)
    return (0, 0) if one == negated(other) else add_g1(one, other)  # infinity, as the precompile writes it


@settings(max_examples=200)
@given(elements, elements)
def test_two_elements_map_to_the_sum_of_their_points(first: int, second: int) -> None:
    assert ask("map_both", (first, second)) == expected(first, second)


@pytest.mark.parametrize("first", EXTREMES)
@pytest.mark.parametrize("second", EXTREMES)
def test_extreme_elements_map_alike(first: int, second: int) -> None:
    assert ask("map_both", (first, second)) == expected(first, second)


@settings(max_examples=100)
@given(rounds)
def test_rounds_hash_alike(number: int) -> None:
    assert ask("hash_to_field", number) == hash_to_field(bls.message(number))
    assert ask("hash_round", number) == hash_to_g1(bls.message(number))


@pytest.mark.parametrize("pair", NINE)
def test_every_pair_of_candidates_hashes_alike(pair: tuple[int, int]) -> None:
    number = round_of(pair, 4)

    assert ask("hash_round", number) == hash_to_g1(bls.message(number))
