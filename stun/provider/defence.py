"""The provider before a court: it answers every demand on its replicas, and takes what sham demands leave behind.

Nothing is concluded from one look: each cycle asks the court how many demands wait, reads them where it knows of fewer,
and sends what it owes under a key that belongs to the demand, so that a restart repeats nothing and forgets nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stun.chains.court import CourtReader
from stun.chains.interface import ChainError, Intent, IntentConflict, IntentState
from stun.disputes.defence import Answer, NotOurs, answer
from stun.protocol.court.state import Demand, Stage
from stun.protocol.errors import Rejected
from stun.protocol.market.state import Phase, ReplicaState
from stun.provider.context import ProviderContext
from stun.provider.docket import Entry, Fate, digest_of
from stun.provider.keeping import Keeping, Unanswerable
from stun.provider.standing import Standing

PREPARED_BELOW_SECONDS = 300
ANSWER = "answer"  # the name of these attempts in the journal
_FATES = {Stage.OPEN: Fate.OPEN, Stage.ANSWERED: Fate.ANSWERED, Stage.CLOSED: Fate.CLOSED, None: Fate.GONE}
_FAILED = (IntentState.FAILED, IntentState.REPLACED)
_EXPLAINED = ("court: answered", "court: replica", "court: late")  # refusals that the next look at the court explains


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open demand as the owner sees it: seconds left, and why it cannot be answered (empty if it can)."""

    batch_id: bytes
    kind: str
    left: int
    obstacle: str
    pressing: bool


class Defence:
    """Answers demands. What fails for one batch is due again in the next cycle."""

    def __init__(self, context: ProviderContext, keeping: Keeping) -> None:
        self._context = context
        self._docket = context.journal.docket
        self._keeping = keeping
        self._answers: dict[bytes, Answer] = {}
        self._obstacles: dict[bytes, str] = {}
        self._pressed: set[bytes] = set()
        self._prepared: set[bytes] = set()

    def attend(self, standing: Standing) -> None:
        """Answer what waits on this provider's replica of one batch. Errors: ChainError, PoolError."""
        mine = standing.stored.replicas[standing.replica].state
        court = self._context.courts.of(standing.terms) if self._context.courts is not None else None
        if court is None or (standing.stored.phase, mine) != (Phase.RESULTS, ReplicaState.REVEALED):
            return
        self._prepare(court, standing)
        known = self._docket.entries(Fate.OPEN, Fate.MISSED, batch_id=standing.batch_id)
        self._look(court, known, standing.now)  # a missed one too: a reorganisation may have brought its answer in time
        waiting = court.open_demands(standing.batch_id, standing.replica)
        if waiting > self._count_known(standing):
            self._read(court, standing, waiting)
        for entry in self._docket.entries(Fate.OPEN, batch_id=standing.batch_id):
            self._answer(court, standing, entry)

    def waiting(self, now: int) -> tuple[Waiting, ...]:
        """Every open demand, the first due first."""
        return tuple(
            Waiting(
                entry.batch_id, entry.demand.kind.name.lower(), entry.demand.due - now,
                self._obstacles.get(entry.digest, ""), entry.is_pressing(now),
            )
            for entry in self._docket.entries(Fate.OPEN)
        )  # fmt: skip

    def _prepare(self, court: CourtReader, standing: Standing) -> None:
        """Once a batch, where answers are due within minutes: load its model before anybody asks."""
        if standing.batch_id in self._prepared:
            return
        self._prepared.add(standing.batch_id)
        try:
            if court.duties(standing.terms)["answer_seconds"] < PREPARED_BELOW_SECONDS:
                self._keeping.prepare(standing)
        except Unanswerable as error:
            self._context.log.error("cannot_defend", batch=standing.batch_id.hex(), reason=str(error))

    def _look(self, court: CourtReader, entries: Iterable[Entry], now: int) -> None:
        """Note what became of demands since the last cycle."""
        for entry in entries:
            fate = _FATES[court.stage(entry.demand)]
            if fate is Fate.OPEN and now >= entry.demand.due:
                fate = Fate.MISSED
            self._note(entry.demand, fate)

    def _note(self, demand: Demand, fate: Fate) -> None:
        if not self._docket.mark(demand, fate):
            return
        self._answers.pop(digest_of(demand), None)
        self._obstacles.pop(digest_of(demand), None)
        about = {"batch": demand.batch_id.hex(), "kind": demand.kind.name.lower(), "task": demand.task}
        if fate is Fate.MISSED:
            self._context.log.error("demand_missed", **about, due=demand.due)
        else:
            self._context.log.info(f"demand_{fate}", **about)

    def _read(self, court: CourtReader, standing: Standing, waiting: int) -> None:
        """Take in the batch's demands from the court's events; those of other replicas are not this provider's."""
        events = court.events(0, self._context.reader.head(), standing.batch_id)
        demands = [event.fields["demand"] for event in events if event.name == "Demanded"]
        for demand in demands:
            if (demand.replica, demand.provider) != (standing.replica, self._context.account):
                continue
            stage = court.stage(demand)
            if stage is Stage.OPEN and self._docket.enter(demand, standing.now):
                self._tell(demand, standing.now)
            elif stage is Stage.OPEN and standing.now < demand.due:
                self._docket.mark(demand, Fate.OPEN)
        known = self._count_known(standing)
        if known < waiting:
            self._context.log.error("demands_hidden", batch=standing.batch_id.hex(), waiting=waiting, shown=known)

    def _count_known(self, standing: Standing) -> int:
        return len(self._docket.entries(Fate.OPEN, Fate.MISSED, batch_id=standing.batch_id))

    def _tell(self, demand: Demand, now: int) -> None:
        self._context.log.warning(
            "demanded", batch=demand.batch_id.hex(), kind=demand.kind.name.lower(), task=demand.task,
            left=demand.due - now, asker=demand.asker.hex(),
        )  # fmt: skip

    def _answer(self, court: CourtReader, standing: Standing, entry: Entry) -> None:
        """Send the answer, or tell why that is not possible; tried again until the demand is due."""
        self._press(entry, standing.now)
        attempt, not_before = self._context.journal.attempt(entry.digest, ANSWER)
        if standing.now < not_before and not entry.is_pressing(standing.now):
            return
        try:
            intent = self._send(court, standing, entry, f"provider:{ANSWER}:{entry.digest.hex()}:{attempt}")
        except IntentConflict:
            self._retry(entry, standing.now, 0)
        except Rejected as error:
            self._refused(entry, standing.now, error.code)
        except ChainError as error:
            self._hinder(entry, standing.now, str(error))  # the same key is tried again
        except (NotOurs, Unanswerable) as error:
            self._fail(entry, standing.now, str(error))
        else:
            self._sent(entry, standing.now, intent)

    def _send(self, court: CourtReader, standing: Standing, entry: Entry, key: str) -> Intent:
        writer = None if self._context.courts is None else self._context.courts.writer(court)
        if writer is None:
            raise Unanswerable("no key is configured, so nothing is sent")
        if entry.digest not in self._answers:
            self._answers[entry.digest] = answer(self._keeping.kept(standing), entry.demand, writer.account)
        self._context.on_step(f"{ANSWER}:begin")
        intent = writer.act(key, self._answers[entry.digest], standing.terms)
        self._context.on_step(f"{ANSWER}:end")
        return intent

    def _sent(self, entry: Entry, now: int, intent: Intent) -> None:
        if intent.state in _FAILED or intent.ok is False:
            self._refused(entry, now, intent.reason or str(intent.state))
        elif intent.reason:
            self._hinder(entry, now, intent.reason)  # a cap on fees, a node that takes nothing: the sender goes on
        else:
            self._obstacles.pop(entry.digest, None)

    def _refused(self, entry: Entry, now: int, reason: str) -> None:
        """The court took no answer: because another one came first, or time is over, or ours is no answer."""
        if reason in _EXPLAINED:
            self._retry(entry, now, self._context.settings.retry_seconds)
        else:
            self._fail(entry, now, reason)

    def _fail(self, entry: Entry, now: int, reason: str) -> None:
        self._retry(entry, now, self._context.settings.retry_seconds)
        self._hinder(entry, now, reason)

    def _hinder(self, entry: Entry, now: int, reason: str) -> None:
        """Tell the owner, once for each reason, that a demand waits and why."""
        if self._obstacles.get(entry.digest) == reason:
            return
        self._obstacles[entry.digest] = reason
        self._context.log.error(
            "demand_not_answered", batch=entry.batch_id.hex(), kind=entry.demand.kind.name.lower(),
            task=entry.demand.task, left=entry.demand.due - now, reason=reason,
        )  # fmt: skip

    def _retry(self, entry: Entry, now: int, wait: int) -> None:
        self._context.journal.next_attempt(entry.digest, ANSWER, now, wait)

    def _press(self, entry: Entry, now: int) -> None:
        """Warn once when half of the time is over."""
        if entry.is_pressing(now) and entry.digest not in self._pressed:
            self._pressed.add(entry.digest)
            self._context.log.error("demand_pressing", batch=entry.batch_id.hex(), left=entry.demand.due - now)
