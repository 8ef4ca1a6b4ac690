"""The court on an EVM chain: implements stun.chains.court."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from stun.chains.court import ChallengeCosts, CourtReader, CourtWriter, DefenceCosts, Fees
from stun.chains.evm import court_encoding as encoding
from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.court_calls import Context, calldata, evidence_of
from stun.chains.evm.court_events import CourtLog
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_contracts import interface
from stun.chains.interface import ChainError, Intent, TransactionSender
from stun.chains.market import ChainEvent
from stun.protocol.court.actions import Action, Challenge
from stun.protocol.court.draft import GWEI
from stun.protocol.court.state import Announcement, Demand, Stage
from stun.protocol.market.state import Terms
from stun.protocol.parameters import PARAMETERS, read, version_of

OPEN = 1
CLOSED = 2
CHALLENGE_GAS = ChallengeCosts(demand=160_000, announcement=130_000, challenge=420_000, claim=70_000, take=50_000)
DEFENCE_GAS = DefenceCosts(answer=150_000, claim=70_000, take=50_000)
DUTIES = (*(p.name for p in PARAMETERS if p.word == "duties"), "answer_seconds")


class NoCourt(ChainError):
    """The config version of a batch names no court, or another one."""


class EvmCourt:
    """Reads of the court of one market; `address` is the contract's, 20 bytes."""

    def __init__(self, market: EvmMarket, address: bytes) -> None:
        self.market = market
        self.address = address

    @property
    def account(self) -> bytes:
        """The court's account."""
        return widen(self.address)

    def events(self, first: int, last: int, batch_id: bytes | None = None) -> Sequence[ChainEvent]:
        """The court's events of blocks first..last in order, of one batch if given."""
        view = self.market.view()
        topics: list[Any] = [] if batch_id is None else [None, batch_id]
        logs = view.logs([self.address], self.market.contracts.first_block, topics)
        decoded = CourtLog().decode(log for log in logs if log.block_number <= last)
        return [event for event in decoded if event.block_number >= first]

    def stage(self, demand: Demand) -> Stage | None:
        """Where a demand stands; None if there is no such."""
        word = int(self._read("demand_state", encoding.demand_tuple(demand)))
        if word == 0:
            return None
        return {OPEN: Stage.OPEN, CLOSED: Stage.CLOSED}.get(word, Stage.ANSWERED)

    def open_demands(self, batch_id: bytes, replica: int) -> int:
        """How many demands wait for an answer of a replica."""
        return int(self._read("open_demands", batch_id, replica))

    def was_convicted(self, batch_id: bytes, replica: int) -> bool:
        """Whether the court convicted a replica."""
        return bool(self._read("was_convicted", batch_id, replica))

    def credit(self, account: bytes) -> int:
        """Native coin that an account may take out."""
        return int(self._read("credit_of", narrow(account)))

    def duties(self, terms: Terms) -> Mapping[str, int]:
        """The court's parameters of the version a batch opened under, by name."""
        config = self.market.contracts.config
        function = interface("Config").function("court_rules")
        times, duties = self.market.view().read(config, function, version_of(terms.rules))
        return {name: read(times if name == "answer_seconds" else duties, name) for name in DUTIES}

    def fees(self, terms: Terms, batch_id: bytes, replica: int) -> Fees:
        """What the next act against a replica costs at the newest block's base fee."""
        duties = self.duties(terms)
        basefee = self.market.view().block.base_fee
        open_demands = self.open_demands(batch_id, replica)
        least, gas = duties["answer_floor_gwei"] * GWEI, 2 * duties["answer_gas"] * basefee
        challenge = least + 2 * duties["challenge_gas"] * basefee
        return Fees((open_demands + 1) * (least + gas), (open_demands + 1) * (least + 2 * gas), challenge)

    def challenge_costs(self) -> ChallengeCosts:
        """What a challenger's acts cost in fees at the newest block's."""
        price = self._gas_price()
        return ChallengeCosts(*(getattr(CHALLENGE_GAS, field.name) * price for field in fields(ChallengeCosts)))

    def defence_costs(self) -> DefenceCosts:
        """What a replica's acts cost in fees at the newest block's."""
        price = self._gas_price()
        return DefenceCosts(*(getattr(DEFENCE_GAS, field.name) * price for field in fields(DefenceCosts)))

    def purse(self, account: bytes) -> int:
        """Native coin of an account."""
        return self.market.view().balance(narrow(account))

    def _gas_price(self) -> int:
        return self.market.view().block.base_fee + self.market.reader.priority_fee()

    def _read(self, name: str, *arguments: Any) -> Any:
        return self.market.view().read(self.address, interface("Court").function(name), *arguments)


class EvmCourtWriter:
    """Actions of the sender's account before a court."""

    def __init__(self, sender: TransactionSender, court: EvmCourt) -> None:
        self.sender = sender
        self.court = court

    @property
    def account(self) -> bytes:
        """The acting account, 32 bytes."""
        return widen(self.sender.account)

    def act(
        self,
        key: str,
        action: Action,
        terms: Terms | None = None,
        announced: Announcement | None = None,
        signatures: Sequence[bytes] = (),
    ) -> Intent:
        """Take an action of this account. Errors: Rejected, ChainError."""
        data = calldata(action, Context(terms, announced, signatures))
        return self.sender.submit(key, self.court.address, data, getattr(action, "value", 0))

    def seal(self, action: Action, signatures: Sequence[bytes] = ()) -> bytes:
        """Return the digest of a challenge's evidence in the chain's encoding."""
        assert isinstance(action, Challenge), "only a challenge has evidence"
        return encoding.evidence_digest(evidence_of(action, Context(signatures=signatures))[1])


class EvmCourts:
    """Implements stun.chains.court.Courts; a version's peers never change. `sender` None acts nowhere."""

    def __init__(self, market: EvmMarket, sender: TransactionSender | None = None) -> None:
        self._market = market
        self._sender = sender
        self._known: dict[int, EvmCourt | None] = {}

    def of(self, terms: Terms) -> CourtReader | None:
        """The court of a batch's version."""
        return self._named_by(version_of(terms.rules))

    def current(self) -> CourtReader | None:
        """The court of the version in force."""
        return self._named_by(int(self._read("version")))

    def writer(self, court: CourtReader) -> CourtWriter | None:
        """Acts of the sender's account before a court of this market."""
        assert isinstance(court, EvmCourt), "a court of this chain"
        return None if self._sender is None else EvmCourtWriter(self._sender, court)

    def _named_by(self, version: int) -> EvmCourt | None:
        if version not in self._known:
            address = bytes(self._read("court_of", version))
            self._known[version] = EvmCourt(self._market, address) if any(address) else None
        return self._known[version]

    def _read(self, name: str, *arguments: Any) -> Any:
        return self._market.view().read(self._market.contracts.config, interface("Config").function(name), *arguments)
