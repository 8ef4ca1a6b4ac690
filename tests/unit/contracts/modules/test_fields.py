"""fields.vy: shift and width of every parameter that the market reads are the specification's."""

import re

import pytest
from evm_contracts import CONTRACTS

from stun.protocol.parameters import ASSET_FIELDS, AUDIT_FIELDS, BY_NAME, SHIFTS, VERSION_SHIFT

pytestmark = pytest.mark.unit

SOURCE = (CONTRACTS / "modules" / "fields.vy").read_text()
READERS = "\n".join(path.read_text() for path in CONTRACTS.rglob("*.vy") if path.name != "fields.vy")
SHIFT_LINES = re.findall(r"^([A-Z_]+): constant\(uint256\) = (\d+)(?:  # (u\d+))?$", SOURCE, re.MULTILINE)
FIELDS = [(name, int(shift), width) for name, shift, width in SHIFT_LINES if name != "VERSION_SHIFT"]
AMOUNTS = (*ASSET_FIELDS, *AUDIT_FIELDS)


def test_the_file_names_parameters_and_asset_fields_only() -> None:
    names = [name.lower() for name, _, _ in FIELDS]
    assert len(names) == len(set(names)) > 20
    assert [name for name in names if name not in BY_NAME and name not in AMOUNTS] == []


@pytest.mark.parametrize(("name", "shift", "width"), FIELDS)
def test_a_field_stands_where_the_specification_puts_it(name: str, shift: int, width: str) -> None:
    parameter = name.lower()
    if parameter in AMOUNTS:
        word = ASSET_FIELDS if parameter in ASSET_FIELDS else AUDIT_FIELDS
        assert shift == 64 * word.index(parameter)
    else:
        assert shift == SHIFTS[parameter]
        assert width == f"u{BY_NAME[parameter].bits}"


@pytest.mark.parametrize(("name", "shift", "width"), FIELDS)
def test_every_read_masks_the_fields_own_width(name: str, shift: int, width: str) -> None:
    bits = 64 if name.lower() in AMOUNTS else BY_NAME[name.lower()].bits
    masks = re.findall(rf"fields\.{name}\) & fields\.U(\d+)", READERS)
    reads = len(re.findall(rf"fields\.{name}\b", READERS))
    top_of_word = len(re.findall(rf"(?:asset_rules >> fields\.{name}, uint64|audit_word >> fields\.{name}:)", READERS))
    assert reads == len(masks) + top_of_word > 0
    assert set(masks) <= {str(bits)}


def test_masks_and_version_are_what_their_names_say() -> None:
    for bits in (8, 16, 24, 32, 40, 48, 64):
        assert f"U{bits}: constant(uint256) = 2**{bits} - 1" in SOURCE
    assert f"VERSION_SHIFT: constant(uint256) = {VERSION_SHIFT}" in SOURCE
