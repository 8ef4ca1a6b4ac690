"""The market's specification stepped beside its contracts for 100,000 actions in revm, over many fresh markets.

STUN_STATEFUL_ACTIONS scales the number of actions, STUN_STATEFUL_SEED picks other sequences.
"""

import os
import sys

import pytest
from evm_machines import RevmMachine
from market_run import CODES, Run
from side_by_side import Tally

from stun.protocol.market.actions import ACTIONS

pytestmark = [pytest.mark.stateful, pytest.mark.slow]

ACTIONS_WANTED = int(os.environ.get("STUN_STATEFUL_ACTIONS", "100000"))
FIRST_SEED = int(os.environ.get("STUN_STATEFUL_SEED", "1000"))
ACTIONS_PER_MARKET = 2_500
LEAST = 500 * ACTIONS_WANTED // 100_000


def _rare(tally: Tally) -> list[str]:
    names = [kind.__name__ for kind in ACTIONS]
    rare = [name for name in names if min(tally.accepted[name], tally.refused[name]) < LEAST]
    return rare + [code for code in CODES if tally.codes[code] < LEAST]


def test_a_hundred_thousand_actions_agree() -> None:
    """ACTIONS_WANTED actions, and on until each rule was accepted and refused LEAST times, to twice as many at most."""
    tally = Tally()
    seed = FIRST_SEED
    while tally.total < ACTIONS_WANTED or (_rare(tally) and tally.total < 2 * ACTIONS_WANTED):
        run = Run(RevmMachine(), seed, tally, auditors=(0, 2, 7)[seed % 3])
        run.start()
        run.attempt(ACTIONS_PER_MARKET)
        seed += 1
    sys.stdout.write(f"\n{tally.table()}\n")
    assert not _rare(tally)
