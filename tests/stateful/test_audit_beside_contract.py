"""The audit's specification stepped beside its contract: same outcome, same events, same state, after every action."""

import sys

import pytest
from audit_run import CODES, AuditRun
from audit_world import AuditWorld
from evm_machines import RevmMachine
from side_by_side import Tally

from stun.protocol.audit.actions import ACTIONS

pytestmark = pytest.mark.stateful

SEEDS = ((20_261_127, 2), (20_261_128, 7))
STEPS = 1_500
MOST = 8_000
LEAST = 5


def missing(tally: Tally) -> list[str]:
    names = [kind.__name__ for kind in ACTIONS]
    rare = [f"{name} accepted" for name in names if tally.accepted[name] < LEAST]
    rare += [f"{name} refused" for name in names if tally.refused[name] < LEAST]
    return rare + [code for code in CODES if tally.codes[code] < LEAST]


def test_audit_does_what_its_specification_does() -> None:
    tally = Tally()
    steps = 0
    for seed, auditors in SEEDS:
        run = AuditRun(AuditWorld(RevmMachine(), tally, auditors), seed)
        run.start()
        for _ in range(STEPS):
            run.step()
        steps += STEPS
    while missing(tally) and steps < MOST:
        run.step()
        steps += 1
    shown = {name: (tally.accepted[name], tally.refused[name]) for name in (kind.__name__ for kind in ACTIONS)}
    sys.stdout.write(f"\n{steps} steps: {shown}\n{dict(tally.codes)}\n{run.world.audit_gas}\n")
    assert missing(tally) == [], missing(tally)
