"""What the matcher decides, whatever bids and balances it meets."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keeper_world import STUN, KeeperWorld, account

from keepers.services.facts import ChainFacts
from keepers.services.matcher import decide
from keepers.services.matcher_state import (
    AskProvider,
    BringMatch,
    MatcherPolicy,
    MatcherState,
    OpenOrder,
    ReceivedBid,
)
from keepers.services.profiles import ProviderProfile
from keepers.services.profit import ProfitRule
from stun.protocol.market.actions import Match, SignedBid
from stun.protocol.market.state import Market
from stun.protocol.market.step import step
from stun.protocol.messages import Bid
from stun.protocol.staking import Stake
from stun.protocol.trees.specs import prove_provider, providers_root

pytestmark = pytest.mark.unit
KEEPER = account("matcher")
REQUESTER = account("requester")
WORLD = KeeperWorld()
NOW = WORLD.market.clock + 50
Bids = dict[bytes, list[ReceivedBid]]
PEOPLE = [REQUESTER, *WORLD.providers]


def facts_of(market: Market) -> ChainFacts:
    """All that the chain says, read from a market of the specification."""
    reader = KeeperWorld().market
    reader.state = market
    return ChainFacts(
        domain=market.domain, stun=market.stun, rules={market.stun: reader.rules(market.stun)},
        models={name: record for name in market.models if (record := reader.model(name)) is not None},
        balances=market.balances, stakes={who: reader.stake(who) for who in PEOPLE},
        operators=market.operators, used_nonces=market.nonces,
    )  # fmt: skip


def state_of(
    market: Market, orders: list[OpenOrder], bids: dict[bytes, list[ReceivedBid]], **more: Any
) -> MatcherState:
    """A matcher's state; by default the bid window is over."""
    policy = more.pop("policy", MatcherPolicy(bid_window=0))
    return MatcherState(KEEPER, facts_of(market), orders, bids=bids, policy=policy, **more)


def an_order(**changes: Any) -> OpenOrder:
    order = WORLD.order(**changes)
    return OpenOrder(order.digest(WORLD.market.domain), order, b"signature", NOW - 50)


def a_bid(entry: OpenOrder, provider: bytes, **changes: Any) -> ReceivedBid:
    bid = Bid(provider, entry.digest, STUN, KEEPER, NOW + 600)
    return ReceivedBid(replace(bid, **changes), b"signature", provider)


def brought(state: MatcherState, now: int = NOW) -> list[BringMatch]:
    return [action for action in decide(state, now) if isinstance(action, BringMatch)]


def action_of(plan: BringMatch) -> Match:
    bids = tuple(SignedBid(offer.bid, offer.signer, offer.membership) for offer in plan.offers)
    return Match(KEEPER, plan.order.order, plan.order.order.requester, bids)


@st.composite
def drawn_bids(draw: st.DrawFn) -> list[Any]:
    """A bid of each of the people, then more: (provider, price, life in seconds, matcher, signer, signs itself)."""
    rest = st.tuples(
        st.sampled_from([STUN, STUN - 3, STUN - 2, STUN + 1, 3 * STUN // 2, 2 * STUN]),
        st.sampled_from([30, 30, 6, 5, 1, 0, -1]),
        st.sampled_from([KEEPER, KEEPER, bytes(32), account("other matcher")]),
        st.sampled_from(PEOPLE),
        st.sampled_from([True, True, True, False]),
    )
    bidders = [*draw(st.permutations(PEOPLE)), *draw(st.lists(st.sampled_from(PEOPLE), max_size=6))]
    return [(provider, *draw(rest)) for provider in bidders]


def six(*values: int) -> Any:
    """One value for each of the people."""
    return st.lists(st.sampled_from(values), min_size=6, max_size=6)


def check_matches(replicas: list[int], drawn: list[Any], money: list[int], stakes: list[int], now: int) -> int:
    """Decide on a drawn state and hold every match against the specification; returns how many there were."""
    balances = {(WORLD.asset, who): amount for who, amount in zip(PEOPLE, money, strict=True)}
    staked = {who: Stake(active=amount) for who, amount in zip(PEOPLE, stakes, strict=True)}
    market = replace(WORLD.market.state, balances=balances, stakes=staked)
    entries = [an_order(replicas=number, expires_at=NOW + 100) for number in replicas]
    bids: dict[bytes, list[ReceivedBid]] = {entry.digest: [] for entry in entries}
    for entry in entries:
        for provider, price, life, matcher, signer, own in drawn:
            received = a_bid(entry, provider, price=price, expires_at=now + life, matcher=matcher)
            bids[entry.digest].append(replace(received, signer=provider if own else signer))
    plans = brought(state_of(market, entries, bids), now)

    assert len({plan.order.digest for plan in plans}) == len(plans), "an order was brought twice"
    for plan in plans:
        order, chosen = plan.order.order, [offer.bid for offer in plan.offers]
        assert len({bid.provider for bid in chosen}) == len(chosen) == order.replicas
        assert order.requester not in {bid.provider for bid in chosen}
        assert all(bid.price <= order.price_at(now) for bid in chosen)
        assert all(now < bid.expires_at for bid in chosen)
        assert now < order.expires_at
        market, _ = step(market, action_of(plan), now)  # raises Rejected if the contract would refuse
    return len(plans)


def test_every_match_brought_is_one_that_the_contract_takes() -> None:
    counted = [0]

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(
        replicas=st.lists(st.integers(1, 3), min_size=1, max_size=3),
        drawn=drawn_bids(),
        money=six(10**7, 10**7, 10**7, 1_500_000, 400_000, 399_999, 0),
        stakes=six(1, 1, 1, 2, 0),
        now=st.integers(NOW - 50, NOW + 100),
    )
    def check(replicas: list[int], drawn: list[Any], money: list[int], stakes: list[int], now: int) -> None:
        counted[0] += check_matches(replicas, drawn, money, stakes, now)

    check()
    assert counted[0] >= 20, "the drawn states hardly ever lead to a match"


@given(prices=st.lists(st.integers(STUN - 1_000, STUN), min_size=2, max_size=5, unique=True))
@settings(max_examples=40, deadline=None)
def test_the_cheapest_bids_win(prices: list[int]) -> None:
    entry = an_order()
    bids = [a_bid(entry, provider, price=price) for provider, price in zip(WORLD.providers, prices, strict=False)]
    plan = brought(state_of(WORLD.market.state, [entry], {entry.digest: bids}))[0]
    assert [offer.bid.price for offer in plan.offers] == sorted(prices)[:2]


def test_an_order_under_way_is_not_brought_again() -> None:
    entry = an_order()
    bids = {entry.digest: [a_bid(entry, provider) for provider in WORLD.providers[:2]]}
    state = state_of(WORLD.market.state, [entry], bids)
    assert len(brought(state)) == 1
    assert brought(replace(state, acting=frozenset([entry.digest]))) == []
    used = replace(state.facts, used_nonces=frozenset([(REQUESTER, entry.order.nonce)]))
    assert brought(replace(state, facts=used)) == []


def test_bids_are_waited_for_until_the_window_ends_or_all_have_answered() -> None:
    entry = an_order()
    asked = {entry.digest: dict.fromkeys(WORLD.providers[:3], NOW)}
    bids = {entry.digest: [a_bid(entry, provider) for provider in WORLD.providers[:2]]}
    state = state_of(WORLD.market.state, [entry], bids, asked=asked, policy=MatcherPolicy(bid_window=10))
    assert brought(state, NOW + 9) == []
    assert len(brought(state, NOW + 10)) == 1
    all_in = {entry.digest: [a_bid(entry, provider) for provider in WORLD.providers[:3]]}
    assert len(brought(replace(state, bids=all_in), NOW + 1)) == 1


def test_a_balance_pays_for_one_match_only() -> None:
    first, second = an_order(replicas=1), an_order(replicas=1)
    bids = {entry.digest: [a_bid(entry, WORLD.providers[0])] for entry in (first, second)}
    bond_of_one = 400_000_000  # 4 tasks * 100 units at STUN per 10^6 units lock 400,000; see below
    market = WORLD.market.state
    after, _ = step(market, action_of(brought(state_of(market, [first], bids))[0]), NOW)
    spent = market.balances[WORLD.asset, WORLD.providers[0]] - after.balances[WORLD.asset, WORLD.providers[0]]
    assert 0 < spent < bond_of_one
    poor = replace(market, balances={**market.balances, (WORLD.asset, WORLD.providers[0]): 2 * spent - 1})
    assert len(brought(state_of(poor, [first, second], bids))) == 1
    rich = replace(market, balances={**market.balances, (WORLD.asset, WORLD.providers[0]): 2 * spent})
    assert len(brought(state_of(rich, [first, second], bids))) == 2


def test_a_batch_that_pays_less_than_its_gas_is_left_alone() -> None:
    entry = an_order(tip=0)
    bids = {entry.digest: [a_bid(entry, provider) for provider in WORLD.providers[:2]]}
    dear = MatcherPolicy(bid_window=0, profit=ProfitRule({WORLD.asset: 10**9}))
    assert brought(state_of(WORLD.market.state, [entry], bids, policy=dear)) == []
    tipped = an_order(tip=10**9)
    bids = {tipped.digest: [a_bid(tipped, provider) for provider in WORLD.providers[:2]]}
    assert len(brought(state_of(WORLD.market.state, [tipped], bids, policy=dear))) == 1


def test_an_order_that_lists_providers_takes_only_those_it_lists() -> None:
    admitted = WORLD.providers[:2]
    entry = an_order(replicas=1, providers_root=providers_root(admitted))
    proof = prove_provider(admitted, admitted[1])
    stranger = replace(a_bid(entry, WORLD.providers[3], price=1), membership=proof)
    listed = replace(a_bid(entry, admitted[1]), membership=proof)
    state = state_of(WORLD.market.state, [entry], {entry.digest: [listed]})
    assert [offer.bid.provider for offer in brought(state)[0].offers] == [admitted[1]]
    assert brought(replace(state, bids={entry.digest: [a_bid(entry, admitted[1])]})) == [], "without its proof"
    lied = brought(replace(state, bids={entry.digest: [stranger]}))
    assert lied == []


def test_a_forged_membership_cheaper_than_all_does_not_block_the_honest_bid() -> None:
    admitted = WORLD.providers[:2]
    entry = an_order(replicas=1, providers_root=providers_root(admitted))
    proof = prove_provider(admitted, admitted[1])
    stranger = replace(a_bid(entry, WORLD.providers[3], price=1_000_000), membership=proof)
    listed = replace(a_bid(entry, admitted[1]), membership=proof)
    state = state_of(WORLD.market.state, [entry], {entry.digest: [stranger, listed]})
    assert [offer.bid.provider for offer in brought(state)[0].offers] == [admitted[1]]


def profiles(*prices: int) -> list[ProviderProfile]:
    return [
        ProviderProfile(provider, {WORLD.model_id: {WORLD.asset: price}}, stake=10, expires_at=NOW + 100)
        for provider, price in zip(PEOPLE, prices, strict=False)
    ]


def test_the_requester_and_the_dear_are_not_asked_and_nobody_twice() -> None:
    entry = an_order(replicas=1)
    state = state_of(WORLD.market.state, [entry], {}, profiles=profiles(1, 3 * STUN, STUN, STUN - 1))
    asks = [action for action in decide(state, NOW) if isinstance(action, AskProvider)]
    assert {ask.provider for ask in asks} == {PEOPLE[2], PEOPLE[3]}
    asked = {entry.digest: {ask.provider: NOW for ask in asks}}
    assert decide(replace(state, asked=asked), NOW + 29) == []
    assert decide(replace(state, asked=asked), NOW + 59) == [], "asked again too early"
    again = decide(replace(state, asked=asked), NOW + 60)
    assert {a.provider for a in again if isinstance(a, AskProvider)} == {PEOPLE[2], PEOPLE[3]}


def test_unstaked_and_expired_profiles_are_not_asked() -> None:
    entry = an_order(replicas=1)
    known = profiles(0, STUN, STUN)
    known = [replace(known[1], stake=0), replace(known[2], expires_at=NOW)]
    assert decide(state_of(WORLD.market.state, [entry], {}, profiles=known), NOW) == []
