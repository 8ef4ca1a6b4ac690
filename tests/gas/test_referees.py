"""What one judgement of a referee may cost on the shipped model: a transaction of its own, cold, and the snapshot."""

import pytest

from scripts.bench.gas import Measured, changes
from scripts.bench.gas_referee import NAMES, TOKENS, kinds, measure, read_snapshot
from stun.protocol.graph.operators import Opcode

pytestmark = pytest.mark.integration

MAX_GAS = 220_000  # a challenge may take 300,000; its calldata is dearer than all that the referee computes
MAX_CODE_BYTES = 24_576
UNUSED = {"input", "lut", "window", "max"}  # by the shipped model


@pytest.fixture(scope="module")
def measured() -> Measured:
    """Gas on anvil, or on the embedded chain where anvil is not installed."""
    return measure()


def test_every_kind_of_operator_is_measured_and_stays_below_the_limit(measured: Measured) -> None:
    assert len(measured["gas"]) == len(TOKENS) * len(kinds())
    assert {name.rsplit("_", 5)[0] for name in measured["gas"]} == {o.name.lower() for o in Opcode} - UNUSED
    assert max(measured["gas"].values()) <= MAX_GAS


def test_the_referees_fit_eip_170(measured: Measured) -> None:
    assert set(measured["code_bytes"]) == set(NAMES)
    assert max(measured["code_bytes"].values()) <= MAX_CODE_BYTES


def test_nothing_changed_since_the_snapshot(measured: Measured) -> None:
    said = changes(measured, read_snapshot())
    assert said == [], "explain the change in the commit and run: python -m scripts.bench.gas_referee --update"
