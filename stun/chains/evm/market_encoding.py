"""The protocol's records as the contracts' ABI tuples, and back."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from eth_utils.crypto import keccak

from stun.chains.evm.addresses import narrow
from stun.chains.evm.market_contracts import interface
from stun.chains.market import Offer, Opening, Sealed
from stun.protocol.market.state import Cast, Terms
from stun.protocol.messages import ACCOUNT, NOBODY, Message
from stun.protocol.parameters import MAX_REPLICAS, NumericClass
from stun.protocol.trees.resolve import Resolution, pack_siblings
from stun.protocol.trees.results import Top
from stun.protocol.trees.specs import Membership

SIGNATURE_BYTES = 65
_PLAIN_TERMS = tuple(field.name for field in fields(Terms))[:-1]
_NO_CAST = (NOBODY, 0, NOBODY, 0)


def message_tuple(message: Message) -> tuple[Any, ...]:
    """Return an order or a bid as its ABI tuple."""
    return tuple(
        narrow(getattr(message, name)) if kind == ACCOUNT else getattr(message, name)
        for name, kind in message.TYPES.items()
    )


def terms_tuple(terms: Terms) -> tuple[Any, ...]:
    """Return terms as their ABI tuple."""
    casts = [(cast.provider, cast.price, cast.matcher, cast.bond) for cast in terms.casts]
    padded = casts + [_NO_CAST] * (MAX_REPLICAS - len(casts))
    return (
        terms.requester, terms.asset, terms.creator, terms.count, terms.max_units, terms.opened_at,
        terms.post_seconds, terms.challenge_seconds, int(terms.numeric_class), terms.tip, terms.audit_prepaid,
        terms.rules, terms.asset_rules, len(casts), tuple(padded),
    )  # fmt: skip


def terms_digest(terms: Terms) -> bytes:
    """Return what the chain stores of a batch's terms: keccak256 of their static encoding."""
    call = interface("Marketplace").function("expire").encode(bytes(32), terms_tuple(terms))
    return keccak(call[36:])


def terms_from_tuple(values: Sequence[Any]) -> Terms:
    """Return the terms of an ABI tuple."""
    *plain, replicas, casts = values
    named = dict(zip(_PLAIN_TERMS, plain, strict=True))
    named["numeric_class"] = NumericClass(named["numeric_class"])
    return Terms(**named, casts=tuple(Cast(*cast) for cast in casts[:replicas]))


def top_tuple(top: Top) -> tuple[Any, ...]:
    """Return a top node as its ABI tuple."""
    return (top.left, top.left_units, top.right, top.right_units)


def join_signatures(signatures: Sequence[bytes]) -> bytes:
    """Return signatures at 65 bytes each, zeros for one that is missing."""
    return b"".join(signature or bytes(SIGNATURE_BYTES) for signature in signatures)


def membership_words(offers: Sequence[Offer]) -> list[bytes]:
    """Return the membership proofs of all offers as words: count << 128 | index, then the path."""
    words: list[bytes] = []
    for offer in offers:
        if offer.membership is not None:
            words += _membership(offer.membership)
    return words


def _membership(proof: Membership) -> list[bytes]:
    return [(proof.count << 128 | proof.index).to_bytes(32, "big"), *proof.path]


def deliver_arguments(commits: Sequence[Sealed], openings: Sequence[Opening]) -> tuple[Any, ...]:
    """Return the arguments of `deliver` behind the terms."""
    return (
        [(commit.replica, commit.commitment) for commit in commits],
        join_signatures([commit.signature for commit in commits]),
        [(opening.replica, top_tuple(opening.top), opening.salt) for opening in openings],
    )


def resolve_arguments(resolution: Resolution) -> tuple[Any, ...]:
    """Return the arguments of `resolve` behind the terms."""
    leaves = [(leaf.output_digest, leaf.units) for task in resolution.leaves for leaf in task]
    return list(resolution.tasks), leaves, pack_siblings(resolution.siblings)
