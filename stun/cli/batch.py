"""`stun batch`: matched orders, told from the chain alone."""

import time
from typing import Any

import click
from stun_sdk import BatchStatus, NotReady, OrderUnknown, Stage, StunClient
from stun_sdk.task import parse_id

from stun.cli.amounts import format_amount
from stun.cli.audit import audit, dispute
from stun.cli.explain import Money, agreement, explain, settler_of, split_rows
from stun.cli.names import address, identity
from stun.cli.session import Session, pass_session
from stun.cli.trial import explain_trial, read_trial, trial_record


@click.group()
def batch() -> None:
    """Show, watch, check and dispute batches."""


batch.add_command(audit)
batch.add_command(dispute)


@batch.command()
@click.argument("batch_id")
@pass_session
def show(session: Session, batch_id: str) -> None:
    """Show how a batch's result was checked, and who was paid what."""
    client = session.reader()
    status = _known(client, parse_id(batch_id, "batch_id"))
    trial = read_trial(client, status)
    lines = explain_trial(status, trial, client.market.now(), money_of(client, status))
    words = "\n".join([describe(client, status), *(f"  {line}" for line in lines)])
    session.output.record(batch_record(status) | {"court": trial_record(trial)}, words)


@batch.command()
@click.argument("batch_id")
@click.option("--timeout", type=click.FloatRange(0), default=3_600.0, show_default=True, help="Seconds to watch.")
@click.option("--until", type=click.Choice(["results", "final"]), default="final", show_default=True)
@pass_session
def watch(session: Session, batch_id: str, timeout: float, until: str) -> None:
    """Print a batch each time it changes, until it is final."""
    client = session.reader()
    digest = parse_id(batch_id, "batch_id")
    deadline = time.monotonic() + timeout
    last: BatchStatus | None = None
    while True:
        status = _known(client, digest)
        if last is None or _changed(last, status):
            session.output.record(batch_record(status), describe(client, status))
            last = status
        if status.done or (until == "results" and status.stage is Stage.RESULTS):
            return
        if time.monotonic() >= deadline:
            raise NotReady(digest, status.stage, timeout)
        time.sleep(client.settings.poll_seconds)


def batch_record(status: BatchStatus) -> dict[str, Any]:
    """A batch with stable keys; amounts as text."""
    terms = status.terms
    return {
        "batch_id": identity(status.batch_id), "stage": status.stage.value, "block": status.head,
        "model_id": identity(status.model_id) if status.model_id else None,
        "class": None if terms is None else terms.numeric_class.name.lower(),
        "requester": None if terms is None else address(terms.requester),
        "asset": None if terms is None else address(terms.asset),
        "count": None if terms is None else terms.count,
        "opened_at": None if terms is None else terms.opened_at,
        "post_by": None if terms is None else terms.post_by,
        "agreement": agreement(status), "outputs_root": identity(status.agreed[0]) if status.agreed else None,
        "total_units": status.agreed[1] if status.agreed else None,
        "dues": None if status.dues is None else list(status.dues), "settler": settler_of(status),
        "replicas": [_replica(replica) for replica in status.replicas],
        "split": split_rows(status) if terms is not None else [],
        "transactions": {name: identity(hash_) for name, hash_ in status.transactions.items()},
    }  # fmt: skip


def describe(client: StunClient, status: BatchStatus) -> str:
    """A batch in words."""
    lines = explain(status, money_of(client, status))
    return "\n".join([f"batch {identity(status.batch_id)}", *(f"  {line}" for line in lines)])


def money_of(client: StunClient, status: BatchStatus) -> Money:
    """How amounts of a batch's asset are written."""
    name = "STUN" if status.terms is None else client.accounts.name_of(status.terms.asset)
    return lambda amount: format_amount(amount, name)


def _replica(replica: Any) -> dict[str, Any]:
    return {
        "provider": address(replica.provider), "state": replica.state.name.lower(), "price": str(replica.price),
        "bond": str(replica.bond), "matcher": address(replica.matcher),
        "outputs_root": identity(replica.outputs_root) if replica.outputs_root else None,
        "total_units": replica.total_units, "paid": str(replica.paid), "penalty": str(replica.penalty),
    }  # fmt: skip


def _known(client: StunClient, digest: bytes) -> BatchStatus:
    """How an order or batch stands. Errors: OrderUnknown when neither chain nor pools nor this machine know it."""
    status = client.status(digest, client.find_kept(digest))
    if status.terms is None and client.find_kept(digest) is None:
        raise OrderUnknown(digest)
    return status


def _changed(before: BatchStatus, after: BatchStatus) -> bool:
    facts = [(s.stage, s.replicas, s.dues) for s in (before, after)]
    return facts[0] != facts[1]
