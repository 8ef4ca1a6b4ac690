"""A challenger before the deployed court on a real node: cheats are convicted, an honest replica is never touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from court_batch import Job, Work
from court_cheats import MUSEUM, TASK
from court_model import small_model
from dispute_chain import DisputeChain, PlayedBatch, dispute_chain, honest_work

from scripts.bench.gas_chain import gas_chain
from stun.checking.challenger import Challenger
from stun.checking.charges import Charge, make_charge
from stun.checking.collecting import WORTH
from stun.checking.examine import Finding, examine
from stun.checking.material import gather
from stun.checking.progress import Fate, Progress
from stun.checking.store import DisputeStore
from stun.protocol.graph.tensors import Tensor

pytestmark = pytest.mark.integration
COIN = 10**18
CHALLENGER = 8  # a party that never used the market


@pytest.fixture(scope="module")
def disputes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DisputeChain]:
    with gas_chain() as chain:
        yield dispute_chain(chain, tmp_path_factory.mktemp("blobs"))


def cheat(inputs: tuple[Tensor, ...]) -> Work:
    return MUSEUM["other weights"][0](Job(small_model(), inputs))


def found(batch: PlayedBatch) -> list[tuple[int, Finding]]:
    material = gather(batch.sources(), batch.batch_id)
    compared = examine(material.claims, material.run(range(material.terms.count)), material.terms.count, False)
    return [(item.task, item.finding) for item in compared if item.finding is not Finding.RIGHT]


def prosecute(batch: PlayedBatch, charge: Charge, store: DisputeStore, answers: bool = True) -> Progress:
    disputes, chain = batch.disputes, batch.chain
    writer = disputes.writer(CHALLENGER)
    challenger = Challenger(chain.market, disputes.court, writer, store, 10 * COIN, chain.market.contracts.first_block)
    for _ in range(80):
        writer.sender.tick()
        told = challenger.advance(charge)
        if told.done:
            return told
        if not (answers and batch.answer()):
            chain.node.travel(max(1, told.until - chain.market.now()))
    raise AssertionError("a charge without end")


def test_wrong_weights_are_found_and_convicted_and_the_challenger_is_paid(
    disputes: DisputeChain, tmp_path: Path
) -> None:
    batch = disputes.open(cheat)
    assert found(batch) == [(TASK, Finding.WRONG)]
    who = disputes.chain.parties[CHALLENGER].id
    before = disputes.chain.market.balance(disputes.chain.market.stun, who)
    store = DisputeStore.open(tmp_path / "disputes.db")

    charge = make_charge(batch.sources(), gather(batch.sources(), batch.batch_id), 0, TASK)
    told = prosecute(batch, charge, store)

    assert told.fate is Fate.CONVICTED
    assert disputes.court.was_convicted(batch.batch_id, 0)
    assert disputes.chain.market.balance(disputes.chain.market.stun, who) > before
    assert disputes.court.credit(who) < WORTH * disputes.court.challenge_costs().take, "what is worth its fees is taken"
    assert DisputeStore.open(tmp_path / "disputes.db").fate(charge.name) == Fate.CONVICTED


def test_one_that_withholds_everything_is_asked_from_its_transaction_and_expired(
    disputes: DisputeChain, tmp_path: Path
) -> None:
    batch = disputes.open(cheat, published=False)
    assert {finding for _, finding in found(batch)} == {Finding.UNKNOWN}
    charge = make_charge(batch.sources(), gather(batch.sources(), batch.batch_id), 0, TASK)
    assert charge.leaf is None

    assert prosecute(batch, charge, DisputeStore.open(tmp_path / "d.db"), answers=False).fate is Fate.CONVICTED
    assert disputes.chain.market.batch(batch.batch_id) is None, "no live replica is left"


def test_one_that_withholds_and_answers_is_convicted_by_its_own_answers(disputes: DisputeChain, tmp_path: Path) -> None:
    batch = disputes.open(cheat, published=False)
    charge = make_charge(batch.sources(), gather(batch.sources(), batch.batch_id), 0, TASK)

    assert prosecute(batch, charge, DisputeStore.open(tmp_path / "d.db")).fate is Fate.CONVICTED


def test_an_honest_replica_is_right_and_stays_so_under_a_demand(disputes: DisputeChain, tmp_path: Path) -> None:
    batch = disputes.open(honest_work, published=False)
    assert found(batch) == []
    charge = make_charge(batch.sources(), gather(batch.sources(), batch.batch_id), 0, TASK)

    assert prosecute(batch, charge, DisputeStore.open(tmp_path / "d.db")).fate is Fate.RIGHT
    assert not disputes.court.was_convicted(batch.batch_id, 0)
