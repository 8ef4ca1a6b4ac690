"""The working copy of a step: the only place where money moves.

A rule works on a Draft and may raise Rejected at any point; only `finish()` makes its changes the new state.
"""

from dataclasses import replace
from typing import Any

from stun.protocol import config, parameters, reputation, staking
from stun.protocol.errors import Rejected, require
from stun.protocol.market.state import Batch, Event, Market
from stun.protocol.messages import NOBODY
from stun.protocol.parameters import NumericClass


class Draft:
    """A mutable copy of the market for one action at one moment, with the events it emits."""

    def __init__(self, market: Market, sender: bytes, now: int) -> None:
        self.market = market
        self.sender = sender
        self.now = now
        self.events: list[Event] = []
        self.balances = dict(market.balances)
        self.treasury = dict(market.treasury)
        self.insurance = dict(market.insurance)
        self.audit = dict(market.audit)
        self.held = dict(market.held)
        self.burned = market.burned
        self.stakes = dict(market.stakes)
        self.reputations = dict(market.reputations)
        self.nonces = set(market.nonces)
        self.operators = dict(market.operators)
        self.operator_nonces = dict(market.operator_nonces)
        self.batches = dict(market.batches)

    def finish(self) -> Market:
        """Return the new state."""
        return replace(
            self.market,
            balances={key: value for key, value in self.balances.items() if value},
            treasury=self.treasury,
            insurance=self.insurance,
            audit=self.audit,
            held=self.held,
            burned=self.burned,
            stakes=self.stakes,
            reputations=self.reputations,
            nonces=frozenset(self.nonces),
            operators=self.operators,
            operator_nonces=self.operator_nonces,
            batches=self.batches,
        )

    def emit(self, name: str, **fields: Any) -> None:
        """Add an event."""
        self.events.append(Event(name, fields))

    def emit_batch(self, batch_id: bytes, name: str, **fields: Any) -> None:
        """Add an event of a batch, numbered within it."""
        batch = self.batches[batch_id]
        self.emit(name, batch_id=batch_id, seq=batch.seq, **fields)
        self.batches[batch_id] = replace(batch, seq=batch.seq + 1)

    def batch(self, batch_id: bytes) -> Batch:
        """Return an unfinished batch. Errors: "batches: unknown"."""
        if batch_id not in self.batches:
            raise Rejected("batches: unknown")
        return self.batches[batch_id]

    def change(self, batch_id: bytes, **changes: Any) -> Batch:
        """Change the record of a batch and return it."""
        self.batches[batch_id] = replace(self.batches[batch_id], **changes)
        return self.batches[batch_id]

    def change_replica(self, batch_id: bytes, index: int, **changes: Any) -> Batch:
        """Change one replica of a batch and return the batch."""
        self.batches[batch_id] = self.batches[batch_id].with_replica(index, **changes)
        return self.batches[batch_id]

    def draw_from(self, batch_id: bytes) -> None:
        """Let a round decide about the batch's audit that is due after now.

        None does in class `opaque`, nor where nothing was paid into the audit account: no auditors, no audit.
        """
        batch = self.batch(batch_id)
        audited = batch.terms.audit_prepaid > 0 and batch.terms.numeric_class != NumericClass.OPAQUE
        beacon = config.peers(self.market.config, parameters.version_of(batch.terms.rules)).beacon
        if audited and beacon != NOBODY:
            self.change(batch_id, round=max(batch.round, self.market.beacons[beacon].due_round(self.now)))

    def may_sign(self, account: bytes, signer: bytes | None) -> bool:
        """Whether the account itself, its operator key, or a call of either stands behind a duty."""
        allowed = {account, self.operators.get(account, NOBODY)} - {NOBODY}
        return bool(allowed & {self.sender, signer})

    def credit(self, asset: bytes, account: bytes, value: int) -> None:
        """Add to a free balance; cannot fail, so nobody can block a settlement."""
        key = (asset, account)
        self.balances[key] = self.balances.get(key, 0) + value

    def debit(self, asset: bytes, account: bytes, value: int) -> None:
        """Take from a free balance. Errors: "ledger: balance"."""
        key = (asset, account)
        require(self.balances.get(key, 0) >= value, "ledger: balance")
        self.balances[key] = self.balances.get(key, 0) - value

    def forfeit(self, asset: bytes, value: int) -> None:
        """Burn (STUN) or insure (any other asset) money that a replica lost."""
        if asset == self.market.stun:
            self.burned += value
            self.held[asset] = self.held.get(asset, 0) - value
        else:
            self.insurance[asset] = self.insurance.get(asset, 0) + value

    def change_audit(self, asset: bytes, account: bytes, change: int) -> None:
        """Add to an asset's audit account what an account gave, or take from it what an audit pays (negative)."""
        old = self.audit.get(asset, 0)
        self.audit[asset] = old + change
        self.emit("AuditAccountChanged", asset=asset, account=account, old=old, new=old + change)

    def slash(self, account: bytes, bps: int) -> None:
        """Burn a part of an account's stake."""
        stake = self.stakes.get(account, staking.Stake())
        self.stakes[account], _ = staking.slash(stake, bps)

    def earn(self, account: bytes, paid: int, reference_fee: int, alpha_ppm: int) -> None:
        """Raise a provider's reputation for a payment."""
        record = self.reputations.get(account, reputation.Reputation())
        self.reputations[account] = reputation.earned(record, paid, reference_fee, alpha_ppm, self.now)

    def mark_silent(self, account: bytes, beta_ppm: int) -> None:
        """Lower a provider's reputation for silence."""
        record = self.reputations.get(account, reputation.Reputation())
        self.reputations[account] = reputation.silent(record, beta_ppm, self.now)

    def mark_convicted(self, account: bytes) -> None:
        """Take a provider's reputation for a wrong result."""
        record = self.reputations.get(account, reputation.Reputation())
        self.reputations[account] = reputation.convicted(record, self.now)
