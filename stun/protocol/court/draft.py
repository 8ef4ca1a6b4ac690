"""The working copy of a court's step: the market beside it, the court's records, and the native coin it holds."""

from dataclasses import replace

from stun.protocol import config, parameters
from stun.protocol.court.state import Announcement, Chain, Court, Demand, OpenDemands, Stage, Standing
from stun.protocol.errors import Rejected, require
from stun.protocol.market import actions as market_actions
from stun.protocol.market.state import LIVE, Batch, Event, Market, Phase
from stun.protocol.market.step import step as market_step
from stun.protocol.messages import NOBODY
from stun.protocol.parameters import NumericClass

GWEI = 10**9


class Draft:
    """A mutable copy of market and court for one action."""

    def __init__(self, market: Market, court: Court, chain: Chain, sender: bytes) -> None:
        self.market = market
        self.court = court
        self.chain = chain
        self.sender = sender
        self.events: list[Event] = []

    def live_batch(self, batch_id: bytes, replica: int) -> Batch:
        """Return a batch whose replica is not out.

        Errors: "batches: unknown", "court: replica".
        """
        batch = self.market.batches.get(batch_id)
        if batch is None:
            raise Rejected("batches: unknown")
        require(self.is_live(batch_id, replica), "court: replica")
        return batch

    def batch(self, batch_id: bytes, replica: int) -> Batch:
        """Return a batch with results whose replica waits for its verdict. Errors: "court: phase", as `live_batch`."""
        batch = self.live_batch(batch_id, replica)
        require(batch.phase == Phase.RESULTS, "court: phase")
        return batch

    def is_live(self, batch_id: bytes, replica: int) -> bool:
        """Whether a replica is not out and its batch not final."""
        batch = self.market.batches.get(batch_id)
        known = batch is not None and 0 <= replica < len(batch.replicas)
        return known and batch is not None and batch.replicas[replica].state in LIVE

    def duty(self, batch: Batch, name: str) -> int:
        """Return a parameter of the version the batch opened under."""
        version = self.market.config.versions[parameters.version_of(batch.terms.rules) - 1]
        return parameters.read(version.words[parameters.BY_NAME[name].word], name)

    def hold(self, batch_id: bytes, until: int) -> None:
        """Keep the batch from settling."""
        self._market(market_actions.Hold(self.court.account, batch_id, until))

    def convict(self, batch_id: bytes, replica: int, wrong: bool, challenger: bytes) -> None:
        """End a replica."""
        self._market(market_actions.Convict(self.court.account, batch_id, replica, wrong, challenger))
        place = frozenset({(batch_id, replica)})
        wrongs = self.court.wrong | place if wrong else self.court.wrong
        self.court = replace(self.court, convicted=self.court.convicted | place, wrong=wrongs)

    def take(self, value: int, deposit: int) -> None:
        """Keep a deposit out of the coin that came along; the rest is the sender's. Errors: "court: deposit"."""
        require(value >= deposit, "court: deposit")
        self.court = replace(self.court, held=self.court.held + value)
        self.credit(self.sender, value - deposit)

    def credit(self, account: bytes, value: int) -> None:
        """Let an account take native coin out; nothing can refuse it."""
        if value:
            credits = {**self.court.credits, account: self.court.credits.get(account, 0) + value}
            self.court = replace(self.court, credits=credits)

    def standing(self, demand: Demand) -> Standing:
        """Return where a demand stands. Errors: "court: unknown"."""
        if demand not in self.court.demands:
            raise Rejected("court: unknown")
        return self.court.demands[demand]

    def put(self, demand: Demand, standing: Standing) -> None:
        """Store where a demand stands."""
        self.court = replace(self.court, demands={**self.court.demands, demand: standing})

    def close(self, demand: Demand) -> None:
        """End a demand for good."""
        self.put(demand, Standing(Stage.CLOSED))

    def counted(self, batch_id: bytes, replica: int) -> OpenDemands:
        """Return how many demands of a replica wait for an answer."""
        return self.court.open.get((batch_id, replica), OpenDemands())

    def count(self, demand: Demand, step: int, traces: int) -> None:
        """Count a demand that opens (1) or is answered (-1)."""
        key = demand.batch_id, demand.replica
        counted = self.counted(*key)
        changed = OpenDemands(counted.total + step, counted.traces + traces)
        self.court = replace(self.court, open={**self.court.open, key: changed})

    def put_trace(self, key: tuple[bytes, int, int], digest: bytes) -> None:
        """Store that a trace is demanded (b"") or committed."""
        self.court = replace(self.court, traces={**self.court.traces, key: digest})

    def put_announcement(self, digest: bytes, announcement: Announcement | None) -> None:
        """Store or, with None, delete an announcement."""
        others = {key: value for key, value in self.court.announcements.items() if key != digest}
        added = {} if announcement is None else {digest: announcement}
        self.court = replace(self.court, announcements={**others, **added})

    def emit(self, name: str, **fields: object) -> None:
        """Add an event."""
        self.events.append(Event(name, fields))

    def judges(self, batch: Batch) -> bool:
        """Whether the version a batch opened under names this court."""
        return config.peers(self.market.config, parameters.version_of(batch.terms.rules)).court == self.court.account

    def _market(self, action: market_actions.Hold | market_actions.Convict) -> None:
        self.market, events = market_step(self.market, action, self.chain.now)
        self.events.extend(events)


def require_exact(batch: Batch) -> None:
    """Refuse what only class `exact` can decide. Errors: "court: class"."""
    require(batch.terms.numeric_class == NumericClass.EXACT, "court: class")


def may_sign(market: Market, account: bytes, signer: bytes) -> bool:
    """Whether a key counts for a duty of an account: its own or its operator's."""
    return signer != NOBODY and signer in (account, market.operators.get(account, NOBODY))
