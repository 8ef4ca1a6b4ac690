"""Would the market match this now? The specification's own match is stepped on a copy of what it would read.

Parties that are not there yet are played by stand-ins with money and stake without end, so that a refusal is the fault
of the order or the bid that is looked at, and its code the one that the contract would give.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from stun.chains.market import MarketReader, ModelRecord, Rules
from stun.protocol.config import ConfigState, Peers, Version
from stun.protocol.market.actions import Match, SignedBid
from stun.protocol.market.state import Market
from stun.protocol.market.step import step
from stun.protocol.messages import NOBODY, Bid, Order
from stun.protocol.money import MILLION
from stun.protocol.parameters import MAX_REPLICAS, PARAMETERS, read
from stun.protocol.registry import Model
from stun.protocol.staking import Stake
from stun.protocol.trees.specs import prove_provider, providers_root

ENDLESS = 1 << 128
STAND_INS = tuple(bytes(12) + sha256(b"stand-in %d" % index).digest()[:20] for index in range(MAX_REPLICAS + 1))


@dataclass(frozen=True, slots=True)
class Means:
    """What each party can pay and has at stake."""

    balances: Mapping[bytes, int]
    stakes: Mapping[bytes, int]


def rehearse_order(market: MarketReader, order: Order) -> None:
    """Match an order with stand-ins at the lowest price at which a match may come near now.

    Errors: Rejected with any code of a match, "ledger: balance" if the requester cannot pay for it; ChainError.
    """
    rules, now = market.rules(order.asset), market.now()
    means = Means({order.requester: market.balance(order.asset, order.requester)}, {})
    price = _lowest_price(order, rules, now)
    _rehearse(market, order, rules, now, [Bid(account, NOBODY, price, NOBODY, now + 1) for account in STAND_INS], means)


def rehearse_bid(market: MarketReader, order: Order, bid: Bid) -> None:
    """Match a bid on its order, other replicas and the requester's money played by stand-ins, at the end of the ramp.

    Errors: Rejected with any code of a match, "ledger: balance" if the provider cannot pay its bond; ChainError.
    """
    rules, now = market.rules(order.asset), market.now()
    provider = bid.provider
    means = Means(
        {order.requester: ENDLESS} | {provider: market.balance(order.asset, provider)},
        {provider: market.stake(provider)},
    )
    others = [replace(bid, provider=account) for account in STAND_INS if account != provider]
    _rehearse(market, order, rules, now, [bid, *others], means)


def _lowest_price(order: Order, rules: Rules, now: int) -> int:
    """The ramp's price now, or where that locks too little the least price that suffices, at most the order's own."""
    rising = order.start_price <= order.max_price
    price = order.price_at(now) if rising else order.max_price
    work = order.count * order.max_units
    least = rules.asset.min_locked if rules.asset is not None else 0
    if work == 0 or least == 0:
        return price
    return min(order.max_price, max(price, (least - 1) * MILLION // work + 1))


def _rehearse(market: MarketReader, order: Order, rules: Rules, now: int, offers: list[Bid], means: Means) -> None:
    casts = offers[: max(1, min(order.replicas, MAX_REPLICAS))]
    accounts = [bid.provider for bid in casts]
    listed = order.providers_root != NOBODY
    rising = order.start_price <= order.max_price
    played = replace(
        order,
        start_price=order.max_price if rising else order.start_price,
        providers_root=providers_root(accounts) if listed else NOBODY,
    )
    digest = played.digest(market.domain)
    bids = tuple(
        SignedBid(
            replace(bid, order_digest=digest),
            bid.provider,
            prove_provider(accounts, bid.provider) if listed else None,
        )
        for bid in casts
    )
    sender = STAND_INS[-1] if order.matcher == NOBODY else order.matcher
    step(_snapshot(market, order, rules, means), Match(sender, played, order.requester, bids), now)


def _snapshot(market: MarketReader, order: Order, rules: Rules, means: Means) -> Market:
    """What a match of this order reads of the chain."""
    words = {"rules": rules.rules, "limits": rules.limits, "times": rules.times, "duties": 0}
    config = ConfigState(
        values=tuple(read(words[parameter.word], parameter.name) for parameter in PARAMETERS),
        versions=(Version(words, Peers()),),
        assets={} if rules.asset is None else {order.asset: rules.asset},
        audit_words={} if rules.asset is None else {order.asset: rules.asset.audit_word()},
    )
    record = market.model(order.model_id)
    models = {} if record is None else {order.model_id: _model(record)}
    used = market.nonce_used(order.requester, order.nonce)
    endless = dict.fromkeys(STAND_INS, ENDLESS)
    return Market(
        domain=market.domain,
        stun=market.stun,
        config=config,
        owner=NOBODY,
        balances={(order.asset, account): money for account, money in (endless | dict(means.balances)).items()},
        models=models,
        stakes={account: Stake(active=stake) for account, stake in (endless | dict(means.stakes)).items()},
        nonces=frozenset({(order.requester, order.nonce)}) if used else frozenset(),
    )


def _model(record: ModelRecord) -> Model:
    return Model(
        record.creator,
        record.numeric_class,
        record.live,
        record.manifest_digest,
        record.weight_root,
        record.graph_root,
    )
