"""Recording reputation: who may, and what each record does."""

from typing import Any

import boa
import pytest
from evm_contracts import events, rejection

pytestmark = pytest.mark.unit

DAY = 86_400
ALPHA, BETA = 10_000, 200_000
RECORDS = {"earned": (1, 1, ALPHA), "silent": (BETA,), "convicted": ()}


def test_unknown_provider_has_no_reputation(reputation: Any, stranger: str) -> None:
    assert reputation.score(stranger) == 0


def test_earned_raises_by_a_share_of_what_is_missing(reputation: Any, recorder: str, provider: str) -> None:
    reputation.earned(provider, 10, 10, ALPHA, sender=recorder)
    assert events(reputation, "ReputationChanged") == [{"provider": provider, "old_value": 0, "new_value": 10_000}]
    reputation.earned(provider, 2**64 - 1, 10, ALPHA, sender=recorder)
    assert events(reputation, "ReputationChanged") == [{"provider": provider, "old_value": 10_000, "new_value": 19_900}]
    assert reputation.score(provider) == 19_900


def test_a_small_payment_earns_a_small_step(reputation: Any, recorder: str, provider: str) -> None:
    reputation.earned(provider, 3, 10, ALPHA, sender=recorder)
    assert reputation.score(provider) == 3_000
    reputation.earned(provider, 0, 10, ALPHA, sender=recorder)
    assert reputation.score(provider) == 3_000


def test_reputation_never_exceeds_one(reputation: Any, recorder: str, provider: str) -> None:
    for _ in range(2):
        reputation.earned(provider, 2**64 - 1, 2**64 - 1, 1_000_000, sender=recorder)
        assert reputation.score(provider) == 1_000_000


def test_silent_takes_a_share(reputation: Any, recorder: str, provider: str) -> None:
    reputation.earned(provider, 1, 1, 1_000_000, sender=recorder)
    reputation.silent(provider, BETA, sender=recorder)
    assert events(reputation, "ReputationChanged") == [
        {"provider": provider, "old_value": 1_000_000, "new_value": 800_000}
    ]


def test_convicted_takes_all(reputation: Any, recorder: str, provider: str) -> None:
    reputation.earned(provider, 1, 1, ALPHA, sender=recorder)
    reputation.convicted(provider, sender=recorder)
    assert events(reputation, "ReputationChanged") == [{"provider": provider, "old_value": 10_000, "new_value": 0}]
    assert reputation.score(provider) == 0


@pytest.mark.parametrize(("days", "left"), [(0, 1_000_000), (1, 977_159), (30, 500_000), (45, 353_553), (60, 250_000)])
def test_score_decays_by_whole_days(reputation: Any, recorder: str, provider: str, days: int, left: int) -> None:
    boa.env.time_travel(seconds=DAY - boa.env.timestamp % DAY)
    reputation.earned(provider, 1, 1, 1_000_000, sender=recorder)
    boa.env.time_travel(seconds=days * DAY)
    assert reputation.score(provider) == left
    boa.env.time_travel(seconds=DAY - 1)
    assert reputation.score(provider) == left


def test_score_is_gone_in_the_end(reputation: Any, recorder: str, provider: str) -> None:
    reputation.earned(provider, 1, 1, 1_000_000, sender=recorder)
    boa.env.time_travel(seconds=100_000 * DAY)
    assert reputation.score(provider) == 0


def test_records_decay_first(reputation: Any, recorder: str, provider: str) -> None:
    reputation.earned(provider, 1, 1, 1_000_000, sender=recorder)
    boa.env.time_travel(seconds=30 * DAY)
    reputation.silent(provider, BETA, sender=recorder)
    assert events(reputation, "ReputationChanged") == [
        {"provider": provider, "old_value": 500_000, "new_value": 400_000}
    ]


@pytest.mark.parametrize("record", RECORDS)
def test_records_are_for_recorders(reputation: Any, provider: str, owner: str, recorder: str, record: str) -> None:
    call = getattr(reputation, record)
    for account in (owner, provider):
        assert rejection(call, provider, *RECORDS[record], sender=account) == "reputation: recorder"
    reputation.set_recorder(recorder, False, sender=owner)
    assert events(reputation, "RecorderSet") == [{"recorder": recorder, "old_allowed": True, "new_allowed": False}]
    before = reputation.score(provider)
    call(provider, *RECORDS[record], sender=recorder)  # what it had open must still end
    assert events(reputation, "ReputationChanged") == []
    assert reputation.score(provider) == before


def test_set_recorder_is_for_the_owner(reputation: Any, recorder: str) -> None:
    assert reputation.is_recorder(recorder)
    refused = rejection(reputation.set_recorder, recorder, True, sender=recorder)
    assert refused == "ownable: caller is not the owner"


def test_records_refuse_what_is_no_share(reputation: Any, recorder: str, provider: str) -> None:
    assert rejection(reputation.earned, provider, 1, 0, ALPHA, sender=recorder) == "reputation: reference"
    assert rejection(reputation.earned, provider, 1, 1, 1_000_001, sender=recorder) == "reputation: rate"
    assert rejection(reputation.silent, provider, 2**256 - 1, sender=recorder) == "reputation: rate"
