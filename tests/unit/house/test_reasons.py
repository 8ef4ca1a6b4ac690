"""The market's reasons as numbers say what the comments beside them and the specification say (decision 0003)."""

import re
from pathlib import Path

import pytest

from stun.chains.evm.artifacts import ROOT

_LINE = re.compile(r'^([A-Z_]+): constant\(uint256\) = (\d+)  # "(.*)"$', re.MULTILINE)
_CODE = re.compile(r'"([a-z]+: [a-z ]+)"')
REASONS = [match.groups() for match in _LINE.finditer((ROOT / "contracts/modules/reasons.vy").read_text())]


def _named_in(folder: Path) -> set[str]:
    return {code for path in folder.rglob("*.py") for code in _CODE.findall(path.read_text())}


def test_every_constant_is_read() -> None:
    constants = re.findall(r"^[A-Z_]+: constant", (ROOT / "contracts/modules/reasons.vy").read_text(), re.MULTILINE)

    assert len(constants) == len(REASONS) > 0


@pytest.mark.parametrize(("name", "number", "text"), REASONS)
def test_number_is_the_text(name: str, number: str, text: str) -> None:
    assert int(number) == int.from_bytes(text.encode(), "big")
    assert name == re.sub(r"[^a-z]+", "_", text).upper()
    assert len(text) <= 32


def test_every_reason_but_those_of_tokens_is_one_of_the_specification() -> None:
    specified = _named_in(ROOT / "stun" / "protocol")

    assert {text for _, _, text in REASONS} - specified == {"ledger: token"}  # a transfer that fails has no model there


def test_every_reason_is_used() -> None:
    sources = [path.read_text() for path in (ROOT / "contracts").rglob("*.vy") if path.name != "reasons.vy"]

    assert [name for name, _, _ in REASONS if not any(f"reasons.{name}" in source for source in sources)] == []
