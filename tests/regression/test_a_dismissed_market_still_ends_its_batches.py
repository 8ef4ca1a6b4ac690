"""Taking the market's roles back froze every open batch: settle and expire failed at "reputation: recorder"."""

from collections.abc import Iterator

import pytest
from market_stage import BOND, DEPOSIT, Opened, Stage, fresh_stage, honest_tree, salt_of

from stun.chains.evm.market_encoding import top_tuple

pytestmark = pytest.mark.integration
TREE = honest_tree()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with fresh_stage() as lent:
        yield lent


def dismiss(stage: Stage) -> None:
    for contract, name in (("Reputation", "set_recorder"), ("Staking", "set_slasher")):
        stage.deployed.must(stage.people.owner, contract, name, stage.market, False)


def test_agreed_work_is_paid(stage: Stage) -> None:
    opened = stage.open(stage.order())
    stage.post(opened, TREE)
    dismiss(stage)
    stage.travel(300)
    stage.must(stage.settler, "settle", *opened.about, TREE.root, 300)
    assert stage.balance(stage.providers[0]) == DEPOSIT + 2_400_000
    assert stage.reputation(stage.providers[0]) == 0


def test_silence_returns_the_price_and_what_is_left_of_the_bonds(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    dismiss(stage)
    stage.travel(600)
    stage.must(stage.settler, "expire", *opened.about)
    assert stage.balance(stage.requester) == DEPOSIT
    assert DEPOSIT - BOND < stage.balance(stage.providers[0]) < DEPOSIT


def test_silence_after_a_commitment_burns_the_bond_and_no_stake(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    commit_only(stage, opened, 0)
    commit_only(stage, opened, 1)
    dismiss(stage)
    before = stage.stake(stage.providers[1])
    stage.must(stage.settler, "deliver", *opened.about, [], b"", [(0, top_tuple(TREE.top), salt_of(0))])
    stage.travel(3_600)
    stage.must(stage.settler, "expire", *opened.about)
    assert stage.stake(stage.providers[1]) == before
    assert stage.balance(stage.providers[1]) == DEPOSIT - BOND


def commit_only(stage: Stage, opened: Opened, replica: int) -> None:
    sealed, signature = stage.sealed(opened, replica, TREE)
    stage.must(stage.settler, "deliver", *opened.about, [sealed], signature, [])
