"""Deposits of demands that came to nothing: the provider's once its batch is final, taken where worth the fees.

Looked after once in ten minutes a demand, for thirty days: a deposit that is not worth claiming today may be tomorrow.
"""

from collections.abc import Callable

from stun.chains.court import CourtReader, Courts
from stun.protocol.court.actions import Action, ClaimDeposit, TakeCredit
from stun.protocol.court.state import Stage
from stun.protocol.errors import Rejected
from stun.provider.context import ProviderContext
from stun.provider.docket import Entry, Fate

LOOK_SECONDS = 600
GIVEN_UP_SECONDS = 30 * 86_400
WORTH = 2  # a deposit is claimed, and a credit taken, if it is this many times its fees
CREDIT = b"credit"  # looked after as demands are
CLAIM, TAKE = "claim", "take"  # the names of these attempts in the journal


class Deposits:
    """Collects what courts owe this provider: those of its batches, and the one of the version in force."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._docket = context.journal.docket
        self._looked_at: dict[bytes, int] = {}
        self._courts: dict[bytes, CourtReader] = {}

    def collect(self) -> None:
        """Claim deposits of batches that are over, and take the credit out. Errors: ChainError."""
        if self._context.courts is None or self._context.writer is None:
            return
        now, active = self._context.reader.now(), self._context.journal.active()
        for entry in self._docket.entries(Fate.ANSWERED, Fate.OPEN, Fate.MISSED):
            if entry.batch_id not in active and self._is_due(entry.digest, now):
                self._settle(self._context.courts, entry, now)
        if self._is_due(CREDIT, now):
            self._take_all(self._context.courts)

    def _is_due(self, name: bytes, now: int) -> bool:
        due = now >= self._looked_at.get(name, now - LOOK_SECONDS) + LOOK_SECONDS
        if due:
            self._looked_at[name] = now
        return due

    def _settle(self, courts: Courts, entry: Entry, now: int) -> None:
        """See to one deposit; where the batch's version names no court any more, there is none to see to."""
        demand = entry.demand
        court = courts.of(self._context.reader.terms(entry.batch_id))
        stage = None if court is None else court.stage(demand)
        if court is None or stage is None:
            self._docket.mark(demand, Fate.GONE)
            return
        self._courts[court.account] = court
        lost = court.was_convicted(demand.batch_id, demand.replica)
        if stage is Stage.CLOSED or lost or now >= demand.due + GIVEN_UP_SECONDS:
            self._docket.mark(demand, Fate.CLOSED)
        elif demand.deposit >= WORTH * court.defence_costs().claim:
            self._act(courts, court, entry.digest, CLAIM, lambda account: ClaimDeposit(account, demand))

    def _take_all(self, courts: Courts) -> None:
        current = courts.current()
        if current is not None:
            self._courts[current.account] = current
        for court in self._courts.values():
            self._take(courts, court)

    def _take(self, courts: Courts, court: CourtReader) -> None:
        """Only the account itself can take its credit out; its operator cannot."""
        account = self._context.account
        if court.credit(account) < max(1, WORTH * court.defence_costs().take):
            return
        writer = courts.writer(court)
        if writer is not None and writer.account == account:
            self._act(courts, court, court.account, TAKE, lambda account: TakeCredit(account, account))

    def _act(self, courts: Courts, court: CourtReader, name: bytes, what: str, make: Callable[[bytes], Action]) -> None:
        """Send an act; what came to an end before, and is due again, goes under the next key. Errors: ChainError."""
        writer, journal = courts.writer(court), self._context.journal
        if writer is None:
            return
        attempt, _ = journal.attempt(name, what)
        try:
            intent = writer.act(f"provider:{what}:{name.hex()}:{attempt}", make(writer.account))
            if not intent.state.terminal:
                return
            reason = intent.reason or str(intent.state)
        except Rejected as error:
            reason = error.code
        journal.next_attempt(name, what, self._context.reader.now(), 0)
        self._context.log.info("deposit_later", act=what, name=name.hex(), reason=reason)
