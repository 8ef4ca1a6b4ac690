"""The matcher's decision: which providers to ask, which orders to bring with which bids.

Nothing is brought that the contract would refuse: each plan is stepped on the specification first, on balances from
which the plans before it have been taken. Source: docs/PROTOCOL.md, sections 6.1 and 10.
"""

from collections.abc import Mapping, Sequence

from keepers.services.asking import choose_asks
from keepers.services.bids import usable_bids
from keepers.services.facts import config_of, match_market
from keepers.services.matcher_state import BringMatch, MatcherAction, MatcherState, OpenOrder, ReceivedBid
from keepers.services.profit import MATCH_GAS, match_fee
from stun.protocol.config import ConfigState
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.market.actions import SignedBid
from stun.protocol.market.step import step
from stun.protocol.messages import NOBODY
from stun.protocol.parameters import MAX_COUNT, MAX_REPLICAS


def decide(state: MatcherState, now: int) -> list[MatcherAction]:
    """Return what to do at `now` (the chain's clock): matches first, oldest order first, then asks."""
    config = config_of(state.facts.rules.items())
    wanted = [entry for entry in state.orders if is_open(entry, state, now)]
    balances = dict(state.facts.balances)
    matches: list[MatcherAction] = []
    for entry in sorted((e for e in wanted if state.bids.get(e.digest)), key=lambda e: (e.first_seen, e.digest)):
        if len(matches) == state.policy.matches_per_tick:
            break
        plan = _plan_match(entry, state, config, balances, now)
        if plan is not None:
            matches.append(plan)
    brought = {plan.order.digest for plan in matches if isinstance(plan, BringMatch)}
    return matches + list(choose_asks([entry for entry in wanted if entry.digest not in brought], state, now))


def is_open(entry: OpenOrder, state: MatcherState, now: int) -> bool:
    """Whether an order can be worked for: in time, not used up, not acted on, and of a known asset and model."""
    order, facts = entry.order, state.facts
    model = facts.models.get(order.model_id)
    return (
        entry.digest not in state.acting
        and now + state.policy.margin < order.expires_at
        and order.matcher in (NOBODY, state.keeper)
        and (order.requester, order.nonce) not in facts.used_nonces
        and 1 <= order.replicas <= MAX_REPLICAS
        and 1 <= order.count <= MAX_COUNT
        and model is not None
        and model.live
        and facts.asset_rules(order.asset) is not None
        and facts.balances.get((order.asset, order.requester), 0) > order.tip
    )


def still_allowed(plan: BringMatch, state: MatcherState, now: int) -> bool:
    """Whether a plan holds on newer facts: asked again right before it is sent."""
    config = config_of(state.facts.rules.items())
    return is_open(plan.order, state, now) and _try(plan, state, config, dict(state.facts.balances), now) is not None


def _plan_match(
    entry: OpenOrder, state: MatcherState, config: ConfigState, balances: dict[tuple[bytes, bytes], int], now: int
) -> BringMatch | None:
    usable = usable_bids(entry, state, balances, now)
    if len(usable) < entry.order.replicas or not _window_over(entry, state, usable, now):
        return None
    plan = BringMatch(entry, tuple(usable[: entry.order.replicas]))
    if not _is_worth(plan, state):
        return None
    after = _try(plan, state, config, balances, now)
    if after is None:
        return None
    balances.update(after)
    return plan


def _window_over(entry: OpenOrder, state: MatcherState, usable: Sequence[ReceivedBid], now: int) -> bool:
    """Whether to stop waiting for cheaper bids: the window has passed, or all who were asked have answered."""
    asked = state.asked.get(entry.digest, {})
    opened = min(asked.values(), default=entry.first_seen)
    answered = {received.bid.provider for received in usable}
    return now >= opened + state.policy.bid_window or (bool(asked) and answered >= asked.keys())


def _is_worth(plan: BringMatch, state: MatcherState) -> bool:
    order, rule = plan.order.order, state.policy.profit
    rules = state.facts.rules[order.asset].rules
    fee = match_fee(state.keeper, order, [offer.bid for offer in plan.offers], rules, rule.expected_use_bps)
    return rule.pays(order.asset, fee, MATCH_GAS[order.replicas])


def _try(
    plan: BringMatch,
    state: MatcherState,
    config: ConfigState,
    balances: Mapping[tuple[bytes, bytes], int],
    now: int,
) -> Mapping[tuple[bytes, bytes], int] | None:
    """Step a plan on the specification; return the balances it leaves to its parties, None if it is refused."""
    order = plan.order.order
    accounts = [order.requester, *(offer.bid.provider for offer in plan.offers)]
    market = match_market(state.facts, config, order.asset, order.model_id, accounts, balances)
    bids = tuple(SignedBid(offer.bid, offer.signer, offer.membership) for offer in plan.offers)
    try:
        after, _ = step(market, actions.Match(state.keeper, order, order.requester, bids), now)
    except Rejected:
        return None
    return {(order.asset, account): after.balances.get((order.asset, account), 0) for account in accounts}
