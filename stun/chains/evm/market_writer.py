"""The market on an EVM chain, written: implements stun.chains.market.MarketWriter for one account."""

from collections.abc import Sequence
from typing import Any

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import (
    deliver_arguments,
    join_signatures,
    membership_words,
    message_tuple,
    resolve_arguments,
    terms_tuple,
    top_tuple,
)
from stun.chains.interface import Intent, IntentState, TransactionSender
from stun.chains.market import Offer, Opening, Sealed
from stun.protocol.market.state import Terms
from stun.protocol.messages import Operator, Order
from stun.protocol.parameters import BY_NAME, SHIFTS, NumericClass
from stun.protocol.trees.resolve import Resolution
from stun.protocol.trees.results import Top


class EvmMarketWriter:
    """Actions of the sender's account; `market` is where their preconditions are read.

    `approve_timeout` bounds, in seconds, the wait for a token approval that an action needs first.
    """

    def __init__(self, sender: TransactionSender, market: EvmMarket, approve_timeout: float = 120.0) -> None:
        self.sender = sender
        self.market = market
        self._approve_timeout = approve_timeout

    @property
    def account(self) -> bytes:
        """The acting account, 32 bytes."""
        return widen(self.sender.account)

    def deposit(self, key: str, asset: bytes, amount: int, beneficiary: bytes) -> Intent:
        """Pay tokens in, after an approval where the allowance is too small."""
        self._approve(key, asset, self.market.contracts.market, amount)
        return self._market(key, "deposit", narrow(asset), amount, narrow(beneficiary))

    def withdraw(self, key: str, asset: bytes, amount: int, to: bytes) -> Intent:
        """Pay free balance out."""
        return self._market(key, "withdraw", narrow(asset), amount, narrow(to))

    def stake(self, key: str, amount: int) -> Intent:
        """Stake STUN, after an approval where the allowance is too small."""
        self._approve(key, self.market.stun, self.market.contracts.staking, amount)
        return self._submit(key, self.market.contracts.staking, "Staking", "stake", amount)

    def unstake(self, key: str, amount: int) -> Intent:
        """Begin to unbond stake."""
        return self._submit(key, self.market.contracts.staking, "Staking", "unstake", amount)

    def collect(self, key: str, to: bytes) -> Intent:
        """Collect unbonded stake."""
        return self._submit(key, self.market.contracts.staking, "Staking", "collect", narrow(to))

    def set_operator(self, key: str, message: Operator, signature: bytes = b"") -> Intent:
        """Name an operator key, by this account's own call or by another account's signed message."""
        if message.account == self.account:
            return self._market(key, "set_operator", narrow(message.operator))
        return self._market(key, "set_operator_signed", *message_tuple(message), signature)

    def cancel_order(self, key: str, nonce: int) -> Intent:
        """Use up an order nonce."""
        return self._market(key, "cancel_order", nonce)

    def register_model(
        self, key: str, manifest_digest: bytes, weight_root: bytes, graph_root: bytes, numeric_class: NumericClass
    ) -> Intent:
        """Register a model, after an approval of its bond where the allowance is too small."""
        times = self.market.rules(self.market.stun).times
        bond = (times >> SHIFTS["model_bond"]) & ((1 << BY_NAME["model_bond"].bits) - 1)
        registry = self.market.contracts.registry
        self._approve(key, self.market.stun, registry, bond)
        roots = (manifest_digest, weight_root, graph_root, int(numeric_class))
        return self._submit(key, registry, "ModelRegistry", "register", *roots)

    def retire_model(self, key: str, model_id: bytes) -> Intent:
        """Retire a model."""
        return self._submit(key, self.market.contracts.registry, "ModelRegistry", "retire", model_id)

    def match(self, key: str, order: Order, signature: bytes, offers: Sequence[Offer]) -> Intent:
        """Open a batch."""
        bids = [message_tuple(offer.bid) for offer in offers]
        signatures = join_signatures([offer.signature for offer in offers])
        return self._market(key, "match", message_tuple(order), signature, bids, signatures, membership_words(offers))

    def post(self, key: str, batch_id: bytes, terms: Terms, top: Top, signature: bytes = b"") -> Intent:
        """Post a lone replica's result."""
        return self._market(key, "post", batch_id, terms_tuple(terms), top_tuple(top), signature)

    def deliver(
        self, key: str, batch_id: bytes, terms: Terms, commits: Sequence[Sealed], openings: Sequence[Opening]
    ) -> Intent:
        """Bring commitments and reveals."""
        return self._market(key, "deliver", batch_id, terms_tuple(terms), *deliver_arguments(commits, openings))

    def leave(self, key: str, batch_id: bytes, terms: Terms, replica: int) -> Intent:
        """Step back from a batch before committing."""
        return self._market(key, "leave", batch_id, terms_tuple(terms), replica)

    def expire(self, key: str, batch_id: bytes, terms: Terms) -> Intent:
        """Call time on a batch."""
        return self._market(key, "expire", batch_id, terms_tuple(terms))

    def settle(self, key: str, batch_id: bytes, terms: Terms, outputs_root: bytes, total_units: int) -> Intent:
        """End a batch."""
        return self._market(key, "settle", batch_id, terms_tuple(terms), outputs_root, total_units)

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
        arguments = (batch_id, terms_tuple(terms), outputs_root, total_units, signature, posted, post_signature)
        return self._market(key, "accept", *arguments)

    def resolve(self, key: str, batch_id: bytes, terms: Terms, resolution: Resolution) -> Intent:
        """Show in which tasks the replicas differ."""
        arguments = (batch_id, terms_tuple(terms), *resolve_arguments(resolution))
        return self._market(key, "resolve", *arguments)

    def wait(self, intent: Intent, timeout: float = 60.0) -> Intent:
        """Wait until the intent is included. Errors: Rejected with the contract's reason, WaitTimeout."""
        return self.sender.wait(intent, IntentState.INCLUDED, timeout)

    def tick(self) -> Sequence[Intent]:
        """Move every open intent on."""
        return self.sender.tick()

    def _approve(self, key: str, asset: bytes, spender: bytes, amount: int) -> None:
        if self.market.allowance(asset, self.account, spender) < amount:
            token = narrow(asset)
            intent = self._submit(f"{key}:approve", token, "StunToken", "approve", spender, amount)
            self.sender.wait(intent, IntentState.INCLUDED, self._approve_timeout)

    def _market(self, key: str, name: str, *arguments: Any) -> Intent:
        return self._submit(key, self.market.contracts.market, "Marketplace", name, *arguments)

    def _submit(self, key: str, to: bytes, contract: str, name: str, *arguments: Any) -> Intent:
        return self.sender.submit(key, to, interface(contract).function(name).encode(*arguments))
