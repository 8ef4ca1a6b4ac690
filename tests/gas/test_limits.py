"""What the market may cost: limits of whole lives, cold, from transactions on a node, and the committed snapshot."""

import pytest

from scripts.bench.gas import Measured, changes, figures, measure, read_snapshot

pytestmark = pytest.mark.integration

MAX_CODE_BYTES = 24_576
LIMITS = {
    "gas_life_1": 300_000, "gas_life_3": 600_000, "gas_life_accepted": 230_000, "gas_resolve": 150_000,
    "gas_beacon_round": 200_000,
}  # fmt: skip


@pytest.fixture(scope="module")
def measured() -> Measured:
    """Gas and code sizes on anvil, or on the embedded chain where anvil is not installed."""
    return measure()


@pytest.mark.parametrize(("figure", "limit"), LIMITS.items())
def test_a_whole_life_stays_below_its_limit(measured: Measured, figure: str, limit: int) -> None:
    assert figures(measured)[figure] <= limit


@pytest.mark.parametrize("tasks", [1, 65_536])
def test_the_number_of_tasks_costs_nothing(measured: Measured, tasks: int) -> None:
    gas = measured["gas"]
    assert abs(gas[f"life_1_of_{tasks}"] - gas["life_1"]) * 100 < gas["life_1"]


def test_resolving_32_tasks_fits_a_block_of_any_chain(measured: Measured) -> None:
    assert measured["gas"]["resolve_32_of_1024"] < 1_500_000


def test_every_contract_fits_eip_170(measured: Measured) -> None:
    assert max(measured["code_bytes"].values()) <= MAX_CODE_BYTES


def test_nothing_changed_since_the_snapshot(measured: Measured) -> None:
    said = changes(measured, read_snapshot())
    assert said == [], "explain the change in the commit and run: python -m scripts.bench.gas --update"


def test_the_check_sees_more_and_less_gas_new_and_missing_actions_and_any_change_of_code() -> None:
    snapshot = {"gas": {"a": 100_000, "b": 100_000, "c": 1, "d": 100_000}, "code_bytes": {"M": 20_000}}
    now = {"gas": {"a": 100_501, "b": 99_499, "d": 100_500, "e": 1}, "code_bytes": {"M": 20_001}}
    assert changes(now, snapshot) == [
        "gas a: 100000 -> 100501", "gas b: 100000 -> 99499", "gas c: 1 -> None", "gas e: None -> 1",
        "code_bytes M: 20000 -> 20001",
    ]  # fmt: skip
