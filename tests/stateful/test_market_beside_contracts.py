"""The market's specification stepped beside its contracts: same outcome, same events, same state, after every action.

`tests/support/market_run.py` chooses the actions, `side_by_side.py` compares them. On revm every action is accepted
and refused, and every code met, at least LEAST times, or the test fails: a rule is never compared by luck. titanoboa,
whose interpreter is some twenty times slower, takes a shorter walk.
"""

import sys

import pytest
from evm_machines import BoaMachine, RevmMachine
from market_run import CODES, Run
from side_by_side import Divergence, Tally

from stun.protocol.market.actions import ACTIONS

pytestmark = pytest.mark.stateful

LEAST = 20
RUNS = ((20_261_125, 0), (20_261_126, 2))  # seed, auditors of the first config version
ACTIONS_PER_RUN = 1_500
CHUNK = 100
MOST = 9_000
WALK = 350


def missing(tally: Tally, least: int) -> list[str]:
    """Return what was accepted, refused or met fewer than `least` times."""
    names = [kind.__name__ for kind in ACTIONS]
    rare = [f"{name} accepted" for name in names if tally.accepted[name] < least]
    rare += [f"{name} refused" for name in names if tally.refused[name] < least]
    return rare + [code for code in CODES if tally.codes[code] < least]


def test_market_does_what_its_specification_does() -> None:
    tally = Tally()
    for seed, auditors in RUNS:
        run = Run(RevmMachine(), seed, tally, auditors)
        run.start()
        run.attempt(ACTIONS_PER_RUN)
    while missing(tally, LEAST) and tally.total < MOST:
        run.attempt(CHUNK)
    sys.stdout.write(f"\n{tally.table()}\n")
    assert not missing(tally, LEAST)
    assert tally.endings["paid"] >= LEAST
    assert tally.endings["refunded"] >= LEAST


def test_another_machine_agrees() -> None:
    tally = Tally()
    run = Run(BoaMachine(), 7, tally, auditors=2)
    run.start()
    run.attempt(WALK)
    assert len(tally.accepted) >= len(ACTIONS) - 2
    assert len(tally.codes) >= len(CODES) // 2


@pytest.mark.parametrize("share", ["treasury", "insurance", "audit"])
def test_a_difference_of_one_unit_is_found(share: str) -> None:
    run = Run(RevmMachine(), 1, Tally())
    run.start()
    run.attempt(30)
    shares = getattr(run.world.market, share)
    asset = run.world.assets[0]
    shares[asset] = shares.get(asset, 0) + 1
    with pytest.raises(Divergence, match=share):
        run.world.compare()
