"""What each strategy earns, as rows: by formula, by play, and the value of each guard at which it would turn."""

from dataclasses import dataclass
from fractions import Fraction

from stun.protocol.economics.setting import Setting, read
from stun.protocol.economics.simulator import Estimate, estimate
from stun.protocol.economics.strategies import STRATEGIES, Strategy
from stun.protocol.economics.turning import turning_point

SEED = 20_261_122


@dataclass(frozen=True, slots=True)
class Turn:
    """One guard: its value, and the value nearest to it at which the strategy pays (None: at no value)."""

    name: str
    value: Fraction
    turns_at: Fraction | None


@dataclass(frozen=True, slots=True)
class Row:
    """A strategy's profit in the asset's smallest unit: by formula and played out."""

    strategy: Strategy
    profit: Fraction
    played: Estimate
    turns: tuple[Turn, ...]


def row_of(strategy: Strategy, setting: Setting, seed: int = SEED, plays: int | None = None) -> Row:
    """Judge one strategy under one setting."""
    chosen = strategy.prepare(setting)
    turns = tuple(
        Turn(guard.name, read(chosen, guard.name), turning_point(strategy.profit, chosen, guard))
        for guard in strategy.guards
    )
    played = estimate(strategy.play, chosen, seed, min(strategy.plays, plays or strategy.plays))
    return Row(strategy, strategy.profit(chosen), played, turns)


def rows(setting: Setting, seed: int = SEED, plays: int | None = None) -> tuple[Row, ...]:
    """Judge every strategy."""
    return tuple(row_of(strategy, setting, seed, plays) for strategy in STRATEGIES)
