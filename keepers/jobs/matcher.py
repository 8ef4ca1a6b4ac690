"""The matcher's job: pools and chain in, a decision, asks and matches out; one cycle a tick."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from keepers.jobs.acting import Actor
from keepers.jobs.facts import FactBook
from keepers.metrics import KeeperMetrics
from keepers.pools import MatcherPools
from keepers.services.facts import ChainFacts
from keepers.services.matcher import decide, still_allowed
from keepers.services.matcher_state import (
    AskProvider,
    BringMatch,
    MatcherPolicy,
    MatcherState,
    OpenOrder,
    ReceivedBid,
)
from keepers.services.profiles import ProviderProfile, read_profile
from keepers.services.scoring import Scorer
from keepers.store.duties import Duty, DutyState
from keepers.store.events import EventLog
from keepers.store.orders import OrderMemory
from stun.chains.interface import Intent
from stun.chains.market import MarketReader, MarketWriter, Offer
from stun.pool.envelopes import AskEnvelope, BidEnvelope, OrderEnvelope, ProfileEnvelope
from stun.pool.errors import PoolRefused, PoolsExhausted
from stun.protocol.messages import Ask
from stun.provider.hardware import Requirements

_log = structlog.get_logger(__name__)
SignDigest = Callable[[bytes], bytes]
ReadRequirements = Callable[[OrderEnvelope], Requirements | None]
MATCH = "match"
MOST_REFUSALS = 20


class MatcherJob:
    """Asks providers and brings matches for one account. `sign` None: asks are told, not sent."""

    def __init__(
        self,
        reader: MarketReader,
        pools: MatcherPools,
        actor: Actor,
        account: bytes,
        orders: OrderMemory,
        events: EventLog,
        metrics: KeeperMetrics,
        policy: MatcherPolicy,
        scorer: Scorer,
        sign: SignDigest | None,
        requirements: ReadRequirements,
        facts_seconds: int = 10,
    ) -> None:
        self._reader = reader
        self._pools = pools
        self._actor = actor
        self._account = account
        self._orders = orders
        self._events = events
        self.metrics = metrics
        self._policy = policy
        self._scorer = scorer
        self._sign = sign
        self._requirements = requirements
        self._facts = FactBook(reader, facts_seconds)
        self._doubts: dict[bytes, dict[bytes, int]] = {}

    def tick(self) -> None:
        """Do one cycle. Errors: StunError (chain or pool; the next tick tries again)."""
        now = self._reader.now()
        self.metrics.undone(self._events.sync(self._reader).undone)
        self._orders.forget_expired(now)
        envelopes = self._valid_orders(now)
        self._doubts = {digest: held for digest, held in self._doubts.items() if digest in envelopes}
        self._actor.follow(lambda duty: self._is_matched(duty, envelopes), now)
        state = self._state(envelopes, now)
        self.metrics.waits("orders", len(state.orders))
        actions = decide(state, now)
        self._ask([action for action in actions if isinstance(action, AskProvider)], now)
        for action in actions:
            if isinstance(action, BringMatch):
                self._bring(action, state, now)

    def _valid_orders(self, now: int) -> dict[bytes, OrderEnvelope]:
        """Orders whose requester's signature holds, by digest."""
        found = {}
        for envelope in self._pools.orders():
            order = envelope.order
            digest = order.digest(self._reader.domain)
            if now < order.expires_at and self._facts.is_signed_by(order.requester, digest, envelope.signature, now):
                found[digest] = envelope
        return found

    def _state(self, envelopes: dict[bytes, OrderEnvelope], now: int) -> MatcherState:
        seen = self._orders.first_seen({digest: e.order.expires_at for digest, e in envelopes.items()}, now)
        held = self._actor.held(now)
        waiting = {digest: e for digest, e in envelopes.items() if (digest, self._version(digest)) not in held}
        bids = self._bids(list(waiting), now)
        profiles = self._pools.profiles()
        orders = [
            OpenOrder(digest, e.order, e.signature, seen[digest], self._requirements(e))
            for digest, e in waiting.items()
        ]
        facts = self._facts_of(orders, bids, now)
        return MatcherState(
            keeper=self._account,
            facts=facts,
            orders=orders,
            profiles=self._profiles(profiles, now),
            bids=bids,
            asked=self._orders.asked(),
            doubts=self._doubts,
            policy=self._policy,
            scorer=self._scorer,
        )

    def _facts_of(self, orders: Sequence[OpenOrder], bids: dict[bytes, list[ReceivedBid]], now: int) -> ChainFacts:
        bidders = {(entry.order.asset, bid.bid.provider) for entry in orders for bid in bids[entry.digest]}
        requesters = {(entry.order.asset, entry.order.requester) for entry in orders}
        return self._facts.snapshot(
            nonces={(entry.order.requester, entry.order.nonce) for entry in orders},
            models={entry.order.model_id for entry in orders},
            balances=bidders | requesters,
            providers={provider for _, provider in bidders},
            now=now,
        )

    def _bids(self, digests: Sequence[bytes], now: int) -> dict[bytes, list[ReceivedBid]]:
        """Bids whose signature is the provider's or its operator's, by order."""
        found: dict[bytes, list[ReceivedBid]] = {digest: [] for digest in digests}
        for envelope in self._pools.bids(digests):
            bids = found.get(envelope.bid.order_digest)
            signer = None if bids is None else self._bid_signer(envelope, now)
            if bids is not None and signer is not None:
                bids.append(ReceivedBid(envelope.bid, envelope.signature, signer, envelope.membership))
        return found

    def _bid_signer(self, envelope: BidEnvelope, now: int) -> bytes | None:
        digest = envelope.bid.digest(self._reader.domain)
        return self._facts.duty_signer(envelope.bid.provider, digest, envelope.signature, now)

    def _profiles(self, envelopes: Sequence[ProfileEnvelope], now: int) -> list[ProviderProfile]:
        """Signed profiles, with what the chain says of their providers."""
        loads = self._events.loads()
        found: dict[bytes, ProviderProfile] = {}
        for envelope in envelopes:
            provider = envelope.profile.provider
            digest = envelope.profile.digest(self._reader.domain)
            if self._facts.duty_signer(provider, digest, envelope.signature, now) is None:
                continue
            standing = self._facts.reputation(provider, now), self._facts.stake(provider, now)
            profile = read_profile(envelope, *standing, loads.get(provider, 0))
            if profile is not None and profile.expires_at > found.get(provider, _NO_PROFILE).expires_at:
                found[provider] = profile
        return list(found.values())

    def _ask(self, asks: Sequence[AskProvider], now: int) -> None:
        """Publish asks; each is recorded first, so that a crash asks once too little, not twice.

        Errors: PoolError (no pool answered).
        """
        if not asks:
            return
        self._orders.record_asks([(ask.order_digest, ask.provider) for ask in asks], now)
        for ask in asks:
            if self._sign is None:
                self.metrics.acted("ask", "told")
                _log.info("would ask", provider=ask.provider.hex(), order=ask.order_digest.hex())
                continue
            message = Ask(self._account, ask.provider, ask.order_digest, ask.expires_at)
            envelope = AskEnvelope(message, self._sign(message.digest(self._reader.domain)))
            self.metrics.acted("ask", "sent" if self._publish(envelope) else "refused")

    def _publish(self, envelope: AskEnvelope) -> bool:
        """Publish an ask; False if every pool refused it, which must not keep the others from being asked."""
        try:
            self._pools.ask(envelope)
        except PoolsExhausted as error:
            if not all(isinstance(failure, PoolRefused) for failure in error.failures):
                raise
            _log.warning("ask refused", order=envelope.ask.order_digest.hex(), reason=str(error))
            return False
        return True

    def _bring(self, plan: BringMatch, state: MatcherState, now: int) -> None:
        """Read the parties afresh, check the plan again, and bring it."""
        order = plan.order.order
        nonce = (order.requester, order.nonce)
        accounts = [order.requester, *(offer.bid.provider for offer in plan.offers)]
        self._facts.forget_money(order.asset, accounts, nonce)
        facts = self._facts_of([plan.order], {plan.order.digest: list(plan.offers)}, now)
        now = max(now, self._reader.now())
        if not still_allowed(plan, replace(state, facts=facts), now):
            self.metrics.acted(MATCH, "withdrawn")
            return
        offers = [Offer(offer.bid, offer.signature, offer.membership) for offer in plan.offers]

        def send(writer: MarketWriter, key: str) -> Intent:
            return writer.match(key, order, plan.order.signature, offers)

        outcome = self._actor.act(
            MATCH,
            plan.order.digest,
            self._version(plan.order.digest),
            send,
            lambda: self._reader.nonce_used(*nonce),
            now,
            providers=[offer.bid.provider.hex() for offer in plan.offers],
        )
        if outcome is DutyState.FAILED:
            doubts = self._doubts.setdefault(plan.order.digest, {})
            for offer in plan.offers:
                doubts[offer.bid.provider] = doubts.get(offer.bid.provider, 0) + 1

    def _version(self, digest: bytes) -> int:
        """How many matches of an order were refused: each refusal leads to other bids, and to a key of its own."""
        return min(sum(self._doubts.get(digest, {}).values()), MOST_REFUSALS)

    def _is_matched(self, duty: Duty, envelopes: dict[bytes, OrderEnvelope]) -> bool:
        envelope = envelopes.get(duty.subject)
        if envelope is not None:
            return self._reader.nonce_used(envelope.order.requester, envelope.order.nonce)
        return duty.subject in self._events.unfinished()


_NO_PROFILE = ProviderProfile(bytes(32), {})


def no_requirements(_envelope: OrderEnvelope) -> None:
    """Requirements are not read: providers check them themselves before they bid."""
