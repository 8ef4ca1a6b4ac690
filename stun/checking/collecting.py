"""What the court owes a challenger once a replica is out: deposits of its demands and announcements, and its credit."""

from hashlib import sha256

from stun.chains.court import CourtReader
from stun.checking.charges import Charge, Search
from stun.checking.hearing import Hearing
from stun.checking.progress import Fate, Progress
from stun.checking.sending import Sending, fixed
from stun.protocol.court.actions import ClaimDeposit, Lapse, TakeCredit
from stun.protocol.court.state import Announcement, Stage

WORTH = 2  # a deposit is claimed, and a credit taken, if it is this many times its fees
MOST_TRIES = 3


class Collecting:
    """Collects for one account. Each method returns what is under way, None when nothing is left to do."""

    def __init__(self, court: CourtReader, sending: Sending) -> None:
        self._court = court
        self._sending = sending
        self._account = sending.writer.account

    def collect(self, charge: Charge | Search, hearing: Hearing) -> Progress | None:
        """After a conviction: claim every deposit on the replica, then take the credit out. Errors: ChainError."""
        costs = self._court.challenge_costs()
        waiting = self._lapse(charge, hearing)
        for item in hearing.seen:
            demand = item.demand
            if demand.asker != self._account or demand.deposit < WORTH * costs.claim:
                continue
            if self._court.stage(demand) in (Stage.OPEN, Stage.ANSWERED):
                name = sha256(repr(demand).encode()).hexdigest()[:16]
                sent = self._sending.send(charge, f"claim:{name}", fixed(ClaimDeposit(self._account, demand)))
                waiting = waiting or sent.tries < MOST_TRIES
        if waiting:
            return Progress(Fate.OPEN, "the replica is convicted: claims deposits")
        if self._court.credit(self._account) < max(1, WORTH * costs.take):
            return None
        sent = self._sending.send(charge, "take", fixed(TakeCredit(self._account, self._account)))
        if sent.landed:
            self._sending.store.fail(
                charge.name, "take"
            )  # what comes to the credit after it is taken under another key
        return Progress(Fate.OPEN, "the replica is convicted: takes its credit") if sent.tries < MOST_TRIES else None

    def take_back(self, charge: Charge | Search, hearing: Hearing, now: int) -> Progress | None:
        """After a replica went out otherwise: the deposits of announcements that still could have been opened."""
        waiting = self._announced(charge, hearing).values()
        if any(announced.open_until > now for announced in waiting) and self._lapse(charge, hearing):
            return Progress(Fate.OPEN, "the replica is out: takes the deposit of its announcement back")
        return None

    def _lapse(self, charge: Charge | Search, hearing: Hearing) -> bool:
        """Ask for deposits of announcements; return whether one is under way."""
        waiting = False
        for digest, announced in self._announced(charge, hearing).items():
            action = Lapse(self._account, digest)
            what = f"lapse:{digest.hex()[:16]}"
            sent = self._sending.send(charge, what, lambda _, action=action: action, announced=announced)  # type: ignore[misc]
            waiting = waiting or sent.tries < MOST_TRIES
        return waiting

    def _announced(self, charge: Charge | Search, hearing: Hearing) -> dict[bytes, Announcement]:
        return {
            digest: announced
            for digest, announced in hearing.announced.items()
            if (announced.challenger, announced.replica) == (self._account, charge.replica)
        }
