"""Takes a charge to its conviction: demands, waits, expires who is silent, announces, opens, collects.

`advance` takes one look at the chain and at most one step; call it again and again, after the sender's `tick`. What it
decides follows from the court's events, so that a crash at any line loses nothing: acts go under keys of their own, and
salts and evidence are written down before they are announced.
"""

import secrets
from collections.abc import Callable
from hashlib import sha256

import structlog

from stun.chains.court import CourtReader, CourtWriter, Fees
from stun.chains.market import MarketReader
from stun.checking.charges import Charge, Search
from stun.checking.collecting import Collecting
from stun.checking.estimate import Estimate, estimate, padded
from stun.checking.hearing import Decision, Hearing, decide, hear
from stun.checking.progress import CoinMissing, Fate, NoVerdict, OverBudget, Progress, TooDeep, TooLate
from stun.checking.sending import CONFLICT, Sending, Sent, fixed
from stun.checking.store import DisputeStore, Sealed
from stun.disputes.leaves import Wrong
from stun.disputes.steps import AskBelow, AskTop, AskTrace, Right, Wait
from stun.protocol.court import actions
from stun.protocol.court.evidence import Evidence, seal
from stun.protocol.court.state import Announcement, Demand, Kind
from stun.protocol.market.state import Phase, ReplicaState
from stun.protocol.messages import NOBODY

MOST_TRIES = 4  # of an act that the court refuses for a reason that the next look does not explain
DEARER = "more than the budget has left"  # deposits rise with the demands that wait, which anybody may make
EXPLAINED = frozenset(
    {
        DEARER,
        "court: deposit",
        "court: block",
        "court: early",
        "court: repeated",
        "court: replica",
        "court: answered",
        CONFLICT,
    }
)
SALT_BYTES = 32


class Challenger:
    """One account's charges before one court. `budget`: native coin that all open charges together may need."""

    def __init__(
        self, market: MarketReader, court: CourtReader, writer: CourtWriter, store: DisputeStore, budget: int,
        first_block: int = 0,
    ) -> None:  # fmt: skip
        self.market = market
        self.court = court
        self.store = store
        self.budget = budget
        self._account = writer.account
        self._writer = writer
        self._sending = Sending(writer, store)
        self._collecting = Collecting(court, self._sending)
        self._first_block = first_block
        self._stale: set[Demand] = set()
        self._log = structlog.get_logger(__name__)

    def estimate(self, charge: Charge | Search) -> Estimate:
        """What a charge takes at most, at the newest block's fees. Errors: ChainError."""
        court, terms = self.court, charge.terms
        fees = court.fees(terms, charge.batch_id, charge.replica)
        return estimate(charge, fees, court.challenge_costs(), court.duties(terms))

    def begin(self, charge: Charge | Search) -> Estimate:
        """Write a charge down if it can be brought to its end in time and within the budget.

        Errors: NotBegun (NoVerdict, TooLate, TooDeep, OverBudget, CoinMissing), ChainError.
        """
        needed = self.estimate(charge)
        self._require_time(charge, needed)
        most = self.court.duties(charge.terms)["chain_max"]
        if needed.demands > most:
            raise TooDeep(needed.demands, most)
        self._drop_ended()
        left = self.budget - self.store.reserved(Fate.OPEN)
        if needed.total > left:
            raise OverBudget(needed.total, left)
        held = self.court.purse(self._account)
        if needed.total > held and self._account != NOBODY:  # nobody's is a rehearsal's
            raise CoinMissing(needed.total, held)
        self.store.begin(charge.name, needed.total, Fate.OPEN)
        return needed

    def advance(self, charge: Charge | Search) -> Progress:
        """Look, and take the next step of a charge, which is begun if it was not. Errors: as `begin`."""
        fate = self.store.fate(charge.name)
        if fate is None:
            self.begin(charge)
        elif fate != Fate.OPEN:
            return Progress(Fate(fate), "it has ended")
        hearing = self._hear(charge)
        if self.court.was_convicted(charge.batch_id, charge.replica):
            told = self._collecting.collect(charge, hearing)
            return told if told is not None else self._end(charge, Fate.CONVICTED, "the replica is convicted")
        if not self._is_judged(charge):
            told = self._collecting.take_back(charge, hearing, self.market.now())
            return told if told is not None else self._end(charge, Fate.GONE, "the replica is out of the court's reach")
        sealed = self.store.sealed(charge.name)
        if sealed is not None and isinstance(charge, Charge):
            return self._bring(charge, hearing, sealed)
        return self._follow(charge, hearing, decide(charge, hearing, frozenset(self._stale)))

    def found(self, search: Search) -> int | None:
        """The task that a search found, None as long as it has not. Errors: ChainError."""
        step = decide(search, self._hear(search)).step
        return step.task if isinstance(step, Wrong) else None

    def _hear(self, charge: Charge | Search) -> Hearing:
        events = self.court.events(self._first_block, self.market.head(), charge.batch_id)
        return hear(events, charge.batch_id, charge.replica)

    def _is_judged(self, charge: Charge | Search) -> bool:
        """Whether the replica waits for its verdict."""
        batch = self.market.batch(charge.batch_id)
        return (
            batch is not None and batch.phase == Phase.RESULTS and batch.states[charge.replica] == ReplicaState.REVEALED
        )

    def _drop_ended(self) -> None:
        """Set free what was set aside for charges that nobody pursued until their batch was final."""
        for name in self.store.charges(Fate.OPEN):
            batch_id, replica = bytes.fromhex(name.split(":")[0]), int(name.split(":")[1])
            if self.market.batch(batch_id) is None and not self.court.was_convicted(batch_id, replica):
                self.store.end(name, Fate.GONE)

    def _require_time(self, charge: Charge | Search, needed: Estimate) -> None:
        batch, now = self.market.batch(charge.batch_id), self.market.now()
        if batch is None or not self._is_judged(charge):
            raise NoVerdict("the court judges replicas of batches with results that are not final; this is none")
        window_end = batch.phase_at + charge.terms.challenge_seconds
        begun = [item for item in self._hear(charge).seen if item.demand.kind in (Kind.RESULTS, Kind.TRACE)]
        if now >= window_end and not begun:
            raise TooLate(needed.seconds, 0)
        left = window_end + charge.terms.rule("max_hold") - now
        if needed.seconds > left:
            raise TooLate(needed.seconds, max(0, left))

    def _follow(self, charge: Charge | Search, hearing: Hearing, decision: Decision) -> Progress:
        step = decision.step
        if isinstance(step, Wrong):
            return self._end(charge, Fate.FOUND, f"the result of task {step.task} is wrong")
        if isinstance(step, AskTop):
            return self._ask_top(charge, hearing)
        if isinstance(step, Wait):
            return self._wait(charge, step.demand)
        if isinstance(step, AskBelow):
            return self._ask_below(charge, step)
        assert isinstance(charge, Charge), "a search only asks for results"
        if isinstance(step, Right):
            return self._end(charge, Fate.RIGHT, "the result is right after all")
        if isinstance(step, AskTrace):
            return self._ask_trace(charge, decision.parent)
        self._seal(charge, step.evidence)
        return Progress(Fate.OPEN, f"has the evidence: {type(step.evidence).__name__}")

    def _wait(self, charge: Charge | Search, demand: Demand) -> Progress:
        if self.market.now() < demand.due:
            return Progress(Fate.OPEN, f"waits for the answer to a demand ({demand.kind.name.lower()})", demand.due)
        what = f"expire:{_short(demand)}"
        sent = self._sending.send(charge, what, fixed(actions.ExpireDemand(self._account, demand)))
        return self._judge(charge, sent, "the replica is silent: expires the demand")

    def _ask_top(self, charge: Charge | Search, hearing: Hearing) -> Progress:
        top = charge.top
        if top is None:
            return self._end(charge, Fate.BLIND, "nobody shows the top of the results, so nothing can be demanded")
        asked = sum(s.demand.kind == Kind.RESULTS and s.demand.asker == self._account for s in hearing.seen)
        sent = self._pay(
            charge, f"demand-top:{asked}",
            lambda value: actions.DemandTop(self._account, value, charge.batch_id, charge.replica, *top),
            self._fees(charge).demand,
        )  # fmt: skip
        return self._judge(charge, sent, "demands the top of the results")

    def _ask_trace(self, charge: Charge, parent: actions.Parent | None) -> Progress:
        graph = charge.graph
        sent = self._pay(
            charge, "demand-trace" if parent is None else f"demand-trace:{_short(parent.demand)}",
            lambda value: actions.DemandTrace(
                self._account, value, charge.batch_id, charge.replica, charge.order, charge.spec,
                graph.header.op_count, graph.tree.top, charge.leaf if parent is None else None, parent,
            ),
            self._fees(charge).trace,
        )  # fmt: skip
        return self._judge(charge, sent, "demands the trace", parent)

    def _ask_below(self, charge: Charge | Search, step: AskBelow) -> Progress:
        parent = step.parent
        sent = self._pay(
            charge, f"demand:{_short(parent.demand)}:{parent.item}",
            lambda value: actions.DemandBelow(self._account, value, parent),
            self._fees(charge).demand,
        )  # fmt: skip
        about = parent if parent.demand.kind == Kind.RESULTS else None
        return self._judge(charge, sent, f"demands what is below ({parent.demand.kind.name.lower()})", about)

    def _seal(self, charge: Charge, evidence: Evidence) -> None:
        """Write evidence and salt down before anything of them leaves this process."""
        salt = secrets.token_bytes(SALT_BYTES)
        digest = self._writer.seal(actions.Challenge(self._account, evidence, b"", salt))
        self.store.seal(charge.name, Sealed(seal(self._account, digest, salt), digest, salt, evidence))

    def _bring(self, charge: Charge, hearing: Hearing, sealed: Sealed) -> Progress:
        """Announce sealed evidence, and open it a block later."""
        if sealed.digest in hearing.opened:
            return self._end(charge, Fate.ACQUITTED, "the evidence was judged and shows nothing")
        announced = hearing.announced.get(sealed.digest)
        if announced is not None and not self._is_own(charge, announced):
            return self._seal_anew(charge)
        if sealed.digest in hearing.lapsed or (announced and self.market.now() >= announced.open_until):
            self.store.unseal(charge.name)
            return Progress(Fate.OPEN, "the announcement was not opened in time and its deposit is lost")
        if announced is None:
            return self._announce(charge, sealed)
        if self.market.head() <= announced.block:
            return Progress(Fate.OPEN, "announced; opens in the next block")
        sent = self._sending.send(
            charge, f"open:{sealed.digest.hex()[:16]}",
            fixed(actions.Challenge(self._account, sealed.evidence, sealed.evidence_digest, sealed.salt)),
            announced=announced,
        )  # fmt: skip
        return self._judge(charge, sent, "opens the evidence")

    def _announce(self, charge: Charge, sealed: Sealed) -> Progress:
        place = charge.batch_id, charge.replica
        sent = self._pay(
            charge, f"announce:{sealed.digest.hex()[:16]}",
            lambda value: actions.Announce(self._account, value, *place, sealed.digest),
            self._fees(charge).challenge,
        )  # fmt: skip
        is_barred = sent.refused == "court: repeated" and sent.tries > 1  # a first refusal may be older than this look
        if is_barred and sealed.digest not in self._hear(charge).announced:
            return self._seal_anew(charge)
        return self._judge(charge, sent, "announces the evidence")

    def _is_own(self, charge: Charge, announced: Announcement) -> bool:
        return (announced.challenger, announced.replica) == (self._account, charge.replica)

    def _seal_anew(self, charge: Charge) -> Progress:
        """Somebody copied the hash and announced it first, here or elsewhere: it would earn the reward, or bar ours."""
        self.store.unseal(charge.name)
        self._log.warning("announcement_copied", charge=charge.name)
        return Progress(Fate.OPEN, "a stranger announced the same hash first: seals the evidence with another salt")

    def _pay(self, charge: Charge | Search, what: str, make: Callable[[int], actions.Action], deposit: int) -> Sent:
        """Send an act that carries a deposit, unless it is new and takes more than is left of the budget."""
        value, others = padded(deposit), self.store.reserved(Fate.OPEN) - self.store.set_aside(charge.name)
        if not self.store.planned(charge.name, what) and value > self.budget - others - self.store.spent(charge.name):
            return Sent(DEARER)
        return self._sending.send(charge, what, make, value)

    def _judge(self, charge: Charge | Search, sent: Sent, said: str, parent: actions.Parent | None = None) -> Progress:
        """Tell what was sent, or conclude from the court's reason; `parent`: an answer that another may replace."""
        reason = sent.refused
        if reason is None:
            return Progress(Fate.OPEN, said)
        self._log.warning("refused", charge=charge.name, act=said, reason=reason, tries=sent.tries)
        if reason == "court: late" and parent is not None:
            self._stale.add(parent.demand)
            return Progress(Fate.OPEN, "an answer can be followed no more: demands the top of the results again")
        if reason == "court: late":
            return self._end(charge, Fate.LATE, f"{said}: the court's time for it is over")
        if reason not in EXPLAINED and sent.tries >= MOST_TRIES:
            return self._end(charge, Fate.REFUSED, f"{said}: refused ({reason})")
        return Progress(Fate.OPEN, f"{said}: refused ({reason}); looks again")

    def _end(self, charge: Charge | Search, fate: Fate, said: str) -> Progress:
        self.store.end(charge.name, fate)
        self._log.info("charge_ended", charge=charge.name, fate=fate.value, reason=said)
        return Progress(fate, said)

    def _fees(self, charge: Charge | Search) -> Fees:
        return self.court.fees(charge.terms, charge.batch_id, charge.replica)


def _short(demand: Demand) -> str:
    """Sixteen digits that name a demand in keys."""
    return sha256(repr(demand).encode()).hexdigest()[:16]
