"""What a pool takes in, checked on entry against the chain; refusals carry the code of the rule that refuses.

The checks keep a pool clean; they do not replace those of the chain and of the pool's readers.
"""

from collections.abc import Callable
from typing import Any

from stun.chains.market import MarketReader
from stun.pool.batch_admission import file_commit, file_delivery, file_opening, file_post
from stun.pool.envelopes import AskEnvelope, BidEnvelope, Kind, OrderEnvelope, ProfileEnvelope
from stun.pool.errors import EntryConflict
from stun.pool.rehearsal import rehearse_bid, rehearse_order
from stun.pool.store import Entry, PoolStore, State, Subject
from stun.pool.verification import verify
from stun.pool.wire import decode, encode
from stun.protocol.errors import Rejected, require
from stun.protocol.messages import NOBODY, Order
from stun.protocol.parameters import DAY_SECONDS, read
from stun.protocol.trees.specs import verify_provider

MAX_ASK_SECONDS = DAY_SECONDS
MAX_PROFILE_SECONDS = 7 * DAY_SECONDS
KEEP_SECONDS = 14 * DAY_SECONDS  # a matched order stays readable by its digest for so long after it expired

Rule = Callable[[MarketReader, PoolStore, Any], Subject]


class Admission:
    """The door of one pool: `admit` is the only way in. Blocking, and safe to call from several threads."""

    def __init__(self, market: MarketReader, store: PoolStore) -> None:
        self._market = market
        self._store = store

    def admit(self, kind: Kind, raw: bytes) -> tuple[Entry, bool]:
        """Take in an envelope; the same one again is no error and returns False.

        Errors: WireInvalid, Rejected, EntryConflict, PoolFull; ChainError if the chain cannot be asked.
        """
        envelope = decode(kind, raw)
        body = encode(envelope)
        held = self._store.find(body)
        if held is not None:
            return held, False
        verify(self._market, envelope)
        subject = RULES[kind](self._market, self._store, envelope)
        return self._store.add(subject, body, self._market.now())


def file_order(market: MarketReader, store: PoolStore, envelope: OrderEnvelope) -> Subject:
    """Take an order that could be matched now. Errors: every code of a match (see `rehearse_order`)."""
    order = envelope.order
    digest = order.digest(market.domain)
    if any(entry.state is not State.OPEN for entry in store.orders(digest)):
        raise EntryConflict("this order was matched or cancelled")
    rehearse_order(market, order)
    keep_until = order.expires_at + KEEP_SECONDS
    return Subject(
        Kind.ORDER, digest, digest, order.requester, order.expires_at, keep_until, order.matcher, order.nonce
    )


def file_bid(market: MarketReader, store: PoolStore, envelope: BidEnvelope) -> Subject:
    """Take a bid on an open order of a provider with stake and bond.

    Errors: "bids: order" (none open of this digest here), "bids: list", and every code of a match.
    """
    bid, now = envelope.bid, market.now()
    order = _open_order(market, store, bid.order_digest, "bids: order")
    require(now < bid.expires_at, "bids: expired")
    _check_membership(order, envelope)
    rehearse_bid(market, order, bid)
    until = min(bid.expires_at, order.expires_at)
    return Subject(
        Kind.BID, bid.digest(market.domain), bid.order_digest, bid.provider, until, until, recipient=bid.matcher
    )


def file_ask(market: MarketReader, store: PoolStore, envelope: AskEnvelope) -> Subject:
    """Take a matcher's question on an open order.

    Errors: "asks: order", "asks: matcher" (the order names another), "asks: provider", "asks: expired",
    "asks: lifetime" (more than a day).
    """
    ask, now = envelope.ask, market.now()
    require(now < ask.expires_at, "asks: expired")
    require(ask.expires_at <= now + MAX_ASK_SECONDS, "asks: lifetime")
    order = _open_order(market, store, ask.order_digest, "asks: order")
    require(order.matcher in (NOBODY, ask.matcher), "asks: matcher")
    require(ask.provider not in (NOBODY, order.requester), "asks: provider")
    until = min(ask.expires_at, order.expires_at)
    return Subject(Kind.ASK, ask.digest(market.domain), ask.order_digest, ask.matcher, until, until, ask.provider)


def file_profile(market: MarketReader, store: PoolStore, envelope: ProfileEnvelope) -> Subject:
    """Take the profile of a provider with stake.

    Errors: "profiles: expired", "profiles: lifetime" (more than 7 days), "profiles: stake".
    """
    profile, now = envelope.profile, market.now()
    require(now < profile.expires_at, "profiles: expired")
    require(profile.expires_at <= now + MAX_PROFILE_SECONDS, "profiles: lifetime")
    min_stake = read(market.rules(market.stun).limits, "min_stake")
    require(market.stake(profile.provider) >= min_stake, "profiles: stake")
    until = profile.expires_at
    return Subject(Kind.PROFILE, profile.digest(market.domain), bytes(32), profile.provider, until, until)


RULES: dict[Kind, Rule] = {
    Kind.ORDER: file_order,
    Kind.BID: file_bid,
    Kind.ASK: file_ask,
    Kind.PROFILE: file_profile,
    Kind.COMMIT: file_commit,
    Kind.POST: file_post,
    Kind.OPENING: file_opening,
    Kind.DELIVERY: file_delivery,
}
assert set(RULES) == set(Kind), "a kind without a rule"


def _open_order(market: MarketReader, store: PoolStore, digest: bytes, code: str) -> Order:
    for entry in store.orders(digest):
        envelope = entry.envelope()
        assert isinstance(envelope, OrderEnvelope)
        if entry.state is State.OPEN and market.now() < envelope.order.expires_at:
            return envelope.order
    raise Rejected(code)


def _check_membership(order: Order, envelope: BidEnvelope) -> None:
    if order.providers_root == NOBODY:
        require(envelope.membership is None, "bids: list")
        return
    if envelope.membership is None:
        raise Rejected("bids: list")
    try:
        verify_provider(order.providers_root, envelope.bid.provider, envelope.membership)
    except Rejected as error:
        raise Rejected("bids: list") from error
