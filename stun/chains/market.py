"""The market as every chain adapter offers it, in the protocol's own records.

Accounts and assets are the protocol's 32 bytes, amounts the asset's smallest unit, times unix seconds. Reading never
mixes two blocks; writing goes through a sender that does each keyed action once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from stun.chains.interface import ChainError, Intent
from stun.protocol.market.state import Phase, ReplicaState, Terms
from stun.protocol.messages import Bid, Domain, Operator, Order
from stun.protocol.parameters import AssetRules, NumericClass
from stun.protocol.trees.resolve import Resolution
from stun.protocol.trees.results import Top
from stun.protocol.trees.specs import Membership


class BatchUnknown(ChainError):
    """No BatchOpened event of this id is in the chain's history that the endpoint serves."""


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A registered model; `live` is False once retired."""

    model_id: bytes
    creator: bytes
    manifest_digest: bytes
    weight_root: bytes
    graph_root: bytes
    numeric_class: NumericClass
    live: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The current config version: number, packed words, and the rules of one asset (None if it is not listed)."""

    version: int
    rules: int
    limits: int
    times: int
    asset: AssetRules | None


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """What the chain stores of an unfinished batch, as its last step left it (late clocks are not applied).

    `digests[k]` is replica k's commitment while committed and sha256(outputs_root | total_units u64) once revealed;
    `round` the beacon's round that decides about its audit, 0 if none does.
    """

    batch_id: bytes
    phase: Phase
    phase_at: int
    hold_until: int
    posted: bool
    tip_paid: bool
    dues: tuple[int, ...] | None
    seq: int
    states: tuple[ReplicaState, ...]
    digests: tuple[bytes, ...]
    round: int = 0


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """A protocol event with its place: `fields` by the specification's names, accounts as 32 bytes, terms as Terms."""

    name: str
    fields: Mapping[str, Any]
    block_number: int
    block_hash: bytes
    log_index: int
    transaction: bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """A bid as a matcher brings it; no signature if the provider itself calls, a proof if the order lists providers."""

    bid: Bid
    signature: bytes
    membership: Membership | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A commitment as anyone may bring it."""

    replica: int
    commitment: bytes
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening of a commitment."""

    replica: int
    top: Top
    salt: bytes


@runtime_checkable
class MarketReader(Protocol):
    """What anybody can read. Every method may raise ChainError when no endpoint answers truthfully."""

    @property
    def domain(self) -> Domain:
        """The domain of this market's messages."""

    @property
    def chain(self) -> str:
        """A short name of the chain, `evm:31337`."""

    @property
    def stun(self) -> bytes:
        """The STUN token as an asset."""

    def now(self) -> int:
        """The deciding clock: the newest block's time."""

    def head(self) -> int:
        """The newest block's number."""

    def rules(self, asset: bytes) -> Rules:
        """The current config version."""

    def balance(self, asset: bytes, account: bytes) -> int:
        """Free balance inside the market."""

    def wallet_balance(self, asset: bytes, account: bytes) -> int:
        """Tokens the account holds outside the market."""

    def stake(self, account: bytes) -> int:
        """Active stake in STUN."""

    def reputation(self, account: bytes) -> int:
        """Score in [0, 10^6] as of now."""

    def operator(self, account: bytes) -> bytes:
        """The account's operator key, 32 zero bytes if none."""

    def nonce_used(self, account: bytes, nonce: int) -> bool:
        """Whether an order nonce was matched or cancelled."""

    def model(self, model_id: bytes) -> ModelRecord | None:
        """A registered model, or None."""

    def models(self) -> Sequence[ModelRecord]:
        """Every registered model, in order of registration."""

    def batch(self, batch_id: bytes) -> BatchRecord | None:
        """The stored part of an unfinished batch, or None if there is none (never opened, or final)."""

    def terms(self, batch_id: bytes) -> Terms:
        """What its match fixed. Errors: BatchUnknown."""

    def events(self, first: int, last: int, batch_id: bytes | None = None) -> Sequence[ChainEvent]:
        """Protocol events of blocks first..last in order, of one batch if given."""

    def is_signed_by(self, account: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether the account stands behind a digest, as the contracts judge it (key, operator excluded, ERC-1271)."""


@runtime_checkable
class MarketWriter(Protocol):
    """What one account can do, each action once under its key; returns the intent (see TransactionSender)."""

    @property
    def account(self) -> bytes:
        """The acting account, 32 bytes."""

    def deposit(self, key: str, asset: bytes, amount: int, beneficiary: bytes) -> Intent:
        """Pay tokens in (approves first where needed)."""

    def withdraw(self, key: str, asset: bytes, amount: int, to: bytes) -> Intent:
        """Pay free balance out."""

    def stake(self, key: str, amount: int) -> Intent:
        """Stake STUN (approves first where needed)."""

    def unstake(self, key: str, amount: int) -> Intent:
        """Begin to unbond stake."""

    def collect(self, key: str, to: bytes) -> Intent:
        """Collect unbonded stake."""

    def set_operator(self, key: str, message: Operator, signature: bytes = b"") -> Intent:
        """Name an operator key."""

    def cancel_order(self, key: str, nonce: int) -> Intent:
        """Use up an order nonce."""

    def register_model(
        self, key: str, manifest_digest: bytes, weight_root: bytes, graph_root: bytes, numeric_class: NumericClass
    ) -> Intent:
        """Register a model (approves the bond first where needed)."""

    def retire_model(self, key: str, model_id: bytes) -> Intent:
        """Retire a model."""

    def match(self, key: str, order: Order, signature: bytes, offers: Sequence[Offer]) -> Intent:
        """Open a batch."""

    def post(self, key: str, batch_id: bytes, terms: Terms, top: Top, signature: bytes = b"") -> Intent:
        """Post a lone replica's result."""

    def deliver(
        self, key: str, batch_id: bytes, terms: Terms, commits: Sequence[Sealed], openings: Sequence[Opening]
    ) -> Intent:
        """Bring commitments and reveals."""

    def leave(self, key: str, batch_id: bytes, terms: Terms, replica: int) -> Intent:
        """Step back from a batch before committing."""

    def expire(self, key: str, batch_id: bytes, terms: Terms) -> Intent:
        """Call time on a batch."""

    def settle(self, key: str, batch_id: bytes, terms: Terms, outputs_root: bytes, total_units: int) -> Intent:
        """End a batch."""

    def accept(
        self,
        key: str,
        batch_id: bytes,
        terms: Terms,
        outputs_root: bytes,
        total_units: int,
        signature: bytes = b"",
        posted: bool = False,
        post_signature: bytes = b"",
    ) -> Intent:
        """Accept a result."""

    def resolve(self, key: str, batch_id: bytes, terms: Terms, resolution: Resolution) -> Intent:
        """Show in which tasks the replicas differ."""

    def wait(self, intent: Intent, timeout: float = 60.0) -> Intent:
        """Wait until the intent is included; raises Rejected with the contract's reason if it failed."""

    def tick(self) -> Sequence[Intent]:
        """Move every open intent on."""
