"""Print what dishonesty earns: `python -m stun.protocol.economics --help`."""

import argparse
import json
import sys
from fractions import Fraction
from typing import Any

from stun.protocol.economics.setting import USDC, Setting
from stun.protocol.economics.table import SEED, Row, Turn, rows


def _money(value: Fraction | float) -> str:
    return f"{float(value) / USDC:,.3f}"


def _number(value: Fraction) -> str:
    return f"{int(value):,}" if value.denominator == 1 else f"{float(value):.5g}"


def _turn(turn: Turn, pays: bool) -> str:
    value = f"{turn.name} {_number(turn.value)}"
    if turn.turns_at is None:
        return f"{value}: at {'every' if pays else 'no'} value"
    return f"{value}: pays {'until' if pays else 'at'} {_number(turn.turns_at)}"


def as_record(row: Row) -> dict[str, Any]:
    """Return a row as plain JSON; money in the asset's smallest unit."""
    return {
        "strategy": row.strategy.name,
        "told": row.strategy.told,
        "each": row.strategy.each,
        "modelled": row.strategy.modelled,
        "profit": float(row.profit),
        "played": {"mean": row.played.mean, "error": row.played.error, "plays": row.played.plays},
        "turns": [
            {
                "name": turn.name,
                "value": float(turn.value),
                "at": None if turn.turns_at is None else float(turn.turns_at),
            }
            for turn in row.turns
        ],
    }


def as_text(row: Row) -> str:
    """Return a row as lines of text; money in whole coins."""
    played = f"{_money(row.played.mean)} ± {_money(row.played.error)}"
    mark = "PAYS " if row.profit > 0 else "     "
    profits = f"{_money(row.profit):>14}{played:>26}"
    first = f"{mark}{row.strategy.name:<26}{profits}  {row.strategy.each}"
    return "\n".join(
        [first, f"       {row.strategy.told}", *(f"       {_turn(turn, row.profit > 0)}" for turn in row.turns)]
    )


def _head(setting: Setting) -> str:
    batch = f"{setting.count:,} tasks for {setting.locked // USDC} USDC, audited at {setting.audit_ppm:,} ppm"
    columns = f"     {'strategy':<26}{'formula':>14}{'played':>26}  of each"
    return f"What each strategy earns above honest work, in USDC. A batch: {batch}.\n{columns}\n"


def main(arguments: list[str] | None = None) -> int:
    """Judge every strategy at the defaults; exit code 1 if one pays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--plays", type=int, help="at most so many plays of each strategy (two or more)")
    chosen = parser.parse_args(arguments)
    if chosen.plays is not None and chosen.plays < 2:
        parser.error("--plays: two or more")
    setting = Setting()
    found = rows(setting, chosen.seed, chosen.plays)
    if not chosen.json:
        sys.stdout.write(_head(setting))
    for row in found:
        sys.stdout.write((json.dumps(as_record(row)) if chosen.json else as_text(row)) + "\n")
    return int(any(row.profit > 0 for row in found))


if __name__ == "__main__":
    sys.exit(main())
