"""A batch in words: how its result was checked, what that is worth, and where the money went. Pure."""

from collections.abc import Callable, Sequence

from stun_sdk.status import BatchStatus, ReplicaStatus, Stage, split_of

from stun.cli.names import address
from stun.protocol.market.state import ReplicaState, Terms
from stun.protocol.messages import NOBODY
from stun.protocol.money import price_locked
from stun.protocol.parameters import NumericClass

Money = Callable[[int], str]

_CLASSES = {
    NumericClass.EXACT: "exact: integer arithmetic, so every honest replica gives the same bytes",
    NumericClass.BOUNDED: "bounded: outputs within a registered error bound count as equal",
    NumericClass.TOKEN: "token: discrete outputs, compared as they are",
    NumericClass.OPAQUE: (
        "opaque: compared by digest only. Nobody can show a wrong result of this class, it is not audited; it rests on "
        "replicas that agree and on your acceptance"
    ),
}
_STAGES = {
    Stage.WAITING: "It waits in the pools for a match; nothing is locked.",
    Stage.EXPIRED: "It expired without a match; nothing was locked.",
    Stage.CANCELLED: "It was cancelled before a match; nothing was locked.",
    Stage.RUNNING: "It is matched; the providers compute.",
    Stage.RESULTS: "Every replica that is left has shown its result; the challenge window runs.",
    Stage.FINAL: "It is final.",
}


def explain(status: BatchStatus, money: Money) -> list[str]:
    """Sentences, in the order in which a person would ask."""
    said = [_STAGES[status.stage]]
    if status.terms is None:
        return said
    said.append(f"Class {_CLASSES[status.terms.numeric_class]}.")
    said += [_checked(status), *(_replica(status, replica, money) for replica in status.replicas)]
    if len(status.replicas) > 1:
        said.append("Replicas are no protection against one owner with several accounts.")
    if status.stage is Stage.FINAL:
        said.append(_refund(status, status.terms, money))
    return said


def split_rows(status: BatchStatus) -> list[dict[str, str]]:
    """Who received what of each payment, smallest units as text."""
    rows = []
    for replica in status.replicas:
        parts = split_of(status, replica)
        rows.append(
            {
                "provider_account": address(replica.provider), "paid": str(replica.paid),
                "provider": str(parts.provider), "creator": str(parts.creator), "matcher": str(parts.matcher),
                "settler": str(parts.settler), "treasury": str(parts.treasury),
            }
        )  # fmt: skip
    return rows


def agreement(status: BatchStatus) -> str:
    """One word for how the result was reached."""
    shown = [replica for replica in status.replicas if replica.shown]
    if any(replica.state == ReplicaState.ACCEPTED for replica in shown):
        return "accepted"
    if not shown:
        return "none"
    if status.dues is not None:
        return "resolved"
    if status.agreed is None:
        return "disagreement"
    equal = sum((replica.outputs_root, replica.total_units) == status.agreed for replica in shown)
    return "lone" if len(shown) == 1 else "all" if equal == len(shown) else "majority"


def _checked(status: BatchStatus) -> str:
    shown = sum(replica.shown for replica in status.replicas)
    words = {
        "accepted": "The requester accepted the result by signature: it was paid at once and earned no reputation.",
        "none": "No replica has shown a result yet."
        if status.stage is not Stage.FINAL
        else "No replica showed a result.",
        "resolved": "The replicas differ in some tasks, which were proven; those are paid by majority, else refunded.",
        "disagreement": "The replicas disagree: tasks in which they differ are shown and refunded unless most agree.",
        "lone": "One replica shows a result; nothing on the chain compares it with another.",
        "all": f"All {shown} replicas sealed their results before any was shown, and show the same root.",
        "majority": f"Two of {shown} replicas show the same root; the third is unpaid.",
    }
    return words[agreement(status)]


def _replica(status: BatchStatus, replica: ReplicaStatus, money: Money) -> str:
    who = address(replica.provider)
    states = {
        ReplicaState.PENDING: "computes",
        ReplicaState.COMMITTED: "has sealed its result",
        ReplicaState.REVEALED: f"shows root 0x{replica.outputs_root.hex()[:16]}... for {replica.total_units} units",
        ReplicaState.ACCEPTED: f"showed root 0x{replica.outputs_root.hex()[:16]}..., which was accepted",
        ReplicaState.WITHDRAWN: f"withdrew and lost {money(replica.penalty)} of its bond",
        ReplicaState.SILENT: f"fell silent and lost {money(replica.penalty)} of its bond",
        ReplicaState.CONVICTED: f"was convicted and lost {money(replica.penalty)}",
    }
    told = f"{who} (bond {money(replica.bond)}) {states[replica.state]}"
    if not replica.paid:
        return f"{told}{'; it was not paid' if status.stage is Stage.FINAL else ''}."
    parts = split_of(status, replica)
    creator = f", creator {money(parts.creator)}" if parts.creator else ""
    keepers = f"matcher {money(parts.matcher)}, settler {money(parts.settler)}, treasury {money(parts.treasury)}"
    return f"{told}; of {money(replica.paid)} the provider got {money(parts.provider)}{creator}, {keepers}."


def _refund(status: BatchStatus, terms: Terms, money: Money) -> str:
    locked = sum(price_locked(terms.count, terms.max_units, replica.price) for replica in status.replicas)
    return f"Locked for the price: {money(locked)}; returned to the requester: {money(locked - paid(status.replicas))}."


def paid(replicas: Sequence[ReplicaStatus]) -> int:
    """The sum of all payments."""
    return sum(replica.paid for replica in replicas)


def settler_of(status: BatchStatus) -> str | None:
    """Who ended the batch."""
    return None if status.settler in (b"", NOBODY) else address(status.settler)
