"""The formulas against brute force, and how they move with what they depend on."""

import math
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.court.unfolding import DEPTH, TENSOR_DEPTH, height, unfold
from stun.protocol.economics import account, auditing, cheating, disputes, farming, sybils
from stun.protocol.economics.setting import USDC, Setting, change, read
from stun.protocol.economics.simulator import play_ruin
from stun.protocol.graph.shapes import MAX_ROWS
from stun.protocol.graph.structure import MAX_OPERATORS
from stun.protocol.parameters import MAX_COUNT, PPM

DEFAULTS = Setting()
RATES = st.integers(1_000, PPM)


@pytest.mark.parametrize(
    ("count", "wrong", "sampled"), [(5, 2, 2), (6, 1, 3), (4, 4, 2), (3, 1, 8), (7, 0, 3), (6, 5, 2)]
)
def test_being_caught_is_what_all_samples_say(count: int, wrong: int, sampled: int) -> None:
    samples = list(combinations(range(count), min(count, sampled)))
    hits = sum(any(task < wrong for task in sample) for sample in samples)

    assert cheating.caught(count, wrong, sampled) == Fraction(hits, len(samples))


@pytest.mark.parametrize(("seats", "colluding", "drawn"), [(6, 2, 2), (7, 3, 3), (5, 5, 2), (5, 0, 1), (4, 1, 2)])
def test_all_seats_collude_as_often_as_all_draws_say(seats: int, colluding: int, drawn: int) -> None:
    draws = list(combinations(range(seats), drawn))
    alone = sum(all(place < colluding for place in places) for places in draws)

    assert cheating.all_collude(seats, colluding, drawn) == Fraction(alone, len(draws))


@given(st.integers(1, 400), st.data())
def test_no_finite_list_is_worse_than_the_share_to_the_power(seats: int, data: st.DataObject) -> None:
    colluding, drawn = data.draw(st.integers(0, seats)), data.draw(st.integers(1, 7))

    if drawn <= seats:
        assert cheating.all_collude(seats, colluding, drawn) <= Fraction(colluding, seats) ** drawn


def test_without_auditors_nothing_is_detected() -> None:
    assert cheating.detection(change(DEFAULTS, "auditors", 0)) == 0


@given(RATES, st.integers(1, 40), st.integers(4, 16))
def test_cheating_pays_best_for_one_task_or_for_all(rate: int, count: int, tasks: int) -> None:
    setting = replace(change(DEFAULTS, "audit_tasks", tasks), count=count, audit_ppm=rate)
    best, _ = cheating.worst_share(setting)

    assert best in (1, count)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 16))
def test_a_share_is_caught_at_least_as_often_as_it_is_large(count: int, wrong: int, sampled: int) -> None:
    wrong = min(wrong, count)

    assert cheating.caught(count, wrong, sampled) >= Fraction(wrong, count)


@given(RATES, st.integers(0, 150))
def test_the_least_margin_is_where_cheating_stops_to_pay(rate: int, colluding: int) -> None:
    setting = replace(DEFAULTS, audit_ppm=rate, colluding=Fraction(colluding, 300))
    chance = cheating.detection(setting)
    margin = cheating.least_margin(setting, chance)
    lost = (1 - setting.reward_share) * setting.locked * (margin * PPM / rate - 1)

    assert Fraction(rate, PPM) * chance * (lost + setting.earned) == setting.saved


def test_the_margin_of_the_protocol_is_the_worst_of_its_inequality() -> None:
    gross = replace(DEFAULTS, earned_bps=10_000, audit_ppm=1_000)
    chance = 1 - Fraction(1, 9)

    assert (
        cheating.least_margin(gross, chance) <= Fraction(4, 3) / chance <= Fraction(DEFAULTS.value("bond_margin"), 100)
    )


@given(RATES)
def test_nothing_pays_at_any_audit_rate(rate: int) -> None:
    setting = replace(DEFAULTS, audit_ppm=rate)

    assert cheating.profit_of_nothing(setting) <= 0
    assert cheating.profit_of_nothing(replace(setting, count=1)) <= 0


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("bond_margin", 134, 1_000),
        ("auditors", 1, 7),
        ("min_bond_bps", 5_000, 20_000),
        ("reported", 0, 1),
    ],
)
def test_more_of_a_guard_never_helps_a_cheat(name: str, low: int, high: int) -> None:
    weak, strong = change(DEFAULTS, name, low), change(DEFAULTS, name, high)

    assert cheating.profit_of_nothing(strong) <= cheating.profit_of_nothing(weak)


@given(st.integers(0, 299))
def test_more_colluding_seats_never_hurt_a_cheat(colluding: int) -> None:
    less, more = (replace(DEFAULTS, colluding=Fraction(n, 300)) for n in (colluding, colluding + 1))

    assert cheating.profit_of_nothing(less) <= cheating.profit_of_nothing(more)


def test_a_requester_that_audits_all_tasks_deters_more_than_the_price() -> None:
    small = replace(DEFAULTS, count=8, audit_ppm=PPM, locked=8 * USDC)

    assert cheating.deterred(small, 1) > small.locked > cheating.deterred(DEFAULTS, 1) > 0


def test_the_least_canaries_leave_nothing_to_gain() -> None:
    exact = replace(DEFAULTS, canaries=auditing.least_canaries(DEFAULTS))

    assert auditing.profit_of_copying(exact) == 0
    assert auditing.profit_of_copying(replace(exact, canaries=exact.canaries * 2)) < 0
    assert auditing.profit_of_copying(replace(exact, canaries=Fraction(0))) == DEFAULTS.seat_work


@given(st.floats(1.01, 3.0), st.floats(0.001, 0.9))
def test_the_adjustment_solves_its_equation(load: float, rate: float) -> None:
    r = account.adjustment(load, rate)
    if r < 500.0:  # above it the account can hardly lose at all
        mean = (rate * math.exp(r) + 1 - rate) * math.exp(-r * load * rate)
        assert mean == pytest.approx(1.0, abs=1e-6)
    assert r > 0


def test_without_a_load_every_seed_runs_dry() -> None:
    bare = change(DEFAULTS, "audit_load_bps", 10_000)

    assert account.adjustment(1.0, 0.01) == 0.0
    assert account.ruin_bound(replace(bare, audit_ppm=PPM), 1_000) == 1.0


def test_ruin_is_no_more_likely_than_its_bound() -> None:
    setting, rng = replace(DEFAULTS, audit_ppm=200_000), Random(7)
    for covers in (3, 8):
        seed, plays = covers * account.audit_cost(setting), 1_000
        ruined = sum(play_ruin(setting, rng, seed, 600) for _ in range(plays))
        bound = account.ruin_bound(setting, covers)
        assert 0 < ruined / plays <= bound + 4 * math.sqrt(bound * (1 - bound) / plays)


def test_the_seed_of_the_design_is_dry_with_a_chance_of_two_in_a_thousand() -> None:
    assert 0.001 < math.exp(-35 * account.adjustment(1.1, 0.01)) < 0.002


def test_the_report_fee_drains_the_account_until_it_is_counted() -> None:
    uncounted = change(DEFAULTS, "counts_report_fee", 0)
    assert account.drift(uncounted) < 0 < account.drift(DEFAULTS)
    least = account.least_load(uncounted)
    enough = change(uncounted, "audit_load_bps", least)
    assert account.drift(enough) >= 0 > account.drift(change(enough, "audit_load_bps", least - 10))


def test_reputation_is_bought_order_by_order() -> None:
    orders = farming.orders_to_buy(DEFAULTS, 950_000)

    assert orders == pytest.approx(math.log(1 - 0.95) / math.log(1 - 0.01), rel=0.01)
    assert farming.reputation_after(DEFAULTS, orders) >= 0.95 > farming.reputation_after(DEFAULTS, orders - 1)
    assert farming.cost_to_buy(DEFAULTS, 950_000) == orders * farming.cost_of_one(DEFAULTS)


def test_slow_buying_costs_more_and_too_slow_never_arrives() -> None:
    assert farming.orders_to_buy(DEFAULTS, 900_000, each_day=100) > farming.orders_to_buy(DEFAULTS, 900_000)
    with pytest.raises(ValueError, match="decay"):
        farming.orders_to_buy(DEFAULTS, 900_000, each_day=1)


def test_deposits_grow_with_the_square_of_the_demands() -> None:
    each = [disputes.deposit(DEFAULTS, place) for place in range(1, 6)]

    assert disputes.deposits(DEFAULTS, 5) == sum(each)
    assert [place - each[0] * k for k, place in enumerate(each, 1)] == [0] * 5
    assert disputes.deposit(DEFAULTS, trace=True) > disputes.deposit(DEFAULTS)


def _walked(count: int, most: int) -> int:
    """Demands from a tree's top to one of its leaves."""
    level, asked = height(count), 0
    while level > 0:
        level, asked = unfold(count, level, 0, most).level, asked + 1
    return asked


@pytest.mark.parametrize("count", [2, 16, 17, 1_000, 4_096, MAX_COUNT])
@pytest.mark.parametrize("operators", [2, 16, 100, 300, MAX_OPERATORS])
def test_links_are_what_a_walk_down_the_trees_takes(count: int, operators: int) -> None:
    for leaves in (32, 33, 1_024, MAX_ROWS):
        walked = _walked(count, DEPTH) + max(1, _walked(operators, DEPTH)) + max(1, _walked(leaves, TENSOR_DEPTH)) + 1
        assert disputes.links(count, operators, leaves) == walked


def test_the_longest_chain_of_the_largest_graph_is_just_allowed() -> None:
    assert (disputes.OPERATORS, disputes.TENSOR_LEAVES) == (MAX_OPERATORS, MAX_ROWS)
    assert disputes.links(MAX_COUNT) == DEFAULTS.value("chain_max")


def test_an_honest_replica_is_safe_from_the_least_defence_on() -> None:
    exact = replace(DEFAULTS, defended=sybils.least_defence(DEFAULTS))

    assert sybils.profit_of_one_against_one(exact) == 0


@pytest.mark.parametrize("name", ["bond_margin", "report_fee", "canaries", "follow_rule"])
def test_a_changed_name_is_read_back(name: str) -> None:
    assert read(change(DEFAULTS, name, 0), name) == 0


@pytest.mark.parametrize("name", ["", "bond", "values", "asset", "BOND_MARGIN"])
def test_what_is_no_parameter_is_refused(name: str) -> None:
    with pytest.raises(KeyError):
        change(DEFAULTS, name, 1)
    with pytest.raises(KeyError):
        read(DEFAULTS, name)
