"""How much the pool holds of one thing, so that nobody fills it and no subject drowns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stun.pool.envelopes import Kind


@dataclass(frozen=True, slots=True)
class Quota:
    """The most entries of one kind: variants of one message, of one account in one batch, in one batch."""

    variants: int = 8
    by_account: int = 8
    in_batch: int = 64


def _quotas() -> dict[Kind, Quota]:
    return {kind: Quota() for kind in Kind} | {
        Kind.BID: Quota(variants=2, by_account=4, in_batch=1_024),
        Kind.ASK: Quota(variants=1, by_account=64, in_batch=1_024),
        Kind.COMMIT: Quota(variants=2, by_account=4),
        Kind.POST: Quota(variants=2, by_account=4),
        Kind.OPENING: Quota(variants=4, by_account=4),
    }


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one pool holds at most: entries, open orders of one requester, and the quota of each kind."""

    entries: int = 500_000
    orders_per_requester: int = 1_000
    quotas: Mapping[Kind, Quota] = field(default_factory=_quotas)
