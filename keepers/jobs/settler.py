"""The settler's job: events, batches and pools in, a decision, deliveries and settlements out; one cycle a tick."""

from collections.abc import Callable

from keepers.jobs.acting import Actor
from keepers.jobs.evidence import Evidence
from keepers.jobs.facts import FactBook
from keepers.jobs.memory import Remembered
from keepers.jobs.results import Place, ResultsSource
from keepers.metrics import KeeperMetrics
from keepers.pools import SettlerPools
from keepers.services.settler import decide
from keepers.services.settler_state import (
    BringDelivery,
    BringPost,
    BringResolution,
    CallTime,
    OpenBatch,
    SettleBatch,
    SettlerAction,
    SettlerPolicy,
    SettlerState,
)
from keepers.store.events import EventLog
from stun.chains.interface import Intent
from stun.chains.market import BatchRecord, BatchUnknown, MarketReader, MarketWriter
from stun.protocol.market.state import Phase, ReplicaState, Terms
from stun.protocol.trees.results import ResultsTree

KINDS: dict[type[SettlerAction], str] = {
    BringPost: "post",
    BringDelivery: "deliver",
    CallTime: "expire",
    SettleBatch: "settle",
    BringResolution: "resolve",
}

_TERMS_SECONDS = 600


class SettlerJob:
    """Moves unfinished batches on for one account."""

    def __init__(
        self,
        reader: MarketReader,
        pools: SettlerPools,
        actor: Actor,
        account: bytes,
        events: EventLog,
        metrics: KeeperMetrics,
        policy: SettlerPolicy,
        results: ResultsSource,
        facts_seconds: int = 10,
    ) -> None:
        self._reader = reader
        self._actor = actor
        self._account = account
        self._events = events
        self.metrics = metrics
        self._policy = policy
        self._results = results
        self._facts = FactBook(reader, facts_seconds)
        self._terms: Remembered[bytes, Terms] = Remembered(reader.terms, _TERMS_SECONDS)
        self._evidence = Evidence(pools, self._facts, reader.domain)

    def tick(self) -> None:
        """Do one cycle. Errors: StunError (chain or pool; the next tick tries again)."""
        now = self._reader.now()
        self._sync()
        self._actor.follow(lambda duty: self._has_moved(duty.subject, duty.version), now)
        unfinished = self._events.unfinished()
        self._evidence.keep_only(unfinished)
        self.metrics.waits("batches", len(unfinished))
        held = self._actor.held(now)
        batches = [found for batch_id in unfinished if (found := self._open_batch(batch_id, held, now)) is not None]
        by_id = {known.batch_id: known for known in batches}
        state = SettlerState(self._account, self._reader.domain, self._reader.stun, batches, self._policy)
        for action in decide(state, now):
            self._bring(action, by_id[action.batch_id], now)

    def _sync(self) -> None:
        """Follow the chain; terms that were read before a reorganisation are read again."""
        undone = self._events.sync(self._reader).undone
        self.metrics.undone(undone)
        if undone:
            self._terms = Remembered(self._reader.terms, _TERMS_SECONDS)

    def _open_batch(self, batch_id: bytes, held: set[tuple[bytes, int]], now: int) -> OpenBatch | None:
        record = self._reader.batch(batch_id)
        if record is None:
            return None
        acting = (batch_id, record.seq) in held
        terms = self._terms.get(batch_id, now)
        if acting:
            return OpenBatch(record, terms, acting=True)
        shown = self._events.claims(batch_id)
        claims = {k: shown[cast.provider] for k, cast in enumerate(terms.casts) if cast.provider in shown}
        wanting = record.phase != Phase.RESULTS
        several = len(terms.casts) > 1
        return OpenBatch(
            record,
            terms,
            claims,
            commits=self._evidence.commits(batch_id, terms, now) if wanting and several else (),
            posts=self._evidence.posts(batch_id, terms, now) if wanting and not several else (),
            openings=self._evidence.openings(batch_id, terms, now) if wanting and several else (),
            trees=self._trees(record, terms, claims),
            operators={cast.provider: self._facts.operator(cast.provider, now) for cast in terms.casts},
        )

    def _trees(self, record: BatchRecord, terms: Terms, claims: dict[int, tuple[bytes, int]]) -> dict[int, ResultsTree]:
        """Look for results trees only where revealed roots differ and nothing stands."""
        revealed = [k for k, state in enumerate(record.states) if state == ReplicaState.REVEALED and k in claims]
        if record.dues is not None or len({claims[k] for k in revealed}) < 2:
            return {}
        trees = {}
        for k in revealed:
            place = Place(record.batch_id, terms.casts[k].provider, terms.numeric_class)
            tree = self._results.tree(place, claims[k][0])
            if tree is not None:
                trees[k] = tree
        return trees

    def _bring(self, action: SettlerAction, known: OpenBatch, now: int) -> None:
        """Look at the batch once more and act, unless it has moved since it was read."""
        version = known.record.seq
        if self._has_moved(action.batch_id, version):
            self.metrics.acted(KINDS[type(action)], "withdrawn")
            return
        self._actor.act(
            KINDS[type(action)],
            action.batch_id,
            version,
            _send(action, known.terms),
            lambda: self._has_moved(action.batch_id, version),
            now,
        )

    def _has_moved(self, batch_id: bytes, version: int) -> bool:
        """Whether the batch is no longer in the state that a duty was decided on."""
        try:
            record = self._reader.batch(batch_id)
        except BatchUnknown:  # its match was undone
            return True
        return record is None or record.seq != version


def _send(action: SettlerAction, terms: Terms) -> Callable[[MarketWriter, str], Intent]:
    def send(writer: MarketWriter, key: str) -> Intent:
        match action:
            case BringPost(batch_id, top, signature):
                return writer.post(key, batch_id, terms, top, signature)
            case BringDelivery(batch_id, commits, openings):
                return writer.deliver(key, batch_id, terms, commits, openings)
            case CallTime(batch_id):
                return writer.expire(key, batch_id, terms)
            case SettleBatch(batch_id, outputs_root, total_units):
                return writer.settle(key, batch_id, terms, outputs_root, total_units)
            case BringResolution(batch_id, resolution):
                return writer.resolve(key, batch_id, terms, resolution)

    return send
