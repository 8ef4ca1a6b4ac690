"""How a batch stands, told from the chain's events alone: read anew each time, so that a reorganisation undoes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from stun.chains.market import ChainEvent, MarketReader
from stun.protocol import money
from stun.protocol.market.state import LIVE, ReplicaState, Terms
from stun.protocol.messages import NOBODY, Order
from stun.protocol.parameters import NumericClass


class Stage(StrEnum):
    """Where an order or its batch stands."""

    WAITING = "waiting"  # in the pools, not matched
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    RUNNING = "running"  # matched; replicas compute
    RESULTS = "results"  # every live replica has shown its result
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One provider's part: what it showed and what became of it. Amounts in the asset's smallest unit.

    `penalty`: what it lost of its bond; of that `reward` went to `challenger`, whose evidence or demand convicted it.
    """

    provider: bytes
    price: int
    matcher: bytes
    bond: int
    state: ReplicaState = ReplicaState.PENDING
    outputs_root: bytes = b""
    total_units: int = 0
    paid: int = 0
    penalty: int = 0
    challenger: bytes = b""
    reward: int = 0

    @property
    def shown(self) -> bool:
        """Whether its root is on the chain and still counts."""
        return self.state in (ReplicaState.REVEALED, ReplicaState.ACCEPTED)


@dataclass(frozen=True)
class BatchStatus:
    """A batch as of block `head`; `terms` is None while the order waits. `dues`: a standing resolution."""

    batch_id: bytes
    stage: Stage
    head: int
    terms: Terms | None = None
    model_id: bytes = b""
    replicas: tuple[ReplicaStatus, ...] = ()
    dues: tuple[int, ...] | None = None
    settler: bytes = b""
    transactions: Mapping[str, bytes] = field(default_factory=dict, hash=False)

    @property
    def agreed(self) -> tuple[bytes, int] | None:
        """(root, units) that won: accepted by the requester, shown by all, or by 2 of 3 (not in class token)."""
        shown = [replica for replica in self.replicas if replica.shown]
        claims = [(replica.outputs_root, replica.total_units) for replica in shown]
        for replica, claim in zip(shown, claims, strict=True):
            votes = claims.count(claim)
            majority = votes == 2 and self.terms is not None and self.terms.numeric_class != NumericClass.TOKEN
            if replica.state == ReplicaState.ACCEPTED or votes == len(claims) or majority:
                return claim
        return None

    @property
    def dissenters(self) -> tuple[bytes, ...]:
        """Providers that wait for a verdict on another result than the agreed one; none without an agreement."""
        if self.agreed is None:
            return ()
        waiting = (replica for replica in self.replicas if replica.state == ReplicaState.REVEALED)
        return tuple(r.provider for r in waiting if (r.outputs_root, r.total_units) != self.agreed)

    @property
    def done(self) -> bool:
        """Whether nothing more will happen to the order."""
        return self.stage in (Stage.FINAL, Stage.EXPIRED, Stage.CANCELLED)


def split_of(status: BatchStatus, replica: ReplicaStatus) -> money.Split:
    """Who received what of a replica's payment, tips aside; the settler has the matcher's part where none is named."""
    assert status.terms is not None, "a replica that was paid has terms"
    rule = status.terms.rule
    creator = status.terms.creator != NOBODY
    parts = money.split(replica.paid, creator, rule("match_fee_bps"), rule("settle_fee_bps"))
    if replica.matcher == NOBODY:
        return replace(parts, matcher=0, settler=parts.settler + parts.matcher)
    return parts


def read_status(
    market: MarketReader, batch_id: bytes, first: int, order: Order | None = None, confirmations: int = 0
) -> BatchStatus:
    """Read how a batch stands; events count once `confirmations` blocks lie on top. Errors: ChainError."""
    used = order is not None and market.nonce_used(order.requester, order.nonce)
    head = market.head()
    last = head - confirmations
    events = market.events(min(first, head), head, batch_id)
    settled = [event for event in events if event.block_number <= last]
    status = fold(batch_id, settled, last)
    if status.terms is not None or order is None:
        return status
    if any(event.name == "BatchOpened" for event in events):
        return status
    if used:
        return replace(status, stage=Stage.CANCELLED)
    return replace(status, stage=Stage.EXPIRED) if market.now() >= order.expires_at else status


def fold(batch_id: bytes, events: Sequence[ChainEvent], head: int) -> BatchStatus:
    """Apply a batch's events in order. Pure."""
    status = BatchStatus(batch_id, Stage.WAITING, head)
    for event in events:
        status = _apply(status, event)
        status = replace(status, transactions={**status.transactions, event.name: event.transaction})
    live = [replica for replica in status.replicas if replica.state in LIVE]
    if status.stage is Stage.RUNNING and live and all(r.state == ReplicaState.REVEALED for r in live):
        return replace(status, stage=Stage.RESULTS)
    return status


def _apply(status: BatchStatus, event: ChainEvent) -> BatchStatus:
    fields = event.fields
    match event.name:
        case "BatchOpened":
            return _opened(status, fields)
        case "Committed":
            return _change(status, fields, state=ReplicaState.COMMITTED)
        case "Posted" | "Revealed":
            return _change(status, fields, state=ReplicaState.REVEALED, **_claim(fields))
        case "ReplicaOut":
            return _change(status, fields, state=ReplicaState(fields["reason"]), penalty=fields["penalty"])
        case "Convicted":
            return _convicted(status, fields)
        case "Accepted":
            return _change(status, fields, state=ReplicaState.ACCEPTED, paid=fields["paid"], **_claim(fields))
        case "Resolved":
            return replace(status, dues=tuple(fields["dues"])[: len(status.replicas)])
        case "ResolveVoided":
            return replace(status, dues=None)
        case "Settled":
            return _settled(status, fields)
        case _:
            return status


def _claim(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"outputs_root": bytes(fields["outputs_root"]), "total_units": int(fields["total_units"])}


def _opened(status: BatchStatus, fields: Mapping[str, Any]) -> BatchStatus:
    terms: Terms = fields["terms"]
    replicas = tuple(ReplicaStatus(cast.provider, cast.price, cast.matcher, cast.bond) for cast in terms.casts)
    return replace(status, stage=Stage.RUNNING, terms=terms, model_id=fields["model_id"], replicas=replicas)


def _convicted(status: BatchStatus, fields: Mapping[str, Any]) -> BatchStatus:
    """A conviction takes the whole bond and every claim to money."""
    [bond] = [replica.bond for replica in status.replicas if replica.provider == fields["provider"]]
    given = {"challenger": fields["challenger"], "reward": int(fields["reward"])}
    return _change(status, fields, state=ReplicaState.CONVICTED, penalty=bond, **given)


def _settled(status: BatchStatus, fields: Mapping[str, Any]) -> BatchStatus:
    """The last event: replicas accepted before were paid then."""
    paid = tuple(fields["paid"])
    replicas = tuple(
        replica if replica.state == ReplicaState.ACCEPTED else replace(replica, paid=amount)
        for replica, amount in zip(status.replicas, paid, strict=False)
    )
    return replace(status, stage=Stage.FINAL, settler=fields["settler"], replicas=replicas)


def _change(status: BatchStatus, fields: Mapping[str, Any], **changes: Any) -> BatchStatus:
    replicas = tuple(
        replace(replica, **changes) if replica.provider == fields["provider"] else replica
        for replica in status.replicas
    )
    return replace(status, replicas=replicas)
