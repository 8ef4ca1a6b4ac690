"""The specification of the registry of models."""

from dataclasses import replace

import pytest

from stun.protocol.errors import Rejected
from stun.protocol.parameters import MODEL_RELEASE_SECONDS, NumericClass
from stun.protocol.registry import Model, reclaim, register, retire

pytestmark = pytest.mark.unit

CREATOR, OTHER = b"\x0c" * 32, b"\x0d" * 32
MANIFEST, WEIGHTS, GRAPH, ZERO = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32, bytes(32)
FIELDS = {
    "creator": CREATOR,
    "manifest_digest": MANIFEST,
    "weight_root": WEIGHTS,
    "graph_root": GRAPH,
    "numeric_class": 0,
    "bond": 7,
}
LIVE = Model(CREATOR, NumericClass.EXACT, True, MANIFEST, WEIGHTS, GRAPH, retired_at=0, bond=7)


def test_register_records_everything() -> None:
    assert register(None, **FIELDS) == LIVE


@pytest.mark.parametrize("numeric_class", [NumericClass.BOUNDED, NumericClass.TOKEN, NumericClass.OPAQUE])
def test_only_exact_needs_roots(numeric_class: NumericClass) -> None:
    model = register(None, **FIELDS | {"weight_root": ZERO, "graph_root": ZERO, "numeric_class": numeric_class})
    assert model.numeric_class is numeric_class


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"numeric_class": 4}, "registry: class"),
        ({"numeric_class": -1}, "registry: class"),
        ({"manifest_digest": ZERO}, "registry: manifest"),
        ({"manifest_digest": MANIFEST[:31]}, "registry: width"),
        ({"weight_root": b""}, "registry: width"),
        ({"graph_root": GRAPH * 2}, "registry: width"),
        ({"creator": CREATOR[:20]}, "registry: width"),
        ({"weight_root": ZERO}, "registry: roots"),
        ({"graph_root": ZERO}, "registry: roots"),
    ],
)
def test_register_refuses(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        register(None, **FIELDS | changes)
    assert refusal.value.code == code


def test_a_model_is_registered_once_for_ever() -> None:
    for known in (LIVE, retire(LIVE, CREATOR, 5)):
        with pytest.raises(Rejected, match=r"^registry: exists$"):
            register(known, **FIELDS)


def test_retire_is_the_creators_and_final() -> None:
    retired = retire(LIVE, CREATOR, now=5)
    assert retired == replace(LIVE, live=False, retired_at=5)
    with pytest.raises(Rejected, match=r"^registry: creator$"):
        retire(LIVE, OTHER, now=5)
    with pytest.raises(Rejected, match=r"^registry: retired$"):
        retire(retired, CREATOR, now=6)
    with pytest.raises(Rejected, match=r"^registry: unknown$"):
        retire(None, CREATOR, now=5)


def test_reclaim_releases_the_bond_once() -> None:
    retired = retire(LIVE, CREATOR, now=5)
    with pytest.raises(Rejected, match=r"^registry: unknown$"):
        reclaim(None, now=5)
    with pytest.raises(Rejected, match=r"^registry: live$"):
        reclaim(LIVE, now=5)
    with pytest.raises(Rejected, match=r"^registry: early$"):
        reclaim(retired, now=4 + MODEL_RELEASE_SECONDS)
    released, bond = reclaim(retired, now=5 + MODEL_RELEASE_SECONDS)
    assert (released, bond) == (replace(retired, bond=0), 7)
    with pytest.raises(Rejected, match=r"^registry: reclaimed$"):
        reclaim(released, now=6 + MODEL_RELEASE_SECONDS)
