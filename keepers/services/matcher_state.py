"""What the matcher knows and what it may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keepers.services.facts import ChainFacts
from keepers.services.profiles import ProviderProfile
from keepers.services.profit import ProfitRule
from keepers.services.scoring import Scorer, SimpleScorer
from stun.protocol.messages import Bid, Order
from stun.protocol.trees.specs import Membership
from stun.provider.hardware import Requirements


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order whose requester's signature holds; `first_seen` by the chain's clock."""

    digest: bytes
    order: Order
    signature: bytes
    first_seen: int
    requirements: Requirements | None = None


@dataclass(frozen=True, slots=True)
class ReceivedBid:
    """A bid and the account that its signature recovers to: the provider or its operator."""

    bid: Bid
    signature: bytes
    signer: bytes
    membership: Membership | None = None


@dataclass(frozen=True, slots=True)
class MatcherPolicy:
    """How a matcher works; times in seconds.

    `bid_window`: how long bids are waited for after the first ask; `ask_seconds`: how long an ask stands;
    `ask_again`: when a provider that did not answer may be asked again; `margin`: what a bid or order must still live;
    `ask_factor`: asks per replica; the rest bounds one decision.
    """

    bid_window: int = 5
    ask_seconds: int = 30
    ask_again: int = 60
    margin: int = 5
    ask_factor: int = 2
    asks_per_tick: int = 512
    matches_per_tick: int = 32
    profit: ProfitRule = field(default_factory=ProfitRule)


@dataclass(frozen=True, slots=True)
class MatcherState:
    """All that a decision knows. `asked`: per order digest, when each provider was asked last; `acting`: orders whose
    match is under way; `doubts`: per order, how often the chain refused a match with a provider's bid."""

    keeper: bytes
    facts: ChainFacts
    orders: Sequence[OpenOrder]
    profiles: Sequence[ProviderProfile] = ()
    bids: Mapping[bytes, Sequence[ReceivedBid]] = field(default_factory=dict)
    asked: Mapping[bytes, Mapping[bytes, int]] = field(default_factory=dict)
    acting: frozenset[bytes] = frozenset()
    doubts: Mapping[bytes, Mapping[bytes, int]] = field(default_factory=dict)
    policy: MatcherPolicy = field(default_factory=MatcherPolicy)
    scorer: Scorer = field(default_factory=SimpleScorer)


@dataclass(frozen=True, slots=True)
class AskProvider:
    """Ask a provider for a bid; the ask ends at `expires_at`."""

    order_digest: bytes
    provider: bytes
    expires_at: int


@dataclass(frozen=True, slots=True)
class BringMatch:
    """Bring an order with its chosen bids, in the order of the replicas."""

    order: OpenOrder
    offers: tuple[ReceivedBid, ...]


MatcherAction = AskProvider | BringMatch
