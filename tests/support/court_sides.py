"""A dispute on both sides: every act is taken in the specification and by the contracts, and compared."""

from collections.abc import Sequence

from court_batch import PUBLIC, Job, Work, delivery, matching
from court_scene import CourtScene
from court_world import CourtWorld

from stun.disputes.seen import Record
from stun.protocol.court import actions
from stun.protocol.court.evidence import Evidence
from stun.protocol.court.state import Chain, Court
from stun.protocol.errors import Rejected
from stun.protocol.market.state import Event, Market


class SidedScene(CourtScene):
    """A batch in a world of two sides; several may live in one world."""

    def __init__(self, world: CourtWorld, job: Job, works: Sequence[Work], cipher_root: bytes = PUBLIC) -> None:
        self.job, self.works, self.cipher_root = job, works, cipher_root
        self.world = world
        self.providers = world.people.providers[: len(works)]
        self.challenger = world.people.challenger
        self.events: list[Event] = []
        self.record = Record()
        world.restake()
        self.order = world.order(job, len(works))
        self.batch_id = self.order.digest(world.market.domain)
        for action in (matching(self.order, self.batch_id), delivery(self.batch_id, works)):
            code = world.act(action)
            assert code is None, f"the batch does not come to results: {code}"

    @property
    def market(self) -> Market:
        """The market as it stands."""
        return self.world.market

    @property
    def court(self) -> Court:
        """The court as it stands."""
        return self.world.court

    @property
    def chain(self) -> Chain:
        """The clock."""
        return Chain(self.world.now, self.world.block, 0)

    def act(self, action: actions.Action) -> tuple[Event, ...]:
        """Take an action on both sides. Errors: Rejected, Divergence."""
        code, events = self.world.judge(action)
        if code is not None:
            raise Rejected(code)
        self.events.extend(events)
        for event in events:
            self.record.take(event.name, event.fields)
        return events

    def refusal(self, action: actions.Action, same_block: bool = False) -> str | None:
        """Return the code with which both sides refuse an action; it is taken if they do not."""
        return self.world.judge(action, same_block)[0]

    def travel(self, seconds: int) -> None:
        """Let time pass."""
        self.world.pass_time(self.world.now + seconds)

    def digest_of(self, evidence: Evidence) -> bytes:
        """Return the digest of evidence in the contracts' encoding."""
        return self.world.seal(evidence)
