"""The beacon's clock, and which rounds its record takes."""

import pytest
from beacon_rounds import REAL_SIGNATURES, joined, signed
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.beacon.bls import randomness
from stun.protocol.beacon.networks import (
    EVMNET_GENESIS,
    EVMNET_KEY,
    development_key,
    development_schedule,
    evmnet_schedule,
)
from stun.protocol.beacon.rounds import AHEAD_SECONDS, MAX_GENESIS, MAX_STEP, RoundStored, Schedule, create, submit
from stun.protocol.errors import Rejected

pytestmark = pytest.mark.unit

steps = st.one_of(st.integers(1, 10), st.integers(1, MAX_STEP))
schedules = st.builds(Schedule, st.integers(2, MAX_GENESIS), steps, steps, steps)
moments = st.one_of(st.integers(0, 2**41), st.integers(1_700_000_000, 1_800_000_000))
GENESIS = development_schedule().genesis


def refusal(number: int, signature: bytes, now: int, stride: int = 2) -> str:
    beacon = create(development_key(), Schedule(GENESIS, 1, 2, stride))
    with pytest.raises(Rejected) as refused:
        submit(beacon, number, signature, now)
    return refused.value.code


@given(schedules, moments, st.integers(0, 2**40))
def test_the_round_that_decides_is_the_first_that_nobody_knows(schedule: Schedule, now: int, newest: int) -> None:
    due = schedule.due_round(now, newest)
    known_until = max(now, schedule.due_at(newest)) if newest else now

    assert due % schedule.stride == 0
    assert due > newest
    assert schedule.due_at(due) >= known_until + schedule.delay_seconds
    before = due - schedule.stride
    assert before < 1 or schedule.due_at(before) < known_until + schedule.delay_seconds


@given(schedules, moments, moments, st.integers(0, 2**40), st.integers(0, 2**40))
def test_the_round_that_decides_never_goes_back(schedule: Schedule, a: int, b: int, m: int, n: int) -> None:
    assert schedule.due_round(min(a, b), min(m, n)) <= schedule.due_round(max(a, b), max(m, n))


@given(schedules, moments)
def test_the_first_due_is_the_first(schedule: Schedule, moment: int) -> None:
    first = schedule.first_due(moment)

    assert schedule.due_at(first) >= moment
    assert first == 1 or schedule.due_at(first - 1) < moment


def test_evmnet_counts_every_hundredth_round() -> None:
    schedule = evmnet_schedule()

    assert schedule == Schedule(EVMNET_GENESIS, 3, 60, 100)
    assert schedule.due_at(20_000_000) == 1_787_521_072
    assert schedule.due_round(1_787_521_072 - 60) == 20_000_000
    assert schedule.due_round(1_787_521_072 - 59) == 20_000_100
    assert schedule.due_round(0) == 100
    assert schedule.due_round(0, newest=20_000_000) == 20_000_100


def test_a_stride_is_whole_rounds() -> None:
    assert evmnet_schedule(30, 3).stride == 1
    with pytest.raises(ValueError, match="whole rounds"):
        evmnet_schedule(30, 100)


WRONG = {
    "no genesis": (1, 3, 60, 1), "late genesis": (MAX_GENESIS + 1, 3, 60, 1), "genesis below 0": (-5, 3, 60, 1),
    "no period": (9, 0, 60, 1), "long period": (9, MAX_STEP + 1, 60, 1), "no delay": (9, 3, 0, 1),
    "long delay": (9, 3, MAX_STEP + 1, 1), "no stride": (9, 3, 60, 0), "long stride": (9, 3, 60, MAX_STEP + 1),
    "delay below 0": (9, 3, -1, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_schedules_are_refused(name: str) -> None:
    with pytest.raises(Rejected, match="beacon: schedule"):
        create(EVMNET_KEY, Schedule(*WRONG[name]))


def test_a_false_key_is_refused() -> None:
    with pytest.raises(Rejected, match="beacon: key"):
        create(bytes(128), evmnet_schedule())


def test_real_rounds_are_stored_once() -> None:
    beacon = create(EVMNET_KEY, evmnet_schedule(stride_seconds=3))
    for number, signature in REAL_SIGNATURES.items():
        beacon, event = submit(beacon, number, signature, beacon.schedule.due_at(number))
        assert event == RoundStored(number, randomness(signature))
        assert beacon.randomness(number) == randomness(signature)
        assert beacon.newest == number
    assert beacon.randomness(2) == bytes(32)
    with pytest.raises(Rejected, match="beacon: stored"):
        submit(beacon, 1, REAL_SIGNATURES[1], EVMNET_GENESIS)


def test_an_older_round_is_taken_and_the_newest_stays() -> None:
    beacon = create(development_key(), development_schedule())
    beacon, _ = submit(beacon, 8, signed(8), GENESIS + 7)
    beacon, _ = submit(beacon, 4, signed(4), GENESIS + 7)

    assert beacon.newest == 8
    assert set(beacon.stored) == {4, 8}


def test_a_round_ahead_of_the_clock_moves_what_decides() -> None:
    """A chain whose clock is late learns from a known round that the rounds up to it are known."""
    beacon = create(development_key(), development_schedule())
    late = GENESIS + 99

    assert beacon.due_round(late) == 102
    beacon, _ = submit(beacon, 500, signed(500), late)
    assert beacon.due_round(late) == 502
    assert beacon.due_round(GENESIS + 600) == beacon.schedule.due_round(GENESIS + 600)


def test_a_round_a_day_ahead_is_the_last_that_is_taken() -> None:
    number = 2 * MAX_STEP
    came_out = development_schedule().due_at(number)

    assert refusal(number, signed(number), came_out - AHEAD_SECONDS - 1) == "beacon: future"
    beacon, _ = submit(
        create(development_key(), development_schedule()), number, signed(number), came_out - AHEAD_SECONDS
    )
    assert beacon.newest == number


@pytest.mark.parametrize(
    ("number", "stride", "code"),
    [
        (0, 2, "beacon: round"), (3, 2, "beacon: round"), (2**64, 2, "beacon: round"), (-2, 2, "beacon: round"),
        (4, 3, "beacon: round"), (2**64 - 2, 2, "beacon: future"),
    ],
)  # fmt: skip
def test_rounds_that_do_not_count_are_refused(number: int, stride: int, code: str) -> None:
    assert refusal(number, signed(4), GENESIS, stride) == code


@pytest.mark.parametrize(
    ("signature", "code"),
    [(signed(6), "beacon: signature"), (joined(1, 3), "beacon: point"), (signed(4)[:63], "beacon: point")],
)
def test_what_does_not_verify_is_not_stored(signature: bytes, code: str) -> None:
    assert refusal(4, signature, GENESIS + 3) == code
