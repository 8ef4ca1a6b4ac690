"""Every strategy: no profit at the defaults, played as by formula, and a profit once a guard of it is gone."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from stun.protocol.economics.setting import Setting, change, read
from stun.protocol.economics.simulator import audited, draw, estimate
from stun.protocol.economics.strategies import STRATEGIES, Strategy
from stun.protocol.economics.turning import Guard, turning_point
from stun.protocol.parameters import PPM

DEFAULTS = Setting()
PLAYS = 60_000
NAMED = [pytest.param(strategy, id=strategy.name) for strategy in STRATEGIES]
GUARDED = [pytest.param(s, g, id=f"{s.name}: {g.name}") for s in STRATEGIES for g in s.guards]
# Taken away alone, these leave the strategy without a profit: another guard still stands.
NOT_ALONE = {
    ("computes nothing", "reward_share"),
    ("colluding seats", "reward_share"),
    ("two of two replicas", "reward_share"),
    ("one wrong task", "reward_share"),
    ("sybil, 1 against 1", "min_bond_bps"),
    ("self-orders for shares", "colluding"),
}


def _plays(strategy: Strategy) -> int:
    return min(PLAYS, strategy.plays)


@pytest.mark.parametrize("strategy", NAMED)
def test_it_does_not_pay_at_the_defaults(strategy: Strategy) -> None:
    profit = strategy.profit(strategy.prepare(DEFAULTS))

    assert profit <= 0


@pytest.mark.parametrize("strategy", NAMED)
def test_played_it_earns_what_the_formula_says(strategy: Strategy) -> None:
    chosen = strategy.prepare(DEFAULTS)
    played = estimate(strategy.play, chosen, 11, _plays(strategy))
    exact = float(strategy.profit(chosen))

    assert abs(played.mean - exact) <= 4.5 * played.error + 1 + abs(exact) * 1e-5  # whole amounts are rounded


@pytest.mark.parametrize("strategy", NAMED)
def test_played_often_drawn_it_earns_what_the_formula_says(strategy: Strategy) -> None:
    """Small batches that are drawn half of the time, so that the error is small too."""
    setting = replace(DEFAULTS, audit_ppm=PPM // 2, count=20, canaries=Fraction(1, 4), offline=Fraction(1, 3))
    chosen = strategy.prepare(setting)
    played = estimate(strategy.play, chosen, 12, min(8_000, strategy.plays))

    assert abs(played.mean - float(strategy.profit(chosen))) <= 4.5 * played.error + 100


@pytest.mark.parametrize(("strategy", "guard"), GUARDED)
def test_without_its_guard_it_pays(strategy: Strategy, guard: Guard) -> None:
    bare = change(strategy.prepare(DEFAULTS), guard.name, guard.without)
    pays = strategy.profit(bare) > 0
    played = estimate(strategy.play, bare, 13, min(20_000, strategy.plays))

    assert pays == ((strategy.name, guard.name) not in NOT_ALONE)
    assert (played.mean > 0) == pays


@pytest.mark.parametrize(("strategy", "guard"), GUARDED)
def test_it_turns_at_the_turning_point_and_not_before(strategy: Strategy, guard: Guard) -> None:
    setting = strategy.prepare(DEFAULTS)
    at = turning_point(strategy.profit, setting, guard)
    if at is None:
        return
    towards = guard.step if guard.without > read(setting, guard.name) else -guard.step

    assert strategy.profit(change(setting, guard.name, at)) > 0
    assert strategy.profit(change(setting, guard.name, at - towards)) <= 0


def _rising(setting: Setting) -> Fraction:
    return read(setting, "bond_margin") - 400


@pytest.mark.parametrize("without", [0, 399, 400])
def test_no_turning_point_where_nothing_turns(without: int) -> None:
    assert turning_point(_rising, DEFAULTS, Guard("bond_margin", Fraction(without))) is None


def test_a_turning_point_is_found_by_looking_at_every_value() -> None:
    scanned = next(value for value in range(150, 1_000) if _rising(change(DEFAULTS, "bond_margin", value)) > 0)

    assert turning_point(_rising, DEFAULTS, Guard("bond_margin", Fraction(1_000))) == scanned == 401
    own = change(DEFAULTS, "bond_margin", 500)
    assert turning_point(_rising, own, Guard("bond_margin", Fraction(1_000))) is None
    assert turning_point(_rising, own, Guard("bond_margin", Fraction(1_000), enough=Fraction(0))) == 401
    assert turning_point(_rising, own, Guard("bond_margin", Fraction(1_000), enough=Fraction(450))) is None


def test_one_seed_plays_one_history() -> None:
    strategy = STRATEGIES[1]
    first, again, other = (estimate(strategy.play, DEFAULTS, seed, 5_000) for seed in (1, 1, 2))

    assert first == again != other


def test_one_play_says_nothing() -> None:
    with pytest.raises(ValueError, match="two plays"):
        estimate(STRATEGIES[0].play, DEFAULTS, 1, 1)


def test_batches_are_drawn_as_often_as_ordered_and_reported() -> None:
    setting, rng = replace(DEFAULTS, audit_ppm=300_000, reported=Fraction(1, 2)), Random(3)
    drawn = sum(draw(setting, rng) is not None for _ in range(20_000))

    assert abs(drawn - 3_000) < 4.5 * (20_000 * 0.15 * 0.85) ** 0.5


def test_seats_and_tasks_of_a_draw_are_different_ones() -> None:
    rng = Random(4)
    for _ in range(200):
        found = audited(DEFAULTS, rng.randbytes(32), rng.randbytes(32))
        assert len(set(found.tasks)) == DEFAULTS.value("audit_tasks")
        assert len(set(found.places)) == DEFAULTS.auditors
        assert max(found.places) < DEFAULTS.seats
