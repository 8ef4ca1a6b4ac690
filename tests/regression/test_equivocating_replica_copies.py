"""Known and open until the court convicts two signed commitments (KNOWN_ISSUES.md): the cheap lane lets a replica copy.

It signs one commitment for the pool, waits until the others have released their openings against it, and brings
another one onto the chain. Pinned, so that the page changes when the behaviour does.
"""

from collections.abc import Iterator

import pytest
from market_stage import Stage, fresh_stage, honest_tree, salt_of

from stun.chains.evm.market_encoding import top_tuple
from stun.protocol.messages import Commit
from stun.protocol.trees.specs import commitment

pytestmark = pytest.mark.integration
TREE = honest_tree()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with fresh_stage() as lent:
        yield lent


def test_a_replica_that_signed_another_commitment_is_paid_for_a_copy(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    copier, salt = stage.providers[1], b"\x07" * 32
    signed_before = stage.sign(copier, Commit(opened.batch_id, copier, b"\x05" * 32))
    copied = commitment(opened.batch_id, copier, TREE.root, TREE.total_units, salt)
    stage.must(copier, "deliver", *opened.about, [(1, copied)], b"", [])

    honest, signature = stage.sealed(opened, 0, TREE)
    shown = [(0, top_tuple(TREE.top), salt_of(0)), (1, top_tuple(TREE.top), salt)]
    both = [honest, (1, b"\x05" * 32)]
    refused = stage.refusal(stage.settler, "deliver", *opened.about, both, signature + signed_before, shown)
    assert refused == "batches: committed"
    stage.must(stage.settler, "deliver", *opened.about, [honest], signature, shown)
    stage.travel(300)
    events = stage.must(stage.settler, "settle", *opened.about, TREE.root, TREE.total_units)
    assert events[-1][1]["paid"] == (3_000_000, 3_000_000, 0)
