"""The list of assets and what a match reads of it."""

from dataclasses import astuple
from typing import Any

import pytest
from evm_contracts import NO_ADDRESS, deploy_config, events, publish, rejection

from stun.protocol.parameters import WORDS, AssetRules, asset_rules_from_word, development, pack

pytestmark = pytest.mark.unit

RULES = AssetRules(min_locked=1, min_bond=2, reward_cap=3, reference_fee=4, audit_fee=5, report_fee=6, audit_cover=7)
AMOUNTS = astuple(RULES)


def test_list_asset_makes_a_version(config: Any, owner: str, stranger: str) -> None:
    assert not config.is_listed(stranger)
    assert config.list_asset(stranger, *AMOUNTS, sender=owner) == 2
    assert events(config, "AssetChanged") == [
        {
            "version": 2,
            "asset": stranger,
            "old_word": 0,
            "new_word": RULES.word(),
            "old_audit_word": 0,
            "new_audit_word": RULES.audit_word(),
        }
    ]
    words = pack(development()[0], version=2)
    assert config.words(2) == [words[word] for word in WORDS]
    assert config.is_listed(stranger)
    assert config.audit_word(stranger) == RULES.audit_word()


def test_match_rules_are_the_current_version(config: Any, owner: str, stranger: str) -> None:
    config.list_asset(stranger, *AMOUNTS, sender=owner)
    rules, limits, times, word, audit_word = config.match_rules(stranger)
    assert [rules, limits, times, config.duties(2)] == config.words(2)
    assert config.court_rules(2) == (times, config.duties(2))
    assert asset_rules_from_word(word, RULES.audit_word()) == RULES
    assert audit_word == 0
    publish(config, owner, {"auditors": 2})
    assert config.match_rules(stranger)[3:] == (RULES.word(), RULES.audit_word())
    assert config.match_rules(owner)[3:] == (0, 0)


def test_a_new_asset_keeps_values_and_peers(config: Any, owner: str, stranger: str) -> None:
    peers = (stranger, owner, stranger, owner)
    publish(config, owner, {"reveal_seconds": 99}, peers)
    config.list_asset(stranger, *AMOUNTS, sender=owner)
    assert tuple(config.peers(3)) == peers
    assert config.value(0) == 99


def test_relisting_tells_old_and_new(config: Any, owner: str, stranger: str) -> None:
    most = 2**64 - 1
    config.list_asset(stranger, *AMOUNTS, sender=owner)
    config.list_asset(stranger, most, 1, most, 1, most, most, most, sender=owner)
    changed = events(config, "AssetChanged")[0]
    assert (changed["old_word"], changed["old_audit_word"]) == (RULES.word(), RULES.audit_word())
    assert (changed["new_word"], changed["new_audit_word"]) == (config.match_rules(stranger)[3], 2**192 - 1)


def test_delist_asset_ends_it_but_not_the_audits_of_what_is_open(config: Any, owner: str, stranger: str) -> None:
    config.list_asset(stranger, *AMOUNTS, sender=owner)
    assert config.delist_asset(stranger, sender=owner) == 3
    assert events(config, "AssetChanged")[0]["new_word"] == 0
    assert not config.is_listed(stranger)
    assert config.match_rules(stranger)[3:] == (0, 0)
    assert config.audit_word(stranger) == RULES.audit_word()
    assert rejection(config.delist_asset, stranger, sender=owner) == "config: asset"


@pytest.mark.parametrize(
    ("amounts", "code"),
    [
        ((0, 1, 1, 1, 0, 0, 0), None),
        ((1, 0, 1, 1, 1, 1, 1), "config: bond"),
        ((1, 2, 1, 1, 1, 1, 1), "config: reward"),
        ((1, 1, 1, 0, 1, 1, 1), "config: reference"),
    ],
)
def test_list_asset_refuses(config: Any, owner: str, stranger: str, amounts: tuple[int, ...], code: str | None) -> None:
    assert rejection(config.list_asset, stranger, *amounts, sender=owner) == code


def test_list_asset_refuses_nobody(config: Any, owner: str) -> None:
    assert rejection(config.list_asset, NO_ADDRESS, *AMOUNTS, sender=owner) == "config: asset"


def test_assets_are_for_the_owner(config: Any, owner: str, stranger: str) -> None:
    config.list_asset(stranger, *AMOUNTS, sender=owner)
    refused = "ownable: caller is not the owner"
    assert rejection(config.list_asset, stranger, *AMOUNTS, sender=stranger) == refused
    assert rejection(config.delist_asset, stranger, sender=stranger) == refused


def test_assets_come_after_the_first_version(owner: str, stranger: str) -> None:
    contract = deploy_config(owner)
    assert rejection(contract.list_asset, stranger, *AMOUNTS, sender=owner) == "config: no version"
