"""A provider that serves every model: named prices first, one price for all others, profiles within their bounds."""

from dataclasses import replace

import pytest

from stun.chains.market import ModelRecord
from stun.cli.open_policy import ANY_MODEL, OpenPolicy
from stun.pool.profiles import MAX_MODELS
from stun.protocol.parameters import NumericClass
from stun.provider.policy import ModelPrice

pytestmark = pytest.mark.unit
ASSET, OTHER = b"\x01" * 32, b"\x02" * 32


def record(number: int, live: bool = True) -> ModelRecord:
    return ModelRecord(number.to_bytes(32, "big"), ASSET, ASSET, ASSET, ASSET, NumericClass.OPAQUE, live)


def policy(count: int, **changes: object) -> OpenPolicy:
    fallback = ModelPrice(bytes(32), ASSET, 5)
    named = (ModelPrice(record(1).model_id, ASSET, 3),)
    models = lambda: [record(number) for number in range(1, count + 1)]  # noqa: E731
    return replace(OpenPolicy(named, fallback=fallback, models=models), **changes)


def test_named_price_goes_first() -> None:
    chosen = policy(2)

    assert [p.floor for n in (1, 2) if (p := chosen.price_of(record(n).model_id, ASSET))] == [3, 5]
    assert chosen.price_of(record(2).model_id, OTHER) is None


def test_price_is_of_the_model_that_was_asked_for() -> None:
    found = policy(2).price_of(record(9).model_id, ASSET)

    assert found is not None
    assert found.model_id == record(9).model_id


def test_profile_lists_every_live_model_once() -> None:
    assert policy(3).listed() == {
        record(1).model_id: {ASSET: 3},
        record(2).model_id: {ASSET: 5},
        record(3).model_id: {ASSET: 5},
    }
    retired = policy(0, models=lambda: [record(4, live=False)])
    assert retired.listed() == {record(1).model_id: {ASSET: 3}}


def test_profile_holds_the_newest_of_too_many() -> None:
    listed = policy(1_000).listed()

    assert len(listed) == MAX_MODELS
    assert record(1_000).model_id in listed
    assert record(1).model_id in listed


def test_price_for_any_model_is_no_model_of_the_profile() -> None:
    fallback = ModelPrice(ANY_MODEL, ASSET, 5)
    chosen = policy(2, prices=(fallback,), fallback=fallback)

    assert set(chosen.listed()) == {record(1).model_id, record(2).model_id}


def test_without_a_price_for_any_only_named_models_are_served() -> None:
    chosen = policy(3, fallback=None)

    assert chosen.price_of(record(2).model_id, ASSET) is None
    assert list(chosen.listed()) == [record(1).model_id]
