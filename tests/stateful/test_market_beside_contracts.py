"""The market's specification stepped beside its contracts in titanoboa: same outcome, events and state, every action.

`tests/support/market_run.py` chooses the actions, `side_by_side.py` compares them. Every action is accepted and
refused, and every code met, at least LEAST times, or the test fails: a rule is never compared by luck.
"""

import sys

import pytest
from evm_machines import BoaMachine
from market_run import CODES, Run
from side_by_side import Divergence, Tally

from stun.protocol.market.actions import ACTIONS

pytestmark = pytest.mark.stateful

LEAST = 10
RUNS = ((20_261_125, 0), (20_261_126, 2))  # seed, auditors of the first config version
ACTIONS_PER_RUN = 600
CHUNK = 100
MOST = 3_000


def missing(tally: Tally, least: int) -> list[str]:
    """Return what was accepted, refused or met fewer than `least` times."""
    names = [kind.__name__ for kind in ACTIONS]
    rare = [f"{name} accepted" for name in names if tally.accepted[name] < least]
    rare += [f"{name} refused" for name in names if tally.refused[name] < least]
    return rare + [code for code in CODES if tally.codes[code] < least]


def test_market_does_what_its_specification_does() -> None:
    tally = Tally()
    for seed, auditors in RUNS:
        run = Run(BoaMachine(), seed, tally, auditors)
        run.start()
        run.attempt(ACTIONS_PER_RUN)
    while missing(tally, LEAST) and tally.total < MOST:
        run.attempt(CHUNK)
    sys.stdout.write(f"\n{tally.table()}\n")
    assert not missing(tally, LEAST)
    assert tally.endings["paid"] >= LEAST
    assert tally.endings["refunded"] >= LEAST


def test_a_divergence_is_found_and_shown_by_its_actions() -> None:
    """The comparison itself is compared: a contract that forgets a fee, a phase or a word is caught at once."""
    run = Run(BoaMachine(), 1, Tally())
    run.start()
    run.steps(30)
    asset = run.world.assets[0]
    run.world.market.treasury[asset] = run.world.market.treasury.get(asset, 0) + 1  # type: ignore[index]
    with pytest.raises(Divergence, match="treasury"):
        run.world.compare()
