"""Registration of models: the id, the bond, and what is refused."""

from hashlib import sha256
from typing import Any

import pytest
from evm_contracts import NO_ADDRESS, STUN, account_of, events, publish, rejection

from stun.protocol.trees.specs import model_id

pytestmark = pytest.mark.unit

MANIFEST, WEIGHTS, GRAPH, ZERO = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32, bytes(32)
BOND = 10 * STUN


def test_register_names_stores_and_takes_the_bond(registry: Any, token: Any, creator: str) -> None:
    name = registry.register(MANIFEST, WEIGHTS, GRAPH, 0, sender=creator)
    assert events(registry, "ModelRegistered") == [
        {
            "model_id": name,
            "creator": creator,
            "numeric_class": 0,
            "manifest_digest": MANIFEST,
            "weight_root": WEIGHTS,
            "graph_root": GRAPH,
            "bond": BOND,
        }
    ]
    assert name == sha256(b"\x10" + account_of(creator) + MANIFEST).digest()
    assert name == model_id(account_of(creator), MANIFEST) == registry.model_id_of(creator, MANIFEST)
    assert registry.model(name) == (creator, 0, True)
    assert tuple(registry.record(name)) == (creator, 0, True, MANIFEST, WEIGHTS, GRAPH, 0, BOND)
    assert tuple(registry.roots(name)) == (WEIGHTS, GRAPH)
    assert token.balanceOf(registry) == BOND


def test_unknown_model_has_no_creator(registry: Any) -> None:
    assert registry.model(MANIFEST) == (NO_ADDRESS, 0, False)
    assert tuple(registry.record(MANIFEST)) == (NO_ADDRESS, 0, False, ZERO, ZERO, ZERO, 0, 0)
    assert tuple(registry.roots(MANIFEST)) == (ZERO, ZERO)


def test_two_creators_may_register_one_manifest(registry: Any, token: Any, creator: str, treasury: str) -> None:
    token.approve(registry, BOND, sender=treasury)
    first = registry.register(MANIFEST, WEIGHTS, GRAPH, 0, sender=creator)
    second = registry.register(MANIFEST, WEIGHTS, GRAPH, 0, sender=treasury)
    assert first != second
    assert registry.model(second)[0] == treasury


@pytest.mark.parametrize("numeric_class", [1, 2, 3])
def test_other_classes_need_no_roots(registry: Any, creator: str, numeric_class: int) -> None:
    name = registry.register(MANIFEST, ZERO, ZERO, numeric_class, sender=creator)
    assert registry.model(name) == (creator, numeric_class, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((MANIFEST, WEIGHTS, GRAPH, 4), "registry: class"),
        ((MANIFEST, WEIGHTS, GRAPH, 255), "registry: class"),
        ((ZERO, WEIGHTS, GRAPH, 0), "registry: manifest"),
        ((MANIFEST, ZERO, GRAPH, 0), "registry: roots"),
        ((MANIFEST, WEIGHTS, ZERO, 0), "registry: roots"),
    ],
)
def test_register_refuses(registry: Any, creator: str, arguments: tuple[Any, ...], code: str) -> None:
    assert rejection(registry.register, *arguments, sender=creator) == code


def test_a_manifest_is_registered_once_for_ever(registry: Any, creator: str) -> None:
    name = registry.register(MANIFEST, WEIGHTS, GRAPH, 0, sender=creator)
    for other_class in (0, 3):
        again = rejection(registry.register, MANIFEST, GRAPH, WEIGHTS, other_class, sender=creator)
        assert again == "registry: exists"
    registry.retire(name, sender=creator)
    assert rejection(registry.register, MANIFEST, WEIGHTS, GRAPH, 0, sender=creator) == "registry: exists"


def test_register_needs_the_bond(registry: Any, stranger: str) -> None:
    assert rejection(registry.register, MANIFEST, WEIGHTS, GRAPH, 0, sender=stranger) == "token: allowance"


def test_the_bond_is_the_current_configs(registry: Any, creator: str, config: Any, owner: str) -> None:
    publish(config, owner, {"model_bond": 3})
    name = registry.register(MANIFEST, WEIGHTS, GRAPH, 0, sender=creator)
    assert registry.record(name).bond == 3
