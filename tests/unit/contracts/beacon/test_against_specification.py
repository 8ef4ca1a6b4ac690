"""Random rounds brought at random moments, the specification stepped beside the contract; and the clock alone."""

from collections import Counter
from functools import cache

import pytest
from beacon_rounds import joined, signed, words
from deployed_beacon import DeployedBeacon, deploy_beacon
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from stepping import run_machine, verdict

from stun.protocol.beacon import bls, rounds
from stun.protocol.beacon.bn254 import P
from stun.protocol.beacon.networks import development_key
from stun.protocol.beacon.rounds import MAX_GENESIS, MAX_STEP, Schedule, create, submit
from stun.protocol.errors import Rejected

pytestmark = [pytest.mark.unit, pytest.mark.stateful]

SCHEDULE = Schedule(1_700_000_000, 9_000, 60, 2)
NUMBERS = (2, 8, 14, 30)
FORGERIES = ("negated", "off the curve", "above P", "another's", "zero")
DAY = 86_400
accepted: Counter[int] = Counter()
refused: Counter[str] = Counter()


@cache
def judged(key: bytes, number: int, signature: bytes) -> tuple[str | None, bytes]:
    code, randomness = verdict(bls.verify, key, number, signature)
    return code, randomness or bytes(32)


def verify_once(key: bytes, number: int, signature: bytes) -> bytes:
    """bls.verify, which also remembers what it refused."""
    code, randomness = judged(key, number, signature)
    if code is not None:
        raise Rejected(code)
    return randomness


def altered(number: int, how: str) -> bytes:
    x, y = words(signed(number))
    return {
        "negated": joined(x, P - y), "off the curve": joined(x, y ^ 1), "above P": joined(x, y + P), "zero": bytes(64),
        "another's": signed(NUMBERS[0] if number != NUMBERS[0] else NUMBERS[1]),
    }[how]  # fmt: skip


class BeaconMachine(RuleBasedStateMachine):
    """One beacon, many reporters."""

    def __init__(self) -> None:
        super().__init__()
        self.now = SCHEDULE.genesis
        self.beacon = create(development_key(), SCHEDULE)
        self.contract: DeployedBeacon = deploy_beacon(development_key(), SCHEDULE)

    @initialize(days=st.sampled_from([-1, 0, 4, 5]))
    def begin(self, days: int) -> None:
        self.now += days * DAY

    @rule(number=st.sampled_from(NUMBERS))
    def bring(self, number: int) -> None:
        self._submit(number, signed(number))

    @rule(number=st.sampled_from(NUMBERS), how=st.sampled_from(FORGERIES))
    def forge(self, number: int, how: str) -> None:
        self._submit(number, altered(number, how))

    @rule(number=st.sampled_from([0, 1, 3, 2**64, 2**64 + 2, 2**64 - 2, 1_000]))
    def bring_what_does_not_count(self, number: int) -> None:
        self._submit(number, signed(NUMBERS[0]))

    def _submit(self, number: int, signature: bytes) -> None:
        code, result = verdict(submit, self.beacon, number, signature, self.now)
        outcome = self.contract.submit(number, signature, self.now)
        assert outcome.reason == code
        if code is not None:
            refused[code] += 1
            return
        self.beacon, event = result
        assert self.contract.stored(outcome) == [(event.round, event.randomness)]
        accepted[number] += 1

    @rule(seconds=st.sampled_from([1, 59, 9_000, DAY, 3 * DAY]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @invariant()
    def contract_equals_specification(self) -> None:
        due = self.beacon.due_round(self.now)
        assert self.contract.due_round(self.now) == due
        assert self.contract.view("newest") == self.beacon.newest < due
        assert SCHEDULE.due_at(due) > self.now
        for number in NUMBERS:
            assert self.contract.view("randomness", number) == self.beacon.randomness(number)


def test_the_beacon_steps_like_its_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "verify", verify_once)
    run_machine(BeaconMachine, examples=40, steps=30)

    assert all(accepted[number] >= 5 for number in NUMBERS), accepted
    codes = ("round", "future", "stored", "point", "signature")
    assert all(refused[f"beacon: {code}"] >= 10 for code in codes), refused


steps = st.one_of(st.integers(1, 10), st.integers(1, MAX_STEP))
schedules = st.builds(Schedule, st.one_of(st.integers(2, MAX_GENESIS), st.just(1_727_521_075)), steps, steps, steps)


clock_times = st.one_of(st.integers(0, 2**41), st.integers(1_700_000_000, 1_800_000_000))


@settings(max_examples=60)
@given(schedules, st.lists(clock_times, max_size=8), st.integers(1, 50))
def test_the_clock_is_the_specifications(schedule: Schedule, moments: list[int], count: int) -> None:
    beacon = create(development_key(), schedule)
    contract = deploy_beacon(development_key(), schedule)
    for moment in moments:
        assert contract.due_round(moment) == beacon.due_round(moment)
    number = count * schedule.stride
    came_out = schedule.due_at(number)
    assert contract.submit(number, signed(number), came_out).reason is None
    assert contract.view("newest") == number
    for moment in (*moments, came_out, came_out + 1, came_out - DAY if came_out > DAY else 0):
        assert contract.due_round(moment) == schedule.due_round(moment, number)
