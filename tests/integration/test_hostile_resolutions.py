"""Forged evidence of a disagreement, brought to the contract: spare, missing and false nodes, indices and leaves."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from market_stage import UNITS, Opened, Stage, fresh_stage, honest_tree, tree_of

from stun.protocol.trees.resolve import Resolution, prove_differences
from stun.protocol.trees.results import Result, ResultsTree

pytestmark = pytest.mark.integration

TREE = honest_tree()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with fresh_stage() as lent:
        yield lent


def _disputed(stage: Stage) -> tuple[Opened, list[ResultsTree]]:
    trees = [TREE, tree_of(UNITS, {1: "wrong"})]
    opened = stage.open(stage.order(2))
    stage.deliver(opened, *trees)
    return opened, trees


def _resolve(stage: Stage, opened: Opened, evidence: Resolution) -> str | None:
    return stage.refusal(stage.settler, "resolve", *opened.about, *stage.resolution(evidence))


def test_overflow_inside_a_resolution(stage: Stage) -> None:
    opened, trees = _disputed(stage)
    evidence = prove_differences(trees)
    rows = tuple(tuple(replace(leaf, units=2**64 - 1) for leaf in row) for row in evidence.leaves)
    assert _resolve(stage, opened, replace(evidence, leaves=rows)) == "resolve: overflow"


FORGERIES: dict[str, tuple[Callable[[Resolution], Resolution], str]] = {
    "missing node": (lambda e: replace(e, siblings=e.siblings[:-1]), "resolve: siblings"),
    "spare node": (lambda e: replace(e, siblings=(*e.siblings, e.siblings[0])), "resolve: siblings"),
    "swapped nodes": (lambda e: replace(e, siblings=e.siblings[::-1]), "resolve: root"),
    "forged node": (lambda e: replace(e, siblings=((b"\x01" * 32, 1), *e.siblings[1:])), "resolve: root"),
    "repeated index": (lambda e: replace(e, tasks=(1, 1), leaves=e.leaves * 2), "resolve: order"),
    "unsorted indices": (lambda e: replace(e, tasks=(1, 0), leaves=e.leaves * 2), "resolve: order"),
    "index of a ghost": (lambda e: replace(e, tasks=(4,)), "resolve: index"),
    "second, ghost index": (lambda e: replace(e, tasks=(1, 5), leaves=e.leaves * 2), "resolve: index"),
    "largest index": (lambda e: replace(e, tasks=(2**32 - 1,)), "resolve: index"),
    "another index": (lambda e: replace(e, tasks=(0,)), "resolve: root"),
    "no index": (lambda e: replace(e, tasks=(), leaves=()), "resolve: empty"),
    "missing leaf": (lambda e: replace(e, leaves=(e.leaves[0][:1],)), "resolve: leaves"),
    "spare leaf": (lambda e: replace(e, leaves=e.leaves * 2), "resolve: leaves"),
    "swapped leaves": (lambda e: replace(e, leaves=(e.leaves[0][::-1],)), "resolve: root"),
    "forged units": (
        lambda e: replace(e, leaves=((Result(e.leaves[0][0].output_digest, 400), e.leaves[0][1]),)),
        "resolve: root",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_resolution(stage: Stage, name: str) -> None:
    forge, reason = FORGERIES[name]
    opened, trees = _disputed(stage)
    evidence = prove_differences(trees)
    assert _resolve(stage, opened, forge(evidence)) == reason
    assert _resolve(stage, opened, evidence) is None
