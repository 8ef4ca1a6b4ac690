"""One account's actions on the market in memory; implements stun.chains.market.MarketWriter."""

from collections.abc import Callable, Sequence
from typing import Any

from fake_market import FakeMarket

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.signatures import recover
from stun.chains.interface import Intent, IntentState
from stun.chains.market import Offer, Opening, Sealed
from stun.protocol import config, registry, staking
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.market.state import Event, Terms
from stun.protocol.messages import Accept, Bid, Commit, Message, Operator, Order, Post
from stun.protocol.parameters import NumericClass
from stun.protocol.trees import specs
from stun.protocol.trees.resolve import Resolution
from stun.protocol.trees.results import Top, derive


class FakeWriter:
    """Acts at once: an intent is included or failed when the call returns. A refusal raises Rejected, as the sender's
    simulation does, and the failed intent stays under its key.
    """

    def __init__(self, market: FakeMarket, account: bytes) -> None:
        self.market = market
        self._account = account
        self.intents: dict[str, Intent] = {}

    @property
    def account(self) -> bytes:
        """The acting account, 32 bytes."""
        return self._account

    def deposit(self, key: str, asset: bytes, amount: int, beneficiary: bytes) -> Intent:
        """Pay tokens in."""
        action = actions.Deposit(self._account, asset, amount, beneficiary)
        moves = [(asset, self._account, -amount)]
        return self._once(key, lambda: self.market.on_wallets(lambda: self.market.apply(action), moves))

    def withdraw(self, key: str, asset: bytes, amount: int, to: bytes) -> Intent:
        """Pay free balance out."""
        action = actions.Withdraw(self._account, asset, amount, to)

        def act() -> None:
            self.market.apply(action)
            self.market.move(asset, to, amount)

        return self._once(key, act)

    def stake(self, key: str, amount: int) -> Intent:
        """Stake STUN."""

        def act() -> None:
            position = staking.stake(self._stake(), amount)
            self.market.move(self.market.stun, self._account, -amount)
            self._restake("Staked", position, amount=amount, active=position.active)

        return self._once(key, act)

    def unstake(self, key: str, amount: int) -> Intent:
        """Begin to unbond stake."""

        def act() -> None:
            seconds = config.value(self.market.state.config, "unbonding_seconds")
            position = staking.unstake(self._stake(), amount, self.market.clock, seconds)
            left = {"unbonding": position.unbonding, "unlock_at": position.unlock_at}
            self._restake("Unstaked", position, amount=amount, active=position.active, **left)

        return self._once(key, act)

    def collect(self, key: str, to: bytes) -> Intent:
        """Collect unbonded stake."""

        def act() -> None:
            position, amount = staking.collect(self._stake(), self.market.clock)
            self.market.move(self.market.stun, to, amount)
            self._restake("Collected", position, to=to, amount=amount)

        return self._once(key, act)

    def set_operator(self, key: str, message: Operator, signature: bytes = b"") -> Intent:
        """Name an operator key."""
        return self._apply(key, actions.SetOperator(self._account, message, self._signer(message, signature)))

    def cancel_order(self, key: str, nonce: int) -> Intent:
        """Use up an order nonce."""
        return self._apply(key, actions.CancelOrder(self._account, nonce))

    def register_model(
        self, key: str, manifest_digest: bytes, weight_root: bytes, graph_root: bytes, numeric_class: NumericClass
    ) -> Intent:
        """Register a model and pay its bond."""
        name = specs.model_id(self._account, manifest_digest)
        bond = config.value(self.market.state.config, "model_bond")
        roots = {"manifest_digest": manifest_digest, "weight_root": weight_root, "graph_root": graph_root}

        def act() -> None:
            known = self.market.state.models.get(name)
            model = registry.register(known, self._account, **roots, numeric_class=int(numeric_class), bond=bond)
            self.market.move(self.market.stun, self._account, -bond)
            self.market.set_model(name, model)
            fields = {"model_id": name, "creator": self._account, "numeric_class": int(numeric_class), **roots}
            self.market.publish([Event("ModelRegistered", {**fields, "bond": bond})])

        return self._once(key, act)

    def retire_model(self, key: str, model_id: bytes) -> Intent:
        """Retire a model."""

        def act() -> None:
            now = self.market.clock
            model = registry.retire(self.market.state.models.get(model_id), self._account, now)
            self.market.set_model(model_id, model)
            fields = {"model_id": model_id, "creator": self._account, "retired_at": now}
            self.market.publish([Event("ModelRetired", fields)])

        return self._once(key, act)

    def match(self, key: str, order: Order, signature: bytes, offers: Sequence[Offer]) -> Intent:
        """Open a batch."""
        bids = tuple(self._bid(offer.bid, offer) for offer in offers)
        return self._apply(key, actions.Match(self._account, order, self._signer(order, signature), bids))

    def post(self, key: str, batch_id: bytes, terms: Terms, top: Top, signature: bytes = b"") -> Intent:
        """Post a lone replica's result."""
        signer = self._post_signer(batch_id, terms, *derive(terms.count, top), signature) if signature else None
        return self._apply(key, actions.PostResult(self._account, batch_id, top, signer))

    def deliver(
        self, key: str, batch_id: bytes, terms: Terms, commits: Sequence[Sealed], openings: Sequence[Opening]
    ) -> Intent:
        """Bring commitments and reveals."""
        signed = tuple(self._commit(batch_id, terms, commit) for commit in commits)
        reveals = tuple(actions.Reveal(opening.replica, opening.top, opening.salt) for opening in openings)
        return self._apply(key, actions.Deliver(self._account, batch_id, signed, reveals))

    def leave(self, key: str, batch_id: bytes, terms: Terms, replica: int) -> Intent:
        """Step back from a batch before committing."""
        return self._apply(key, actions.LeaveBatch(self._account, batch_id, replica))

    def expire(self, key: str, batch_id: bytes, terms: Terms) -> Intent:
        """Call time on a batch."""
        return self._apply(key, actions.Expire(self._account, batch_id))

    def settle(self, key: str, batch_id: bytes, terms: Terms, outputs_root: bytes, total_units: int) -> Intent:
        """End a batch."""
        return self._apply(key, actions.Settle(self._account, batch_id, outputs_root, total_units))

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
        message = Accept(batch_id, outputs_root, total_units)
        poster = self._post_signer(batch_id, terms, outputs_root, total_units, post_signature)
        signer = self._signer(message, signature)
        return self._apply(key, actions.AcceptResult(self._account, message, signer, posted, poster))

    def resolve(self, key: str, batch_id: bytes, terms: Terms, resolution: Resolution) -> Intent:
        """Show in which tasks the replicas differ."""
        return self._apply(key, actions.Resolve(self._account, batch_id, resolution))

    def wait(self, intent: Intent, timeout: float = 60.0) -> Intent:
        """Return the intent. Errors: Rejected with the reason if it failed."""
        if intent.state is IntentState.FAILED:
            raise Rejected(intent.reason or "")
        return intent

    def tick(self) -> Sequence[Intent]:
        """Every intent has ended already."""
        return ()

    def _apply(self, key: str, action: actions.Action) -> Intent:
        return self._once(key, lambda: self.market.apply(action))

    def _once(self, key: str, act: Callable[[], Any]) -> Intent:
        if key not in self.intents:
            try:
                act()
            except Rejected as refusal:
                self.intents[key] = self._intent(key, refusal.code)
                raise
            self.intents[key] = self._intent(key, None)
        return self.intents[key]

    def _intent(self, key: str, reason: str | None) -> Intent:
        state = IntentState.INCLUDED if reason is None else IntentState.FAILED
        head, now = self.market.head(), self.market.clock
        return Intent(
            id=len(self.intents) + 1, chain_id=self.market.domain.chain_id, account=narrow(self._account), key=key,
            to=self.market.domain.market, data=b"", value=0, state=state, nonce=len(self.intents), signed=(),
            landed=None, block_number=head, block_hash=None, gas_used=0, created=None, ok=reason is None,
            reason=reason, planned_block=head, signed_block=head, gas=0, planned_at=now, updated_at=now,
        )  # fmt: skip

    def _signer(self, message: Message, signature: bytes) -> bytes | None:
        found = recover(message.digest(self.market.domain), signature)
        return None if found is None else widen(found)

    def _post_signer(self, batch_id: bytes, terms: Terms, root: bytes, units: int, signature: bytes) -> bytes | None:
        return self._signer(Post(batch_id, terms.casts[0].provider, root, units), signature)

    def _bid(self, bid: Bid, offer: Offer) -> actions.SignedBid:
        return actions.SignedBid(bid, self._signer(bid, offer.signature), offer.membership)

    def _commit(self, batch_id: bytes, terms: Terms, commit: Sealed) -> actions.SignedCommit:
        if not commit.replica < len(terms.casts):
            return actions.SignedCommit(commit.replica, commit.commitment)
        message = Commit(batch_id, terms.casts[commit.replica].provider, commit.commitment)
        return actions.SignedCommit(commit.replica, commit.commitment, self._signer(message, commit.signature))

    def _stake(self) -> staking.Stake:
        return self.market.state.stakes.get(self._account, staking.Stake())

    def _restake(self, name: str, position: staking.Stake, **fields: Any) -> None:
        self.market.set_stake(self._account, position)
        self.market.publish([Event(name, {"account": self._account, **fields})])
