"""Disputes of one invocation: pursued or rehearsed, and how they stand in records and words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stun_sdk import StunClient

from stun.checking.challenger import Challenger
from stun.checking.charges import Charge, Search, make_charge, make_search
from stun.checking.estimate import Estimate
from stun.checking.examine import Finding, Found
from stun.checking.material import Material, Sources
from stun.checking.progress import Fate, Progress
from stun.checking.proven import describe, read_evidence
from stun.cli.checking import make_challenger, pursue, sender_of
from stun.cli.names import address, identity
from stun.cli.session import Session
from stun.protocol.court.evidence import Evidence
from stun.protocol.trees.results import Result

SHOWN_TASKS = 32


@dataclass(frozen=True)
class Disputing:
    """`budget` in native coin's smallest unit, `timeout` in seconds for each dispute."""

    session: Session
    client: StunClient
    budget: int
    timeout: float

    def dispute(self, charge: Charge) -> dict[str, Any]:
        """Pursue a charge, or rehearse its first act. Errors: NotBegun, NoCourt, ChainError."""
        challenger = make_challenger(self.session, self.client, charge.terms, self.budget)
        try:
            needed, progress = self._pursue(challenger, charge)
            sealed = challenger.store.sealed(charge.name)
        finally:
            challenger.store.close()
        return self._record(charge, charge.task, needed, progress, None if sealed is None else sealed.evidence)

    def search(
        self, sources: Sources, material: Material, replica: int, expected: Mapping[int, Result | None]
    ) -> dict[str, Any]:
        """Find the wrong one among withheld results, then pursue it. Errors: as `dispute`."""
        search = make_search(sources, material, replica, expected)
        challenger = make_challenger(self.session, self.client, search.terms, self.budget)
        try:
            needed, progress = self._pursue(challenger, search)
            task = challenger.found(search) if progress.fate is Fate.FOUND else None
        finally:
            challenger.store.close()
        if task is None:
            return self._record(search, None, needed, progress, None)
        return self.dispute(make_charge(sources, material, replica, task))

    def _pursue(self, challenger: Challenger, charge: Charge | Search) -> tuple[Estimate, Progress]:
        note = self.session.output.note
        needed = challenger.estimate(charge)
        note(describe_estimate(charge, needed))
        patience = 0.0 if self.session.rehearsing else self.timeout
        sender, pause = sender_of(self.session, self.client), self.client.settings.poll_seconds
        return needed, pursue(challenger, charge, sender, lambda told: note(f"  {told.said}"), pause, patience)

    def _record(
        self, charge: Charge | Search, task: int | None, needed: Estimate, progress: Progress, evidence: Evidence | None
    ) -> dict[str, Any]:
        """How a charge stands, with stable keys; amounts of native coin as text in its smallest unit."""
        rehearsal = self.session.rehearsal
        return {
            "batch_id": identity(charge.batch_id), "replica": charge.replica,
            "provider": address(charge.terms.casts[charge.replica].provider), "task": task,
            "fate": progress.fate.value, "said": progress.said,
            "demands_at_most": needed.demands, "seconds_at_most": needed.seconds,
            "deposits_at_most": str(needed.deposits), "fees_at_most": str(needed.fees),
            "proven": None if evidence is None else asdict(read_evidence(evidence)),
            "proven_words": None if evidence is None else describe(read_evidence(evidence)),
            "would": [] if rehearsal is None else rehearsal.told,
        }  # fmt: skip


def audit_record(
    material: Material, found: Sequence[Found], tasks: int, roots: Mapping[int, Finding]
) -> dict[str, Any]:  # fmt: skip
    """What was found, with stable keys."""
    rows = []
    for claim in material.claims:
        mine = [item for item in found if item.replica == claim.replica]
        counts = {finding.value: sum(item.finding is finding for item in mine) for finding in Finding}
        wrong = [_wrong_row(item) for item in mine if item.finding is Finding.WRONG]
        who = {"replica": claim.replica, "provider": address(claim.provider)}
        rows.append(who | counts | {"root": roots[claim.replica].value, "wrong_tasks": wrong})
    return {
        "batch_id": identity(material.batch_id), "class": material.terms.numeric_class.name.lower(),
        "count": material.terms.count, "checked": tasks, "path": material.model.path, "replicas": rows,
    }  # fmt: skip


def describe_audit(record: Mapping[str, Any], disputes: Sequence[Mapping[str, Any]]) -> str:
    """What was found, in words."""
    lines = [f"{record['checked']} of {record['count']} tasks run again on this machine ({record['path']} path)"]
    for row in record["replicas"]:
        told = ", ".join(f"{row[finding.value]} {finding.value}" for finding in Finding if row[finding.value])
        lines.append(f"replica {row['replica']} {row['provider']}: {told}")
        lines += [_wrong_words(wrong) for wrong in row["wrong_tasks"][:SHOWN_TASKS]]
        if row["unknown"] and row["root"] == Finding.WRONG:
            lines.append(
                "  its root is not the right one, so a result that it withholds is wrong: `--challenge` finds it"
            )
        elif row["unknown"]:
            lines.append("  unknown results are not published: `stun batch dispute` demands them before the court")
    return "\n".join([*lines, *(describe_dispute(dispute) for dispute in disputes)])


def describe_dispute(record: Mapping[str, Any]) -> str:
    """How a dispute stands, in words."""
    about = "withheld results" if record["task"] is None else f"task {record['task']}"
    words = [f"dispute about {about} of {record['provider']}: {record['fate']} ({record['said']})"]
    if record["proven_words"]:
        words.append(f"  {record['proven_words']}")
    for told in record["would"]:
        coin = format_coin(int(told["value"]))
        words.append(f"  dry run, nothing was sent: {told['act']} with {coin}: {told['simulation']}")
    return "\n".join(words)


def describe_estimate(charge: Charge | Search, needed: Estimate) -> str:
    """What a dispute takes at most, in words."""
    what = f"a dispute about task {charge.task}" if isinstance(charge, Charge) else "a search for the wrong result"
    return (
        f"{what} of replica {charge.replica} takes at most {needed.demands} demands, {needed.seconds} s, "
        f"{format_coin(needed.deposits)} of deposits (back with a conviction) and {format_coin(needed.fees)} of fees"
    )


def format_coin(value: int) -> str:
    """Native coin, exactly."""
    whole, part = divmod(value, 10**18)
    return f"{whole}.{part:018d}".rstrip("0").rstrip(".") + " of native coin"


def _wrong_words(wrong: Mapping[str, Any]) -> str:
    expected, claimed = wrong["expected"], wrong["claimed"]
    return (
        f"  task {wrong['task']} is wrong: it claims {claimed['digest']} for {claimed['units']} units, "
        f"right are {expected['digest']} for {expected['units']}"
    )


def _wrong_row(item: Found) -> dict[str, Any]:
    assert item.expected is not None, "what is wrong was run again"
    assert item.claimed is not None, "what is wrong is known"
    return {
        "task": item.task,
        "expected": {"digest": identity(item.expected.output_digest), "units": item.expected.units},
        "claimed": {"digest": identity(item.claimed.output_digest), "units": item.claimed.units},
    }
