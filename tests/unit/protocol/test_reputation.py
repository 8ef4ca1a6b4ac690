"""The specification of reputation."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.errors import Rejected
from stun.protocol.parameters import DAY_SECONDS, PPM, U64
from stun.protocol.reputation import DECAY, FACTOR_BITS, HALF_LIFE_DAYS, Reputation, convicted, earned, score, silent

pytestmark = pytest.mark.unit

values = st.integers(0, PPM)
rates = st.integers(0, PPM)
NOW = 20_000 * DAY_SECONDS + 5
TODAY = NOW // DAY_SECONDS


@pytest.mark.parametrize("days", range(HALF_LIFE_DAYS))
def test_decay_is_the_rounded_down_power(days: int) -> None:
    exact = Fraction(2 ** (FACTOR_BITS * HALF_LIFE_DAYS), 2**days)
    assert DECAY[days] ** HALF_LIFE_DAYS <= exact < (DECAY[days] + 1) ** HALF_LIFE_DAYS


@given(value=values, days=st.integers(0, 2_000))
def test_score_is_the_power_rounded_down_to_a_part_in_a_million(value: int, days: int) -> None:
    decayed = score(Reputation(value, TODAY), NOW + days * DAY_SECONDS)
    exact = value * 2 ** (-days / HALF_LIFE_DAYS)
    assert exact - 2 < decayed <= exact + 1e-6


@given(value=values, halves=st.integers(0, 25))
def test_score_halves_exactly(value: int, halves: int) -> None:
    assert score(Reputation(value, TODAY), NOW + halves * 30 * DAY_SECONDS) == value >> halves


@given(value=values, paid=st.integers(0, U64), reference_fee=st.integers(1, U64), alpha_ppm=rates)
def test_earned_stays_within_one(value: int, paid: int, reference_fee: int, alpha_ppm: int) -> None:
    raised = earned(Reputation(value, TODAY), paid, reference_fee, alpha_ppm, NOW)
    share = min(Fraction(1), Fraction(paid, reference_fee)) * Fraction(alpha_ppm, PPM)
    assert raised.value == value + int(share * (PPM - value))
    assert value <= raised.value <= PPM
    assert raised.day == TODAY


@given(value=values, beta_ppm=rates)
def test_silent_takes_its_share(value: int, beta_ppm: int) -> None:
    lowered = silent(Reputation(value, TODAY), beta_ppm, NOW)
    assert lowered == Reputation(value - value * beta_ppm // PPM, TODAY)


def test_convicted_takes_all() -> None:
    assert convicted(Reputation(PPM, TODAY - 3), NOW) == Reputation(0, TODAY)


def test_records_decay_first() -> None:
    record = Reputation(PPM, TODAY - 30)
    assert silent(record, 0, NOW) == earned(record, 0, 1, PPM, NOW) == Reputation(PPM // 2, TODAY)


def test_a_rate_is_at_most_one() -> None:
    with pytest.raises(Rejected, match=r"^reputation: rate$"):
        earned(Reputation(), 1, 1, PPM + 1, NOW)
    with pytest.raises(Rejected, match=r"^reputation: rate$"):
        silent(Reputation(), -1, NOW)
    with pytest.raises(Rejected, match=r"^reputation: reference$"):
        earned(Reputation(), 1, 0, PPM, NOW)
