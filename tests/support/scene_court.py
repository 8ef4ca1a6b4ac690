"""A scene's court and market as chain adapters offer them: a challenger plays against the specification alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from court_scene import CourtScene

from stun.chains.court import ChallengeCosts, DefenceCosts, Fees
from stun.chains.interface import Intent, IntentConflict, IntentState
from stun.chains.market import BatchRecord, ChainEvent
from stun.checking.charges import Charge
from stun.protocol.court import actions
from stun.protocol.court.draft import GWEI
from stun.protocol.court.state import Announcement, Demand, Stage
from stun.protocol.errors import Rejected
from stun.protocol.graph.executor import execute
from stun.protocol.graph.trace import Trace
from stun.protocol.market.state import Terms
from stun.protocol.parameters import BY_NAME, PARAMETERS, read
from stun.protocol.trees.results import ResultsTree

DUTIES = (*(p.name for p in PARAMETERS if p.word == "duties"), "answer_seconds")


class Crash(BaseException):
    """The process is killed here."""


def never(_: str) -> None:
    """Nothing happens."""


@dataclass
class SceneChain:
    """Implements MarketReader and CourtReader, as far as a challenger reads them, and the chain that writers act on."""

    scene: CourtScene
    coin: int = 10**24

    @property
    def account(self) -> bytes:
        return self.scene.court.account

    def now(self) -> int:
        return self.scene.chain.now

    def head(self) -> int:
        return self.scene.chain.block

    def batch(self, batch_id: bytes) -> BatchRecord | None:
        found = self.scene.market.batches.get(batch_id)
        if found is None:
            return None
        states = tuple(replica.state for replica in found.replicas)
        return BatchRecord(
            batch_id, found.phase, found.phase_at, found.hold_until, found.posted, found.tip_paid, found.dues,
            found.seq, states, tuple(bytes(32) for _ in states),
        )  # fmt: skip

    def events(self, first: int, last: int, batch_id: bytes | None = None) -> Sequence[ChainEvent]:
        return [ChainEvent(e.name, e.fields, 0, bytes(32), i, bytes(32)) for i, e in enumerate(self.scene.events)]

    def stage(self, demand: Demand) -> Stage | None:
        standing = self.scene.court.demands.get(demand)
        return None if standing is None else standing.stage

    def was_convicted(self, batch_id: bytes, replica: int) -> bool:
        return self.scene.court.was_convicted(batch_id, replica)

    def credit(self, account: bytes) -> int:
        return self.scene.court.credits.get(account, 0)

    def duties(self, terms: Terms) -> Mapping[str, int]:
        words = self.scene.market.config.versions[-1].words
        return {name: read(words[BY_NAME[name].word], name) for name in DUTIES}

    def fees(self, terms: Terms, batch_id: bytes, replica: int) -> Fees:
        duties, basefee = self.duties(terms), self.scene.chain.basefee
        place = 1 + self.open_demands(batch_id, replica)
        least, gas = duties["answer_floor_gwei"] * GWEI, 2 * duties["answer_gas"] * basefee
        challenge = least + 2 * duties["challenge_gas"] * basefee
        return Fees(place * (least + gas), place * (least + 2 * gas), challenge)

    def open_demands(self, batch_id: bytes, replica: int) -> int:
        waiting = self.scene.court.open.get((batch_id, replica))
        return 0 if waiting is None else waiting.total

    def purse(self, account: bytes) -> int:
        return self.coin

    def defence_costs(self) -> DefenceCosts:
        return DefenceCosts(1, 1, 1)

    def challenge_costs(self) -> ChallengeCosts:
        return ChallengeCosts(1, 1, 1, 1, 1)


@dataclass
class SceneWriter:
    """Implements CourtWriter for one account: each key once. `on_act` is called before and after an act."""

    chain: SceneChain
    account: bytes
    intents: dict[str, Intent] = field(default_factory=dict)
    taken: list[actions.Action] = field(default_factory=list)
    on_act: Callable[[str], None] = never

    def act(
        self, key: str, action: actions.Action, terms: Terms | None = None,
        announced: Announcement | None = None, signatures: Sequence[bytes] = (),
    ) -> Intent:  # fmt: skip
        data = repr(action).encode()
        known = self.intents.get(key)
        if known is not None and known.data != data:
            raise IntentConflict(key)
        if known is not None:
            return known
        self.on_act(f"before {type(action).__name__}")
        try:
            self.chain.scene.act(action)
        except Rejected as refused:
            self.intents[key] = _intent(key, data, IntentState.FAILED, refused.code)
            raise
        self.taken.append(action)
        self.intents[key] = _intent(key, data, IntentState.FINAL, None)
        self.on_act(f"after {type(action).__name__}")
        return self.intents[key]

    def seal(self, action: actions.Action, signatures: Sequence[bytes] = ()) -> bytes:
        assert isinstance(action, actions.Challenge)
        return self.chain.scene.digest_of(action.evidence)


def charge_of(scene: CourtScene, replica: int, task: int, published: bool = True) -> Charge:
    """A charge as somebody makes it who ran a scene's task again."""
    job = scene.job
    tree = ResultsTree(scene.works[replica].results)
    own = Trace(scene.providers[replica], execute(job.graph, job.inputs[task]))
    spec = actions.Spec(*job.digests[task], job.specs.prove(task))
    terms = scene.market.batches[scene.batch_id].terms
    return Charge(
        scene.batch_id, terms, scene.order, replica, task, job.graph, own, spec, job.private,
        scene.leaf(replica, task) if published else None, tree.levels[-1][0],
    )  # fmt: skip


def _intent(key: str, data: bytes, state: IntentState, reason: str | None) -> Intent:
    return Intent(
        0, 0, bytes(20), key, None, data, 0, state, None, (), None, None, None, None, None,
        None if state is IntentState.FAILED else True, reason, 0, None, None, 0, 0,
    )  # fmt: skip
