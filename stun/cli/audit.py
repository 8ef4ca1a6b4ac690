"""`stun batch audit` and `stun batch dispute`: run a batch's tasks again, and take a wrong one to the court."""

import re
import secrets
from collections.abc import Sequence

import click
from stun_sdk import SettingsInvalid, TaskInvalid
from stun_sdk.network import parse_account
from stun_sdk.task import parse_id

from stun.checking.charges import make_charge
from stun.checking.examine import Finding, Found, examine, judge_root
from stun.checking.material import Material, gather
from stun.checking.progress import Fate
from stun.cli.checking import sources_of
from stun.cli.disputing import Disputing, audit_record, describe_audit, describe_dispute
from stun.cli.exits import WRONG
from stun.cli.names import address
from stun.cli.session import Session, pass_session

_COIN = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,18}))?")

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
    roots = {claim.replica: judge_root(claim, expected, count, material.tasks.private) for claim in material.claims}
    wrong = first_wrong(found)
    hidden = [claim.replica for claim in material.claims if roots[claim.replica] is Finding.WRONG and not claim.tree]
    disputes = []
    if challenge:
        court = Disputing(session, client, limit, timeout)
        charges = (make_charge(sources, material, item.replica, item.task) for item in wrong)
        disputes = [court.dispute(charge) for charge in charges]
        disputes += [court.search(sources, material, replica, expected) for replica in hidden]
    record = audit_record(material, found, len(tasks), roots)
    session.output.record(
        record | {"disputes": disputes, "dry_run": session.rehearsing}, describe_audit(record, disputes)
    )
    convicted = sum(row["fate"] == Fate.CONVICTED for row in disputes)
    if len(wrong) + len(hidden) > convicted:
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
    record = Disputing(session, client, limit, timeout).dispute(charge)
    session.output.record(record | {"dry_run": session.rehearsing}, describe_dispute(record))
    if not session.rehearsing and record["fate"] not in (Fate.CONVICTED, Fate.RIGHT):
        click.get_current_context().exit(WRONG)


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
