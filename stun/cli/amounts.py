"""Amounts as people write them: "12.5" tokens, or "12500000000u" in the asset's smallest unit."""

import re

from stun_sdk.errors import TaskInvalid

DECIMALS = {"STUN": 9, "USDC": 6}
_TOKENS = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,18}))?")
_UNITS = re.compile(r"([0-9]{1,20})u")
U64 = 2**64 - 1


def parse_amount(text: str, asset: str, what: str = "amount") -> int:
    """Read an amount of an asset by name; one known by address only is given in smallest units. Errors: TaskInvalid."""
    units = _UNITS.fullmatch(text.strip())
    tokens = _TOKENS.fullmatch(text.strip())
    decimals = DECIMALS.get(asset.upper())
    if units is not None:
        value = int(units[1])
    elif tokens is not None and decimals is not None and len(tokens[2] or "") <= decimals:
        value = int(tokens[1]) * 10**decimals + int((tokens[2] or "").ljust(decimals, "0"))
    else:
        places = "" if decimals is None else f" with at most {decimals} decimals, "
        raise TaskInvalid(what, f'{text[:40]!r} is no amount of {asset}: write{places or " "}or smallest units "1000u"')
    if not 0 < value <= U64:
        raise TaskInvalid(what, "must be positive and fit 64 bits")
    return value


def format_amount(value: int, asset: str) -> str:
    """Write an amount exactly."""
    decimals = DECIMALS.get(asset.upper())
    if decimals is None:
        return f"{value} smallest units of {asset}"
    whole, part = divmod(value, 10**decimals)
    return f"{whole}.{part:0{decimals}d}".rstrip("0").rstrip(".") + f" {asset.upper()}"
