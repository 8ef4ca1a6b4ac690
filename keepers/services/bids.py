"""Which bids for an order could be brought now, and the bond that each needs."""

from collections.abc import Mapping

from keepers.services.facts import ChainFacts
from keepers.services.matcher_state import MatcherState, OpenOrder, ReceivedBid
from stun.protocol import money, parameters
from stun.protocol.errors import Rejected
from stun.protocol.messages import NOBODY, Order
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.specs import verify_provider


def usable_bids(
    entry: OpenOrder, state: MatcherState, balances: Mapping[tuple[bytes, bytes], int], now: int
) -> list[ReceivedBid]:
    """Return the bids that could be brought now, best first, one of each provider.

    Bids that were in refused matches come last, then the cheapest come first, so that no bid that only looks valid
    can block an order for ever.
    """
    found: dict[bytes, ReceivedBid] = {}
    reputations = state.facts.reputations

    doubts = state.doubts.get(entry.digest, {})

    def rank(received: ReceivedBid) -> tuple[int, int, bool, int, bytes]:
        bid = received.bid
        return (
            doubts.get(bid.provider, 0),
            bid.price,
            bid.matcher != state.keeper,
            -reputations.get(bid.provider, 0),
            bid.provider,
        )

    for received in sorted(state.bids.get(entry.digest, ()), key=rank):
        if received.bid.provider not in found and _is_usable(entry, received, state, balances, now):
            found[received.bid.provider] = received
    return list(found.values())


def _is_usable(
    entry: OpenOrder,
    received: ReceivedBid,
    state: MatcherState,
    balances: Mapping[tuple[bytes, bytes], int],
    now: int,
) -> bool:
    order, bid, facts = entry.order, received.bid, state.facts
    if (
        bid.order_digest != entry.digest
        or bid.provider in (NOBODY, order.requester)
        or bid.matcher not in (NOBODY, state.keeper)
        or now + state.policy.margin >= bid.expires_at
        or bid.price > order.price_at(now)
        or received.signer not in {bid.provider, facts.operators.get(bid.provider, NOBODY)} - {NOBODY}
        or not _is_admitted(order, received)
        or facts.stakes.get(bid.provider, 0) < parameters.read(facts.rules[order.asset].limits, "min_stake")
    ):
        return False
    bond = bond_of(order, bid.price, facts)
    return bond is not None and balances.get((order.asset, bid.provider), 0) >= bond


def _is_admitted(order: Order, received: ReceivedBid) -> bool:
    """Whether the order admits the provider: with a proof where it lists providers, without one elsewhere."""
    if order.providers_root == NOBODY or received.membership is None:
        return order.providers_root == NOBODY and received.membership is None
    try:
        verify_provider(order.providers_root, received.bid.provider, received.membership)
    except Rejected:
        return False
    return True


def bond_of(order: Order, price: int, facts: ChainFacts) -> int | None:
    """Return the bond that a bid at this price needs, None if the order could not be matched at it."""
    rules, model, asset = facts.rules[order.asset], facts.models[order.model_id], facts.asset_rules(order.asset)
    if asset is None:
        return None
    try:
        locked = money.price_locked(order.count, order.max_units, price)
        if model.numeric_class == NumericClass.OPAQUE:
            return money.opaque_bond(locked, asset.min_bond, parameters.read(rules.limits, "opaque_bond_bps"))
        if order.audit_ppm == 0 or locked < asset.min_locked:
            return None
        bps, margin = (parameters.read(rules.limits, name) for name in ("min_bond_bps", "bond_margin"))
        return money.bond(locked, order.audit_ppm, asset.min_bond, bps, margin)
    except Rejected:
        return None
