"""The market's reasons as numbers say what the comments beside them and the specification say (decision 0003)."""

import re
from pathlib import Path

import pytest

from stun.chains.evm.artifacts import ROOT

_LINE = re.compile(r'^([A-Z_]+): constant\(uint256\) = (\d+)  # "(.*)"$', re.MULTILINE)
_CODE = re.compile(r'"([a-z]+: [a-z ]+)"')
_FILES = {name: (ROOT / f"contracts/modules/{name}.vy").read_text() for name in ("reasons", "audit_causes")}
REASONS = [match.groups() for text in _FILES.values() for match in _LINE.finditer(text)]


def _named_in(folder: Path) -> set[str]:
    return {code for path in folder.rglob("*.py") for code in _CODE.findall(path.read_text())}


def test_every_constant_is_read() -> None:
    constants = [found for text in _FILES.values() for found in re.findall(r"^[A-Z_]+: constant", text, re.MULTILINE)]

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
    sources = "".join(path.read_text() for path in (ROOT / "contracts").rglob("*.vy") if path.stem not in _FILES)
    used = set(re.findall(r"\b(?:reasons|causes)\.([A-Z_]+)\b", sources))

    assert [name for name, _, _ in REASONS if name not in used] == []
