"""A batch before its court, in words and with stable keys: until when it is open, and who was convicted of what."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stun_sdk import BatchStatus, Stage, StunClient

from stun.chains.court import CourtReader
from stun.chains.evm.court import NoCourt
from stun.chains.evm.court_evidence import read_challenge
from stun.chains.evm.market import EvmMarket
from stun.chains.market import ChainEvent
from stun.checking.proven import Proven, describe, read_evidence
from stun.cli.checking import court_of
from stun.cli.explain import Money
from stun.cli.names import address
from stun.protocol.errors import Rejected
from stun.protocol.market.state import Terms
from stun.protocol.parameters import NumericClass


@dataclass(frozen=True, slots=True)
class Conviction:
    """One replica's end: `wrong` by shown evidence, else by its silence; `reward` in the asset's smallest unit."""

    provider: bytes
    challenger: bytes
    wrong: bool
    reward: int
    proven: Proven | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A batch before its court. Times in the chain's seconds, 0 where none counts any more.

    `window_end`: until when somebody may begin; `quiet_at`: when the batch may be settled, by what is known now.
    `audit_ppm` is the order's, None where the order is not found.
    """

    has_court: bool
    window_end: int = 0
    quiet_at: int = 0
    demands: int = 0
    waiting: int = 0
    announced: int = 0
    convictions: tuple[Conviction, ...] = ()
    audit_ppm: int | None = None


def read_trial(client: StunClient, status: BatchStatus) -> Trial | None:
    """Read what the court says about a batch; None of an order that waits. Errors: ChainError, PoolError."""
    terms = status.terms
    if terms is None:
        return None
    try:
        court: CourtReader = court_of(client, terms)
    except NoCourt:
        return Trial(False)
    first, head = client.connection.first_block, status.head
    events = court.events(first, head, status.batch_id)
    names = [event.name for event in events]
    kept = client.find_kept(status.batch_id)
    stored = client.market.batch(status.batch_id) if status.stage is Stage.RESULTS else None
    window_end = 0 if stored is None else stored.phase_at + terms.challenge_seconds
    return Trial(
        True, window_end, 0 if stored is None else max(window_end, stored.hold_until), names.count("Demanded"),
        names.count("Demanded") - names.count("Answered") - names.count("DemandExpired"),
        names.count("ChallengeAnnounced"),
        _convictions(client, events, client.market.events(first, head, status.batch_id)),
        None if kept is None else kept.envelope.order.audit_ppm,
    )  # fmt: skip


def trial_record(trial: Trial | None) -> dict[str, Any] | None:
    """What became of a batch before its court, with stable keys."""
    if trial is None:
        return None
    rows = [
        {
            "provider": address(each.provider), "challenger": address(each.challenger), "wrong": each.wrong,
            "reward": str(each.reward), "proven": None if each.proven is None else asdict(each.proven),
        }
        for each in trial.convictions
    ]  # fmt: skip
    return {
        "has_court": trial.has_court, "window_end": trial.window_end, "quiet_at": trial.quiet_at,
        "demands": trial.demands, "waiting": trial.waiting, "announced": trial.announced, "convictions": rows,
        "audit_ppm": trial.audit_ppm,
    }  # fmt: skip


def explain_trial(status: BatchStatus, trial: Trial | None, now: int, money: Money) -> list[str]:
    """The same in sentences."""
    if trial is None or status.terms is None:
        return []
    if not trial.has_court:
        return ["No court judges this batch: nobody can convict a replica of a wrong result."]
    said = [*_audit(status.terms, trial, money), *_open(status.terms, trial, now)]
    if trial.demands:
        answered = trial.demands - trial.waiting
        said.append(f"Before the court: {trial.demands} demands, {answered} of them answered or expired.")
    return said + [_convicted(each, money) for each in trial.convictions]


def _audit(terms: Terms, trial: Trial, money: Money) -> list[str]:
    if not terms.audit_prepaid:
        return ["No audit was prepaid: nobody is drawn to run it again; anybody may (`stun batch audit`)."]
    odds = "" if trial.audit_ppm is None else f" with probability {trial.audit_ppm / 10_000:g} %"
    return [f"An audit was prepaid with {money(terms.audit_prepaid)}: auditors are drawn{odds} and run tasks again."]


def _open(terms: Terms, trial: Trial, now: int) -> list[str]:
    if not trial.quiet_at:
        return []
    if now >= trial.quiet_at:
        return ["The court's time for it is over; it can be settled."]
    left = trial.window_end - now
    if terms.numeric_class != NumericClass.EXACT:
        return [
            f"It can be settled in {trial.quiet_at - now} s; in this class the court can only judge two commitments."
        ]
    if left <= 0:
        return [f"The court hears what was begun; it can be settled in {trial.quiet_at - now} s."]
    return [f"The court is open to anybody's doubt for {left} s; it can be settled in {trial.quiet_at - now} s."]


def _convicted(each: Conviction, money: Money) -> str:
    who = f"{address(each.provider)} was convicted by {address(each.challenger)}, who earned {money(each.reward)}"
    if not each.wrong:
        return f"{who}: it did not answer a demand in time."
    return f"{who}: {'its result was shown to be wrong' if each.proven is None else describe(each.proven)}."


def _convictions(
    client: StunClient, court_events: Sequence[ChainEvent], market_events: Sequence[ChainEvent]
) -> tuple[Conviction, ...]:
    opened = {event.transaction for event in court_events if event.name == "ChallengeOpened" and event.fields["wrong"]}
    return tuple(
        Conviction(
            event.fields["provider"], event.fields["challenger"], bool(event.fields["wrong"]),
            int(event.fields["reward"]), _proven(client, event.transaction) if event.transaction in opened else None,
        )
        for event in market_events
        if event.name == "Convicted"
    )  # fmt: skip


def _proven(client: StunClient, transaction: bytes) -> Proven | None:
    market = client.market
    assert isinstance(market, EvmMarket), "the command connects EVM markets"
    evidence = read_challenge(market.reader, transaction)
    try:
        return None if evidence is None else read_evidence(evidence)
    except Rejected:
        return None  # a node's word that no court would have taken
