"""Amounts as people write them, and the chain's smallest units. STUN has 9 decimals, USDC 6, other assets are plain."""

import re

import click

from stun.protocol.parameters import U64

DECIMALS = {"STUN": 9, "USDC": 6}
_AMOUNT = re.compile(r"(\d{1,20})(?:\.(\d{1,18}))?", re.ASCII)


def parse_amount(text: str, asset: str) -> int:
    """Read "12.5" of an asset as smallest units. Errors: click.BadParameter."""
    decimals = DECIMALS.get(asset.upper(), 0)
    found = _AMOUNT.fullmatch(text.strip().replace("_", ""))
    if found is None:
        raise click.BadParameter(f"{text[:40]!r} is no amount; write 12 or 12.5")
    whole, part = found[1], found[2] or ""
    if len(part.rstrip("0")) > decimals:
        raise click.BadParameter(f"{asset} has {decimals} decimals, {text[:40]} has more")
    value = int(whole) * 10**decimals + int(part[:decimals].ljust(decimals, "0") or "0")
    if value > U64:
        raise click.BadParameter(f"{text[:40]} is more than any account can hold")
    return value


def format_amount(value: int, asset: str) -> str:
    """Smallest units as people read them, with the asset's name, nothing rounded."""
    decimals = DECIMALS.get(asset.upper(), 0)
    sign, rest = ("-" if value < 0 else ""), abs(value)
    text = f"{rest // 10**decimals:,}"
    if decimals:
        part = f"{rest % 10**decimals:0{decimals}d}".rstrip("0")
        text += f".{part}" if part else ""
    return f"{sign}{text} {asset if len(asset) < 20 else asset[:10]}"
