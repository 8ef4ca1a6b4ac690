"""Attacks on the life of a batch: by copying, sybil replicas, greedy matchers, false tops, and griefers."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from market_stage import (
    BOND,
    CHALLENGE_SECONDS,
    DEPOSIT,
    POST_SECONDS,
    PREPAID,
    PRICE,
    RESOLVE_SECONDS,
    REVEAL_SECONDS,
    STAKE,
    Opened,
    Stage,
    fresh_stage,
    honest_tree,
    salt_of,
    tree_of,
)

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import top_tuple
from stun.protocol.messages import Bid, Commit
from stun.protocol.trees.resolve import prove_differences
from stun.protocol.trees.results import Top

pytestmark = pytest.mark.integration

TREE = honest_tree()
UNITS = (70, 80, 90, 60)
CLAIM = (TREE.root, 300)
EARNED = 2_400_000  # of one honest result


@pytest.fixture
def stage() -> Iterator[Stage]:
    with fresh_stage() as lent:
        yield lent


def settle(stage: Stage, opened: Opened, root: bytes = CLAIM[0], units: int = CLAIM[1]) -> tuple[int, ...]:
    """End a batch at its time; return what was paid, after checking that no token is unaccounted for."""
    stage.travel(CHALLENGE_SECONDS)
    events = stage.must(stage.settler, "settle", *opened.about, root, units)
    free = sum(stage.balance(account) for account in stage.people.all)
    shares = sum(stage.share(which) for which in ("treasury", "insurance", "audit"))
    assert stage.tokens(widen(stage.market)) == free + shares
    paid: tuple[int, ...] = events[-1][1]["paid"]
    return paid


def test_copied_commitment(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    (_, seal), signature = stage.sealed(opened, 0, TREE)
    copied = stage.sign(stage.providers[1], Commit(opened.batch_id, stage.providers[1], seal))
    stage.must(stage.settler, "deliver", *opened.about, [(0, seal), (1, seal)], signature + copied, [])
    stage.must(stage.settler, "deliver", *opened.about, [], b"", [(0, top_tuple(TREE.top), salt_of(0))])
    theft = [(1, top_tuple(TREE.top), salt_of(0))]
    assert stage.refusal(stage.providers[1], "deliver", *opened.about, [], b"", theft) == "batches: opening"
    stage.travel(REVEAL_SECONDS)
    assert settle(stage, opened)[:2] == (3_000_000, 0)
    assert stage.balance(stage.providers[1]) == DEPOSIT - BOND


@pytest.mark.parametrize(
    "opening",
    [(TREE.top, bytes(32)), (tree_of((71, 80, 90, 60)).top, salt_of(0)), (tree_of(UNITS, {0: "x"}).top, salt_of(0))],
    ids=["salt", "units", "output"],
)
def test_reveal_that_does_not_open_its_commitment(stage: Stage, opening: tuple[Top, bytes]) -> None:
    opened = stage.open(stage.order(2))
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: TREE, 1: TREE}, reveal=False))
    reveals = [(0, top_tuple(opening[0]), opening[1])]
    assert stage.refusal(stage.providers[0], "deliver", *opened.about, [], b"", reveals) == "batches: opening"


def test_sybil_replica_that_stays_silent(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: TREE}, reveal=False))
    stage.travel(POST_SECONDS)
    stage.must(stage.settler, "deliver", *opened.about, [], b"", [(0, top_tuple(TREE.top), salt_of(0))])
    assert settle(stage, opened) == (3_000_000, 0, 0)
    assert stage.balances()[1:3] == (DEPOSIT + EARNED, DEPOSIT - BOND // 10)


def test_sybil_replica_that_commits_and_stays_silent(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    stage.must(stage.settler, "deliver", *stage.delivery(opened, {0: TREE, 1: TREE}, reveal=False))
    stage.must(stage.settler, "deliver", *opened.about, [], b"", [(0, top_tuple(TREE.top), salt_of(0))])
    stage.travel(REVEAL_SECONDS)
    assert settle(stage, opened) == (3_000_000, 0, 0)
    assert stage.balances()[1:3] == (DEPOSIT + EARNED, DEPOSIT - BOND)
    assert stage.stake(stage.providers[1]) == STAKE * 99 // 100


def test_sybil_replica_that_differs_in_a_few_tasks(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    sybil = tree_of(UNITS, {3: "wrong"})
    stage.deliver(opened, TREE, sybil)
    stage.must(stage.settler, "resolve", *opened.about, *stage.resolution(prove_differences([TREE, sybil])))
    assert settle(stage, opened) == (2_400_000, 2_400_000, 0)


def test_sybil_replica_that_posts_garbage_among_three(stage: Stage) -> None:
    opened = stage.open(stage.order(3))
    stage.deliver(opened, TREE, tree_of((100, 100, 100, 100), dict.fromkeys(range(4), "garbage")), TREE)
    assert settle(stage, opened) == (3_000_000, 0, 3_000_000)


def test_sybil_replica_whose_garbage_nobody_can_open_earns_nothing_and_binds_nobody(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    garbage = Top(b"\x01" * 32, 150, b"\x02" * 32, 150)
    _deliver_tops(stage, opened, TREE.top, garbage)
    stage.travel(RESOLVE_SECONDS)
    assert settle(stage, opened) == (0, 0, 0)
    assert stage.balances()[:3] == (DEPOSIT - PREPAID, DEPOSIT, DEPOSIT)


def test_sybil_replica_whose_garbage_the_court_convicts_leaves_the_honest_one_paid(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    _deliver_tops(stage, opened, TREE.top, Top(b"\x01" * 32, 150, b"\x02" * 32, 150))
    stage.must(stage.people.court, "convict", *opened.about, 1, False, narrow(stage.matcher))
    assert settle(stage, opened) == (3_000_000, 0, 0)


def test_matcher_that_pairs_a_requester_with_itself(stage: Stage) -> None:
    selfish = stage.providers[0]
    order = stage.order(2, requester=selfish)
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order)) == "bids: provider"


def test_matcher_that_uses_one_provider_twice(stage: Stage) -> None:
    order = stage.order(3)
    first, second, _ = stage.bids(order)
    bids = [first, second, replace(first, price=PRICE - 1)]
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, bids)) == "bids: provider"


def test_matcher_that_holds_a_bid_until_after_it_expired(stage: Stage) -> None:
    order = stage.order()
    arguments = stage.match_arguments(order)
    stage.travel(59)
    expired = stage.match_arguments(stage.order())
    stage.must(stage.matcher, "match", *arguments)
    stage.travel(60)
    assert stage.refusal(stage.matcher, "match", *expired) == "bids: expired"


def test_top_with_false_units(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    false = replace(TREE.top, left_units=TREE.top.left_units + 40)
    _deliver_tops(stage, opened, TREE.top, false)
    sybil = tree_of((110, 80, 90, 60))
    evidence = prove_differences([TREE, sybil])
    refusal = stage.refusal(stage.settler, "resolve", *opened.about, *stage.resolution(evidence))
    assert refusal == "resolve: root"
    stage.travel(RESOLVE_SECONDS)
    assert settle(stage, opened) == (0, 0, 0)


@pytest.mark.parametrize(
    ("top", "reason"),
    [
        (Top(b"\x01" * 32, 400, b"\x02" * 32, 1), "batches: units"),
        (Top(b"\x01" * 32, 2**64 - 1, b"\x02" * 32, 0), "batches: units"),
        (Top(b"\x01" * 32, 2**64 - 1, b"\x02" * 32, 1), "trees: overflow"),
        (Top(b"\x01" * 32, 2**64 - 1, b"\x02" * 32, 2**64 - 1), "trees: overflow"),
    ],
)
def test_units_above_the_limit_and_overflow(stage: Stage, top: Top, reason: str) -> None:
    lone, several = stage.open(stage.order()), stage.open(stage.order(2))
    assert stage.refusal(stage.providers[0], "post", *lone.about, top_tuple(top), b"") == reason
    seal = b"\x03" * 32
    signatures = b"".join(stage.sign(p, Commit(several.batch_id, p, seal)) for p in stage.providers[:2])
    arguments = (*several.about, [(0, seal), (1, seal)], signatures, [(0, top_tuple(top), bytes(32))])
    assert stage.refusal(stage.settler, "deliver", *arguments) == reason


def test_price_and_bond_overflow_at_their_bounds(stage: Stage) -> None:
    largest = {"count": 65_536, "max_units": 2**32 - 1}
    limit = 2**64 * 10**6 // (65_536 * (2**32 - 1))
    for price, reason in ((limit + 1, "money: range"), (2**64 - 1, "money: range"), (limit, "money: range")):
        order = stage.order(**largest, start_price=price, max_price=price)
        bids = [replace(bid, price=price) for bid in stage.bids(order)]
        assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, bids)) == reason
    order = stage.order(**largest, start_price=10_000, max_price=10_000)
    bids = [replace(bid, price=10_000) for bid in stage.bids(order)]
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, bids)) == "ledger: balance"


def test_front_run_cancel(stage: Stage) -> None:
    order = stage.order()
    arguments = stage.match_arguments(order)
    before = stage.balances()
    stage.must(stage.settler, "cancel_order", order.nonce)  # a stranger's nonce of the same number is another one
    stage.must(stage.requester, "cancel_order", order.nonce)
    assert stage.refusal(stage.matcher, "match", *arguments) == "nonces: used"
    assert stage.balances() == before


def test_match_that_front_runs_a_cancel(stage: Stage) -> None:
    order = stage.order()
    stage.open(order)
    assert stage.refusal(stage.requester, "cancel_order", order.nonce) == "nonces: used"


def test_griefing_by_tiny_batches(stage: Stage) -> None:
    order = stage.order(count=1, max_units=1, start_price=10**9, max_price=10**9)
    for price, reason in ((10**9, None), (999_000_000, "orders: small"), (1, "orders: small")):
        bids = [replace(bid, price=price) for bid in stage.bids(order)]
        arguments = stage.match_arguments(order, bids)
        if reason is not None:
            assert stage.refusal(stage.matcher, "match", *arguments) == reason
    opened = stage.open(order, [replace(bid, price=10**9) for bid in stage.bids(order)])
    assert opened.terms.casts[0].bond == 3_000


def test_griefing_by_commitments_of_others(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    seal = b"\x04" * 32
    forged = stage.sign(stage.settler, Commit(opened.batch_id, stage.providers[0], seal))
    assert stage.refusal(stage.settler, "deliver", *opened.about, [(0, seal)], forged, []) == "batches: signer"


def test_settlement_called_directly_finds_nothing_and_moves_nothing(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    before = stage.balances()
    half = stage.deployed.addresses["Settlement"]
    empty = prove_differences([TREE, tree_of(UNITS, {1: "x"})])
    calls = {
        "leave": (0,), "expire": (), "hold": (1,), "convict": (0, True, narrow(stage.settler)),
        "accept": (*CLAIM, b"", False, b""), "release": (*CLAIM, narrow(stage.settler)), "set_due": ((1, 1, 1),),
        "resolve": stage.resolution(empty),
    }  # fmt: skip
    for name, rest in calls.items():
        for sender in (stage.people.court, stage.people.settlement, stage.providers[0], stage.requester):
            data = interface("Marketplace").function(name).encode(*opened.about, *rest)
            assert stage.deployed.machine.send(narrow(sender), half, data).reason == "batches: unknown"
    assert stage.balances() == before
    assert stage.batch(opened).states == (0, 0, 0)


def test_bid_of_a_stranger_in_the_name_of_a_provider(stage: Stage) -> None:
    order = stage.order()
    bid = Bid(stage.providers[0], order.digest(stage.deployed.domain), 1, stage.matcher, stage.now + 60)
    arguments = stage.match_arguments(order, [bid], bid_signatures=stage.sign(stage.settler, bid))
    assert stage.refusal(stage.settler, "match", *arguments) == "bids: signature"


def _deliver_tops(stage: Stage, opened: Opened, *tops: Top) -> None:
    """Bring results of which only the top nodes exist."""
    sealed = [stage.seal_of_top(opened, replica, top) for replica, top in enumerate(tops)]
    reveals = [(replica, top_tuple(top), salt_of(replica)) for replica, top in enumerate(tops)]
    signatures = b"".join(signature for _, signature in sealed)
    stage.must(stage.settler, "deliver", *opened.about, [seal for seal, _ in sealed], signatures, reveals)
