"""Twenty-seven alterations of true evidence, each judged beside a second, independent verifier."""

from random import Random

import pytest
from disagreement_alterations import ALTERATIONS
from disagreement_cases import Case, RefusalError, second_opinion, true_case

from stun.protocol.errors import Rejected
from stun.protocol.trees.resolve import Resolution, unpack_siblings, verify_resolution

pytestmark = pytest.mark.unit

TRIALS = 120
WITH_OTHER_RESULTS = {"sums_that_wrap", "sums_that_wrap_in_two"}  # a batch of one cannot wrap: another true case


def opinions(case: Case) -> tuple[tuple[int, ...] | str, tuple[int, ...] | str]:
    """What the specification says (units due, or the error's code), and the second verifier ("refused")."""
    first: tuple[int, ...] | str
    second: tuple[int, ...] | str
    try:
        siblings = tuple(case.siblings) if case.packed is None else unpack_siblings(case.packed)
        evidence = Resolution(tuple(case.tasks), tuple(map(tuple, case.leaves)), siblings)
        first = verify_resolution(
            case.count, [root for root, _ in case.posts], [total for _, total in case.posts], evidence
        )
    except Rejected as rejection:
        first = rejection.code
    try:
        second = second_opinion(case)
    except RefusalError:
        second = "refused"
    return first, second


def test_there_are_twenty_seven_kinds() -> None:
    assert len(ALTERATIONS) == 27


def test_true_evidence_is_accepted_by_both() -> None:
    random = Random(1)
    for _ in range(400):
        case = true_case(random)
        plain = [list(row) for row in zip(*case.results, strict=True)]
        due = tuple(sum(row[j].units for row in plain if row.count(row[j]) > 1) for j in range(case.replicas))
        assert opinions(case) == (due, due)


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_is_judged_alike_by_both(name: str) -> None:
    alter, causes = ALTERATIONS[name]
    random, refusals = Random(name), 0
    for _ in range(TRIALS):
        case = true_case(random)
        before = opinions(case)
        alter(case, random)
        first, second = opinions(case)
        if isinstance(first, str):
            refusals += 1
            assert (second, first in causes) == ("refused", True), first
        else:
            assert first == second
            assert causes == set() or first == before[0] or name in WITH_OTHER_RESULTS
    assert refusals == 0 if not causes else refusals > TRIALS // 3
