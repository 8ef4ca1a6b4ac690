"""Acts before the court, each under a key of its own that is written down first; a failed one goes under the next."""

from collections.abc import Callable
from dataclasses import dataclass

from stun.chains.court import CourtWriter
from stun.chains.interface import Intent, IntentConflict, IntentState
from stun.checking.charges import Charge, Search
from stun.checking.store import DisputeStore
from stun.protocol.court.actions import Action
from stun.protocol.court.state import Announcement
from stun.protocol.errors import Rejected

CONFLICT = "chain: conflict"  # the key stands for another payload: a reorganisation replaced what it followed
_FAILED = (IntentState.FAILED, IntentState.REPLACED)


@dataclass(frozen=True, slots=True)
class Sent:
    """How an act stands: `refused` is the court's reason if it did not take effect, after so many `tries`.

    `landed`: it took effect before or just now.
    """

    refused: str | None = None
    tries: int = 0
    landed: bool = False


class Sending:
    """Sends acts of charges, at most once each."""

    def __init__(self, writer: CourtWriter, store: DisputeStore) -> None:
        self.writer = writer
        self.store = store

    def send(
        self,
        charge: Charge | Search,
        what: str,
        make: Callable[[int], Action],
        value: int = 0,
        announced: Announcement | None = None,
    ) -> Sent:
        """Take an act that `make` makes of the native coin it carries; `value` counts if it is planned only now.

        Errors: ChainError (it stays planned, and the same key is tried again).
        """
        act = self.store.plan(charge.name, what, value)
        landed = False
        try:
            intent = self.writer.act(act.key, make(act.value), charge.terms, announced)
            reason, landed = _failure(intent), intent.ok is True
        except Rejected as refused:
            reason = refused.code
        except IntentConflict:
            reason = CONFLICT
        if reason is None:
            return Sent(landed=landed)
        self.store.fail(charge.name, what)
        return Sent(reason, act.attempt + 1)


def fixed(action: Action) -> Callable[[int], Action]:
    """An act that carries no coin."""
    return lambda _: action


def _failure(intent: Intent) -> str | None:
    """Why an intent came to nothing, None while it may land or where it did."""
    if intent.state in _FAILED or intent.ok is False:
        return intent.reason or str(intent.state)
    return None
