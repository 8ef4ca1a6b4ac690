"""Providers on the market in memory: from the question for a bid to the money, with 1 and 3 replicas."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fake_market import FAKE_USDC
from provider_bench import PRICE, Bench, Party, ShoutWorkshop, settle_down

from stun.chains.interface import ChainError
from stun.pool.envelopes import CommitEnvelope, Kind
from stun.protocol.market.state import Phase, ReplicaState
from stun.protocol.messages import Operator
from stun.protocol.parameters import NumericClass
from stun.provider.executor import ProviderService
from stun.provider.journal import Step
from stun.storage.packages import results_of, unpack_outputs

pytestmark = pytest.mark.unit


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_lone_provider_bids_computes_posts_delivers_and_is_paid(bench: Bench) -> None:
    provider = bench.provider("provider")
    order = bench.order()
    before = bench.market.balance(FAKE_USDC, provider.context.account)
    batch_id = bench.open_batch(order, [provider])
    settle_down([provider])
    assert bench.phase(batch_id) is Phase.OPEN
    bench.bring(batch_id)
    (delivery,) = bench.deliveries(batch_id)
    outputs = unpack_outputs(bench.store.get(delivery.delivery.blob), None, batch_id + provider.context.account)
    assert outputs == [(b"ONE", 1), (b"TWO", 1), (b"THREE", 1)]
    bench.market.clock += 400
    provider.tick()
    assert bench.phase(batch_id) is Phase.NONE
    provider.tick()
    (earning,) = provider.context.journal.settled()
    paid = 3 * PRICE // 10**6
    assert (earning.batch_id, earning.amount) == (batch_id, paid * 8 // 10)
    assert bench.market.balance(FAKE_USDC, provider.context.account) == before + earning.amount


def test_three_providers_commit_release_and_agree_by_the_cheap_lane(bench: Bench) -> None:
    providers = [bench.provider(f"provider {k}") for k in range(3)]
    batch_id = bench.open_batch(bench.order(replicas=3), providers)
    settle_down(providers)
    assert bench.phase(batch_id) is Phase.OPEN
    bench.bring(batch_id)
    record = bench.market.batch(batch_id)
    assert record is not None
    assert record.states == (ReplicaState.REVEALED,) * 3
    assert len(set(record.digests)) == 1
    settle_down(providers, 2)
    assert len(bench.deliveries(batch_id)) == 3
    bench.market.clock += 200 + 130
    settle_down(providers, 1)
    assert bench.phase(batch_id) is Phase.NONE
    settle_down(providers, 1)
    assert [len(p.context.journal.settled()) for p in providers] == [1, 1, 1]
    assert not any(p.context.journal.active() for p in providers)


def test_without_any_keeper_three_providers_bring_everything_themselves(bench: Bench) -> None:
    providers = [bench.provider(f"provider {k}") for k in range(3)]
    batch_id = bench.open_batch(bench.order(replicas=3), providers)
    settle_down(providers)
    bench.market.clock += 450
    settle_down(providers, 2)
    assert bench.phase(batch_id) is Phase.REVEALING
    bench.market.clock += 45
    settle_down(providers, 2)
    assert bench.phase(batch_id) is Phase.RESULTS
    bench.market.clock += 200 + 3 * 120
    settle_down(providers, 2)
    assert bench.phase(batch_id) is Phase.NONE


def test_a_silent_replica_leaves_the_others_paid(bench: Bench) -> None:
    providers = [bench.provider(f"provider {k}") for k in range(3)]
    batch_id = bench.open_batch(bench.order(replicas=3), providers)
    working = providers[:2]
    settle_down(working)
    assert Kind.OPENING not in bench.pools.kinds
    bench.market.clock += 450
    settle_down(working, 2)
    assert Kind.OPENING not in bench.pools.kinds
    bench.market.clock += 151
    settle_down(working, 2)
    assert bench.pools.kinds.count(Kind.OPENING) == 2
    bench.bring(batch_id)
    record = bench.market.batch(batch_id)
    assert record is not None
    assert record.states == (ReplicaState.REVEALED, ReplicaState.REVEALED, ReplicaState.SILENT)


def test_one_against_one_is_resolved_by_the_providers(bench: Bench) -> None:
    honest = bench.provider("honest")
    liar = bench.provider("liar", ShoutWorkshop({b"two": b"2"}))
    batch_id = bench.open_batch(bench.order(replicas=2), [honest, liar])
    settle_down([honest, liar])
    bench.bring(batch_id)
    settle_down([honest, liar], 3)
    bench.market.clock += 39
    settle_down([honest, liar], 2)
    assert _dues(bench, batch_id) is None
    bench.market.clock += 2
    settle_down([honest, liar], 2)
    assert _dues(bench, batch_id) == (2, 2)
    bench.market.clock += 400
    settle_down([honest, liar], 2)
    assert bench.phase(batch_id) is Phase.NONE
    assert [e.amount for e in honest.context.journal.settled()] == [1]


def test_a_failing_runner_leaves_before_the_deadline(bench: Bench) -> None:
    provider = bench.provider("provider", ShoutWorkshop(fails=True))
    batch_id = bench.open_batch(bench.order(), [provider])
    settle_down([provider], 6)
    (event,) = [e for e in bench.market.events(0, bench.market.head(), batch_id) if e.name == "ReplicaOut"]
    assert event.fields["reason"] == int(ReplicaState.WITHDRAWN)
    settle_down([provider], 1)
    assert [e.amount for e in provider.context.journal.settled()] == [0]


def test_an_operator_key_signs_while_the_account_holds_the_money(bench: Bench) -> None:
    owner, operator = Party(bench.market, "owner").fund(), Party(bench.market, "operator")
    owner.writer.set_operator("operator", Operator(owner.account, operator.account, 0, 2**40))
    provider = bench.provider("provider", party=operator, account=owner.account)
    batch_id = bench.open_batch(bench.order(), [provider])
    assert bench.market.terms(batch_id).casts[0].provider == owner.account
    settle_down([provider])
    bench.market.clock += 450
    provider.tick()
    assert bench.phase(batch_id) is Phase.RESULTS
    assert results_of([(b"ONE", 1), (b"TWO", 1), (b"THREE", 1)], NumericClass.TOKEN).root in {
        event.fields.get("outputs_root") for event in bench.market.events(0, bench.market.head(), batch_id)
    }


def test_a_reorganisation_that_undoes_a_match_keeps_the_work_and_the_commitment(bench: Bench) -> None:
    providers = [bench.provider(f"provider {k}") for k in range(2)]
    order = bench.order(replicas=2)
    for provider in providers:
        bench.ask(order, provider.context.account)
        provider.tick()
    before = bench.market.state, list(bench.market.log), bench.market._head
    batch_id = bench.match(order)
    settle_down(providers, 3)
    bench.market.clock += 450
    settle_down(providers, 3)
    made = [p.context.journal.steps(batch_id) for p in providers]
    assert bench.phase(batch_id) is not Phase.NONE
    bench.market.state, bench.market.log, bench.market._head = before
    bench.market.clock += 31
    settle_down(providers, 2)
    assert all(p.context.journal.active() == [batch_id] for p in providers)
    bench.match(order)
    settle_down(providers, 3)
    bench.market.clock += 450
    settle_down(providers, 3)
    assert bench.phase(batch_id) in (Phase.REVEALING, Phase.RESULTS)
    assert [p.context.journal.steps(batch_id) for p in providers] == made
    assert bench.pools.kinds.count(Kind.COMMIT) == 2


def test_a_provider_that_lost_its_journal_signs_no_second_commitment(bench: Bench) -> None:
    party = Party(bench.market, "provider").fund()
    providers = [bench.provider("provider", party=party), bench.provider("rival")]
    batch_id = bench.open_batch(bench.order(replicas=2), providers)
    settle_down(providers[:1], 6)
    providers[0].close()
    shutil.rmtree(bench.folder / "provider")
    providers[0] = bench.provider("provider", party=party)
    settle_down(providers, 6)
    bench.market.clock += 450
    settle_down(providers, 3)
    commits = [e for e in bench.pools.read(Kind.COMMIT, batch_id=batch_id) if isinstance(e, CommitEnvelope)]
    assert sorted(e.commit.provider for e in commits) == sorted(p.context.account for p in providers)
    record = bench.market.batch(batch_id)
    assert record is not None
    assert record.states == (ReplicaState.PENDING, ReplicaState.COMMITTED)


def test_a_dry_run_sends_nothing_and_says_so(bench: Bench) -> None:
    party = Party(bench.market, "provider").fund()
    provider = bench.provider("provider", party=party)
    dry = ProviderService(replace(provider.context, writer=None))
    batch_id = bench.open_batch(bench.order(), [dry])
    settle_down([dry])
    bench.market.clock += 450
    dry.tick()
    assert bench.phase(batch_id) is Phase.OPEN
    assert set(party.writer.intents) == {"deposit", "stake"}


def test_outputs_of_a_batch_that_ended_early_are_still_delivered(bench: Bench) -> None:
    provider = bench.provider("provider")
    batch_id = bench.open_batch(bench.order(), [provider])
    settle_down([provider], 2)
    journal = provider.context.journal
    while Step.PUBLISHED not in journal.steps(batch_id):
        provider.tick()
    delivered = Step.DELIVERED in journal.steps(batch_id)
    bench.bring(batch_id)
    tree = results_of([(b"ONE", 1), (b"TWO", 1), (b"THREE", 1)], NumericClass.TOKEN)
    terms = bench.market.terms(batch_id)
    bench.requester.writer.accept("accept", batch_id, terms, tree.root, tree.total_units)
    assert (bench.phase(batch_id), delivered) == (Phase.NONE, False)
    provider.tick()
    assert len(bench.deliveries(batch_id)) == 1
    assert [e.amount for e in journal.settled()] == [2]


def test_earnings_are_paid_out_above_what_is_kept(bench: Bench) -> None:
    wallet = b"\0" * 12 + b"\x33" * 20
    provider = bench.provider("provider", payout_to=wallet, keep_balance=10**9 - 50, least_payout=10)
    provider.tick()
    assert bench.market.wallet_balance(FAKE_USDC, wallet) == 50
    provider.tick()
    assert bench.market.balance(FAKE_USDC, provider.context.account) == 10**9 - 50


def test_a_chain_that_does_not_answer_postpones_everything(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = bench.provider("provider")
    batch_id = bench.open_batch(bench.order(), [provider])

    def silent(_: object) -> None:
        raise ChainError("no endpoint answers")

    with monkeypatch.context() as patch:
        patch.setattr(bench.market, "batch", silent)
        assert provider.tick().standings == ()
    settle_down([provider])
    assert Step.PUBLISHED in provider.context.journal.steps(batch_id)


def test_several_batches_are_worked_on_at_once_the_nearest_deadline_first(bench: Bench) -> None:
    workshop = ShoutWorkshop()
    provider = bench.provider("provider", workshop)
    late = bench.open_batch(bench.order(post_seconds=900, inputs=[b"a"] * 4), [provider])
    soon = bench.open_batch(bench.order(post_seconds=300, inputs=[b"b"] * 4), [provider])
    journal = provider.context.journal
    while Step.COMPUTED not in journal.steps(soon):
        provider.tick()
    assert Step.COMPUTED not in journal.steps(late)
    settle_down([provider], 4)
    assert Step.COMPUTED in journal.steps(late)
    assert workshop.made.ran == [2] * 4


def _dues(bench: Bench, batch_id: bytes) -> tuple[int, ...] | None:
    record = bench.market.batch(batch_id)
    assert record is not None
    dues: tuple[int, ...] | None = record.dues
    return dues
