"""hold, convict, release and set_due: what the peers of a config may do, and nobody else."""

from typing import Any

import pytest
from market_stage import BOND, DEPOSIT, PREPAID, RESOLVE_SECONDS, STAKE, Opened, Stage, honest_tree, tree_of

from stun.chains.evm.addresses import narrow
from stun.protocol.parameters import development

pytestmark = pytest.mark.unit

PAID = 3_000_000
TREE = honest_tree()
WRONG = tree_of((70, 80, 90, 60), {1: "wrong"})
MAX_HOLD = development()[0]["max_hold"]


@pytest.fixture
def posted(stage: Stage) -> Opened:
    """A lone replica's batch, posted now."""
    opened = stage.open(stage.order())
    stage.post(opened, TREE)
    return opened


@pytest.fixture
def disputed(stage: Stage) -> Opened:
    """Two replicas that differ."""
    opened = stage.open(stage.order(2))
    stage.deliver(opened, TREE, WRONG)
    return opened


def peers_of(stage: Stage, name: str) -> tuple[bytes, ...]:
    people = stage.people
    if name == "hold":
        return people.court, people.auditor
    return (people.court,) if name == "convict" else (people.settlement,)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("hold", (0,)),
        ("convict", (0, True, bytes(20))),
        ("release", (TREE.root, 300, bytes(20))),
        ("set_due", ((1, 0, 0),)),
    ],
)
def test_only_the_peers_of_the_batchs_config(
    stage: Stage, posted: Opened, name: str, arguments: tuple[Any, ...]
) -> None:
    for account in {*stage.people.all, stage.people.owner} - set(peers_of(stage, name)):
        assert stage.refusal(account, name, *posted.about, *arguments) == "batches: peer"


def test_a_later_config_brings_no_new_peers_to_an_open_batch(stage: Stage, posted: Opened) -> None:
    values, _ = development()
    new = stage.people.stranger
    peers = type(stage.deployed.peers())(new, new, new, new)
    stage.deployed.publish([values[name] for name in values], peers)
    assert stage.refusal(new, "hold", *posted.about, stage.now) == "batches: peer"
    stage.must(stage.people.court, "hold", *posted.about, stage.now)


def test_a_hold_delays_the_settlement(stage: Stage, posted: Opened) -> None:
    until = stage.now + 1_000
    events = stage.must(stage.people.auditor, "hold", *posted.about, until)
    assert events == [("Held", {"batch_id": posted.batch_id, "seq": 2, "hold_until": until})]
    stage.travel(999)
    assert stage.refusal(stage.settler, "settle", *posted.about, TREE.root, 300) == "batches: early"
    stage.travel(1)
    stage.must(stage.settler, "settle", *posted.about, TREE.root, 300)


@pytest.mark.parametrize("until", [2**40, 2**256 - 1])
def test_a_hold_ends_at_the_longest_hold(stage: Stage, posted: Opened, until: int) -> None:
    limit = stage.now + 300 + MAX_HOLD
    stage.must(stage.people.court, "hold", *posted.about, until)
    stage.travel(300 + MAX_HOLD)
    assert stage.batch(posted).hold_until == limit == stage.now
    stage.must(stage.settler, "settle", *posted.about, TREE.root, 300)


def test_a_shorter_hold_does_not_shorten_a_longer_one(stage: Stage, posted: Opened) -> None:
    longer = stage.now + 1_000
    stage.must(stage.people.court, "hold", *posted.about, longer)
    events = stage.must(stage.people.court, "hold", *posted.about, 0)
    assert events[0][1]["hold_until"] == longer


def test_a_batch_without_results_is_not_held(stage: Stage) -> None:
    opened = stage.open(stage.order())
    assert stage.refusal(stage.people.court, "hold", *opened.about, stage.now) == "batches: phase"
    stage.travel(600)
    assert stage.refusal(stage.people.court, "hold", *opened.about, stage.now) == "batches: late"


def test_a_wrong_result_costs_bond_stake_and_reputation(stage: Stage, posted: Opened) -> None:
    challenger = stage.people.challenger
    supply = stage.deployed.word("StunToken", "totalSupply")
    events = stage.must(stage.people.court, "convict", *posted.about, 0, True, narrow(challenger))
    expected = {
        "batch_id": posted.batch_id, "provider": narrow(stage.providers[0]), "challenger": narrow(challenger),
        "seq": 2, "reward": BOND // 4, "wrong": True,
    }  # fmt: skip
    assert events[0] == ("Convicted", expected)
    assert events[1][0] == "Settled"
    assert stage.balances()[:2] == (DEPOSIT - PREPAID, DEPOSIT - BOND)
    assert stage.balance(challenger) == BOND // 4
    assert stage.stake(stage.providers[0]) == STAKE * 9 // 10
    burned = BOND - BOND // 4 + STAKE // 10
    assert stage.deployed.word("StunToken", "totalSupply") == supply - burned


def test_a_failed_duty_pays_the_asker_an_eighth_of_the_least_bond(stage: Stage, posted: Opened) -> None:
    challenger = stage.people.challenger
    events = stage.must(stage.people.court, "convict", *posted.about, 0, False, narrow(challenger))
    assert (events[0][1]["reward"], events[0][1]["wrong"]) == (125, False)
    assert stage.balance(challenger) == 125
    assert stage.balances()[1] == DEPOSIT - BOND
    assert stage.stake(stage.providers[0]) == STAKE - STAKE // 100


def test_the_others_are_judged_without_the_convicted(stage: Stage, disputed: Opened) -> None:
    stage.must(stage.people.court, "convict", *disputed.about, 1, True, narrow(stage.people.challenger))
    stage.travel(300)
    events = stage.must(stage.settler, "settle", *disputed.about, TREE.root, 300)
    assert events[-1][1]["paid"] == (PAID, 0, 0)


def test_a_replica_is_convicted_once_and_only_while_it_is_live(stage: Stage, disputed: Opened) -> None:
    court, challenger = stage.people.court, narrow(stage.people.challenger)
    stage.must(court, "convict", *disputed.about, 1, True, challenger)
    for replica in (1, 2, 2**256 - 1):
        assert stage.refusal(court, "convict", *disputed.about, replica, True, challenger) == "batches: replica"


def test_a_conviction_before_any_result_ends_the_replica_too(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    stage.must(stage.people.court, "convict", *opened.about, 0, False, narrow(stage.people.challenger))
    assert stage.batch(opened).states == (6, 0, 0)


def test_a_release_pays_at_once_and_names_its_settler(stage: Stage, disputed: Opened) -> None:
    settler = narrow(stage.settler)
    events = stage.must(stage.people.settlement, "release", *disputed.about, TREE.root, 300, settler)
    assert [(n, f["provider"], f["paid"]) for n, f in events] == [("Accepted", narrow(stage.providers[0]), PAID)]
    assert stage.balance(stage.settler) == 15_000
    assert stage.reputation(stage.providers[0]) == 0
    other = (*disputed.about, bytes(32), 300, settler)
    assert stage.refusal(stage.people.settlement, "release", *other) == "accept: root"


def test_a_release_waits_for_results(stage: Stage) -> None:
    opened = stage.open(stage.order())
    arguments = (*opened.about, TREE.root, 300, narrow(stage.settler))
    assert stage.refusal(stage.people.settlement, "release", *arguments) == "batches: phase"
    stage.travel(600)
    assert stage.refusal(stage.people.settlement, "release", *arguments) == "batches: late"


def test_dues_are_fixed_by_the_settlement_peer(stage: Stage, disputed: Opened) -> None:
    events = stage.must(stage.people.settlement, "set_due", *disputed.about, (300, 7, 0))
    assert events == [("Resolved", {"batch_id": disputed.batch_id, "seq": 5, "dues": (300, 7, 0)})]
    stage.travel(300)
    events = stage.must(stage.settler, "settle", *disputed.about, bytes(32), 0)
    assert events[-1][1]["paid"] == (PAID, 70_000, 0)


@pytest.mark.parametrize("dues", [(401, 0, 0), (0, 401, 0), (0, 0, 1), (2**256 - 1, 0, 0)])
def test_dues_above_the_limit_or_for_nobody_are_refused(stage: Stage, disputed: Opened, dues: tuple[int, ...]) -> None:
    assert stage.refusal(stage.people.settlement, "set_due", *disputed.about, dues) == "batches: units"


def test_dues_are_for_an_open_disagreement_alone(stage: Stage, disputed: Opened, posted: Opened) -> None:
    settlement = stage.people.settlement
    assert stage.refusal(settlement, "set_due", *posted.about, (1, 0, 0)) == "resolve: agreed"
    pending = stage.open(stage.order(2))
    assert stage.refusal(settlement, "set_due", *pending.about, (1, 0, 0)) == "batches: phase"
    stage.travel(300 + RESOLVE_SECONDS)
    assert stage.refusal(settlement, "set_due", *disputed.about, (1, 0, 0)) == "batches: late"


def test_dues_are_fixed_once(stage: Stage, disputed: Opened) -> None:
    stage.must(stage.people.settlement, "set_due", *disputed.about, (1, 1, 0))
    assert stage.refusal(stage.people.settlement, "set_due", *disputed.about, (1, 1, 0)) == "resolve: standing"


def test_the_audit_pays_what_its_account_holds(stage: Stage) -> None:
    stage.must(stage.requester, "fund_audit", stage.stun, 100)
    auditor, first, second = stage.people.auditor, stage.people.challenger, stage.people.poor
    before = stage.balance(second)
    for amounts, paid, left in (((0, 0), 0, 100), ((60, 10), 70, 30), ((20, 20), 30, 0), ((1, 1), 0, 0)):
        arguments = (1, stage.stun, [narrow(first), narrow(second)], list(amounts))
        outcome = stage.send(auditor, "pay_audit", *arguments)
        assert int.from_bytes(outcome.output, "big") == paid
        changed = {"asset": stage.stun, "account": narrow(auditor), "old": left + paid, "new": left}
        assert stage.events(outcome) == ([("AuditAccountChanged", changed)] if paid else [])
        assert stage.share("audit") == left
    assert (stage.balance(first), stage.balance(second) - before) == (80, 20)


def test_only_the_audit_of_the_version_it_names_is_paid(stage: Stage) -> None:
    stage.must(stage.requester, "fund_audit", stage.stun, 100)
    arguments = (stage.stun, [narrow(stage.settler)], [1])
    for account in {*stage.people.all, stage.people.owner} - {stage.people.auditor}:
        assert stage.refusal(account, "pay_audit", 1, *arguments) == "batches: peer"
    for version in (0, 2**16, 2**256 - 1):
        assert stage.refusal(stage.people.auditor, "pay_audit", version, *arguments) == "batches: peer"


def test_anybody_funds_the_audit_account_out_of_its_free_balance(stage: Stage) -> None:
    before = stage.balance(stage.requester)
    events = stage.must(stage.requester, "fund_audit", stage.usdc, 7)
    changed = {"asset": stage.usdc, "account": narrow(stage.requester), "old": 0, "new": 7}
    assert events == [("AuditAccountChanged", changed)]
    assert (stage.share("audit", stage.usdc), stage.balance(stage.requester)) == (7, before)
    assert stage.refusal(stage.requester, "fund_audit", stage.stun, 0) == "ledger: nothing"
    for amount in (before + 1, 2**256 - 1):
        assert stage.refusal(stage.requester, "fund_audit", stage.stun, amount) == "ledger: balance"
