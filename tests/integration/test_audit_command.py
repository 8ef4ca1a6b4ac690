"""`stun batch audit` and `stun batch dispute` against the deployed court: by the command alone a cheat is convicted."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from court_batch import Job, Work
from court_cheats import MUSEUM, TASK
from court_model import small_model
from dispute_chain import DisputeChain, PlayedBatch, dispute_chain, honest_work
from stun_sdk import Settings, StunClient
from stun_sdk.keeping import Keeping, KeptOrder
from stun_sdk.network import Connection

from scripts.bench.gas_chain import gas_chain
from stun.cli import checking
from stun.cli.main import main
from stun.cli.session import Session
from stun.protocol.graph.tensors import Tensor

pytestmark = pytest.mark.integration
CHALLENGER = 8


@pytest.fixture(scope="module")
def disputes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DisputeChain]:
    with gas_chain() as chain:
        yield dispute_chain(chain, tmp_path_factory.mktemp("blobs"))


def cheat(inputs: tuple[Tensor, ...]) -> Work:
    return MUSEUM["other weights"][0](Job(small_model(), inputs))


Run = Callable[..., Result]


@pytest.fixture
def command(disputes: DisputeChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[PlayedBatch], Run]:
    """The command of somebody who never used the market; while it sleeps the replica answers, or time passes."""

    def prepare(batch: PlayedBatch, answers: bool = True) -> Run:
        party = disputes.chain.parties[CHALLENGER]
        market, pools = disputes.chain.market, batch.pools
        settings = Settings(network="test", poll_seconds=0.01)
        link = Connection(
            market, pools, disputes.store, (), {"STUN": market.stun}, tmp_path, settings,  # type: ignore[arg-type]
            party.writer, party.account, first_block=market.contracts.first_block,
        )  # fmt: skip

        def reader(session: Session) -> StunClient:
            return StunClient(connection=replace(link, writer=None, signer=None))

        def actor(session: Session) -> StunClient:
            return session._rehearse(link, party.account.address) if session.dry_run else StunClient(connection=link)

        def sleep(_: float) -> None:
            if not (answers and batch.answer()):
                disputes.chain.node.travel(4)

        monkeypatch.setattr(Session, "reader", reader)
        monkeypatch.setattr(Session, "actor", actor)
        monkeypatch.setattr(checking.time, "sleep", sleep)
        runner = CliRunner(mix_stderr=False)
        return lambda *words: runner.invoke(main, [*words], catch_exceptions=False)

    return prepare


def name_of(batch: PlayedBatch) -> str:
    return "0x" + batch.batch_id.hex()


def json_of(done: Result) -> Any:
    return json.loads(done.stdout.splitlines()[-1])


def test_a_wrong_batch_is_found_and_convicted_by_the_command_alone(
    disputes: DisputeChain, command: Callable[..., Run]
) -> None:
    batch = disputes.open(cheat)
    stun = command(batch)

    looked = stun("batch", "audit", name_of(batch), "--json")
    rehearsed = stun("batch", "audit", name_of(batch), "--challenge", "--dry-run", "--json")
    assert not disputes.court.events(0, disputes.chain.market.head(), batch.batch_id), "a dry run sends nothing"
    done = stun("batch", "audit", name_of(batch), "--challenge", "--json")

    assert (looked.exit_code, rehearsed.exit_code, done.exit_code) == (11, 11, 0)
    [row] = json_of(looked)["replicas"]
    assert (row["right"], row["wrong"], row["unknown"]) == (4, 1, 0)
    assert [wrong["task"] for wrong in row["wrong_tasks"]] == [TASK]
    [told] = json_of(rehearsed)["disputes"]
    assert [(act["act"], act["simulation"]) for act in told["would"]] == [("demand-trace", "ok")]
    [dispute] = json_of(done)["disputes"]
    assert (dispute["fate"], dispute["proven"]["kind"]) == ("convicted", "BadStep")
    assert dispute["proven"]["expected"] != dispute["proven"]["claimed"]
    assert disputes.court.was_convicted(batch.batch_id, 0)

    shown = stun("batch", "show", name_of(batch))
    record = json_of(stun("batch", "show", name_of(batch), "--json"))["court"]
    assert "was convicted by 0x" in shown.stdout
    assert f"it should be {dispute['proven']['expected']}" in shown.stdout
    assert [(row["wrong"], row["proven"]) for row in record["convictions"]] == [(True, dispute["proven"])]
    assert (record["has_court"], record["waiting"]) == (True, 0)


def test_a_batch_says_how_long_its_court_is_open_and_that_nobody_looks(
    disputes: DisputeChain, command: Callable[..., Run]
) -> None:
    batch = disputes.open(honest_work)

    shown = command(batch)("batch", "show", name_of(batch))

    assert "The court is open to anybody's doubt for" in shown.stdout
    assert "No audit was prepaid" in shown.stdout


def test_a_withheld_result_is_disputed_in_words_that_people_read(
    disputes: DisputeChain, command: Callable[..., Run]
) -> None:
    batch = disputes.open(cheat, published=False)
    stun = command(batch)

    looked = stun("batch", "audit", name_of(batch))
    done = stun("batch", "dispute", name_of(batch), "--replica", "0", "--task", str(TASK))

    assert looked.exit_code == 11
    assert "5 unknown" in looked.stdout
    assert "its root is not the right one" in looked.stdout
    assert done.exit_code == 0, done.stderr
    assert f"dispute about task {TASK} of 0x" in done.stdout
    assert "it should be" in done.stdout
    assert "takes at most" in done.stderr


@pytest.mark.parametrize("answers", [True, False], ids=["answered", "silent"])
def test_a_wrong_result_among_withheld_ones_is_searched_for_and_convicted(
    disputes: DisputeChain, command: Callable[..., Run], answers: bool
) -> None:
    batch = disputes.open(cheat, published=False)
    stun = command(batch, answers)

    some = stun("batch", "audit", name_of(batch), "--tasks", "2", "--challenge", "--json")
    rehearsed = stun("batch", "audit", name_of(batch), "--challenge", "--dry-run", "--json")
    done = stun("batch", "audit", name_of(batch), "--challenge", "--json")

    assert (some.exit_code, json_of(some)["disputes"]) == (0, []), "two of five tasks say nothing about the root"
    [told] = json_of(rehearsed)["disputes"]
    assert (told["task"], [act["act"] for act in told["would"]]) == (None, ["demand-top"])
    [dispute] = json_of(done)["disputes"]
    assert (done.exit_code, dispute["fate"]) == (0, "convicted"), done.stderr
    assert dispute["task"] == (TASK if answers else None)


def test_a_dispute_that_is_interrupted_after_every_step_goes_on_and_sends_nothing_twice(
    disputes: DisputeChain, command: Callable[..., Run]
) -> None:
    batch = disputes.open(cheat, published=False)
    stun = command(batch)
    fates = []
    for _ in range(40):
        done = stun(
            "batch", "dispute", name_of(batch), "--replica", "0", "--task", str(TASK), "--timeout", "0", "--json"
        )
        fates.append(json_of(done)["fate"])
        if fates[-1] != "open":
            break
        disputes.chain.node.travel(1)
        batch.answer()

    assert fates[-1] == "convicted"
    assert len(fates) > 8
    names = [e.name for e in disputes.court.events(0, disputes.chain.market.head(), batch.batch_id)]
    assert names.count("ChallengeAnnounced") == names.count("ChallengeOpened") == 1
    assert names.count("Demanded") == 5


def test_an_honest_batch_is_right_and_nobody_can_charge_it(disputes: DisputeChain, command: Callable[..., Run]) -> None:
    batch = disputes.open(honest_work)
    stun = command(batch)

    checked = stun("batch", "audit", name_of(batch), "--challenge", "--tasks", "3", "--json")
    charged = stun("batch", "dispute", name_of(batch), "--replica", "0", "--task", "2", "--json")

    assert checked.exit_code == 0
    assert json_of(checked)["checked"] == 3
    assert json_of(checked)["disputes"] == []
    assert charged.exit_code == 2
    assert "is right" in charged.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("audit", "0x1234"), 2),
        (("audit", "0x" + "77" * 32), 8),
        (("audit", "BATCH", "--tasks", "none"), 2),
        (("audit", "BATCH", "--tasks", "0"), 2),
        (("audit", "BATCH", "--budget", "1e9"), 2),
        (("dispute", "BATCH", "--replica", "1", "--task", "1"), 2),
        (("dispute", "BATCH", "--replica", "0x" + "11" * 20, "--task", "1"), 2),
        (("dispute", "BATCH", "--replica", "zz", "--task", "1"), 2),
        (("dispute", "BATCH", "--replica", "0", "--task", "99"), 2),
        (("dispute", "BATCH", "--replica", "0", "--task", "-1"), 2),
        (("dispute", "BATCH", "--replica", "0", "--task", "1", "--budget", "0"), 9),
    ],
)
def test_wrong_words_and_a_budget_that_is_too_small_end_with_their_code_and_send_nothing(
    cheated: PlayedBatch, command: Callable[..., Run], words: tuple[str, ...], code: int
) -> None:
    done = command(cheated)("batch", *(name_of(cheated) if word == "BATCH" else word for word in words), "--json")

    assert done.exit_code == code, done.stderr
    assert not cheated.disputes.court.events(0, cheated.chain.market.head(), cheated.batch_id)


@pytest.fixture(scope="module")
def cheated(disputes: DisputeChain) -> PlayedBatch:
    return disputes.open(cheat)


def test_tasks_that_nobody_holds_are_told_ones_own_order_is_kept_and_after_the_window_no_dispute_begins(
    disputes: DisputeChain, command: Callable[..., Run], tmp_path: Path
) -> None:
    batch = disputes.open(cheat)
    stun = command(batch)
    held, batch.pools.orders = batch.pools.orders, []
    missing = stun("batch", "audit", name_of(batch))
    Keeping(tmp_path).keep(batch.batch_id, KeptOrder(held[0], 0, False, ""))
    kept = stun("batch", "audit", name_of(batch))
    disputes.chain.node.travel(200)

    late = stun("batch", "dispute", name_of(batch), "--replica", "0", "--task", str(TASK))

    assert (missing.exit_code, kept.exit_code, late.exit_code) == (6, 11, 4)
    assert "no pool holds its order" in missing.stderr
    assert "has 0 s left" in late.stderr
