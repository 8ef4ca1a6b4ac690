"""match: opens a batch and moves price, prepayment, tip and bonds into it."""

from dataclasses import astuple, replace
from typing import Any

import pytest
from deployed_market import START
from fake_market import STUN_RULES
from market_stage import BOND, DEPOSIT, LOCKED, PREPAID, PRICE, Stage, wide

from stun.chains.evm.addresses import narrow
from stun.protocol.market.state import Cast, Terms
from stun.protocol.messages import NOBODY, Bid
from stun.protocol.parameters import PARAMETERS, NumericClass, development
from stun.protocol.trees.specs import Membership, prove_provider, providers_root

pytestmark = pytest.mark.unit

AUDIT_COST = 2 * (LOCKED + STUN_RULES.audit_fee) + STUN_RULES.report_fee


def words_of(proof: Membership) -> list[bytes]:
    return [(proof.count << 128 | proof.index).to_bytes(32, "big"), *proof.path]


def test_a_match_publishes_its_terms(stage: Stage) -> None:
    order = stage.order(tip=9)
    batch_id = order.digest(stage.deployed.domain)
    events = stage.must(stage.matcher, "match", *stage.match_arguments(order))
    terms = Terms(
        requester=stage.requester, asset=stage.deployed.stun, creator=stage.creator, count=4, max_units=100,
        opened_at=stage.now, post_seconds=600, challenge_seconds=300, numeric_class=NumericClass.EXACT, tip=9,
        audit_prepaid=PREPAID, rules=stage.rules[0], asset_rules=stage.rules[1],
        casts=(Cast(stage.providers[0], PRICE, stage.matcher, BOND),),
    )  # fmt: skip
    expected = {
        "batch_id": batch_id, "requester": narrow(stage.requester), "model_id": order.model_id, "seq": 0,
        "terms": terms,
    }  # fmt: skip
    assert events == [("BatchOpened", expected)]


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_price_prepayment_tip_and_bonds_move_into_the_batch(stage: Stage, replicas: int) -> None:
    opened = stage.open(stage.order(replicas, tip=9))
    assert stage.balance(stage.requester) == DEPOSIT - replicas * LOCKED - PREPAID - 9
    expected = [DEPOSIT - BOND] * replicas + [DEPOSIT] * (3 - replicas)
    assert [stage.balance(provider) for provider in stage.providers] == expected
    assert stage.tokens(wide(stage.market)) == 4 * DEPOSIT
    batch = stage.batch(opened)
    assert (batch.phase, batch.phase_at, batch.hold_until, batch.seq, batch.posted) == (1, 0, 0, 1, False)


def test_the_prepayment_follows_the_dearest_replica(stage: Stage) -> None:
    order = stage.order(2)
    cheap, dear = stage.bids(order)
    opened = stage.open(order, [replace(cheap, price=PRICE // 2), dear])
    assert [cast.bond for cast in opened.terms.casts] == [BOND // 2, BOND]
    assert opened.terms.audit_prepaid == PREPAID
    assert stage.balance(stage.requester) == DEPOSIT - LOCKED // 2 - LOCKED - PREPAID


@pytest.mark.parametrize(
    ("cover", "kind", "code"),
    [
        (AUDIT_COST, NumericClass.EXACT, None),
        (AUDIT_COST - 1, NumericClass.EXACT, "orders: cover"),
        (0, NumericClass.TOKEN, "orders: cover"),
        (0, NumericClass.OPAQUE, None),
    ],
)
def test_no_audit_may_cost_more_than_the_asset_covers(
    stage: Stage, cover: int, kind: NumericClass, code: str | None
) -> None:
    rules = astuple(replace(STUN_RULES, audit_cover=cover))
    stage.deployed.must(stage.people.owner, "Config", "list_asset", stage.stun, *rules)
    rate = 0 if kind == NumericClass.OPAQUE else 500_000
    order = stage.order(2, kind, audit_ppm=rate)
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order)) == code


def test_without_auditors_nothing_needs_cover(stage: Stage) -> None:
    rules = astuple(replace(STUN_RULES, audit_cover=0))
    stage.deployed.must(stage.people.owner, "Config", "list_asset", stage.stun, *rules)
    values, _ = development()
    stage.deployed.publish([values[p.name] for p in PARAMETERS], stage.deployed.peers())
    assert stage.open(stage.order()).terms.audit_prepaid == 0


def test_the_requester_and_a_provider_need_no_signature_for_their_own_call(stage: Stage) -> None:
    order = stage.order()
    stage.must(stage.requester, "match", *stage.match_arguments(order, signature=b""))
    order = stage.order()
    stage.must(stage.providers[0], "match", *stage.match_arguments(order, bid_signatures=bytes(65)))


def test_an_order_that_names_its_matcher_is_brought_by_it_alone(stage: Stage) -> None:
    arguments = stage.match_arguments(stage.order(matcher=stage.matcher))
    assert stage.refusal(stage.requester, "match", *arguments) == "orders: matcher"
    stage.must(stage.matcher, "match", *arguments)


def test_prices_follow_the_ramp(stage: Stage) -> None:
    order = stage.order(start_price=PRICE // 2, ramp_start=stage.now + 100, ramp_seconds=1_000)
    rising = PRICE // 2 + PRICE // 4
    for seconds, highest in ((0, PRICE // 2), (100, PRICE // 2), (500, rising)):
        stage.travel(seconds)
        over = [replace(stage.bids(order)[0], price=highest + 1)]
        assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, over)) == "bids: price"
    stage.open(order, [replace(stage.bids(order)[0], price=rising)])


def test_a_private_order_without_public_dispute_is_judged_as_token(stage: Stage) -> None:
    for flags, judged in ((1, NumericClass.TOKEN), (3, NumericClass.EXACT), (2, NumericClass.EXACT)):
        assert stage.open(stage.order(flags=flags)).terms.numeric_class == judged


def test_an_opaque_model_has_no_audit_and_a_bond_of_half_the_price(stage: Stage) -> None:
    opened = stage.open(stage.order(2, NumericClass.OPAQUE, audit_ppm=0))
    assert opened.terms.audit_prepaid == 0
    assert opened.terms.casts[0].bond == LOCKED // 2


def test_listed_providers_bring_their_proofs(stage: Stage) -> None:
    admitted = [*stage.providers, stage.settler, stage.matcher]
    order = stage.order(2, providers_root=providers_root(admitted))
    words = [word for p in stage.providers[:2] for word in words_of(prove_provider(admitted, p))]
    opened = stage.must(stage.matcher, "match", *stage.match_arguments(order, words=words))
    assert opened[-1][0] == "BatchOpened"


def test_the_config_fixed_by_an_order_must_be_the_current_one(stage: Stage) -> None:
    version = stage.rules[0] >> 240
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(stage.order(config=version + 1))) == (
        "orders: config"
    )
    stage.open(stage.order(config=version))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires_at": START}, "orders: expired"),
        ({"expires_at": START + 90 * 86_400 + 1}, "orders: lifetime"),
        ({"nonce": 1}, "nonces: week"),
        ({"replicas": 0}, "orders: replicas"),
        ({"count": 0}, "orders: count"),
        ({"count": 65_537}, "orders: count"),
        ({"max_units": 0}, "orders: count"),
        ({"start_price": PRICE + 1}, "orders: price"),
        ({"tier": 1}, "orders: tier"),
        ({"flags": 4}, "orders: flags"),
        ({"asset": wide(b"\x05" * 20)}, "orders: asset"),
        ({"post_seconds": 0}, "orders: window"),
        ({"post_seconds": 3_601}, "orders: window"),
        ({"task_seconds": 0}, "orders: window"),
        ({"task_seconds": 601}, "orders: window"),
        ({"challenge_seconds": 39}, "orders: window"),
        ({"challenge_seconds": 3_601}, "orders: window"),
        ({"model_id": bytes(32)}, "orders: model"),
        ({"audit_ppm": 9_999}, "orders: audit"),
        ({"audit_ppm": 1_000_001}, "orders: audit"),
        ({"tip": 2**64 - 1}, "ledger: balance"),
        ({"count": 65_536, "max_units": 2**32 - 1, "max_price": 2**64 - 1}, "money: range"),
    ],
)
def test_an_order_out_of_its_bounds_is_refused(stage: Stage, changes: dict[str, Any], reason: str) -> None:
    order = stage.order(**changes)
    bids = stage.bids(order) or stage.bids(stage.order())
    if reason == "money: range":
        bids = [replace(bids[0], price=order.max_price)]
    before = stage.balances()
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, bids)) == reason
    assert stage.balances() == before


def test_the_least_challenge_window_is_accepted(stage: Stage) -> None:
    assert stage.open(stage.order(challenge_seconds=40)).terms.challenge_seconds == 40


def test_a_retired_model_is_refused(stage: Stage) -> None:
    order = stage.order()
    stage.deployed.must(stage.creator, "ModelRegistry", "retire", order.model_id)
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order)) == "orders: model"


@pytest.mark.parametrize(
    ("numeric_class", "changes", "reason"),
    [
        (NumericClass.BOUNDED, {}, "orders: class"),
        (NumericClass.OPAQUE, {"audit_ppm": 1, "replicas": 2}, "orders: audit"),
        (NumericClass.OPAQUE, {"audit_ppm": 0}, "orders: lone"),
        (NumericClass.TOKEN, {"audit_ppm": 9_999}, "orders: audit"),
    ],
)
def test_a_class_refuses_what_it_cannot_check(
    stage: Stage, numeric_class: NumericClass, changes: dict[str, Any], reason: str
) -> None:
    order = stage.order(numeric_class=numeric_class, **changes)
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order)) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"order_digest": bytes(32)}, "bids: order"),
        ({"expires_at": 1}, "bids: expired"),
        ({"price": PRICE + 1}, "bids: price"),
        ({"price": 0}, "orders: small"),
        ({"price": 2_497_500}, "orders: small"),
    ],
)
def test_a_bid_out_of_its_bounds_is_refused(stage: Stage, changes: dict[str, Any], reason: str) -> None:
    order = stage.order()
    bids = [replace(bid, **changes) for bid in stage.bids(order)]
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, bids)) == reason


def test_the_number_of_bids_is_the_number_of_replicas(stage: Stage) -> None:
    order = stage.order(2)
    bids = stage.bids(order)
    for brought in ([], bids[:1], [*bids, stage.bids(stage.order())[0]]):
        assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, brought)) == "orders: replicas"


def test_one_provider_serves_one_replica(stage: Stage) -> None:
    order = stage.order(2)
    bids = [stage.bids(order)[0]] * 2
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, bids)) == "bids: provider"


@pytest.mark.parametrize(("poor", "reason"), [("unstaked", "bids: stake"), ("poor", "ledger: balance")])
def test_a_provider_without_stake_or_money_is_refused(stage: Stage, poor: str, reason: str) -> None:
    provider: bytes = getattr(stage.people, poor)
    if poor == "poor":
        stage.deployed.must(provider, "Staking", "stake", 10**12)
    order = stage.order()
    bid = Bid(provider, order.digest(stage.deployed.domain), PRICE, NOBODY, stage.now + 60)
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, [bid])) == reason


def test_unbonding_stake_does_not_count(stage: Stage) -> None:
    stage.deployed.must(stage.providers[0], "Staking", "unstake", 10**12)
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(stage.order())) == "bids: stake"


def test_only_listed_providers_are_matched(stage: Stage) -> None:
    admitted = [stage.settler, stage.matcher]
    order = stage.order(providers_root=providers_root(admitted))
    proof = prove_provider(admitted, stage.settler)
    for words in ([], words_of(proof)):
        assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, words=words)) == "bids: list"
    open_to_all = stage.order()
    arguments = stage.match_arguments(open_to_all, words=words_of(proof))
    assert stage.refusal(stage.matcher, "match", *arguments) == "bids: list"
