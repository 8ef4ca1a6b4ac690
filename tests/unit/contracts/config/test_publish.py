"""Publishing versions: bounds, steps, cooldowns, relations, and that a version never changes."""

from dataclasses import astuple, replace
from typing import Any

import boa
import pytest
from evm_contracts import NO_PEERS, deploy_config, deployer, events, now, publish, rejection

from stun.protocol.parameters import DAY_SECONDS, PARAMETERS, Bound, defaults, development, pack, production_bounds

pytestmark = pytest.mark.unit

INDEX = {p.name: i for i, p in enumerate(PARAMETERS)}


def changed(values: dict[str, int], **changes: int) -> list[int]:
    return [(values | changes)[p.name] for p in PARAMETERS]


@pytest.fixture
def production(owner: str) -> Any:
    """A config with production bounds and the defaults as version 1."""
    contract = deploy_config(owner, production_bounds())
    contract.publish(changed(defaults()), NO_PEERS, sender=owner)
    return contract


def test_first_version_is_one(owner: str) -> None:
    contract = deploy_config(owner)
    assert contract.version() == 0
    assert contract.match_rules(owner) == (0, 0, 0, 0, 0)
    assert publish(contract, owner) == 1
    assert contract.version() == 1
    assert contract.changed_at(0) == now()


def test_publish_tells_old_and_new(config: Any, owner: str, stranger: str) -> None:
    peers = (stranger, owner, stranger, owner)
    version = publish(config, owner, {"reveal_seconds": 61}, peers)
    words = pack(development()[0] | {"reveal_seconds": 61}, version)
    assert events(config, "ParameterChanged") == [{"version": 2, "index": 0, "old_value": 60, "new_value": 61}]
    published = events(config, "ConfigPublished")[0]
    assert {name: published[name] for name in ("version", *words)} == {"version": 2, **words}
    assert (tuple(published["old_peers"]), tuple(published["new_peers"])) == (NO_PEERS, peers)


def test_versions_never_change(config: Any, owner: str, stranger: str) -> None:
    before = config.words(1)
    publish(config, owner, {"reveal_seconds": 90}, (stranger,) * 4)
    assert config.words(1) == before
    assert tuple(config.peers(1)) == NO_PEERS
    assert tuple(config.peers(2)) == (stranger,) * 4
    assert config.words(3) == [0, 0, 0, 0]
    assert tuple(config.peers(0)) == tuple(config.peers(3)) == NO_PEERS


def test_publish_is_for_the_owner(config: Any, stranger: str) -> None:
    refused = rejection(config.publish, changed(development()[0]), NO_PEERS, sender=stranger)
    assert refused == "ownable: caller is not the owner"


@pytest.mark.parametrize("count", [0, 1, 38, 40])
def test_publish_wants_every_parameter(config: Any, owner: str, count: int) -> None:
    values = (changed(development()[0]) * 2)[:count]
    assert rejection(config.publish, values, NO_PEERS, sender=owner) == "config: count"


@pytest.mark.parametrize("name", INDEX)
def test_publish_keeps_every_bound(config: Any, owner: str, name: str) -> None:
    bound = development()[1][INDEX[name]]
    outside = {bound.maximum + 1, 2**64, 2**256 - 1} | ({bound.minimum - 1} if bound.minimum else set())
    for value in outside:
        values = changed(development()[0], **{name: value})
        assert rejection(config.publish, values, NO_PEERS, sender=owner) == "config: bounds"


def test_first_version_keeps_the_bounds_too(owner: str) -> None:
    contract = deploy_config(owner, production_bounds())
    values = changed(defaults(), reveal_seconds=599)
    assert rejection(contract.publish, values, NO_PEERS, sender=owner) == "config: bounds"


def test_publish_keeps_the_step(production: Any, owner: str) -> None:
    boa.env.time_travel(seconds=DAY_SECONDS)
    step = production_bounds()[INDEX["reveal_seconds"]].max_step
    values = changed(defaults(), reveal_seconds=1_800 + step + 1)
    assert rejection(production.publish, values, NO_PEERS, sender=owner) == "config: step"
    production.publish(changed(defaults(), reveal_seconds=1_800 + step), NO_PEERS, sender=owner)
    assert production.value(0) == 1_800 + step
    boa.env.time_travel(seconds=DAY_SECONDS)
    assert (
        rejection(production.publish, changed(defaults(), reveal_seconds=1_799), NO_PEERS, sender=owner)
        == "config: step"
    )


def test_publish_keeps_the_cooldown_of_each_parameter(production: Any, owner: str) -> None:
    boa.env.time_travel(seconds=DAY_SECONDS - 1)
    values = changed(defaults(), reveal_seconds=1_801)
    assert rejection(production.publish, values, NO_PEERS, sender=owner) == "config: cooldown"
    boa.env.time_travel(seconds=1)
    production.publish(values, NO_PEERS, sender=owner)
    assert production.changed_at(0) == now()
    assert production.changed_at(1) == now() - DAY_SECONDS
    both = changed(defaults(), reveal_seconds=1_800, resolve_seconds=14_401)
    assert rejection(production.publish, both, NO_PEERS, sender=owner) == "config: cooldown"
    other = changed(defaults(), reveal_seconds=1_801, resolve_seconds=14_401)
    assert production.publish(other, NO_PEERS, sender=owner) == 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"match_fee_bps": 500, "settle_fee_bps": 300}, None),
        ({"withdraw_bps": 1_000, "silence_bps": 1_000}, None),
        ({"withdraw_bps": 1_001, "silence_bps": 1_000}, "config: withdraw"),
        ({"unbonding_seconds": 10_981}, None),
        ({"unbonding_seconds": 10_980}, "config: unbonding"),
        ({"max_challenge_seconds": 22}, None),
        ({"max_challenge_seconds": 21}, "config: window"),
        ({"min_post_seconds": 3_600}, None),
        ({"max_post_seconds": 3_599, "min_post_seconds": 3_600}, "config: post"),
        ({"max_hold": 2_090}, None),
        ({"max_hold": 2_089}, "config: hold"),
        ({"chain_max": 16, "max_hold": 2_090}, "config: hold"),
    ],
)
def test_publish_keeps_the_relations(config: Any, owner: str, changes: dict[str, int], code: str | None) -> None:
    values = changed(development()[0], **changes)
    assert rejection(config.publish, values, NO_PEERS, sender=owner) == code


def test_keepers_never_get_more_than_a_tenth(owner: str) -> None:
    bounds = list(development()[1])
    bounds[INDEX["match_fee_bps"]] = replace(bounds[INDEX["match_fee_bps"]], maximum=10_000)
    contract = deploy_config(owner, bounds)
    values = changed(development()[0], match_fee_bps=951, settle_fee_bps=50)
    assert rejection(contract.publish, values, NO_PEERS, sender=owner) == "config: keepers"
    assert publish(contract, owner, {"match_fee_bps": 950}) == 1


def test_the_last_version_is_65535(config: Any, owner: str) -> None:
    slot = next(i for i in range(16) if boa.env.get_storage(config.address, i) >> 240 == 1)
    word = boa.env.get_storage(config.address, slot)
    boa.env.set_storage(config.address, slot, word | 65_534 << 240)
    assert config.version() == 65_535
    assert rejection(config.publish, changed(development()[0]), NO_PEERS, sender=owner) == "config: versions"
    assert rejection(config.list_asset, owner, 1, 1, 1, 1, 1, 1, 1, sender=owner) == "config: versions"


@pytest.mark.parametrize(
    ("index", "bound", "code"),
    [
        (0, Bound(2, 1, 1, 0), "config: bounds"),
        (0, Bound(0, 2**24, 1, 0), "config: bounds"),
        (20, Bound(0, 2**64 - 1, 1, 0), None),
    ],
)
def test_a_config_needs_bounds_that_fit(owner: str, index: int, bound: Bound, code: str | None) -> None:
    bounds = list(development()[1])
    bounds[index] = bound
    arguments = (owner, [astuple(each) for each in bounds])
    assert rejection(deployer("Config").deploy, *arguments) == code
    assert rejection(deployer("Config").deploy, owner, arguments[1][:-1]) == "config: count"
