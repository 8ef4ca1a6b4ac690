"""Doing a duty once: written down, sent under its key, followed to its end, and recognised when another was faster."""

from collections.abc import Callable
from typing import Any

import structlog

from keepers.metrics import KeeperMetrics
from keepers.store.duties import Duty, DutyBook, DutyState
from stun.chains.interface import ChainError, Intent, IntentConflict, IntentState
from stun.chains.market import MarketWriter
from stun.protocol.errors import Rejected

_log = structlog.get_logger(__name__)
Tell = Callable[[str, dict[str, Any]], None]
Send = Callable[[MarketWriter, str], Intent]


def tell(kind: str, what: dict[str, Any]) -> None:
    """Log what a keeper without a key would send."""
    _log.info("would send", kind=kind, **what)


class Actor:
    """Acts for one account; without a writer it tells what it would send, once for each state of a subject.

    `patience`: seconds for which a duty that moved is left alone (also one that was lost or failed).
    """

    def __init__(
        self,
        writer: MarketWriter | None,
        duties: DutyBook,
        metrics: KeeperMetrics,
        patience: int = 60,
        tell: Tell = tell,
    ) -> None:
        self._writer = writer
        self._duties = duties
        self._metrics = metrics
        self._patience = patience
        self._tell = tell
        self._told: set[tuple[str, bytes, int]] = set()

    def held(self, now: int) -> set[tuple[bytes, int]]:
        """(subject, version) of what must not be decided again yet."""
        return self._duties.held(now, self._patience) | {(subject, version) for _, subject, version in self._told}

    def act(
        self,
        kind: str,
        subject: bytes,
        version: int,
        send: Send,
        is_done: Callable[[], bool],
        now: int,
        **what: Any,
    ) -> DutyState | None:
        """Do a duty on a state of its subject; return where it stands, None if it was told only or given up.

        `send` gets the writer and the idempotency key; `is_done` asks the chain whether the subject has moved on.
        Errors: ChainError (the duty stays open and the same key is tried again).
        """
        if self._writer is None:
            if (kind, subject, version) not in self._told:
                self._told.add((kind, subject, version))
                self._metrics.acted(kind, "told")
                self._tell(kind, {"subject": subject.hex(), **what})
            return None
        duty = self._duties.plan(kind, subject, version, now)
        if duty is None:
            self._metrics.acted(kind, "given up")
            _log.error("given up", kind=kind, subject=subject.hex(), version=version)
            return None
        return self._send(duty, self._writer, send, is_done, now)

    def _send(self, duty: Duty, writer: MarketWriter, send: Send, is_done: Callable[[], bool], now: int) -> DutyState:
        try:
            intent = send(writer, duty.key)
        except Rejected as refusal:  # the simulation refuses: another was faster, or the state is not what we thought
            return self._refused(duty, refusal.code, is_done(), now)
        except IntentConflict:  # made for a state that a reorganisation, or a restart, has replaced by another
            return self._refused(duty, "chain: conflict", is_done(), now)
        except ChainError as error:
            self._duties.fault(duty.key, str(error), now)
            raise
        if intent.state in (IntentState.FAILED, IntentState.REPLACED) or intent.ok is False:
            return self._refused(duty, intent.reason or "", is_done(), now)
        return self._moved(duty, intent, now)

    def follow(self, is_done: Callable[[Duty], bool], now: int) -> None:
        """Move what was sent on, and close what the chain shows as done. Errors: ChainError."""
        if self._writer is None:
            return
        open_duties = {duty.key: duty for duty in self._duties.open()}
        for intent in self._writer.tick():
            duty = open_duties.get(intent.key)
            if duty is None:
                continue
            if intent.state in (IntentState.FAILED, IntentState.REPLACED) or intent.ok is False:
                self._refused(duty, intent.reason or "", is_done(duty), now)
            else:
                self._moved(duty, intent, now)
        for duty in self._duties.open():
            if is_done(duty):
                self._close(duty, DutyState.DONE, "the chain shows it", now)

    def _moved(self, duty: Duty, intent: Intent, now: int) -> DutyState:
        landed = intent.state in (IntentState.INCLUDED, IntentState.FINAL)
        state = DutyState.DONE if landed else DutyState.SENT
        if state is not duty.state:
            self._close(duty, state, None, now)
        return state

    def _refused(self, duty: Duty, reason: str, done: bool, now: int) -> DutyState:
        state = DutyState.LOST if done else DutyState.FAILED
        self._close(duty, state, reason, now)
        return state

    def _close(self, duty: Duty, state: DutyState, reason: str | None, now: int) -> None:
        self._duties.change(duty.key, state, now, reason)
        self._metrics.acted(duty.kind, state.value)
        _log.info("duty", kind=duty.kind, subject=duty.subject.hex(), state=state.value, reason=reason, key=duty.key)
