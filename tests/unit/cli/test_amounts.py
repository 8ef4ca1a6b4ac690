"""Amounts are exact in both directions; what is no amount is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stun_sdk import TaskInvalid

from stun.cli.amounts import U64, format_amount, parse_amount

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "asset", "value"),
    [
        ("1", "STUN", 10**9),
        ("12.5", "stun", 12_500_000_000),
        ("0.000000001", "STUN", 1),
        ("1", "USDC", 10**6),
        ("0.1", "USDC", 10**5),
        ("7u", "STUN", 7),
        ("7u", "0x" + "11" * 20, 7),
    ],
)
def test_amounts_are_read(text: str, asset: str, value: int) -> None:
    assert parse_amount(text, asset) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "0",
        "0u",
        "1.",
        ".5",
        "1e9",
        "1,5",
        "0.0000000001",
        "nan",
        "1 2",
        "u",
        "0x10",
        str(U64),
        f"{U64 + 1}u",
        "١",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(TaskInvalid, match="amount"):
        parse_amount(text, "STUN")


def test_token_known_by_address_only_is_counted_in_smallest_units() -> None:
    with pytest.raises(TaskInvalid):
        parse_amount("1", "0x" + "11" * 20)
    assert format_amount(5, "0xaa").startswith("5 smallest units")


@given(st.integers(1, U64), st.sampled_from(["STUN", "USDC"]))
def test_what_is_written_is_read_again(value: int, asset: str) -> None:
    assert parse_amount(format_amount(value, asset).split()[0], asset) == value
