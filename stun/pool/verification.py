"""What anyone can check of an envelope by itself and the chain's word on keys; pools and their readers do it alike."""

from stun.chains.market import MarketReader
from stun.pool.envelopes import (
    AskEnvelope,
    BidEnvelope,
    CommitEnvelope,
    DeliveryEnvelope,
    Envelope,
    OpeningEnvelope,
    OrderEnvelope,
    PostEnvelope,
    ProfileEnvelope,
)
from stun.protocol.errors import require
from stun.protocol.messages import ACCOUNT, NOBODY, Domain, Message
from stun.protocol.trees.results import derive
from stun.protocol.trees.specs import commitment, json_digest

_EVM_PADDING = bytes(12)


def message_of(envelope: Envelope) -> Message | None:
    """The signed message of an envelope, None of an opening."""
    match envelope:
        case OrderEnvelope():
            return envelope.order
        case BidEnvelope():
            return envelope.bid
        case AskEnvelope():
            return envelope.ask
        case ProfileEnvelope():
            return envelope.profile
        case CommitEnvelope():
            return envelope.commit
        case PostEnvelope():
            return envelope.post
        case DeliveryEnvelope():
            return envelope.delivery
        case OpeningEnvelope():
            return None


def verify(market: MarketReader, envelope: Envelope) -> None:
    """Check that whoever should has signed, in this market's domain, and that a profile's document is the signed one.

    An opening passes: only its commitment can vouch for it (`sealed_by`). Errors: Rejected with "accounts: address",
    "orders: signature", "asks: signature", "bids: signature", "profiles: signature", "profiles: document",
    "batches: signer"; ChainError.
    """
    message = message_of(envelope)
    if message is not None:
        _check_accounts(market.domain, message)
    match envelope:
        case OrderEnvelope():
            _require_signed(market, envelope.order.requester, envelope.order, envelope.signature, "orders: signature")
        case AskEnvelope():
            _require_signed(market, envelope.ask.matcher, envelope.ask, envelope.signature, "asks: signature")
        case BidEnvelope():
            _require_duty(market, envelope.bid.provider, envelope.bid, envelope.signature, "bids: signature")
        case ProfileEnvelope():
            require(json_digest(envelope.document) == envelope.profile.profile_digest, "profiles: document")
            provider = envelope.profile.provider
            _require_duty(market, provider, envelope.profile, envelope.signature, "profiles: signature")
        case CommitEnvelope():
            _require_duty(market, envelope.commit.provider, envelope.commit, envelope.signature, "batches: signer")
        case PostEnvelope():
            _require_duty(market, envelope.post.provider, envelope.post, envelope.signature, "batches: signer")
        case DeliveryEnvelope():
            _require_duty(market, envelope.delivery.provider, envelope.delivery, envelope.signature, "batches: signer")
        case OpeningEnvelope():
            pass


def sealed_by(envelope: OpeningEnvelope, count: int) -> bytes:
    """The commitment that an opening opens, in a batch of `count` tasks. Errors: "trees: top", "trees: overflow"."""
    root, units = derive(count, envelope.top)
    return commitment(envelope.batch_id, envelope.provider, root, units, envelope.salt)


def _require_signed(market: MarketReader, account: bytes, message: Message, signature: bytes, code: str) -> None:
    require(account != NOBODY, code)
    require(market.is_signed_by(account, message.digest(market.domain), signature), code)


def _require_duty(market: MarketReader, account: bytes, message: Message, signature: bytes, code: str) -> None:
    """Like _require_signed, but the account's operator key may sign as well."""
    require(account != NOBODY, code)
    digest = message.digest(market.domain)
    if market.is_signed_by(account, digest, signature):
        return
    operator = market.operator(account)
    require(operator != NOBODY and market.is_signed_by(operator, digest, signature), code)


def _check_accounts(domain: Domain, message: Message) -> None:
    """Refuse 32 bytes that are no address of the domain's chain. Errors: "accounts: address"."""
    if domain.evm:
        names = (name for name, kind in message.TYPES.items() if kind == ACCOUNT)
        require(all(getattr(message, name)[:12] == _EVM_PADDING for name in names), "accounts: address")
