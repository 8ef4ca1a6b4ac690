"""The specification of votes stepped beside token and staking, in revm, over many fresh worlds.

STUN_STATEFUL_ACTIONS scales the long run, STUN_STATEFUL_SEED picks other sequences.
"""

import os
import sys

import pytest
from evm_machines import RevmMachine
from votes_run import VotesRun
from votes_world import Tally, VotesWorld

from stun.protocol.governance.actions import VOTE_ACTIONS

pytestmark = pytest.mark.stateful

LONG_RUN = int(os.environ.get("STUN_STATEFUL_ACTIONS", "50000"))
FIRST_SEED = int(os.environ.get("STUN_STATEFUL_SEED", "1"))
ACTIONS_PER_WORLD = 250
CODES = (
    "staking: amount", "staking: balance", "staking: bps", "staking: locked", "staking: nothing", "token: balance",
    "token: keeper", "token: receiver", "token: supply", "votes: keeper",
)  # fmt: skip


def run(wanted: int) -> Tally:
    """Take at least so many actions."""
    tally, seed = Tally(), FIRST_SEED
    while tally.total < wanted:
        VotesRun(VotesWorld(RevmMachine(), tally), seed).attempt(ACTIONS_PER_WORLD)
        seed += 1
    return tally


def _rare(tally: Tally, least: int) -> list[str]:
    names = [kind.__name__ for kind in VOTE_ACTIONS]
    rare = [name for name in names if min(tally.accepted[name], tally.refused[name]) < least]
    return rare + [code for code in CODES if tally.codes[code] < least]


def test_votes_step_like_their_contracts() -> None:
    assert not _rare(run(1_500), 3)


@pytest.mark.slow
def test_fifty_thousand_actions_agree() -> None:
    tally = run(LONG_RUN)
    sys.stdout.write(f"\n{tally.table()}\n")
    assert not _rare(tally, LONG_RUN // 500)
