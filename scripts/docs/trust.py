"""Write the tables of docs/trust.md from the formulas and the simulator: `python -m scripts.docs.trust`.

What stands between the markers of each table is generated; a test compares it with `page()`.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil
from pathlib import Path

from stun.protocol.economics import account, auditing, cheating, farming, trust
from stun.protocol.economics.disputes import least_bond_for_disputes
from stun.protocol.economics.setting import USDC, Setting, change
from stun.protocol.economics.table import Row, Turn, rows
from stun.protocol.parameters import PPM

PAGE = Path(__file__).resolve().parents[2] / "docs" / "trust.md"
DEFAULTS = Setting()
TASK = USDC // 10
COUNTS = (1, 10, 100, 1_000, 10_000, 65_536)
RATES = (10_000, 100_000, PPM)


def _batch(count: int, rate: int) -> Setting:
    return replace(DEFAULTS, count=count, locked=count * TASK, audit_ppm=rate)


def _money(value: Fraction | float, digits: int = 2) -> str:
    return f"{float(value) / USDC:,.{digits}f}"


def _percent(value: Fraction | float) -> str:
    share = 100 * float(value)
    return f"{share:.2g} %" if share < 100 else f"{share:,.0f} %"


def _table(head: list[str], lines: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in [head, rule, *lines])


def costs() -> str:
    """What trust costs: prepayment, bond and rent by count and rate."""
    lines = []
    for count in COUNTS:
        best = trust.cheapest_rate(_batch(count, PPM))
        line = [f"{count:,}", _money(count * TASK)]
        for rate in (*RATES, best):
            batch = _batch(count, rate)
            share = Fraction(account.prepaid(batch), batch.locked)
            bond = Fraction(batch.bond, batch.locked)
            line.append(f"{_percent(share)} + {_percent(trust.bond_rent(batch) / batch.locked)} ({float(bond):,.0f}x)")
        line[-1] = f"{best / 10_000:.2g} %: {line[-1]}"
        lines.append(line)
    return _table(["tasks", "price", *[f"rate {rate // 10_000} %" for rate in RATES], "cheapest rate"], lines)


def deterrence() -> str:
    """What a wrong answer must be worth to somebody before it pays."""
    lines = []
    for count in COUNTS:
        line = [f"{count:,}", _money(count * TASK)]
        for rate in RATES:
            batch = _batch(count, rate)
            line += [_money(cheating.deterred(batch, 1)), _money(cheating.deterred(batch, count))]
        lines.append(line)
    heads = [head for rate in RATES for head in (f"{rate // 10_000} %: one task", "all tasks")]
    return _table(["tasks", "price", *heads], lines)


def classes() -> str:
    """What a class costs a provider whose answer is wrong."""
    batch, always = DEFAULTS, replace(DEFAULTS, audit_ppm=PPM)
    opaque = batch.locked * batch.value("opaque_bond_bps") // 10_000
    lines = [
        ["`exact`, you or anybody challenges it", _money(batch.bond), _money(batch.bond + batch.earned), "always"],
        [
            "`exact`, audit rate 1 %",
            _money(batch.bond),
            _expected(batch),
            _percent(cheating.conviction_rate(batch, 1_000)),
        ],
        [
            "`exact`, audit rate 100 %",
            _money(always.bond),
            _expected(always),
            _percent(cheating.conviction_rate(always, 1_000)),
        ],
        ["`bounded`", "no match", "no match", "its referee does not exist yet"],
        ["`token`, agreeing replicas of one owner", _money(batch.bond), "0.00", "never"],
        ["`opaque`, agreeing replicas of one owner", _money(opaque), "0.00", "never"],
        ["`token`, `opaque`: a replica that differs from two", "", _money(batch.earned), "unpaid, not convicted"],
    ]
    return _table(["class", "bond", "a wrong batch costs its provider", "convicted"], lines)


def _expected(batch: Setting) -> str:
    return _money(cheating.conviction_rate(batch, batch.count) * (batch.lost + batch.earned)) + " on average"


def strategies() -> str:
    """Every strategy: by formula, by play, and where it turns."""
    return _table(
        ["strategy", "of each", "formula", "played", "begins to pay at"],
        [_strategy(row) for row in rows(DEFAULTS)],
    )


def _strategy(row: Row) -> list[str]:
    played = f"{_money(row.played.mean)} ± {_money(row.played.error)}"
    profit = f"**{_money(row.profit)}**" if row.profit > 0 else _money(row.profit)
    turns = "; ".join(_turn(turn, row.profit > 0) for turn in row.turns)
    name = f"{row.strategy.name}: {row.strategy.told}"
    return [name, row.strategy.each, profit, played, turns]


def _turn(turn: Turn, pays: bool) -> str:
    if turn.turns_at is None:
        return f"`{turn.name}` {'any value' if pays else 'no value'}"
    value, at = (f"{int(x):,}" if x.denominator == 1 else f"{float(x):.4g}" for x in (turn.value, turn.turns_at))
    return f"`{turn.name}` {'pays until ' if pays else ''}{at} (is {value})"


def canaries() -> str:
    """The share of canaries from which a seat looks, with a small bond and the default, and what twice that costs."""
    lines = []
    for count in (8, 100, 1_000, 10_000):
        line = [f"{count:,}"]
        for rate in RATES:
            for bond in (500, 5_000):
                batch = change(_batch(count, rate), "seat_bond", bond * 10**9)
                least = auditing.least_canaries(batch)
                line.append(f"{_percent(least)} ({_percent(auditing.canary_cost(replace(batch, canaries=2 * least)))})")
        lines.append(line)
    heads = [f"{rate // 10_000} %, {bond:,} STUN" for rate in RATES for bond in (500, 5_000)]
    return _table(["tasks", *heads], lines)


def seeds() -> str:
    """The seed that keeps the audit account from running dry, in covers, by load."""
    lines = []
    for load in (10_500, 11_000, 12_000, 15_000):
        setting = change(DEFAULTS, "audit_load_bps", load)
        chances = [f"{ceil(account.seed_for(setting, chance))}" for chance in (0.05, 0.01, 0.002)]
        lines.append([f"{load:,}", *chances])
    return _table(["AUDIT_LOAD", "1 in 20", "1 in 100", "1 in 500"], lines)


def disputes() -> str:
    """The least bond whose reward pays a whole dispute, by the price of gas at 3,000 USDC a coin."""
    lines = []
    for hundredths in (1, 10, 100, 500, 2_000):
        setting = replace(DEFAULTS, gas_cost=Fraction(3 * hundredths, 100))
        lines.append([f"{hundredths / 100:g} gwei", _money(least_bond_for_disputes(setting))])
    return _table(["price of gas", "least bond, USDC"], lines)


def reputations() -> str:
    """What a reputation costs to buy in a day."""
    lines = []
    for wanted in (500_000, 800_000, 900_000, 950_000, 990_000):
        orders = farming.orders_to_buy(DEFAULTS, wanted)
        lines.append([f"{wanted / PPM:.2f}", f"{orders:,}", _money(farming.cost_to_buy(DEFAULTS, wanted))])
    return _table(["reputation", "orders of 1 USDC", "cost, USDC"], lines)


TABLES: dict[str, Callable[[], str]] = {
    "classes": classes, "costs": costs, "deterrence": deterrence, "strategies": strategies, "canaries": canaries,
    "seeds": seeds, "disputes": disputes, "reputations": reputations,
}  # fmt: skip


def page(old: str) -> str:
    """The page with its generated tables made new. Errors: ValueError (a marker is missing)."""
    for name, table in TABLES.items():
        begin, end = (f"<!-- {name}: {side} -->\n" for side in ("begin", "end"))
        if begin not in old or end not in old:
            raise ValueError(f"docs/trust.md has no markers for {name}")
        head, _, rest = old.partition(begin)
        old = head + begin + "\n" + table() + "\n" + end + rest.partition(end)[2]
    return old


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(page(PAGE.read_text()))
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
