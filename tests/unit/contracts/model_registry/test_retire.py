"""Retirement of models and the return of their bonds."""

from typing import Any

import boa
import pytest
from evm_contracts import STUN, events, now, publish, rejection

pytestmark = pytest.mark.unit

MANIFEST, WEIGHTS, GRAPH = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
BOND = 10 * STUN
WEEK = 7 * 86_400


@pytest.fixture
def model_id(registry: Any, creator: str) -> bytes:
    name: bytes = registry.register(MANIFEST, WEIGHTS, GRAPH, 0, sender=creator)
    return name


def test_retire_ends_a_model_for_good(registry: Any, creator: str, model_id: bytes) -> None:
    registry.retire(model_id, sender=creator)
    assert events(registry, "ModelRetired") == [{"model_id": model_id, "creator": creator, "retired_at": now()}]
    assert registry.model(model_id) == (creator, 0, False)
    assert tuple(registry.record(model_id)) == (creator, 0, False, MANIFEST, WEIGHTS, GRAPH, now(), BOND)
    assert rejection(registry.retire, model_id, sender=creator) == "registry: retired"


def test_retire_is_for_the_creator(registry: Any, model_id: bytes, stranger: str, owner: str) -> None:
    for account in (stranger, owner):
        assert rejection(registry.retire, model_id, sender=account) == "registry: creator"


def test_unknown_models_are_refused(registry: Any, creator: str) -> None:
    assert rejection(registry.retire, b"\x09" * 32, sender=creator) == "registry: unknown"
    assert rejection(registry.reclaim, b"\x09" * 32, sender=creator) == "registry: unknown"


def test_reclaim_returns_the_bond_after_a_week_and_once(
    registry: Any, token: Any, creator: str, model_id: bytes, stranger: str
) -> None:
    assert rejection(registry.reclaim, model_id, sender=creator) == "registry: live"
    registry.retire(model_id, sender=creator)
    boa.env.time_travel(seconds=WEEK - 1)
    assert rejection(registry.reclaim, model_id, sender=creator) == "registry: early"
    boa.env.time_travel(seconds=1)
    assert registry.reclaim(model_id, sender=stranger) == BOND
    assert events(registry, "ModelBondReclaimed") == [{"model_id": model_id, "creator": creator, "bond": BOND}]
    assert token.balanceOf(creator) == 1_000 * STUN
    assert token.balanceOf(registry) == 0
    assert rejection(registry.reclaim, model_id, sender=creator) == "registry: reclaimed"


def test_the_bond_returned_is_the_bond_paid(
    registry: Any, token: Any, creator: str, model_id: bytes, config: Any, owner: str
) -> None:
    publish(config, owner, {"model_bond": 500 * STUN})
    registry.retire(model_id, sender=creator)
    boa.env.time_travel(seconds=WEEK)
    assert registry.reclaim(model_id) == BOND
    assert registry.record(model_id).bond == 0
