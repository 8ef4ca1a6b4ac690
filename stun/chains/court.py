"""The court as every chain adapter offers it: read by events of the specification, written by its actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from stun.chains.interface import Intent
from stun.chains.market import ChainEvent
from stun.protocol.court.actions import Action
from stun.protocol.court.state import Announcement, Demand, Stage
from stun.protocol.market.state import Terms


@dataclass(frozen=True, slots=True)
class Fees:
    """What acts cost now, in native coin: the deposit of the next demand, of one for a trace, of evidence."""

    demand: int
    trace: int
    challenge: int


@dataclass(frozen=True, slots=True)
class ChallengeCosts:
    """What a challenger's acts cost in fees now, about, in native coin: those are gone, whatever comes of them."""

    demand: int
    announcement: int
    challenge: int
    claim: int
    take: int


@dataclass(frozen=True, slots=True)
class DefenceCosts:
    """What a replica's acts cost in fees now, about, in native coin: an answer, a deposit's claim, a withdrawal."""

    answer: int
    claim: int
    take: int


@runtime_checkable
class CourtReader(Protocol):
    """What anybody can read. Every method may raise ChainError when no endpoint answers truthfully."""

    @property
    def account(self) -> bytes:
        """The court's account."""

    def events(self, first: int, last: int, batch_id: bytes | None = None) -> Sequence[ChainEvent]:
        """The court's events of blocks first..last in order, of one batch if given; fields as the specification's."""

    def stage(self, demand: Demand) -> Stage | None:
        """Where a demand stands; None if there is no such."""

    def open_demands(self, batch_id: bytes, replica: int) -> int:
        """How many demands wait for an answer of a replica."""

    def was_convicted(self, batch_id: bytes, replica: int) -> bool:
        """Whether the court convicted a replica."""

    def credit(self, account: bytes) -> int:
        """Native coin that an account may take out."""

    def duties(self, terms: Terms) -> Mapping[str, int]:
        """The court's parameters of the version a batch opened under, by name."""

    def fees(self, terms: Terms, batch_id: bytes, replica: int) -> Fees:
        """What the next act against a replica costs at the newest block's base fee."""

    def challenge_costs(self) -> ChallengeCosts:
        """What a challenger's acts cost in fees at the newest block's."""

    def defence_costs(self) -> DefenceCosts:
        """What a replica's acts cost in fees at the newest block's."""

    def purse(self, account: bytes) -> int:
        """Native coin that an account can pay fees with."""


@runtime_checkable
class CourtWriter(Protocol):
    """What one account can do before the court, each action once under its key."""

    @property
    def account(self) -> bytes:
        """The acting account, 32 bytes."""

    def act(
        self,
        key: str,
        action: Action,
        terms: Terms | None = None,
        announced: Announcement | None = None,
        signatures: Sequence[bytes] = (),
    ) -> Intent:
        """Take an action of this account.

        `terms` of the batch it is about; `announced` for evidence that is opened or lapses; `signatures` those of the
        two commitments of an equivocation. Errors: Rejected with the contract's reason, ChainError.
        """

    def seal(self, action: Action, signatures: Sequence[bytes] = ()) -> bytes:
        """Return the digest of a challenge's evidence in the chain's encoding."""


@runtime_checkable
class Courts(Protocol):
    """The courts of one market: each config version may name another."""

    def of(self, terms: Terms) -> CourtReader | None:
        """The court of a batch's version, None if it names none. Errors: ChainError."""

    def current(self) -> CourtReader | None:
        """The court of the version in force, which new batches open under. Errors: ChainError."""

    def writer(self, court: CourtReader) -> CourtWriter | None:
        """Acts of this account before it; None where no key is."""
