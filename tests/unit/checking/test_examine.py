"""What a second run says of replicas: right, wrong or unknown, task by task, and never more than it can know."""

from dataclasses import replace

import pytest

from stun.checking.examine import Claim, Finding, examine, judge_root
from stun.protocol.trees.results import Result, ResultsTree

TRUE = tuple(Result(bytes([i + 1]) * 32, i + 1) for i in range(5))
ALL = dict(enumerate(TRUE))


def claim_of(results: tuple[Result, ...], replica: int = 0, published: bool = True, **changes: object) -> Claim:
    tree = ResultsTree(results)
    made = Claim(replica, bytes([replica + 1]) * 32, tree.root, tree.total_units, tree if published else None)
    return replace(made, **changes)  # type: ignore[arg-type]


def lying(task: int, result: Result) -> tuple[Result, ...]:
    return tuple(result if i == task else right for i, right in enumerate(TRUE))


def findings(*claims: Claim, tasks: dict[int, Result | None] | None = None, private: bool = False) -> list[str]:
    return [found.finding.value for found in examine(claims, ALL if tasks is None else tasks, 5, private)]


@pytest.mark.parametrize("wrong", [Result(b"\xff" * 32, 3), Result(TRUE[2].output_digest, 4)], ids=["digest", "units"])
def test_a_wrong_digest_and_wrong_units_are_found_in_their_task(wrong: Result) -> None:
    [found] = [f for f in examine([claim_of(lying(2, wrong))], ALL, 5, False) if f.finding is Finding.WRONG]

    assert (found.task, found.expected, found.claimed) == (2, TRUE[2], wrong)


def test_only_the_wrong_replica_is_named() -> None:
    wrong = Result(b"\xff" * 32, 1)
    found = examine([claim_of(TRUE, 0), claim_of(lying(0, wrong), 1), claim_of(TRUE, 2)], ALL, 5, False)

    assert [(f.replica, f.task) for f in found if f.finding is not Finding.RIGHT] == [(1, 0)]


def test_a_withheld_result_is_right_if_the_whole_batch_gives_its_root_and_unknown_otherwise() -> None:
    assert findings(claim_of(TRUE, published=False)) == ["right"] * 5
    some = {task: ALL[task] for task in (0, 3)}
    assert findings(claim_of(TRUE, published=False), tasks=some) == ["unknown"] * 2
    assert findings(claim_of(lying(1, Result(b"\xff" * 32, 2)), published=False)) == ["unknown"] * 5


def test_equal_roots_with_other_total_units_are_not_believed() -> None:
    forged = claim_of(TRUE, published=False, total_units=99)

    assert findings(forged) == ["unknown"] * 5


def test_results_that_answers_showed_count_like_published_ones() -> None:
    shown = claim_of(lying(4, Result(b"\xff" * 32, 5)), published=False, leaves={4: Result(b"\xff" * 32, 5)})

    assert findings(shown, tasks={3: TRUE[3], 4: TRUE[4]}) == ["unknown", "wrong"]


def test_an_input_that_the_model_refuses_is_not_judged() -> None:
    assert findings(claim_of(TRUE), tasks={0: None, 1: TRUE[1]}) == ["refused", "right"]


def test_of_a_private_task_only_the_units_can_be_wrong() -> None:
    ciphered = tuple(Result(bytes(32), result.units) for result in TRUE)
    inflated = claim_of(lying(1, Result(bytes(32), 9)))

    assert findings(claim_of(ciphered), private=True) == ["unknown"] * 5
    assert findings(claim_of(TRUE), private=True) == ["unknown"] * 5
    assert findings(inflated, private=True) == ["unknown", "wrong", *["unknown"] * 3]


def test_a_root_is_judged_only_by_the_whole_of_a_public_batch() -> None:
    wrong = claim_of(lying(2, Result(b"\xff" * 32, 3)), published=False)

    assert judge_root(claim_of(TRUE, published=False), ALL, 5, False) is Finding.RIGHT
    assert judge_root(wrong, ALL, 5, False) is Finding.WRONG
    assert judge_root(wrong, {0: TRUE[0]}, 5, False) is Finding.UNKNOWN
    assert judge_root(wrong, {**ALL, 4: None}, 5, False) is Finding.UNKNOWN
    assert judge_root(wrong, ALL, 5, True) is Finding.UNKNOWN
