"""The court in memory: the specification behind the interface of a chain, beside the market in memory."""

from collections.abc import Callable, Mapping, Sequence

from fake_market import FAKE_COURT, FakeMarket
from scene_court import DUTIES

from stun.chains.court import ChallengeCosts, CourtReader, CourtWriter, DefenceCosts, Fees
from stun.chains.evm.addresses import narrow, widen
from stun.chains.interface import Intent, IntentConflict, IntentState
from stun.chains.market import ChainEvent
from stun.protocol import config
from stun.protocol.court import actions
from stun.protocol.court.state import Announcement, Chain, Court, Demand, OpenDemands, Stage
from stun.protocol.court.step import step
from stun.protocol.errors import Rejected
from stun.protocol.market.state import Terms
from stun.protocol.parameters import BY_NAME, read, version_of

COIN = 10**20
BASEFEE = 7 * 10**9
CURIOUS = widen(b"\xcc" * 20)
COURT_EVENTS = ("Demanded", "Answered", "RowOpened", "TraceCommitted", "DemandExpired", "DepositClaimed", "CreditTaken")


class FakeCourt:
    """Implements CourtReader on the specification; `hidden` leaves demands out of what it shows."""

    def __init__(self, market: FakeMarket) -> None:
        self.market = market
        self.state = Court(FAKE_COURT)
        self.log: list[ChainEvent] = []
        self.purses: dict[bytes, int] = {}
        self.hidden: set[Demand] = set()
        self.reads = 0

    @property
    def account(self) -> bytes:
        return FAKE_COURT

    def act(self, action: actions.Action) -> None:
        """Take an action in a block of its own. Errors: Rejected."""
        chain = Chain(self.market.clock, self.market.head() + 1, BASEFEE)
        self.market.state, self.state, events = step(self.market.state, self.state, action, chain)
        self.log += [event for event in self.market.publish(events) if event.name in COURT_EVENTS]

    def events(self, first: int, last: int, batch_id: bytes | None = None) -> Sequence[ChainEvent]:
        self.reads += 1
        return [event for event in self.log if event.fields.get("demand") not in self.hidden]

    def stage(self, demand: Demand) -> Stage | None:
        standing = self.state.demands.get(demand)
        return None if standing is None else standing.stage

    def open_demands(self, batch_id: bytes, replica: int) -> int:
        return self.state.open.get((batch_id, replica), OpenDemands()).total

    def was_convicted(self, batch_id: bytes, replica: int) -> bool:
        return self.state.was_convicted(batch_id, replica)

    def credit(self, account: bytes) -> int:
        return self.state.credits.get(account, 0)

    def duties(self, terms: Terms) -> Mapping[str, int]:
        words = self.market.state.config.versions[version_of(terms.rules) - 1].words
        return {name: read(words[BY_NAME[name].word], name) for name in DUTIES}

    def fees(self, terms: Terms, batch_id: bytes, replica: int) -> Fees:
        return Fees(COIN, COIN, COIN)

    def challenge_costs(self) -> ChallengeCosts:
        return ChallengeCosts(BASEFEE, BASEFEE, BASEFEE, BASEFEE, BASEFEE)

    def defence_costs(self) -> DefenceCosts:
        return DefenceCosts(150_000 * BASEFEE, 70_000 * BASEFEE, 50_000 * BASEFEE)

    def purse(self, account: bytes) -> int:
        return self.purses.get(account, COIN)


class FakeCourtWriter:
    """Implements CourtWriter for one account: each key once. `broken` is raised before an act takes effect."""

    def __init__(self, court: FakeCourt, account: bytes) -> None:
        self.court = court
        self.account = account
        self.intents: dict[str, Intent] = {}
        self.payloads: dict[str, str] = {}
        self.broken: Exception | None = None
        self.on_act: Callable[[str], None] = lambda _: None

    def act(
        self, key: str, action: actions.Action, terms: Terms | None = None,
        announced: Announcement | None = None, signatures: Sequence[bytes] = (),
    ) -> Intent:  # fmt: skip
        if self.payloads.setdefault(key, repr(action)) != repr(action):
            raise IntentConflict(key)
        if self.broken is not None:
            raise self.broken
        if key not in self.intents:
            self.on_act("before")
            try:
                self.court.act(action)
            except Rejected as refused:
                self.intents[key] = _intent(key, IntentState.FAILED, refused.code)
                raise
            self.intents[key] = _intent(key, IntentState.INCLUDED, None)
            self.on_act("after")
        return self.intents[key]

    def seal(self, action: actions.Action, signatures: Sequence[bytes] = ()) -> bytes:
        raise AssertionError("a provider shows no evidence")


class FakeCourts:
    """Implements Courts for one account."""

    def __init__(self, court: FakeCourt, writer: FakeCourtWriter) -> None:
        self.court = court
        self._writer = writer

    def of(self, terms: Terms) -> CourtReader | None:
        peers = config.peers(self.court.market.state.config, version_of(terms.rules))
        return self.court if peers.court == FAKE_COURT else None

    def current(self) -> CourtReader | None:
        return self.court

    def writer(self, court: CourtReader) -> CourtWriter | None:
        return self._writer


def _intent(key: str, state: IntentState, reason: str | None) -> Intent:
    return Intent(
        0, 0, narrow(CURIOUS), key, None, b"", 0, state, None, (), None, None, None, None, None,
        None if reason else True, reason, 0, None, None, 0, 0,
    )  # fmt: skip
