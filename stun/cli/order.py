"""`stun order`: orders before and after they are matched."""

from dataclasses import asdict
from typing import Any

import click
from stun_sdk import OrderUnknown, Quote, StunClient, Task, TaskResult
from stun_sdk.task import parse_id

from stun.cli.amounts import format_amount
from stun.cli.names import address, identity
from stun.cli.session import Session, pass_session
from stun.cli.task_options import make_task, task_options
from stun.protocol.messages import NOBODY, Order

_COLUMNS = ("order_id", "stage", "count", "replicas", "model_id", "expires_at")


@click.group()
def order() -> None:
    """Create, show, list and cancel orders."""


@order.command()
@task_options
@pass_session
def create(session: Session, /, **options: Any) -> None:
    """Order tasks of MODEL, one for each INPUT (a path), and return at once."""
    client = session.actor()
    task = make_task(client, **options)
    submitted = submit(session, client, task)
    if submitted is not None:
        record = order_record(submitted.order, submitted.batch_id)
        session.output.record(
            {"dry_run": False, **record}, f"{submitted.id}\nis in the pools; `stun batch watch` follows it"
        )


@order.command()
@click.argument("order_id")
@pass_session
def show(session: Session, order_id: str) -> None:
    """Show an order's terms and where it stands."""
    client = session.reader()
    digest = parse_id(order_id, "order_id")
    kept = client.find_kept(digest)
    if kept is None:
        raise OrderUnknown(digest)
    record = {**order_record(kept.envelope.order, digest), "stage": client.status(digest, kept).stage.value}
    session.output.record(record)


@order.command("list")
@click.option("--open", "only_open", is_flag=True, help="Orders of anybody that wait in the pools.")
@pass_session
def list_orders(session: Session, only_open: bool) -> None:
    """List the orders that were made on this machine."""
    client = session.reader()
    if only_open:
        envelopes = client.connection.pools.orders()
        rows = [order_record(e.order, e.order.digest(client.market.domain)) | {"stage": "waiting"} for e in envelopes]
    else:
        rows = [order_record(r.order, r.batch_id) | {"stage": r.status().stage.value} for r in client.orders()]
    session.output.rows("orders", rows, _COLUMNS, "no orders")


@order.command()
@click.argument("order_id")
@pass_session
def cancel(session: Session, order_id: str) -> None:
    """Use up an order's nonce, so that nobody can match it any more."""
    client = session.actor()
    digest = parse_id(order_id, "order_id")
    client.cancel(digest)
    session.done({"order_id": identity(digest)}, f"{identity(digest)} is cancelled")


def submit(session: Session, client: StunClient, task: Task) -> TaskResult | None:
    """Order a task; in a dry run only show what it would lock, and return None."""
    if not session.rehearsing:
        return client.submit_task(task)
    task.checked_requirements()
    offered = client.estimate(task)
    name = client.accounts.name_of(client.accounts.asset(task.asset or None))
    text = "\n".join(f"  {key.replace('_', ' ')}: {value}" for key, value in quote_record(offered).items())
    locks = f"dry run, nothing was sent: the order would lock at most {format_amount(offered.total, name)}\n{text}"
    session.output.record({"dry_run": True, "quote": quote_record(offered), "asset": name}, locks)
    return None


def quote_record(offered: Quote) -> dict[str, Any]:
    """A quote with stable keys; amounts as text."""
    whole = {"count", "replicas", "max_units", "audit_ppm"}
    record = {key: value if key in whole else str(value) for key, value in asdict(offered).items()}
    return record | {"total": str(offered.total)}


def order_record(signed: Order, digest: bytes) -> dict[str, Any]:
    """An order with stable keys; amounts as text."""
    return {
        "order_id": identity(digest), "requester": address(signed.requester), "model_id": identity(signed.model_id),
        "asset": address(signed.asset), "count": signed.count, "replicas": signed.replicas,
        "max_units": signed.max_units, "start_price": str(signed.start_price), "max_price": str(signed.max_price),
        "tip": str(signed.tip), "audit_ppm": signed.audit_ppm, "post_seconds": signed.post_seconds,
        "task_seconds": signed.task_seconds, "challenge_seconds": signed.challenge_seconds,
        "expires_at": signed.expires_at, "specs_root": identity(signed.specs_root),
        "listed_providers_only": signed.providers_root != NOBODY,
    }  # fmt: skip
