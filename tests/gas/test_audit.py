"""What an audit may cost: its acts together, and what a batch that is not drawn pays more than before audits."""

import pytest

from scripts.bench.gas_audit import measure

pytestmark = pytest.mark.integration

BEFORE = {"gas_life_1_undrawn": 289_562, "gas_life_3_undrawn": 431_299}  # without a beacon and without auditors


@pytest.fixture(scope="module")
def measured() -> dict[str, int]:
    """Figures on anvil, or on the embedded chain where anvil is not installed."""
    return measure()


def test_two_honest_seats_cost_at_most_350k_gas(measured: dict[str, int]) -> None:
    acts = ("draw", "seal", "reveal", "close")
    assert measured["gas_drawn_two_seats"] == sum(measured[f"gas_audit_{act}_lane"] for act in acts) <= 350_000
    assert measured["gas_drawn_two_seats_alone"] <= 410_000  # each seat makes its own calls


@pytest.mark.parametrize("figure", BEFORE)
def test_a_batch_that_is_not_drawn_costs_at_most_a_twentieth_more(measured: dict[str, int], figure: str) -> None:
    assert measured[figure] * 20 <= BEFORE[figure] * 21
