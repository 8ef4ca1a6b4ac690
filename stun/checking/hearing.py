"""What the court's events say about one replica, and what a challenger does next about a charge. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stun.chains.market import ChainEvent
from stun.checking.charges import Charge, Search
from stun.disputes.leaves import Shown, Wrong, find_result, find_wrong
from stun.disputes.prosecution import Suspect, next_step
from stun.disputes.seen import Record, Seen
from stun.disputes.steps import AskTrace, Step
from stun.protocol.court.actions import Parent
from stun.protocol.court.state import Announcement, Case, Demand
from stun.protocol.trees.results import Result


@dataclass(frozen=True)
class Hearing:
    """Demands on one replica and their answers, in order; proven cases by task; announcements on the batch that wait.

    `opened` says of evidence that was opened whether it convicted; `lapsed` was not opened in time.
    """

    seen: tuple[Seen, ...] = ()
    cases: Mapping[int, Case] = field(default_factory=dict)
    announced: Mapping[bytes, Announcement] = field(default_factory=dict)
    opened: Mapping[bytes, bool] = field(default_factory=dict)
    lapsed: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """The next step, the replica's result as far as it is known, and the answer that showed it."""

    step: Step | Wrong
    result: Result | None = None
    parent: Parent | None = None


def hear(events: Iterable[ChainEvent], batch_id: bytes, replica: int) -> Hearing:
    """Take in the court's events of a batch, in the chain's order."""
    record, cases = Record(), {}
    announced: dict[bytes, Announcement] = {}
    opened: dict[bytes, bool] = {}
    lapsed: set[bytes] = set()
    for event in events:
        record.take(event.name, event.fields)
        if event.name == "Demanded" and event.fields.get("case") is not None:
            case: Case = event.fields["case"]
            if (case.batch_id, case.replica) == (batch_id, replica):
                cases[case.task] = case
        elif event.name == "ChallengeAnnounced":
            announced[event.fields["digest"]] = event.fields["announcement"]
        elif event.name == "ChallengeOpened":
            announced.pop(event.fields["digest"], None)
            opened[event.fields["digest"]] = event.fields["wrong"]
        elif event.name == "ChallengeLapsed":
            announced.pop(event.fields["digest"], None)
            lapsed.add(event.fields["digest"])
    place = batch_id, replica
    seen = tuple(item for item in record.seen if (item.demand.batch_id, item.demand.replica) == place)
    return Hearing(seen, cases, announced, opened, frozenset(lapsed))


def decide(charge: Charge | Search, hearing: Hearing, stale: frozenset[Demand] = frozenset()) -> Decision:
    """What to do next about a charge; answers to `stale` demands can be followed no more.

    Whoever demanded something, its answer serves everybody.
    """
    seen = [item for item in hearing.seen if item.demand not in stale]
    if isinstance(charge, Search):
        return Decision(find_wrong(charge.own, seen))
    result, parent = _known_result(charge, hearing), None
    if result is None:
        found = find_result(charge.task, charge.terms.count, seen)
        if not isinstance(found, Shown):
            return Decision(found)
        result, parent = found.result, found.parent
    step = next_step(Suspect(charge.graph, charge.own, charge.case(result)), hearing.seen)
    return Decision(step, result, parent if isinstance(step, AskTrace) else None)


def _known_result(charge: Charge, hearing: Hearing) -> Result | None:
    """The result under charge: published, or proven to the court when somebody demanded the task's trace."""
    if charge.leaf is not None:
        return Result(charge.leaf.output_digest, charge.leaf.units)
    case = hearing.cases.get(charge.task)
    return None if case is None else Result(case.output_digest, case.units)
