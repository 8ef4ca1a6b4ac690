"""Draw docs/pictures/*.svg from the formulas and the simulator: `python -m scripts.docs.pictures`.

Small vector files with text as text; the same input draws the same lines. Colours are told apart in grey too.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from stun.protocol.economics import account, auditing, cheating, farming, trust
from stun.protocol.economics.setting import USDC, Setting, change
from stun.protocol.economics.simulator import estimate, play_nothing, play_ruin
from stun.protocol.parameters import MAX_COUNT, PPM

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
DEFAULTS = Setting()
COLOURS = ("#0b4f6c", "#d1495b", "#3c8d53", "#e0a030", "#7b5ea7")
TASK = USDC // 10  # the price of one task in the pictures
PLAYS = 200_000
RUINS = 2_000
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "stun", "svg.fonttype": "none", "font.size": 10, "font.family": "sans-serif",
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e4e4e4",
    "axes.axisbelow": True, "legend.frameon": False, "lines.linewidth": 1.8,
}  # fmt: skip


def _batch(count: int, rate: int = DEFAULTS.audit_ppm) -> Setting:
    return replace(DEFAULTS, count=count, locked=count * TASK, audit_ppm=rate)


def _of_price(value: float, setting: Setting = DEFAULTS) -> float:
    return 100 * value / setting.locked


def _counts() -> list[int]:
    return sorted({min(MAX_COUNT, round(10 ** (k / 12))) for k in range(59)})


def _zero(axes: Axes) -> None:
    axes.axhline(0, color="#333333", linewidth=1)


def collusion(axes: Axes) -> None:
    """Profit of a cheat by the share of seats that is its own, for one to three auditors."""
    shares = [Fraction(n, 100) for n in range(0, 91, 2)]
    for colour, auditors in zip(COLOURS, (1, 2, 3), strict=False):
        setting = change(DEFAULTS, "auditors", auditors)
        profits = [_of_price(float(cheating.profit_of_nothing(replace(setting, colluding=f)))) for f in shares]
        axes.plot([100 * float(f) for f in shares], profits, color=colour, label=f"AUDITORS {auditors}")
    for share in (Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(2, 3)):
        played = estimate(play_nothing, replace(DEFAULTS, colluding=share), 5, PLAYS)
        axes.errorbar(
            100 * float(share), _of_price(played.mean), 2 * _of_price(played.error), fmt="o", color=COLOURS[1], ms=4
        )
    axes.axvline(100 / 3, color="#999999", linestyle=":")
    axes.annotate("assumed: a third", (34, 62), color="#666666")
    _zero(axes)
    axes.set(xlabel="seats that belong to the cheat, %", ylabel="profit of computing nothing, % of the price")
    axes.set_title("Two auditors hold up to 47 % of colluding seats")
    axes.legend(loc="upper left")


def margin(axes: Axes) -> None:
    """Profit of the cheats by BOND_MARGIN."""
    margins = list(range(100, 251, 2))
    cheats: tuple[tuple[str, Callable[[Setting], Fraction], Setting], ...] = (
        ("no colluding seats", cheating.profit_of_nothing, replace(DEFAULTS, colluding=Fraction(0))),
        ("a third of the seats collude", cheating.profit_of_nothing, DEFAULTS),
        ("every drawn seat is for sale", cheating.profit_of_bribing_seats, DEFAULTS),
    )
    for colour, (label, profit, setting) in zip(COLOURS, cheats, strict=False):
        profits = [_of_price(float(profit(change(setting, "bond_margin", value)))) for value in margins]
        axes.plot(margins, profits, color=colour, label=label)
    for value, name in ((150, "enough within the model"), (200, "default")):
        axes.axvline(value, color="#999999", linestyle=":")
        axes.annotate(name, (value + 1, -92), color="#666666")
    _zero(axes)
    axes.set(xlabel="BOND_MARGIN, hundredths", ylabel="profit of computing nothing, % of the price")
    axes.set_title("The bond's margin decides")
    axes.legend(loc="upper right")


def one_task(axes: Axes) -> None:
    """What a wrong answer must be worth to somebody before it pays, by the size of the batch."""
    counts = _counts()
    for colour, rate in zip(COLOURS, (10_000, 100_000, PPM), strict=False):
        label = f"audit rate {rate / 10_000:g} %"
        one = [float(cheating.deterred(_batch(n, rate), 1)) / USDC for n in counts]
        every = [float(cheating.deterred(_batch(n, rate), n)) / USDC for n in counts]
        axes.plot(counts, one, color=colour, label=f"{label}, one wrong task")
        axes.plot(counts, every, color=colour, linestyle="--", label=f"{label}, all tasks wrong")
    axes.set(xscale="log", yscale="log", xlabel="tasks in the batch, 0.10 USDC each", ylabel="USDC")
    axes.set_title("What somebody must pay a provider for wrong answers")
    axes.legend(loc="upper left", fontsize=8)


def price(axes: Axes) -> None:
    """What trust costs, by the audit rate: prepayment and rent of the bond."""
    rates = [round(10_000 * 10 ** (k / 20)) for k in range(41)]
    for colour, count in zip(COLOURS, (1, 10, 100, 1_000, 10_000), strict=True):
        costs = [_of_price(float(trust.cost(_batch(count, r))), _batch(count)) for r in rates]
        axes.plot([r / 10_000 for r in rates], costs, color=colour, label=f"{count:,} tasks")
        best = trust.cheapest_rate(_batch(count))
        least = _of_price(float(trust.cost(_batch(count, best))), _batch(count))
        axes.plot([best / 10_000], [least], "o", color=colour, ms=5)
    axes.set(xscale="log", yscale="log", xlabel="audit rate, %", ylabel="cost of trust, % of the price")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_title("Rare audits need large bonds: the cheapest rate grows with the batch")
    axes.legend(loc="upper left", fontsize=8, ncols=2)


def ruin(axes: Axes) -> None:
    """The chance that the audit account ever runs dry, by its seed and load."""
    covers = list(range(0, 61))
    for colour, load in zip(COLOURS, (10_500, 11_000, 12_000, 15_000), strict=False):
        setting = change(DEFAULTS, "audit_load_bps", load)
        bounds = [account.ruin_bound(setting, float(seed)) for seed in covers]
        axes.plot(covers, bounds, color=colour, label=f"AUDIT_LOAD {load:,}, bound")
    setting, rng = replace(DEFAULTS, audit_ppm=100_000), Random(9)
    for seed in (4, 8, 12, 16):
        ruined = sum(play_ruin(setting, rng, seed * account.audit_cost(setting), 2_000) for _ in range(RUINS))
        axes.plot([seed], [ruined / RUINS], "o", color=COLOURS[1], ms=5, label="played, 11,000" if seed == 4 else None)
    axes.axvline(35, color="#999999", linestyle=":")
    axes.annotate("seed = 35 covers", (35.5, 2e-5), color="#666666")
    axes.set(
        yscale="log", ylim=(1e-5, 1.2), xlabel="seed, in audits of the largest size", ylabel="chance of running dry"
    )
    axes.set_title("A tenth of load and 35 covers: dry in at most 2 of 1,000 histories")
    axes.legend(loc="upper right", fontsize=8)


def report_fee(axes: Axes) -> None:
    """What the audit account gains by a drawn audit, by the price of the tasks that a seat runs again."""
    prices = [10 ** (k / 20 - 2) for k in range(81)]
    for colour, label, setting in (
        (COLOURS[1], "if REPORT_FEE were in no prepayment", change(DEFAULTS, "counts_report_fee", 0)),
        (COLOURS[0], "as it is: counted in the cost", DEFAULTS),
    ):
        drifts = []
        for coins in prices:
            batch = replace(setting, count=1, locked=max(1, round(coins * USDC)), audit_ppm=PPM)
            drifts.append(float(account.drift(batch)) / USDC)
        axes.plot(prices, drifts, color=colour, label=label)
    _zero(axes)
    axes.set(xscale="log", ylim=(-0.5, 1.5), xlabel="price of what one seat runs again, USDC")
    axes.set(ylabel="gain of the account by an audit, USDC")
    axes.set_title("Small audits would drain the account if the report were not paid for")
    axes.legend(loc="upper left")


def canaries(axes: Axes) -> None:
    """The share of canaries from which a seat looks, by the size of the batch."""
    counts = _counts()
    for colour, rate in zip(COLOURS, (10_000, 100_000, PPM), strict=False):
        for bond, line in ((500, "-"), (5_000, "--")):
            settings = [change(_batch(n, rate), "seat_bond", bond * 10**9) for n in counts]
            shares = [100 * float(auditing.least_canaries(setting)) for setting in settings]
            axes.plot(
                counts, shares, line, color=colour, label=f"audit rate {rate / 10_000:g} %, SEAT_BOND {bond:,} STUN"
            )
    axes.set(xscale="log", yscale="log", ylim=(0.01, 10), xlabel="tasks in the batch, 0.10 USDC each")
    axes.set(ylabel="canaries among drawn batches, %")
    axes.set_title("How many canaries make looking pay")
    axes.legend(loc="upper right", fontsize=8, ncols=2)


def reputation(axes: Axes) -> None:
    """What buying a reputation and cheating afterwards earns, by the number of cheats."""
    cheats = list(range(0, 1_001, 20))
    bought = float(farming.cost_to_buy(DEFAULTS, farming.TRUSTED)) / USDC
    for colour, label, setting in (
        (COLOURS[1], "nobody audits the trusted", replace(DEFAULTS, reported=Fraction(0))),
        (COLOURS[0], "the floor holds for everybody", DEFAULTS),
    ):
        each = float(cheating.profit_of_nothing(setting)) / USDC
        axes.plot(cheats, [n * each - bought for n in cheats], color=colour, label=label)
    _zero(axes)
    axes.set(xlabel="cheated batches of 100 USDC after reaching a reputation of 0.95", ylabel="profit, USDC")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_title("Reputation buys no right to cheat")
    axes.legend(loc="upper left")


PICTURES: dict[str, Callable[[Axes], None]] = {
    "collusion": collusion,
    "bond-margin": margin,
    "wrong-answers": one_task,
    "cost-of-trust": price,
    "audit-account": ruin,
    "report-fee": report_fee,
    "canaries": canaries,
    "reputation": reputation,
}


def draw(folder: Path, kind: str = "svg") -> list[Path]:
    """Draw every picture into a folder (svg, or png to look at); return the files."""
    mpl.use("svg")
    files = []
    with mpl.rc_context(STYLE):
        for name, picture in PICTURES.items():
            figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
            picture(axes)
            files.append(folder / f"{name}.{kind}")
            figure.savefig(files[-1], metadata={"Date": None, "Creator": None} if kind == "svg" else None)
            plt.close(figure)
    return files


def main() -> None:
    """Draw into docs/pictures."""
    FOLDER.mkdir(exist_ok=True)
    for path in draw(FOLDER):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
