"""Audits stepped beside their contract: every call below is compared with the specification."""

import pytest
from audit_jobs import BOND, AuditJobs
from audit_world import AuditWorld
from evm_machines import RevmMachine

from stun.protocol.audit import actions


@pytest.fixture
def jobs() -> AuditJobs:
    """A market with two auditors a draw and six seats that joined an epoch ago."""
    world = AuditWorld(RevmMachine())
    for account in world.judges[:6]:
        assert world.take(actions.Join(account, BOND)) is None
    world.pass_time(world.now + 600)
    return AuditJobs(world, seed=1)
