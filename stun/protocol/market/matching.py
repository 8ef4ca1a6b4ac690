"""Matching: one order meets its bids, the money and the bonds move into the batch, and it opens, or nothing happens."""

from stun.protocol import config, money, parameters
from stun.protocol.errors import Rejected, require
from stun.protocol.market.actions import Match, SignedBid
from stun.protocol.market.draft import Draft
from stun.protocol.market.state import Batch, Cast, Phase, Replica, Terms
from stun.protocol.messages import FLAG_PRIVATE, FLAG_PUBLIC_DISPUTE, NOBODY, Order, nonce_week
from stun.protocol.parameters import (
    MAX_COUNT,
    MAX_ORDER_SECONDS,
    MAX_PROVIDERS,
    MAX_REPLICAS,
    PPM,
    WEEK_SECONDS,
    NumericClass,
)
from stun.protocol.registry import Model
from stun.protocol.staking import Stake
from stun.protocol.trees import specs


def match(draft: Draft, action: Match) -> None:
    """Open a batch. Its id is the order's digest; every error is named for the rule that refuses."""
    order = action.order
    batch_id = order.digest(draft.market.domain)
    _check_order(draft, action)
    rules = config.match_rules(draft.market.config, order.asset)
    require(rules.asset_word != 0, "orders: asset")
    require(order.config in (0, parameters.version_of(rules.rules)), "orders: config")
    _check_windows(order, rules.times)
    model = draft.market.models.get(order.model_id)
    require(model is not None and model.live, "orders: model")
    assert model is not None
    _check_class(order, model.numeric_class, rules.limits)
    casts: list[Cast] = []
    dearest = 0
    spent = order.tip
    for signed in action.bids:
        _check_bid(draft, order, batch_id, signed, casts, parameters.read(rules.limits, "min_stake"))
        locked = money.price_locked(order.count, order.max_units, signed.bid.price)
        require(locked >= parameters.asset_rules_from_word(rules.asset_word).min_locked, "orders: small")
        bond = _bond(order, model.numeric_class, locked, rules)
        draft.debit(order.asset, signed.bid.provider, bond)
        casts.append(Cast(signed.bid.provider, signed.bid.price, signed.bid.matcher, bond))
        dearest = max(dearest, locked)
        spent += locked
    strays = order.providers_root == NOBODY and any(signed.membership for signed in action.bids)
    require(not strays, "bids: list")
    prepaid = _prepaid(order, dearest, rules)
    draft.debit(order.asset, order.requester, spent + prepaid)
    terms = _terms(draft, order, model, rules, prepaid, tuple(casts))
    draft.batches[batch_id] = Batch(terms, Phase.OPEN, tuple(Replica() for _ in casts))
    draft.emit_batch(batch_id, "BatchOpened", requester=order.requester, model_id=order.model_id, terms=terms)


def _check_order(draft: Draft, action: Match) -> None:
    order = action.order
    require(order.requester in (action.signer, action.sender), "orders: signature")
    require(order.matcher in (NOBODY, action.sender), "orders: matcher")
    require(draft.now < order.expires_at, "orders: expired")
    require(order.expires_at <= draft.now + MAX_ORDER_SECONDS, "orders: lifetime")
    require(nonce_week(order.nonce) == order.expires_at // WEEK_SECONDS, "nonces: week")
    require((order.requester, order.nonce) not in draft.nonces, "nonces: used")
    draft.nonces.add((order.requester, order.nonce))
    require(1 <= order.replicas <= MAX_REPLICAS and order.replicas == len(action.bids), "orders: replicas")
    require(1 <= order.count <= MAX_COUNT and order.max_units >= 1, "orders: count")
    require(order.start_price <= order.max_price, "orders: price")
    require(order.tier == 0, "orders: tier")
    require(order.flags <= FLAG_PRIVATE | FLAG_PUBLIC_DISPUTE, "orders: flags")


def _check_windows(order: Order, times: int) -> None:
    low, high = parameters.read(times, "min_post_seconds"), parameters.read(times, "max_post_seconds")
    require(low <= order.post_seconds <= high, "orders: window")
    longest_task = min(parameters.read(times, "max_task_seconds"), order.post_seconds)
    require(1 <= order.task_seconds <= longest_task, "orders: window")
    draw_and_answer = parameters.read(times, "draw_seconds") + parameters.read(times, "answer_seconds")
    require(order.challenge_seconds >= draw_and_answer + 2 * order.task_seconds, "orders: window")
    require(order.challenge_seconds <= parameters.read(times, "max_challenge_seconds"), "orders: window")


def _check_class(order: Order, numeric_class: NumericClass, limits: int) -> None:
    require(numeric_class != NumericClass.BOUNDED, "orders: class")
    if numeric_class == NumericClass.OPAQUE:
        require(order.audit_ppm == 0, "orders: audit")
        require(order.replicas > 1 or order.providers_root != NOBODY, "orders: lone")
    else:
        floor = parameters.read(limits, f"floor_ppm_{numeric_class.name.lower()}")
        require(floor <= order.audit_ppm <= PPM, "orders: audit")


def _check_bid(
    draft: Draft, order: Order, batch_id: bytes, signed: SignedBid, casts: list[Cast], min_stake: int
) -> None:
    bid = signed.bid
    require(bid.order_digest == batch_id, "bids: order")
    require(bid.provider != NOBODY and draft.may_sign(bid.provider, signed.signer), "bids: signature")
    require(draft.now < bid.expires_at, "bids: expired")
    require(bid.price <= order.price_at(draft.now), "bids: price")
    taken = {order.requester} | {cast.provider for cast in casts}
    require(bid.provider not in taken, "bids: provider")
    if order.providers_root != NOBODY:
        require(_is_member(order.providers_root, signed), "bids: list")
    require(draft.stakes.get(bid.provider, Stake()).active >= min_stake, "bids: stake")


def _is_member(providers_root: bytes, signed: SignedBid) -> bool:
    if signed.membership is None or signed.membership.count > MAX_PROVIDERS:
        return False
    try:
        specs.verify_provider(providers_root, signed.bid.provider, signed.membership)
    except Rejected:
        return False
    return True


def _bond(order: Order, numeric_class: NumericClass, locked: int, rules: config.MatchRules) -> int:
    min_bond = parameters.asset_rules_from_word(rules.asset_word).min_bond
    if numeric_class == NumericClass.OPAQUE:
        return money.opaque_bond(locked, min_bond, parameters.read(rules.limits, "opaque_bond_bps"))
    min_bond_bps = parameters.read(rules.limits, "min_bond_bps")
    return money.bond(locked, order.audit_ppm, min_bond, min_bond_bps, parameters.read(rules.limits, "bond_margin"))


def _prepaid(order: Order, dearest: int, rules: config.MatchRules) -> int:
    """Return the order's part of the audits; a batch that is drawn at all must not cost more than the asset covers."""
    asset = parameters.asset_rules_from_word(rules.asset_word, rules.audit_word)
    auditors = parameters.read(rules.limits, "auditors")
    audit_tasks = parameters.read(rules.limits, "audit_tasks")
    fees = asset.audit_fee, asset.report_fee
    cost = money.audit_cost(dearest, order.count, auditors, audit_tasks, *fees)
    require(cost <= asset.audit_cover or order.audit_ppm == 0, "orders: cover")
    load = parameters.read(rules.limits, "audit_load_bps")
    return money.audit_prepaid(dearest, order.count, order.audit_ppm, auditors, audit_tasks, *fees, load)


def _terms(
    draft: Draft, order: Order, model: Model, rules: config.MatchRules, prepaid: int, casts: tuple[Cast, ...]
) -> Terms:
    return Terms(
        requester=order.requester,
        asset=order.asset,
        creator=model.creator,
        count=order.count,
        max_units=order.max_units,
        opened_at=draft.now,
        post_seconds=order.post_seconds,
        challenge_seconds=order.challenge_seconds,
        numeric_class=_judged_class(order, model.numeric_class),
        tip=order.tip,
        audit_prepaid=prepaid,
        rules=rules.rules,
        asset_rules=rules.asset_word,
        casts=casts,
    )


def _judged_class(order: Order, numeric_class: NumericClass) -> NumericClass:
    """Without a public dispute nobody can show a wrong private result, so `exact` is judged as `token`."""
    private = order.flags & FLAG_PRIVATE and not order.flags & FLAG_PUBLIC_DISPUTE
    return NumericClass.TOKEN if private and numeric_class == NumericClass.EXACT else numeric_class
