"""When a wait is over: with a result, with an error that says why there is none, or not yet. Pure."""

from typing import Literal

from stun.protocol.messages import Order
from stun_sdk.errors import OrderCancelled, OrderExpired, ReplicasFailed
from stun_sdk.status import BatchStatus, Stage

Goal = Literal["results", "final"]


def is_over(status: BatchStatus, goal: Goal, order: Order | None) -> bool:
    """Whether the goal is reached. Errors: OrderExpired, OrderCancelled, ReplicasFailed (it never will be)."""
    match status.stage:
        case Stage.EXPIRED:
            raise OrderExpired(status.batch_id, 0 if order is None else order.expires_at)
        case Stage.CANCELLED:
            raise OrderCancelled(status.batch_id)
        case Stage.FINAL:
            if not any(replica.shown for replica in status.replicas):
                raise ReplicasFailed(status.batch_id)
            return True
        case Stage.RESULTS:
            return goal == "results"
        case _:
            return False
