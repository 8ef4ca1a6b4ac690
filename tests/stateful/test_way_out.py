"""I-6: from every state of a random run, with all others gone, each party gets its due out by its own acts."""

from collections import Counter

import pytest
from evm_machines import RevmMachine
from market_run import Run
from side_by_side import Tally
from way_out import least_due, leave_alone

from stun.protocol.market.state import Batch, Phase

pytestmark = pytest.mark.stateful

ACTIONS = 1_400
EVERY = 20
LEAST = 100  # ways out from each phase


def _latest(batch: Batch, now: int) -> int:
    """The moment by which whatever happens a batch can be ended by anybody."""
    terms = batch.terms
    windows = terms.rule("reveal_seconds") + terms.challenge_seconds + terms.rule("max_hold")
    return max(now, terms.post_by + windows + terms.rule("resolve_seconds"))


def test_each_party_leaves_with_its_due_alone() -> None:
    run = Run(RevmMachine(), seed=6, tally=Tally())
    run.start()
    left: Counter[Phase] = Counter()
    while run.tally.total < ACTIONS:
        run.attempt(EVERY)
        market, now = run.world.market, run.world.now
        for batch_id, batch in market.batches.items():
            plan = run.plans.get(batch_id)
            for party in {batch.terms.requester} | {cast.provider for cast in batch.terms.casts}:
                gone = leave_alone(market, now, batch_id, party, plan)
                assert gone.gained >= least_due(batch, now, party, plan)
                assert gone.at <= _latest(batch, now)
                left[batch.phase] += 1
    assert min(left[phase] for phase in (Phase.OPEN, Phase.REVEALING, Phase.RESULTS)) >= LEAST, left
