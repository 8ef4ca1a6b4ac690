"""The market in memory: the specification behind the interface of a chain, with a clock that tests set.

Each accepted action is one block with one transaction. Signatures are real: who signed is recovered from the bytes.
Contracts as signers (ERC-1271) do not exist here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.signatures import recover
from stun.chains.interface import ChainError
from stun.chains.market import BatchRecord, BatchUnknown, ChainEvent, ModelRecord, Rules
from stun.protocol import config, registry, reputation
from stun.protocol.market.actions import Action
from stun.protocol.market.state import Batch, Event, Market, ReplicaState, Terms
from stun.protocol.market.step import step
from stun.protocol.messages import NOBODY, Domain
from stun.protocol.parameters import (
    PARAMETERS,
    AssetRules,
    NumericClass,
    asset_rules_from_word,
    development,
    version_of,
)
from stun.protocol.reputation import Reputation
from stun.protocol.staking import Stake
from stun.protocol.trees.specs import model_id

START = 1_760_000_000
FAKE_STUN = widen(b"\x57" * 20)
FAKE_USDC = widen(b"\x05" * 20)
FAKE_COURT = widen(b"\xc0" * 20)
FAKE_SETTLEMENT = widen(b"\x5e" * 20)
STUN_RULES = AssetRules(
    min_locked=1_000,
    min_bond=1_000,
    reward_cap=10**13,
    reference_fee=10**9,
    audit_fee=10**7,
    report_fee=10**6,
    audit_cover=10**12,
)
USDC_RULES = AssetRules(
    min_locked=1,
    min_bond=1,
    reward_cap=10**10,
    reference_fee=10**6,
    audit_fee=10**4,
    report_fee=10**3,
    audit_cover=10**12,
)


def development_config(peers: config.Peers, assets: Mapping[bytes, AssetRules], **changes: int) -> config.ConfigState:
    """Return a development network's config with some values changed and assets listed."""
    values, bounds = development()
    values |= changes
    state = config.publish(config.ConfigState(bounds), [values[p.name] for p in PARAMETERS], peers, START)
    for asset, rules in assets.items():
        state = config.list_asset(state, asset, rules)
    return state


class FakeMarket:
    """Implements stun.chains.market.MarketReader; `clock` and `state` may be set by the test.

    `changes` replace values of the development config (`auditors=2`, `min_stake=1` ...).
    """

    def __init__(self, **changes: int) -> None:
        peers = config.Peers(settlement=FAKE_SETTLEMENT, court=FAKE_COURT, audit=FAKE_COURT)
        assets = {FAKE_STUN: STUN_RULES, FAKE_USDC: USDC_RULES}
        chosen = development_config(peers, assets, **changes)
        self.clock = START
        self.state = Market(Domain(31_337, b"\x4d" * 20), FAKE_STUN, chosen, owner=widen(b"\x0e" * 20))
        self.wallets: dict[tuple[bytes, bytes], int] = {}
        self.log: list[ChainEvent] = []
        self._head = 0
        self._terms: dict[bytes, Terms] = {}

    @property
    def domain(self) -> Domain:
        """The domain of this market's messages."""
        return self.state.domain

    @property
    def chain(self) -> str:
        """A short name of the chain."""
        return f"evm:{self.state.domain.chain_id}"

    @property
    def stun(self) -> bytes:
        """The STUN token as an asset."""
        return self.state.stun

    def now(self) -> int:
        """The deciding clock."""
        return self.clock

    def head(self) -> int:
        """The newest block's number."""
        return self._head

    def rules(self, asset: bytes) -> Rules:
        """The current config version."""
        found = config.match_rules(self.state.config, asset)
        rules = asset_rules_from_word(found.asset_word, found.audit_word) if found.asset_word else None
        return Rules(version_of(found.rules), found.rules, found.limits, found.times, rules)

    def balance(self, asset: bytes, account: bytes) -> int:
        """Free balance inside the market."""
        return self.state.balances.get((asset, account), 0)

    def wallet_balance(self, asset: bytes, account: bytes) -> int:
        """Tokens outside the market."""
        return self.wallets.get((asset, account), 0)

    def stake(self, account: bytes) -> int:
        """Active stake in STUN."""
        return self.state.stakes.get(account, Stake()).active

    def reputation(self, account: bytes) -> int:
        """Score as of now."""
        return reputation.score(self.state.reputations.get(account, Reputation()), self.clock)

    def operator(self, account: bytes) -> bytes:
        """The account's operator key."""
        return self.state.operators.get(account, NOBODY)

    def nonce_used(self, account: bytes, nonce: int) -> bool:
        """Whether an order nonce was matched or cancelled."""
        return (account, nonce) in self.state.nonces

    def model(self, model_id: bytes) -> ModelRecord | None:
        """A registered model, or None."""
        found = self.state.models.get(model_id)
        if found is None:
            return None
        roots = (found.manifest_digest, found.weight_root, found.graph_root)
        return ModelRecord(model_id, found.creator, *roots, found.numeric_class, found.live)

    def models(self) -> Sequence[ModelRecord]:
        """Every registered model, in order of registration."""
        return [found for known in self.state.models if (found := self.model(known)) is not None]

    def batch(self, batch_id: bytes) -> BatchRecord | None:
        """The stored part of an unfinished batch, or None."""
        batch = self.state.batches.get(batch_id)
        return None if batch is None else record_of(batch_id, batch)

    def terms(self, batch_id: bytes) -> Terms:
        """What its match fixed. Errors: BatchUnknown."""
        if batch_id not in self._terms:
            raise BatchUnknown(f"no batch 0x{batch_id.hex()} was opened on {self.chain}")
        return self._terms[batch_id]

    def events(self, first: int, last: int, batch_id: bytes | None = None) -> Sequence[ChainEvent]:
        """Protocol events of blocks first..last in order, of one batch if given."""
        if last > self._head:
            raise ChainError(f"block {last} is not there yet; the chain is at {self._head}")
        found = [event for event in self.log if first <= event.block_number <= last]
        return [event for event in found if batch_id is None or event.fields.get("batch_id") == batch_id]

    def is_signed_by(self, account: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether the account's own key signed the digest."""
        return account != NOBODY and recover(digest, signature) == narrow(account)

    # what tests and FakeWriter do to it

    def mint(self, asset: bytes, account: bytes, amount: int) -> None:
        """Give an account tokens in its wallet."""
        self.move(asset, account, amount)

    def move(self, asset: bytes, account: bytes, amount: int) -> None:
        """Change a wallet. Errors: ChainError (not enough tokens)."""
        held = self.wallet_balance(asset, account) + amount
        if held < 0:
            raise ChainError("the wallet holds too little")
        self.wallets[asset, account] = held

    def add_model(self, creator: bytes, manifest_digest: bytes, numeric_class: NumericClass) -> bytes:
        """Register a model without a bond; return its id."""
        roots = (manifest_digest, sha256(b"weights").digest(), sha256(b"graph").digest())
        self.set_model(model_id(creator, manifest_digest), registry.register(None, creator, *roots, numeric_class, 0))
        return model_id(creator, manifest_digest)

    def set_model(self, name: bytes, model: registry.Model) -> None:
        """Store a model's record."""
        self.state = replace(self.state, models={**self.state.models, name: model})

    def set_stake(self, account: bytes, position: Stake) -> None:
        """Store an account's stake."""
        self.state = replace(self.state, stakes={**self.state.stakes, account: position})

    def apply(self, action: Action) -> Sequence[ChainEvent]:
        """Take one step now; return its events. Errors: Rejected."""
        before = self.state
        self.state, emitted = step(before, action, self.clock)
        for event in emitted:
            if event.name == "BatchOpened":
                self._terms[event.fields["batch_id"]] = event.fields["terms"]
        return self.publish([*emitted, *self._side_effects(before, action.sender)])

    def publish(self, emitted: Sequence[Event]) -> Sequence[ChainEvent]:
        """Make the next block of these events."""
        self._head += 1
        block = sha256(f"block {self._head}".encode()).digest()
        transaction = sha256(f"transaction {self._head}".encode()).digest()
        made = [
            ChainEvent(event.name, dict(event.fields), self._head, block, index, transaction)
            for index, event in enumerate(emitted)
        ]
        self.log += made
        return made

    def _side_effects(self, before: Market, sender: bytes) -> list[Event]:
        """What the contracts for stake and reputation emit in the same transaction, behind the market's events."""
        out = []
        for account, record in self.state.reputations.items():
            old = before.reputations.get(account, Reputation())
            if record != old:
                scores = {"old_value": reputation.score(old, self.clock), "new_value": record.value}
                out.append(Event("ReputationChanged", {"provider": account, **scores}))
        for account, stake in self.state.stakes.items():
            was = before.stakes.get(account, Stake())
            if stake != was:
                taken = was.active + was.unbonding - stake.active - stake.unbonding
                left = {"active": stake.active, "unbonding": stake.unbonding}
                out.append(Event("Slashed", {"account": account, "slasher": sender, "amount": taken, **left}))
        return out

    def on_wallets(self, change: Callable[[], Any], moves: Sequence[tuple[bytes, bytes, int]]) -> Any:
        """Run a change together with token moves (asset, account, amount); none happens if one is refused."""
        wallets = dict(self.wallets)
        try:
            for asset, account, amount in moves:
                self.move(asset, account, amount)
            return change()
        except Exception:
            self.wallets = wallets
            raise


def record_of(batch_id: bytes, batch: Batch) -> BatchRecord:
    """Return what a chain stores of a batch."""
    return BatchRecord(
        batch_id, batch.phase, batch.phase_at, batch.hold_until, batch.posted, batch.tip_paid, batch.dues, batch.seq,
        tuple(replica.state for replica in batch.replicas), digests_of(batch), batch.round,
    )  # fmt: skip


def digests_of(batch: Batch) -> tuple[bytes, ...]:
    """Return each replica's commitment while committed, sha256(root | units) once revealed, else zeros."""
    out = []
    for replica in batch.replicas:
        digest = bytes(32)
        if replica.state == ReplicaState.COMMITTED:
            digest = replica.commitment
        elif replica.outputs_root:
            digest = sha256(replica.outputs_root + replica.total_units.to_bytes(8, "big")).digest()
        out.append(digest)
    return tuple(out)
