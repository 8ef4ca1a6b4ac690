"""What trust costs, and the audit rate at which it costs least."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.economics.setting import USDC, Setting
from stun.protocol.economics.trust import bond_rent, cheapest_rate, cost
from stun.protocol.parameters import PPM

GRID = sorted({*range(10_000, PPM + 1, 10_000), PPM})


@given(st.integers(1, 65_536), st.integers(USDC, 1_000 * USDC))
def test_no_other_rate_is_cheaper(count: int, locked: int) -> None:
    setting = replace(Setting(), count=count, locked=locked)
    best = cost(replace(setting, audit_ppm=cheapest_rate(setting)))

    assert all(cost(replace(setting, audit_ppm=rate)) >= best * 0.999 - 2 for rate in GRID)


def test_larger_batches_are_audited_more() -> None:
    rates = [cheapest_rate(replace(Setting(), count=count)) for count in (1, 10, 100, 1_000, 10_000)]

    assert rates == sorted(rates)
    assert rates[0] < rates[-1] <= PPM


def test_the_rent_is_interest_on_the_bond() -> None:
    assert bond_rent(Setting()) * 3_650 == pytest.approx(Setting().bond)
