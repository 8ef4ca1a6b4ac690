"""`stun batch audit` and `stun batch dispute`: run a batch's tasks again, and take a wrong one to the court."""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import click
from stun_sdk import SettingsInvalid, StunClient, TaskInvalid
from stun_sdk.network import parse_account
from stun_sdk.task import parse_id

from stun.checking.charges import Charge, make_charge
from stun.checking.estimate import Estimate
from stun.checking.examine import Finding, Found, examine
from stun.checking.material import Material, gather
from stun.checking.progress import Fate, Progress
from stun.checking.proven import describe, read_evidence
from stun.cli.checking import make_challenger, pursue, sender_of, sources_of
from stun.cli.exits import WRONG
from stun.cli.names import address, identity
from stun.cli.session import Session, pass_session
from stun.protocol.court.evidence import Evidence

_COIN = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,18}))?")
_SHOWN_TASKS = 32

_budget = click.option(
    "--budget", default="0.1", show_default=True, metavar="COIN",
    help="Most native coin that open disputes may need together, deposits included.",
)  # fmt: skip
_timeout = click.option(
    "--timeout", type=click.FloatRange(0), default=86_400.0, show_default=True,
    help="Seconds to pursue a dispute; run the command again to go on.",
)  # fmt: skip


@click.command()
@click.argument("batch_id")
@click.option("--tasks", "wanted", default="all", show_default=True, help="How many tasks to run again, or all.")
@click.option("--challenge", is_flag=True, help="Take a wrong task of each wrong replica to the court.")
@_budget
@_timeout
@pass_session
def audit(session: Session, batch_id: str, wanted: str, challenge: bool, budget: str, timeout: float) -> None:
    """Run tasks of a batch again on this machine and compare every replica's results.

    Exit code 11 if a result is wrong and its replica is not convicted.
    """
    limit = parse_coin(budget)
    client = session.actor() if challenge else session.reader()
    sources = sources_of(client)
    material = gather(sources, parse_id(batch_id, "batch_id"))
    count = material.terms.count
    tasks = pick_tasks(wanted, count)
    expected = material.run(tasks, lambda done: session.output.note(f"{done} of {len(tasks)} tasks run again"))
    found = examine(material.claims, expected, count, material.tasks.private)
    wrong = first_wrong(found)
    disputes = [
        dispute_record(session, client, make_charge(sources, material, item.replica, item.task), limit, timeout)
        for item in (wrong if challenge else ())
    ]
    record = audit_record(material, found, len(tasks)) | {"disputes": disputes, "dry_run": session.rehearsing}
    session.output.record(record, describe_audit(material, found, len(tasks), disputes))
    convicted = sum(row["fate"] == Fate.CONVICTED for row in disputes)
    if len(wrong) > convicted:
        click.get_current_context().exit(WRONG)


@click.command()
@click.argument("batch_id")
@click.option("--replica", required=True, help="The provider's address, or the replica's number from 0.")
@click.option("--task", type=click.IntRange(0), required=True, help="The task to dispute, from 0.")
@_budget
@_timeout
@pass_session
def dispute(session: Session, batch_id: str, replica: str, task: int, budget: str, timeout: float) -> None:
    """Take one task of one replica to the court, also one whose result is withheld.

    Run it again to go on after an interruption: nothing is sent twice. Exit code 11 if it ends without a conviction.
    """
    limit = parse_coin(budget)
    client = session.actor()
    sources = sources_of(client)
    material = gather(sources, parse_id(batch_id, "batch_id"))
    charge = make_charge(sources, material, replica_of(material, replica), task)
    record = dispute_record(session, client, charge, limit, timeout)
    session.output.record(record | {"dry_run": session.rehearsing}, describe_dispute(record))
    if not session.rehearsing and record["fate"] not in (Fate.CONVICTED, Fate.RIGHT):
        click.get_current_context().exit(WRONG)


def dispute_record(session: Session, client: StunClient, charge: Charge, budget: int, timeout: float) -> dict[str, Any]:
    """Pursue a charge, or rehearse its first act. Errors: NotBegun, NoCourt, ChainError."""
    challenger = make_challenger(session, client, charge.terms, budget)
    needed = challenger.estimate(charge)
    sender = sender_of(session, client)
    session.output.note(describe_estimate(charge, needed))
    patience = 0.0 if session.rehearsing else timeout
    tell = lambda progress: session.output.note(f"  {progress.said}")  # noqa: E731
    try:
        progress = pursue(challenger, charge, sender, tell, client.settings.poll_seconds, patience)
        sealed = challenger.store.sealed(charge.name)
    finally:
        challenger.store.close()
    would = session.rehearsal.told if session.rehearsal is not None else []
    return charge_record(charge, needed, progress, None if sealed is None else sealed.evidence) | {"would": would}


def charge_record(charge: Charge, needed: Estimate, progress: Progress, evidence: Evidence | None) -> dict[str, Any]:
    """How a charge stands, with stable keys; amounts of native coin as text in its smallest unit."""
    proven = None if evidence is None else asdict(read_evidence(evidence))
    return {
        "batch_id": identity(charge.batch_id), "replica": charge.replica, "provider": address(charge.own.account),
        "task": charge.task, "fate": progress.fate.value, "said": progress.said,
        "demands_at_most": needed.demands, "seconds_at_most": needed.seconds,
        "deposits_at_most": str(needed.deposits), "fees_at_most": str(needed.fees), "proven": proven,
        "proven_words": None if evidence is None else describe(read_evidence(evidence)),
    }  # fmt: skip


def audit_record(material: Material, found: Sequence[Found], tasks: int) -> dict[str, Any]:
    """What was found, with stable keys."""
    rows = []
    for claim in material.claims:
        mine = [item for item in found if item.replica == claim.replica]
        counts = {finding.value: sum(item.finding is finding for item in mine) for finding in Finding}
        wrong = [_wrong_row(item) for item in mine if item.finding is Finding.WRONG]
        rows.append({"replica": claim.replica, "provider": address(claim.provider), **counts, "wrong_tasks": wrong})
    return {
        "batch_id": identity(material.batch_id), "class": material.terms.numeric_class.name.lower(),
        "count": material.terms.count, "checked": tasks, "path": material.model.path, "replicas": rows,
    }  # fmt: skip


def describe_audit(
    material: Material, found: Sequence[Found], tasks: int, disputes: Iterable[dict[str, Any]]
) -> str:  # fmt: skip
    """What was found, in words."""
    lines = [f"{tasks} of {material.terms.count} tasks run again on this machine ({material.model.path} path)"]
    for row in audit_record(material, found, tasks)["replicas"]:
        told = ", ".join(f"{row[finding.value]} {finding.value}" for finding in Finding if row[finding.value])
        lines.append(f"replica {row['replica']} {row['provider']}: {told}")
        for wrong in row["wrong_tasks"][:_SHOWN_TASKS]:
            expected, claimed = wrong["expected"], wrong["claimed"]
            lines.append(
                f"  task {wrong['task']} is wrong: it claims {claimed['digest']} for {claimed['units']} units, "
                f"right are {expected['digest']} for {expected['units']}"
            )
        if row["unknown"]:
            lines.append("  unknown results are not published: `stun batch dispute` demands them before the court")
    return "\n".join([*lines, *(describe_dispute(record) for record in disputes)])


def describe_dispute(record: dict[str, Any]) -> str:
    """How a dispute stands, in words."""
    words = [f"dispute about task {record['task']} of {record['provider']}: {record['fate']} ({record['said']})"]
    if record["proven_words"]:
        words.append(f"  {record['proven_words']}")
    for told in record["would"]:
        coin = format_coin(int(told["value"]))
        words.append(f"  dry run, nothing was sent: {told['act']} with {coin}: {told['simulation']}")
    return "\n".join(words)


def describe_estimate(charge: Charge, needed: Estimate) -> str:
    """What a dispute takes at most, in words."""
    return (
        f"a dispute about task {charge.task} of replica {charge.replica} takes at most {needed.demands} demands, "
        f"{needed.seconds} s, {format_coin(needed.deposits)} of deposits (back with a conviction) and "
        f"{format_coin(needed.fees)} of fees"
    )


def pick_tasks(wanted: str, count: int) -> list[int]:
    """The tasks to run again: all, or so many that nobody could foresee. Errors: TaskInvalid."""
    if wanted == "all":
        return list(range(count))
    if not wanted.isdecimal() or len(wanted) > 6 or int(wanted) == 0:
        raise TaskInvalid("tasks", f"{wanted[:20]!r} is neither a number of tasks nor all")
    return sorted(secrets.SystemRandom().sample(range(count), min(int(wanted), count)))


def first_wrong(found: Sequence[Found]) -> list[Found]:
    """One wrong task of each wrong replica: one conviction ends it."""
    chosen: dict[int, Found] = {}
    for item in found:
        if item.finding is Finding.WRONG:
            chosen.setdefault(item.replica, item)
    return list(chosen.values())


def replica_of(material: Material, text: str) -> int:
    """A replica by its number or its provider's address. Errors: TaskInvalid."""
    casts = material.terms.casts
    if text.isdecimal() and len(text) <= 2:
        if int(text) < len(casts):
            return int(text)
        raise TaskInvalid("replica", f"the batch has replicas 0 to {len(casts) - 1}")
    try:
        account = parse_account(text, "replica")
    except SettingsInvalid as error:
        raise TaskInvalid("replica", "needs a number from 0, or an address in hex, 20 bytes") from error
    for number, cast in enumerate(casts):
        if cast.provider == account:
            return number
    raise TaskInvalid("replica", f"{address(account)} is no provider of this batch")


def parse_coin(text: str) -> int:
    """Native coin as people write it, in its smallest unit. Errors: TaskInvalid."""
    found = _COIN.fullmatch(text.strip())
    if found is None:
        raise TaskInvalid("budget", f'{text[:40]!r} is no amount of native coin: write "0.1"')
    return int(found[1]) * 10**18 + int((found[2] or "").ljust(18, "0"))


def format_coin(value: int) -> str:
    """Native coin, exactly."""
    whole, part = divmod(value, 10**18)
    return f"{whole}.{part:018d}".rstrip("0").rstrip(".") + " of native coin"


def _wrong_row(item: Found) -> dict[str, Any]:
    assert item.expected is not None, "what is wrong was run again"
    assert item.claimed is not None, "what is wrong is known"
    return {
        "task": item.task,
        "expected": {"digest": identity(item.expected.output_digest), "units": item.expected.units},
        "claimed": {"digest": identity(item.claimed.output_digest), "units": item.claimed.units},
    }
