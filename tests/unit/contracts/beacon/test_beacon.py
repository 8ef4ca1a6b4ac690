"""Beacon.vy: what it takes for a round, and what it refuses by name."""

from hashlib import sha256
from pathlib import Path

import pytest
from beacon_rounds import NINE, OUTSIDE_G2, REAL_SIGNATURES, joined, round_of, signed, words
from deployed_beacon import DeployedBeacon, beacon_artifact, compiled_with, deploy_beacon, deployment_refusal

from stun.protocol.beacon import bls
from stun.protocol.beacon.bn254 import P, add_g1
from stun.protocol.beacon.networks import DEVELOPMENT_SECRET, EVMNET_KEY, development_key, evmnet_schedule
from stun.protocol.beacon.rounds import AHEAD_SECONDS, MAX_GENESIS, MAX_STEP, Schedule

pytestmark = pytest.mark.unit

ROUND = 12_345_678
X, Y = words(REAL_SIGNATURES[ROUND])
K = words(EVMNET_KEY)
EVERY = evmnet_schedule(stride_seconds=3)
GENESIS, NOW = EVERY.genesis, 1_790_000_000
SCHEDULE = Schedule(GENESIS, 1, 2, 2)
NOWHERE = "0x00000000000000000000000000000000DeaDBeef"


@pytest.fixture
def evmnet() -> DeployedBeacon:
    """A beacon of drand's key in which every round counts."""
    return deploy_beacon(EVMNET_KEY, EVERY)


@pytest.fixture
def development() -> DeployedBeacon:
    """A beacon of the development key in which every second round counts."""
    return deploy_beacon(development_key(), SCHEDULE)


def test_it_says_what_it_is(evmnet: DeployedBeacon) -> None:
    said = [evmnet.view(name) for name in ("GENESIS", "PERIOD_SECONDS", "DELAY_SECONDS", "STRIDE")]

    assert said == [GENESIS, 3, 60, 1]
    assert evmnet.view("SCHEME") == bls.SCHEME
    assert joined(*evmnet.view("key")) == EVMNET_KEY
    assert evmnet.view("newest") == 0
    assert evmnet.view("due_at", 1) == GENESIS
    assert evmnet.view("due_at", 20_000_000) == EVERY.due_at(20_000_000)
    assert beacon_artifact().code_size < 24_576 // 2


@pytest.mark.parametrize("number", REAL_SIGNATURES)
def test_real_rounds_are_stored(evmnet: DeployedBeacon, number: int) -> None:
    signature = REAL_SIGNATURES[number]
    expected = sha256(signature).digest()

    assert evmnet.verify(number, signature).output == expected
    assert evmnet.view("randomness", number) == bytes(32)
    outcome = evmnet.submit(number, signature, NOW)
    assert outcome.reason is None
    assert outcome.output == expected
    assert evmnet.stored(outcome) == [(number, expected)]
    assert evmnet.view("randomness", number) == expected
    assert evmnet.view("newest") == number


@pytest.mark.parametrize("pair", NINE)
def test_development_rounds_of_every_pair_of_candidates_are_stored(
    development: DeployedBeacon, pair: tuple[int, int]
) -> None:
    for skip in range(4):
        number = round_of(pair, skip)
        assert development.submit(number, signed(number), NOW).output == bls.randomness(signed(number))


FORGED = {
    "another round": (ROUND + 1, (X, Y), "beacon: signature"),
    "another round's": (ROUND, tuple(words(REAL_SIGNATURES[1])), "beacon: signature"),
    "negated": (ROUND, (X, P - Y), "beacon: signature"),
    "doubled": (ROUND, add_g1((X, Y), (X, Y)), "beacon: signature"),
    "generator": (ROUND, (1, 2), "beacon: signature"),
    "another key's": (ROUND, tuple(words(bls.sign(DEVELOPMENT_SECRET, ROUND))), "beacon: signature"),
    "x above P": (ROUND, (X + P, Y), "beacon: point"),
    "y above P": (ROUND, (X, Y + P), "beacon: point"),
    "both above P": (ROUND, (X + P, Y + P), "beacon: point"),
    "off the curve": (ROUND, (X, Y ^ 1), "beacon: point"),
    "swapped": (ROUND, (Y, X), "beacon: point"),
    "zero": (ROUND, (0, 0), "beacon: point"),
    "zero above P": (ROUND, (P, P), "beacon: point"),
    "x alone": (ROUND, (X, 0), "beacon: point"),
    "greatest words": (ROUND, (2**256 - 1, 2**256 - 1), "beacon: point"),
    "round 0": (0, (X, Y), "beacon: round"),
    "round of 65 bits": (2**64 + ROUND, (X, Y), "beacon: round"),
    "greatest round": (2**256 - 1, (X, Y), "beacon: round"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_signatures_are_refused(evmnet: DeployedBeacon, name: str) -> None:
    number, signature, code = FORGED[name]
    evmnet.machine.set_clock(NOW)

    assert evmnet.call("verify", number, signature).reason == code
    assert evmnet.call("submit", number, signature).reason == code
    assert evmnet.view("randomness", number) == bytes(32)
    assert evmnet.view("newest") == 0


def test_truncated_calldata_is_refused(evmnet: DeployedBeacon) -> None:
    data = beacon_artifact().interface.function("submit").encode(ROUND, (X, Y))
    evmnet.machine.set_clock(NOW)

    for cut in (1, 31, 32, 64, 95, 96):
        assert evmnet.raw(data[:-cut]).reason is not None
    assert evmnet.view("newest") == 0
    assert evmnet.raw(data + b"\x01").output == sha256(joined(X, Y)).digest()  # the signature is the same


def test_a_round_is_stored_once(evmnet: DeployedBeacon) -> None:
    assert evmnet.submit(1, REAL_SIGNATURES[1], NOW).reason is None
    assert evmnet.submit(1, REAL_SIGNATURES[1], NOW).reason == "beacon: stored"
    assert evmnet.submit(1, REAL_SIGNATURES[513], NOW + 1).reason == "beacon: stored"
    assert evmnet.view("randomness", 1) == sha256(REAL_SIGNATURES[1]).digest()


def test_only_rounds_of_the_stride_count() -> None:
    hundred = deploy_beacon(EVMNET_KEY, evmnet_schedule())

    assert hundred.submit(ROUND, REAL_SIGNATURES[ROUND], NOW).reason == "beacon: round"
    assert hundred.verify(ROUND, REAL_SIGNATURES[ROUND]).reason is None
    assert hundred.submit(20_000_000, REAL_SIGNATURES[20_000_000], NOW).reason is None
    assert hundred.view("newest") == 20_000_000


def test_an_older_round_is_taken_and_the_newest_stays(development: DeployedBeacon) -> None:
    for number in (8, 4, 2):
        assert development.submit(number, signed(number), NOW).reason is None
        assert development.view("newest") == 8
        assert development.view("randomness", number) == bls.randomness(signed(number))


def test_a_round_ahead_of_the_clock_moves_what_decides(development: DeployedBeacon) -> None:
    late = GENESIS + 99

    assert development.due_round(late) == 102
    assert development.submit(500, signed(500), late).reason is None
    assert development.due_round(late) == 502
    assert development.due_round(GENESIS + 600) == 604


def test_a_round_a_day_ahead_is_the_last_that_is_taken(development: DeployedBeacon) -> None:
    number = 2 * MAX_STEP
    came_out = SCHEDULE.due_at(number)

    early = development.submit(number, signed(number), came_out - AHEAD_SECONDS - 1)
    assert early.reason == "beacon: future"
    assert development.submit(2**64 - 2, signed(2), came_out).reason == "beacon: future"
    assert development.submit(number, signed(number), came_out - AHEAD_SECONDS).reason is None


def test_a_beacon_may_begin_later() -> None:
    beacon = deploy_beacon(development_key(), Schedule(NOW, 3, 60, 10))

    assert beacon.due_round(NOW - MAX_STEP) == 10
    assert beacon.due_round(0) == 10
    assert beacon.due_round(NOW) == 30
    assert beacon.submit(10, signed(10), NOW - AHEAD_SECONDS + 26).reason == "beacon: future"
    assert beacon.submit(10, signed(10), NOW - AHEAD_SECONDS + 27).reason is None


WRONG = {
    "no genesis": (1, 3, 60, 1), "genesis 0": (0, 3, 60, 1), "late genesis": (MAX_GENESIS + 1, 3, 60, 1),
    "no period": (9, 0, 60, 1), "long period": (9, MAX_STEP + 1, 60, 1), "no delay": (9, 3, 0, 1),
    "long delay": (9, 3, MAX_STEP + 1, 1), "no stride": (9, 3, 60, 0), "long stride": (9, 3, 60, MAX_STEP + 1),
    "greatest words": (2**256 - 1,) * 4,
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_schedules_are_refused(name: str) -> None:
    assert deployment_refusal(K, Schedule(*WRONG[name])) == "beacon: schedule"


@pytest.mark.parametrize("bounds", [(2, 1, 1, 1), (MAX_GENESIS, MAX_STEP, MAX_STEP, MAX_STEP)])
def test_the_bounds_of_a_schedule_are_allowed(bounds: tuple[int, int, int, int]) -> None:
    assert deployment_refusal(K, Schedule(*bounds)) is None


FALSE_KEYS = {
    "zero": [0, 0, 0, 0],
    "coordinate above P": [K[0] + P, *K[1:]],
    "off the curve": [K[0] ^ 1, *K[1:]],
    "real part first": [K[1], K[0], K[3], K[2]],
    "outside the subgroup": list(OUTSIDE_G2),
    "greatest words": [2**256 - 1] * 4,
}


@pytest.mark.parametrize("name", FALSE_KEYS)
def test_false_keys_are_refused(name: str) -> None:
    assert deployment_refusal(FALSE_KEYS[name], EVERY) == "beacon: key"


def test_the_negated_key_is_another_key() -> None:
    negated = deploy_beacon(joined(K[0], K[1], P - K[2], P - K[3]), EVERY)

    assert negated.submit(1, REAL_SIGNATURES[1], NOW).reason == "beacon: signature"


def test_a_chain_without_pairings_has_no_beacon(tmp_path: Path) -> None:
    precompile = "PAIRING: constant(address) = 0x0000000000000000000000000000000000000008"
    crippled = compiled_with(tmp_path, "Beacon.vy", precompile, f"PAIRING: constant(address) = {NOWHERE}")

    assert deployment_refusal(K, EVERY, crippled) == "beacon: key"


def test_a_chain_without_powers_takes_no_round(tmp_path: Path) -> None:
    precompile = "MODEXP: constant(address) = 0x0000000000000000000000000000000000000005"
    crippled = compiled_with(tmp_path, "modules/hash_to_bn254.vy", precompile, f"MODEXP: constant(address) = {NOWHERE}")
    beacon = deploy_beacon(EVMNET_KEY, EVERY, artifact=crippled)

    assert beacon.submit(1, REAL_SIGNATURES[1], NOW).reason == "beacon: modexp"


def test_asking_which_round_decides_is_cheap(development: DeployedBeacon) -> None:
    """The market asks at every post and reveal; the slot is warm here, which is 2,000 less."""
    assert development.submit(2, signed(2), NOW).reason is None
    intrinsic = 21_000 + 4 * 16
    outcome = development.call("due_round")

    assert outcome.gas - intrinsic + 2_000 < 3_000
