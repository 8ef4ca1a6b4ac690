"""The specification of config versions, and the values and bounds that networks start from."""

from dataclasses import replace

import pytest

from stun.protocol.config import (
    MAX_VERSION,
    ConfigState,
    MatchRules,
    Peers,
    delist_asset,
    is_listed,
    list_asset,
    match_rules,
    peers,
    publish,
    value,
)
from stun.protocol.errors import Rejected
from stun.protocol.parameters import (
    DAY_SECONDS,
    PARAMETERS,
    U64,
    WORDS,
    AssetRules,
    Bound,
    asset_rules_from_word,
    check_relations,
    defaults,
    development,
    pack,
    production_bounds,
    read,
    version_of,
)

pytestmark = pytest.mark.unit

ASSET, ZERO = b"\x0a" * 32, bytes(32)
RULES = AssetRules(min_locked=1, min_bond=2, reward_cap=3, reference_fee=4, audit_fee=5)
INDEX = {p.name: i for i, p in enumerate(PARAMETERS)}
START = 1_700_000_000
PRODUCTION = publish(ConfigState(), tuple(defaults().values()), Peers(), START)


def changed(**changes: int) -> list[int]:
    return list((defaults() | changes).values())


def test_production_and_development_values_keep_their_bounds_and_relations() -> None:
    for values, bounds in ((defaults(), production_bounds()), development()):
        check_relations(values)
        for parameter, bound in zip(PARAMETERS, bounds, strict=True):
            assert 0 <= bound.minimum <= values[parameter.name] <= bound.maximum < 1 << parameter.bits
            assert bound.max_step > 0


def test_development_windows_are_short_and_free() -> None:
    values, bounds = development()
    assert (values["reveal_seconds"], values["resolve_seconds"], values["min_post_seconds"]) == (60, 120, 1)
    assert {bound.cooldown for bound in bounds} == {0}
    assert all(bound.max_step >= bound.maximum - bound.minimum for bound in bounds)


def test_words_hold_every_value_and_the_version() -> None:
    words = PRODUCTION.versions[0].words
    assert version_of(words["rules"]) == PRODUCTION.version == 1
    assert {p.name: read(words[p.word], p.name) for p in PARAMETERS} == defaults()
    with pytest.raises(Rejected, match=r"^config: width$"):
        pack(defaults() | {"auditors": 256})


def test_asset_word_is_read_back() -> None:
    assert asset_rules_from_word(RULES.word(), RULES.audit_word()) == RULES


def test_a_version_never_changes() -> None:
    chosen = Peers(b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)
    later = publish(PRODUCTION, changed(reveal_seconds=1_801), chosen, START + DAY_SECONDS)
    assert later.versions[0] == PRODUCTION.versions[0]
    assert (peers(later, 1), peers(later, 2)) == (Peers(), chosen)
    assert peers(later, 0) == peers(later, 3) == Peers()
    assert value(later, "reveal_seconds") == 1_801


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reveal_seconds": 599}, "config: bounds"),
        ({"reveal_seconds": 21_601}, "config: bounds"),
        ({"min_stake": 2**256 - 1}, "config: bounds"),
        ({"min_stake": -1}, "config: bounds"),
        ({"reveal_seconds": 1_800 + 10_501}, "config: step"),
        ({"withdraw_bps": 1_001}, "config: withdraw"),
        ({"unbonding_seconds": 7 * DAY_SECONDS, "max_hold": 4 * DAY_SECONDS}, "config: unbonding"),
    ],
)
def test_publish_refuses(changes: dict[str, int], code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        publish(PRODUCTION, changed(**changes), Peers(), START + DAY_SECONDS)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"match_fee_bps": 951, "settle_fee_bps": 50}, "config: keepers"),
        ({"max_challenge_seconds": 18_001}, "config: window"),
        ({"max_post_seconds": 1, "min_post_seconds": 2}, "config: post"),
        ({"max_hold": 231_299}, "config: hold"),
    ],
)
def test_relations_refuse(changes: dict[str, int], code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        check_relations(defaults() | changes)
    assert refusal.value.code == code


def test_cooldown_counts_from_the_parameters_own_change() -> None:
    with pytest.raises(Rejected, match=r"^config: cooldown$"):
        publish(PRODUCTION, changed(reveal_seconds=1_801), Peers(), START + DAY_SECONDS - 1)
    second = publish(PRODUCTION, changed(reveal_seconds=1_801), Peers(), START + DAY_SECONDS)
    moment = START + DAY_SECONDS + 1
    third = publish(second, changed(reveal_seconds=1_801, resolve_seconds=14_401), Peers(), moment)
    assert third.changed_at[:2] == (START + DAY_SECONDS, moment)


def test_publish_wants_every_parameter_and_a_free_number() -> None:
    with pytest.raises(Rejected, match=r"^config: count$"):
        publish(PRODUCTION, changed()[:-1], Peers(), START)
    full = replace(PRODUCTION, versions=PRODUCTION.versions * MAX_VERSION)
    for action in (lambda: publish(full, changed(), Peers(), START), lambda: list_asset(full, ASSET, RULES)):
        with pytest.raises(Rejected, match=r"^config: versions$"):
            action()


def test_assets_make_versions_and_keep_the_rest() -> None:
    listed = list_asset(PRODUCTION, ASSET, RULES)
    assert is_listed(listed, ASSET)
    assert not is_listed(PRODUCTION, ASSET)
    words = pack(defaults(), version=2)
    assert match_rules(listed, ASSET) == MatchRules(*(words[word] for word in WORDS[:3]), RULES.word(), 0)
    delisted = delist_asset(listed, ASSET)
    assert delisted.version == 3
    assert match_rules(delisted, ASSET).asset_word == 0
    with pytest.raises(Rejected, match=r"^config: asset$"):
        delist_asset(delisted, ASSET)


def test_audit_word_is_read_while_there_are_auditors_and_outlives_a_delisting() -> None:
    listed = list_asset(PRODUCTION, ASSET, RULES)
    audited = publish(listed, changed(auditors=1), Peers(), START + DAY_SECONDS)
    assert match_rules(audited, ASSET).audit_word == RULES.audit_word() > 0
    assert match_rules(delist_asset(audited, ASSET), ASSET).audit_word == RULES.audit_word()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"min_bond": 0}, "config: bond"),
        ({"reward_cap": 1}, "config: reward"),
        ({"reference_fee": 0}, "config: reference"),
        ({"min_locked": U64 + 1}, "config: width"),
        ({"audit_fee": -1}, "config: width"),
        ({"report_fee": U64 + 1}, "config: width"),
        ({"audit_cover": 2**256 - 1}, "config: width"),
    ],
)
def test_list_asset_refuses(changes: dict[str, int], code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        list_asset(PRODUCTION, ASSET, replace(RULES, **changes))
    assert refusal.value.code == code


def test_list_asset_needs_an_asset_and_a_version() -> None:
    with pytest.raises(Rejected, match=r"^config: asset$"):
        list_asset(PRODUCTION, ZERO, RULES)
    with pytest.raises(Rejected, match=r"^config: no version$"):
        list_asset(ConfigState(), ASSET, RULES)


def test_bounds_are_the_networks_own() -> None:
    narrow = tuple(Bound(0, 0, 0, 0) for _ in PARAMETERS)
    with pytest.raises(Rejected, match=r"^config: bounds$"):
        publish(ConfigState(bounds=narrow), changed(), Peers(), START)
